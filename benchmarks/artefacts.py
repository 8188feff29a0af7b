"""The paper's tables as data: which runs fill which cell, under the names that the paper prints."""

from dataclasses import dataclass

from benchmarks.data import CLASS_NAMES
from benchmarks.errors import CallError, unknown
from benchmarks.tasks import SPLITS, Task, other_split, own_split, supervised, with_classes, without_negatives

AVERAGE = "Avg."


@dataclass(frozen=True)
class Term:
    """The mean AUC of a model on a task over some of its outlier classes, each scored on its own."""

    task: Task
    model: str
    outliers: tuple[int, ...]


@dataclass(frozen=True)
class Cell:
    """A printed number and what it is the mean of; row and column as the paper prints them."""

    row: str
    column: str
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    A row's name has a part for each of ``row_header``, joined by `` | ``. A row and column without a cell is a
    dash in the paper.
    """

    id: str
    caption: str
    row_header: tuple[str, ...]
    cells: tuple[Cell, ...]

    @property
    def rows(self) -> list[str]:
        """Row names, in the paper's order."""
        return list(dict.fromkeys(cell.row for cell in self.cells))

    @property
    def columns(self) -> list[str]:
        """Column names in the paper's order."""
        names = {cell.column for cell in self.cells}
        return [*(name for name in CLASS_NAMES["cifar10"] if name in names), AVERAGE]


def table(name: str) -> Table:
    """Give the table of an id such as ``4`` or ``A1``. Raises ``CallError`` for an unknown one."""
    for known in TABLES:
        if known.id.lower() == name.lower():
            return known
    raise CallError(unknown("table made here", name, [known.id for known in TABLES]))


def _class_table(table_id: str, caption: str, model: str, positives: tuple[int, ...]) -> Table:
    """One of the tables of CIFAR-10 classes: eight rows a positive class, a column an outlier class."""
    cells = []
    for positive in positives:
        for negative, task in _settings(positive):
            row = f"{CLASS_NAMES['cifar10'][positive]} | {negative}"
            trained = "AE" if task.negatives is None else model
            cells += [Cell(row, CLASS_NAMES["cifar10"][o], (Term(task, trained, (o,)),)) for o in task.outliers]
            cells.append(Cell(row, AVERAGE, (Term(task, trained, task.outliers),)))
    return Table(table_id, caption, ("Positive Class", "Negative Class"), tuple(cells))


def _settings(positive: int) -> list[tuple[str, Task]]:
    """The eight settings of Section 5.2 under their printed names."""
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
