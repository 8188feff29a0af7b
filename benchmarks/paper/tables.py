"""The paper's tables as data: which runs fill which cell."""

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from benchmarks.data import CLASS_NAMES
from benchmarks.errors import CallError, unknown
from benchmarks.paper import tasks
from benchmarks.paper.printed import Value, printed
from benchmarks.paper.tasks import CLASSES, SPLITS, Negatives, Task

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

    ``printed_row`` is the row that the printed number stands in: ``row`` itself, unless ours has a name of its own, and
    '' for a row that the paper lacks. ``part`` is the line of text that its row stands under, '' for most.
    """

    row: str
    column: str
    measurements: tuple[Measurement, ...]
    printed_row: str
    part: str = ""


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

    @property
    def parts(self) -> dict[str, list[str]]:
        """The rows that the paper lacks, by the line of text that they stand under."""
        parts: dict[str, dict[str, None]] = {}
        for cell in self.cells:
            if cell.part:
                parts.setdefault(cell.part, {})[cell.row] = None
        return {part: list(rows) for part, rows in parts.items()}

    def printed(self, cell: Cell) -> Value | None:
        """Return the number that the paper prints for a cell, None for one that it lacks."""
        return printed().get((self.id, cell.printed_row, cell.column))


class Row(NamedTuple):
    """A row of Tables 1 and 2: its name, the model, the way to decide, and the printed row that it stands beside.

    ``extra`` is as for ``Measurement``. ``printed`` is '' for a row that the paper lacks, ``table`` the only table that
    has the row, '' for both. ``part`` is as for ``Cell``.
    """

    name: str
    model: str
    extra: str = ""
    printed: str = ""
    table: str = ""
    part: str = ""


def _as_printed(name: str, table_id: str = "") -> Row:
    return Row(name, name.removeprefix("Sup. ").removesuffix(" (N=4)"), printed=name, table=table_id)


def table(name: str) -> Table:
    """Return the table of an id such as ``4`` or ``A1``. Raises ``CallError`` for an unknown one."""
    for known in TABLES:
        if known.id.lower() == name.lower():
            return known
    raise CallError(unknown("table made here", name, [known.id for known in TABLES]))


# No rival of the paper learns from negatives. These do, from those that LIS-AE has.
SAME_NEGATIVES = "With the same negatives, not in the paper"
SEEING = ("Classifier", "Deep-SAD", "HSC", "ExtraTrees")

_OMNIGLOT = Negatives("omniglot")
_DATASETS = {"MNIST": "mnist", "Fashion": "fashion-mnist", "SVHN": "svhn", "CIFAR-10": "cifar10"}
_GREY, _COLOUR = ("MNIST", "Fashion"), ("SVHN", "CIFAR-10")

# Tables 1 and 2. A column is a list of tasks with LIS-AE's negatives; every model is tested on their outliers.
_COLUMNS_1 = {
    "MNIST": [tasks.against("mnist", (c,), _OMNIGLOT) for c in CLASSES],
    # The negatives are the next class, after the last the first.
    "Fashion-MNIST": [tasks.with_classes("fashion-mnist", c, ((c + 1) % 10,)) for c in CLASSES],
    "2-Class MNIST": [tasks.against("mnist", (c, c + 1), _OMNIGLOT) for c in CLASSES[::2]],
}
_COLUMNS_2 = {name: [tasks.with_classes(_DATASETS[name], c, tasks.other_split(c)) for c in CLASSES] for name in _COLOUR}
# The paper varies the length scale of OC-SVM and OC-DSVDD and takes the label. Ours are scored by their decision
# function, and each label sweep is a row of its own beside the same printed value.
_ROWS = (
    _as_printed("KDE"),
    Row("KDE, normalised", "KDE-GCN", table="2"),
    _as_printed("IF"),
    Row("IF, normalised", "IF-GCN", table="2"),
    _as_printed("OC-SVM"),
    Row("OC-SVM, label sweep", "OC-SVM", "label sweep", "OC-SVM"),
    Row("OC-SVM, consistent", "OC-SVM-C", printed="OC-SVM"),
    Row("OC-SVM, normalised", "OC-SVM-GCN", table="2"),
    _as_printed("OC-DSVDD"),
    Row("OC-DSVDD, label sweep", "OC-DSVDD", "label sweep", "OC-DSVDD"),
    *map(_as_printed, ("AnoGAN", "AnoGAN-FM", "Linear-AE", "VAE", "Mem-AE", "Sig-RepNN (N=4)")),
    Row("RepNN (N=4), no sigmoid", "RepNN"),
    *map(_as_printed, ("AE", "LIS-AE")),
    Row("LinSep-LIS-AE", "LinSep-LIS-AE", table="1"),
    *(_as_printed(name, "2") for name in ("LinSep-LIS-AE", "Sup. LIS-AE", "Sup. LinSep-LIS-AE")),
    *(Row(name, name, part=SAME_NEGATIVES) for name in SEEING),
    *(Row(f"Sup. {name}", name, table="2", part=SAME_NEGATIVES) for name in SEEING),
)


def _model_table(table_id: str, caption: str, columns: dict[str, list[Task]]) -> Table:
    cells = []
    for row in (one for one in _ROWS if one.table in ("", table_id)):
        for column, of_column in columns.items():
            found = tuple(Measurement(_task_of(row, task), row.model, task.outliers, row.extra) for task in of_column)
            cells.append(Cell(row.name, column, found, row.printed, row.part))
    return Table(table_id, caption, ("Model",), tuple(columns), tuple(cells), oracle=True)


def _task_of(row: Row, task: Task) -> Task:
    """Return a column's task as the model of a row sees it."""
    if row.name.startswith("Sup. "):
        return tasks.supervised(task.dataset, *task.normal)
    has_negatives = row.model.endswith("LIS-AE") or row.part == SAME_NEGATIVES
    return task if has_negatives else tasks.without_negatives(task.dataset, *task.normal)


# Table 3: LIS-AE with the negatives of every data set, tested on the rest of the split.
_ROWS_3 = {"None": _DATASETS, "Omni": _GREY, "MNIST": _GREY, "Fashion": _GREY, "SVHN": _COLOUR, "CIFAR-10": _COLOUR,
           "Same (Sup.)": _DATASETS}  # fmt: skip


def _task_3(row: str, column: str, positive: int) -> Task:
    dataset = _DATASETS[column]
    if row == "None":
        return tasks.without_negatives(dataset, positive)
    if row == "Same (Sup.)":
        return tasks.supervised(dataset, positive)
    if row == column:
        return tasks.with_classes(dataset, positive, tasks.other_split(positive))
    return tasks.against(dataset, (positive,), _OMNIGLOT if row == "Omni" else Negatives(_DATASETS[row]))


def _negatives_table() -> Table:
    rows = [(name, name, "AE" if name == "None" else "LIS-AE", "") for name in _ROWS_3]
    rows += [(f"{model}, {name}", name, model, SAME_NEGATIVES) for model in SEEING for name in list(_ROWS_3)[1:]]
    cells = []
    for row, negatives, model, part in rows:
        for column in _ROWS_3[negatives]:
            trained = ((_task_3(negatives, column, c), tasks.rest_of_split(c)) for c in CLASSES)
            measurements = tuple(Measurement(task, model, outliers) for task, outliers in trained)
            cells.append(Cell(row, column, measurements, "" if part else row, part))
    caption = "Mean AUC of 10 tasks of each data set, LIS-AE trained with different negatives"
    return Table("3", caption, ("Negative Data",), tuple(_DATASETS), tuple(cells), oracle=True)


def _class_table(table_id: str, model: str, of: str, positives: tuple[int, ...]) -> Table:
    """Lay out single classes of CIFAR-10: the eight settings of Section 5.2, and a column for each outlier class."""
    names = CLASS_NAMES["cifar10"]
    own, other = tasks.own_split(positives[0]), tasks.other_split(positives[0])
    negatives: dict[str, tuple[int, ...]] = {f"{names[c]} {c}": (c,) for c in other}
    negatives[f"Comb. ({other[0]}-{other[-1]})"] = other
    cells = []
    for positive in positives:
        settings = {"None": tasks.without_negatives("cifar10", positive)}
        settings |= {name: tasks.with_classes("cifar10", positive, classes) for name, classes in negatives.items()}
        settings[f"Sup. ({own[0]}-{own[-1]})"] = tasks.supervised("cifar10", positive)
        for negative, task in settings.items():
            row, trained = f"{names[positive]} | {negative}", "AE" if negative == "None" else model
            cells += [Cell(row, names[o], (Measurement(task, trained, (o,)),), row) for o in task.outliers]
            cells.append(Cell(row, AVERAGE, (Measurement(task, trained, task.outliers),), row))
    caption = f"AUC of {model} trained on individual positive and negative classes of {of}"
    columns = (*(names[c] for c in own), AVERAGE)
    return Table(table_id, caption, ("Positive Class", "Negative Class"), columns, tuple(cells))


_MEAN_1 = "Mean AUC of 10 tasks of MNIST, 10 of Fashion-MNIST and 5 two-class tasks of MNIST"
_CAR, _DEER = 1, 4
TABLES = (
    _model_table("1", _MEAN_1, _COLUMNS_1),
    _model_table("2", "Mean AUC of 10 tasks of SVHN and 10 of CIFAR-10", _COLUMNS_2),
    _negatives_table(),
    _class_table("4", "LIS-AE", "CIFAR-10", (_CAR, _DEER)),
    _class_table("5", "LinSep-LIS-AE", "CIFAR-10", (_CAR, _DEER)),
    _class_table("A1", "LIS-AE", "the first split of CIFAR-10", SPLITS[0]),
    _class_table("A2", "LIS-AE", "the second split of CIFAR-10", SPLITS[1]),
    _class_table("A3", "LinSep-LIS-AE", "the first split of CIFAR-10", SPLITS[0]),
    _class_table("A4", "LinSep-LIS-AE", "the second split of CIFAR-10", SPLITS[1]),
)
