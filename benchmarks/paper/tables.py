"""The paper's tables as data: which runs fill which cell, under the names that the paper prints."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from benchmarks import paper
from benchmarks.data import CLASS_NAMES
from benchmarks.errors import CallError, unknown
from benchmarks.paper.tasks import (
    CLASSES,
    SPLITS,
    Negatives,
    Task,
    against,
    other_split,
    own_split,
    rest_of_split,
    supervised,
    with_classes,
    with_next_class,
    without_negatives,
)

AVERAGE = "Avg."


@dataclass(frozen=True)
class Measurement:
    """The mean AUC of a model on a task over some of its outlier classes, each scored on its own.

    ``extra``: the AUC is that of a further way to decide that the model has, by name, and not of its score.
    """

    task: Task
    model: str
    outliers: tuple[int, ...]
    extra: str = ""


class Need(NamedTuple):
    """A part of an artefact that can be missing, under the name that messages give it, and what it is made of."""

    name: str
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True)
class Artefact:
    """A table or a figure, as far as both are planned, trained and reported alike.

    ``oracle``: beside the latent width chosen beforehand it shows the best one by test AUC, the paper's protocol.
    """

    kind: ClassVar[str]

    id: str
    caption: str
    oracle: bool = field(default=False, kw_only=True)

    @property
    def needs(self) -> tuple[Need, ...]:
        """The parts that it is made of; nothing for an artefact that no run is needed for."""
        return ()

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """The measurements of its needs, each once."""
        return tuple(dict.fromkeys(measurement for need in self.needs for measurement in need.measurements))

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks whose data it reads."""
        return tuple(dict.fromkeys(measurement.task for measurement in self.measurements))

    @property
    def title(self) -> str:
        """Its caption after its number."""
        return f"{self.kind.capitalize()} {self.id}. {self.caption}"


@dataclass(frozen=True)
class Cell:
    """A place of a table and the measurements that its number is the mean of; row and column as the paper prints them.

    ``printed_row`` is the row that the printed number stands in: ``row`` itself, unless ours has a name of its own.
    """

    row: str
    column: str
    measurements: tuple[Measurement, ...]
    printed_row: str


@dataclass(frozen=True)
class Table(Artefact):
    """A table of the paper, or one that it lacks.

    A row's name has a part for each of ``row_header``, joined by `` | ``. A row and column without a cell is a
    dash in the paper.
    """

    kind = "table"

    row_header: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[Cell, ...]

    @property
    def needs(self) -> tuple[Need, ...]:
        """A part for each cell."""
        return tuple(Need(f"{cell.row} / {cell.column}", cell.measurements) for cell in self.cells)

    @property
    def rows(self) -> list[str]:
        """Row names, in the paper's order."""
        return list(dict.fromkeys(cell.row for cell in self.cells))

    def printed(self, cell: Cell) -> paper.Value | None:
        """Return the number that the paper prints for a cell, None for one that it lacks."""
        return paper.printed().get(paper.Place(self.id, cell.printed_row, cell.column))


def table(name: str) -> Table:
    """Return the table of an id such as ``4`` or ``A1``. Raises ``CallError`` for an unknown one."""
    for known in TABLES:
        if known.id.lower() == name.lower():
            return known
    raise CallError(unknown("table made here", name, [known.id for known in TABLES]))


# Tables 1 and 2. A column is a list of tasks with LIS-AE's negatives; every model is tested on their outliers.

_OMNIGLOT = Negatives("omniglot")
_COLUMNS_1 = {
    "MNIST": [against("mnist", (c,), _OMNIGLOT) for c in CLASSES],
    "Fashion-MNIST": [with_next_class("fashion-mnist", c) for c in CLASSES],
    "2-Class MNIST": [against("mnist", (c, c + 1), _OMNIGLOT) for c in CLASSES[::2]],
}
_COLUMNS_2 = {
    name: [with_classes(dataset, c, other_split(c)) for c in CLASSES]
    for name, dataset in (("SVHN", "svhn"), ("CIFAR-10", "cifar10"))
}


def _alone(task: Task) -> Task:
    return without_negatives(task.dataset, *task.normal)


def _shaped(task: Task) -> Task:
    return task


def _bound(task: Task) -> Task:
    return supervised(task.dataset, task.normal[0])


_ALONE = ("KDE", "IF", "OC-SVM", "OC-SVM, label sweep", "OC-DSVDD", "AnoGAN", "AnoGAN-FM", "Linear-AE", "VAE", "Mem-AE",
          "Sig-RepNN (N=4)", "AE")  # fmt: skip
_SHORTER = {"OC-SVM, label sweep": "OC-SVM", "Sig-RepNN (N=4)": "Sig-RepNN"}
_ROWS = {row: (_SHORTER.get(row, row), _alone) for row in _ALONE} | {
    "LIS-AE": ("LIS-AE", _shaped),
    "LinSep-LIS-AE": ("LinSep-LIS-AE", _shaped),
    "Sup. LIS-AE": ("LIS-AE", _bound),
    "Sup. LinSep-LIS-AE": ("LinSep-LIS-AE", _bound),
}
# The paper varies OC-SVM's length scale and takes the label. Ours is scored by its decision function, and the
# label sweep is a row of its own beside the same printed value.
_PRINTED_AS = {"OC-SVM, label sweep": "OC-SVM"}


def _model_table(table_id: str, caption: str, columns: dict[str, list[Task]], rows: Iterable[str]) -> Table:
    cells = []
    for row in rows:
        model, setting = _ROWS[row]
        for column, tasks in columns.items():
            extra = row.partition(", ")[2]
            measurements = tuple(Measurement(setting(task), model, task.outliers, extra) for task in tasks)
            cells.append(Cell(row, column, measurements, _PRINTED_AS.get(row, row)))
    return Table(table_id, caption, ("Model",), tuple(columns), tuple(cells), oracle=True)


# Table 3: LIS-AE with the negatives of every data set, tested on the rest of the split.

_COLUMNS_3 = {"MNIST": "mnist", "Fashion": "fashion-mnist", "SVHN": "svhn", "CIFAR-10": "cifar10"}
_GREY, _COLOUR = ("MNIST", "Fashion"), ("SVHN", "CIFAR-10")
_ROWS_3 = {
    "None": (*_GREY, *_COLOUR),
    "Omni": _GREY,
    "MNIST": _GREY,
    "Fashion": _GREY,
    "SVHN": _COLOUR,
    "CIFAR-10": _COLOUR,
    "Same (Sup.)": (*_GREY, *_COLOUR),
}


def _task_3(row: str, column: str, positive: int) -> Task:
    dataset = _COLUMNS_3[column]
    if row == "None":
        return without_negatives(dataset, positive)
    if row == "Omni":
        return against(dataset, (positive,), _OMNIGLOT)
    if row == "Same (Sup.)":
        return supervised(dataset, positive)
    if row == column:
        return with_classes(dataset, positive, other_split(positive))
    return against(dataset, (positive,), Negatives(_COLUMNS_3[row]))


def _negatives_table() -> Table:
    cells = []
    for row, columns in _ROWS_3.items():
        model = "AE" if row == "None" else "LIS-AE"
        for column in columns:
            measurements = tuple(Measurement(_task_3(row, column, c), model, rest_of_split(c)) for c in CLASSES)
            cells.append(Cell(row, column, measurements, row))
    caption = "Mean AUC of 10 tasks of each data set, LIS-AE trained with different negatives"
    return Table("3", caption, ("Negative Data",), tuple(_COLUMNS_3), tuple(cells), oracle=True)


# Tables 4, 5 and A1 to A4: single classes of CIFAR-10.


def _class_table(table_id: str, caption: str, model: str, positives: tuple[int, ...]) -> Table:
    """Lay out eight rows for each positive class and a column for each outlier class."""
    names = CLASS_NAMES["cifar10"]
    cells = []
    for positive in positives:
        for negative, task in _settings(positive):
            row = f"{names[positive]} | {negative}"
            trained = "AE" if task.negatives is None else model
            cells += [Cell(row, names[o], (Measurement(task, trained, (o,)),), row) for o in task.outliers]
            cells.append(Cell(row, AVERAGE, (Measurement(task, trained, task.outliers),), row))
    columns = (*(names[c] for c in own_split(positives[0])), AVERAGE)
    return Table(table_id, caption, ("Positive Class", "Negative Class"), columns, tuple(cells))


def _settings(positive: int) -> list[tuple[str, Task]]:
    """List the eight settings of Section 5.2 under their printed names."""
    own, other = own_split(positive), other_split(positive)
    single = [(f"{CLASS_NAMES['cifar10'][c]} {c}", with_classes("cifar10", positive, (c,))) for c in other]
    return [
        ("None", without_negatives("cifar10", positive)),
        *single,
        (f"Comb. ({other[0]}-{other[-1]})", with_classes("cifar10", positive, other)),
        (f"Sup. ({own[0]}-{own[-1]})", supervised("cifar10", positive)),
    ]


_CAR, _DEER = 1, 4
_INDIVIDUAL = "trained on individual positive and negative classes"
TABLES = (
    _model_table(
        "1",
        "Mean AUC of 10 tasks of MNIST, 10 of Fashion-MNIST and 5 two-class tasks of MNIST",
        _COLUMNS_1,
        list(_ROWS)[: list(_ROWS).index("LIS-AE") + 1],
    ),
    _model_table("2", "Mean AUC of 10 tasks of SVHN and 10 of CIFAR-10", _COLUMNS_2, _ROWS),
    _negatives_table(),
    _class_table("4", f"AUC of LIS-AE {_INDIVIDUAL} of CIFAR-10", "LIS-AE", (_CAR, _DEER)),
    _class_table("5", f"AUC of LinSep-LIS-AE {_INDIVIDUAL} of CIFAR-10", "LinSep-LIS-AE", (_CAR, _DEER)),
    _class_table("A1", f"AUC of LIS-AE {_INDIVIDUAL} of the first split of CIFAR-10", "LIS-AE", SPLITS[0]),
    _class_table("A2", f"AUC of LIS-AE {_INDIVIDUAL} of the second split of CIFAR-10", "LIS-AE", SPLITS[1]),
    _class_table(
        "A3", f"AUC of LinSep-LIS-AE {_INDIVIDUAL} of the first split of CIFAR-10", "LinSep-LIS-AE", SPLITS[0]
    ),
    _class_table(
        "A4", f"AUC of LinSep-LIS-AE {_INDIVIDUAL} of the second split of CIFAR-10", "LinSep-LIS-AE", SPLITS[1]
    ),
)
