"""The figures as data: which runs make which line, under the names that the paper prints.

Figures 3, 4 and A1 to A4 share all their runs with Tables 2 and 3. Three figures are not the paper's: ``difference``
and ``scatter`` set its printed numbers beside ours, and ``cross_section`` draws what Section 4.2 says.
"""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.data import CLASS_NAMES
from benchmarks.errors import CallError, unknown
from benchmarks.paper.section_4 import DIGIT
from benchmarks.paper.tables import TABLES, Artefact, Measurement, Need, Table
from benchmarks.paper.tables import table as table_of
from benchmarks.paper.tasks import (
    SPLITS,
    Negatives,
    Task,
    against,
    other_split,
    rest_of_split,
    supervised,
    with_classes,
    without_negatives,
)


@dataclass(frozen=True)
class Figure(Artefact):
    """A figure of the paper, or one that it lacks."""

    kind = "figure"

    @property
    def title(self) -> str:
        """Its caption, after its number if the paper has it; a figure that it lacks has a word for an id."""
        return f"Figure {self.id}. {self.caption}" if self.id[-1].isdigit() else self.caption


@dataclass(frozen=True)
class Line:
    """What one model does on one task, in one pane; the task is named after its normal class."""

    pane: str
    task: str
    measurement: Measurement

    @property
    def model(self) -> str:
        """The model, as the paper prints it."""
        return self.measurement.model

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"{self.pane} / {self.task} / {self.model}"


@dataclass(frozen=True)
class _OfLines(Figure):
    lines: tuple[Line, ...]

    @property
    def needs(self) -> tuple[Need, ...]:
        """A part a line."""
        return tuple(Need(line.name, (line.measurement,)) for line in self.lines)


@dataclass(frozen=True)
class TradeOff(_OfLines):
    """Accuracy on normal data against accuracy on anomalies as the threshold moves, a line a task and model.

    ``layout`` names the panes row by row.
    """

    layout: tuple[tuple[str, ...], ...]


INPUT = "Input"  # the row of the images themselves


@dataclass(frozen=True)
class Reconstructions(_OfLines):
    """Test images, and below them what each line's model makes of them.

    Records hold no images, so that the points of this figure are computed once and kept as its CSV. The columns are
    the first ``n_normal`` test images of the normal class and the first of each outlier class: none was chosen.
    """

    n_normal: int = 4

    @property
    def n_columns(self) -> int:
        """Columns of a pane."""
        return self.n_normal + max(len(line.measurement.outliers) for line in self.lines)


@dataclass(frozen=True)
class Linear(Figure):
    """The linear case of Section 4: made from data sets alone, in seconds, and kept as its CSV; no run is needed.

    ``task`` says which data: its normal class and its negatives. None for a figure that draws samples of its own.
    """

    task: Task | None = None


@dataclass(frozen=True)
class Comparison(Figure):
    """Ours beside the printed number for every cell of some tables."""

    tables: tuple[Table, ...]

    @property
    def needs(self) -> tuple[Need, ...]:
        """A part a table: a thousand cells by name would say less."""
        return tuple(
            Need(
                f"cells of table {one.id}",
                tuple(dict.fromkeys(measurement for part in one.needs for measurement in part.measurements)),
            )
            for one in self.tables
        )


@dataclass(frozen=True)
class Difference(Comparison):
    """Ours minus printed as a map, laid out as the tables are."""


@dataclass(frozen=True)
class Scatter(Comparison):
    """Ours against printed, a point a cell."""


def figure(name: str) -> Figure:
    """Give the figure of an id such as ``4`` or ``scatter``. Raises ``CallError`` for an unknown one."""
    for known in FIGURES:
        if known.id.lower() == name.lower():
            return known
    raise CallError(unknown("figure made here", name, [known.id for known in FIGURES]))


def _lines(
    pane: str, dataset: str, positives: tuple[int, ...], model: str, setting: Callable[[int], Task]
) -> list[Line]:
    """AE and another model on the tasks of these positive classes.

    The outliers are the four other classes of the split in every pane, as in Tables 2 and 3, so that the panes of a
    figure differ in the negatives alone.
    """
    names, lines = CLASS_NAMES[dataset], []
    for positive in positives:
        for trained, task in (("AE", without_negatives(dataset, positive)), (model, setting(positive))):
            lines.append(Line(pane, names[positive], Measurement(task, trained, rest_of_split(positive))))
    return lines


def _unsupervised(dataset: str) -> Callable[[int], Task]:
    return lambda positive: with_classes(dataset, positive, other_split(positive))


def _supervised(dataset: str) -> Callable[[int], Task]:
    return lambda positive: supervised(dataset, positive)


def _foreign(dataset: str, negatives: str) -> Callable[[int], Task]:
    return lambda positive: against(dataset, (positive,), Negatives(negatives))


_TASKS = [f"tasks {split[0]}-{split[-1]}" for split in SPLITS]


def _figure_4() -> TradeOff:
    lines = [
        line
        for tasks, positives in zip(_TASKS, SPLITS, strict=True)
        for line in _lines(tasks, "cifar10", positives, "LIS-AE", _unsupervised("cifar10"))
    ]
    caption = "Trade-off between accuracy on normal data and on anomalies, ten tasks of CIFAR-10, AE and LIS-AE"
    return TradeOff("4", caption, tuple(lines), (tuple(_TASKS),))


def _appendix(
    figure_id: str, what: str, dataset: str, model: str, variants: dict[str, Callable[[int], Task]]
) -> TradeOff:
    """A variant a column, tasks 0-4 above and 5-9 below (Appendix A.2)."""
    layout, lines = [], []
    for tasks, positives in zip(_TASKS, SPLITS, strict=True):
        layout.append(tuple(f"{tasks}, {variant}" for variant in variants))
        for pane, setting in zip(layout[-1], variants.values(), strict=True):
            lines += _lines(pane, dataset, positives, model, setting)
    caption = f"Trade-off between accuracy on normal data and on anomalies, {what}, AE and {model}"
    return TradeOff(figure_id, caption, tuple(lines), tuple(layout))


def _figure_3() -> Reconstructions:
    lines = []
    for pane, dataset, positive in (("CIFAR-10", "cifar10", 1), ("SVHN", "svhn", 0)):
        lines += _lines(pane, dataset, (positive,), "LIS-AE", _unsupervised(dataset))
    caption = "Inputs and their reconstructions by AE and LIS-AE, trained on Car of CIFAR-10 and digit 0 of SVHN"
    return Reconstructions("3", caption, tuple(lines))


FIGURES: tuple[Figure, ...] = (
    Linear(
        "2",
        "Linear AE and linear LIS-AE on digit 8 of MNIST and on what is orthogonal to it, Omniglot as negatives",
        task=against("mnist", (DIGIT,), Negatives("omniglot")),
    ),
    _figure_3(),
    _figure_4(),
    _appendix(
        "A1",
        "ten tasks of CIFAR-10",
        "cifar10",
        "LIS-AE",
        {"supervised": _supervised("cifar10"), "SVHN as negatives": _foreign("cifar10", "svhn")},
    ),
    _appendix(
        "A2",
        "ten tasks of SVHN",
        "svhn",
        "LinSep-LIS-AE",
        {"supervised": _supervised("svhn"), "unsupervised": _unsupervised("svhn")},
    ),
    _appendix(
        "A3",
        "ten tasks of MNIST",
        "mnist",
        "LIS-AE",
        {"supervised": _supervised("mnist"), "Omniglot as negatives": _foreign("mnist", "omniglot")},
    ),
    _appendix(
        "A4",
        "ten tasks of Fashion-MNIST",
        "fashion-mnist",
        "LIS-AE",
        {"supervised": _supervised("fashion-mnist"), "Omniglot as negatives": _foreign("fashion-mnist", "omniglot")},
    ),
    Linear("cross_section", "Section 4.2: where linear AE and linear LIS-AE have the same loss"),
    Difference(
        "difference",
        "AUC of Tables A1 to A4, ours minus the paper's",
        tuple(table_of(name) for name in ("A1", "A2", "A3", "A4")),
    ),
    Scatter("scatter", "AUC of every cell of every table, ours against the paper's", TABLES),
)
