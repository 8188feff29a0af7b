"""The paper's claims as data: ``claims.toml`` read, and the cells of tables that its claims speak of."""

import json
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.paper.tables import AVERAGE, TABLES, Cell, Measurement, Table

TaskKey = tuple[str, tuple[int, ...]]  # data set and normal classes


class SelectedCell(NamedTuple):
    """A cell's measurement, and the number that the paper prints for the cell: NaN where it prints none."""

    measurement: Measurement
    printed: float


@dataclass(frozen=True)
class Selection:
    """Cells of tables by task, under the profile's settings or under changed ones (see ``claims.toml``)."""

    text: str
    cells: Mapping[TaskKey, tuple[SelectedCell, ...]]
    changes: tuple[Mapping[str, Any], ...]  # of settings of the profile; of several, the value is the range over them

    def measurements(self, keys: Iterable[TaskKey]) -> list[Measurement]:
        """Return the measurements of the cells of some tasks."""
        return [cell.measurement for key in keys for cell in self.cells[key]]


Sides = Sequence[tuple[int, Selection]]  # with their signs


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, and what decides it; the fields are explained at the top of ``claims.toml``."""

    id: str
    section: str
    claim: str
    kind: str
    direction: str = "above"
    margin: float = 0.0
    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    each: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    measure: str = "auc"
    limit: float = 0.0
    paired: bool = True
    check: str = ""

    @property
    def cases(self) -> list[dict[str, str]]:
        """The values of the {names} in selections: one case for each place of the lists of ``each``."""
        cases = [dict(zip(self.each, values, strict=True)) for values in zip(*self.each.values(), strict=True)]
        return cases or [{}]

    def sides(self, case: Mapping[str, str]) -> Sides:
        """Return the selections of a case with their signs. Raises ValueError for one that names no cell."""
        signed = [(1, text) for text in self.plus] + [(-1, text) for text in self.minus]
        return [(sign, select(text.format(**case))) for sign, text in signed]

    @property
    def statistic(self) -> str:
        """In words, what is computed and what is claimed of it."""
        measure = {
            "auc": "AUC",
            "curve": "share of operating points where the first curve is higher, of those where they differ",
            "detected": "share of outliers detected at 5 % false alarms",
            "restarts": "trainings begun again after a collapse",
        }[self.measure]
        sides = " - ".join(" + ".join(f"[{text}]" for text in texts) for texts in (self.plus, self.minus) if texts)
        of = f"{'paired ' if self.minus and self.paired else ''}{measure}, {sides}"
        what = {
            "check": self.check,
            "mean": f"mean over tasks of the {of}",
            "every": f"for each case, mean over tasks of the {of}",
            "share": f"share of {'tasks and cases' if self.paired else 'cases'} above {self.limit:g}: {of}",
        }[self.kind]
        cases = "; ".join(", ".join(case.values()) for case in self.cases if case)
        return f"{what}{f', for {cases}' if cases else ''}; claimed: {self.direction} {self.margin:g}"


@cache
def claims() -> tuple[Claim, ...]:
    """Return every claim, in the order of ``claims.toml``."""
    sets = _file()["sets"]
    found = []
    for fields in _file()["claim"]:
        each = {name: tuple(sets[of] if isinstance(of, str) else of) for name, of in fields.get("each", {}).items()}
        sides = {name: tuple(fields.get(name, ())) for name in ("plus", "minus")}
        found.append(Claim(**fields | sides | {"each": each}))
    return tuple(found)


def studied() -> list[tuple[Measurement, Mapping[str, Any]]]:
    """Return what no table needs: measurements under settings that differ from the profile's, and those settings."""
    found = {
        (measurement, tuple(change.items())): (measurement, change)
        for claim in claims()
        for case in claim.cases
        for _, selection in claim.sides(case)
        for change in selection.changes
        if change
        for measurement in selection.measurements(selection.cells)
    }
    return list(found.values())


@cache
def select(text: str) -> Selection:
    """Find the cells of a selection. Raises ValueError for one that names no cell, or a sweep that is not there."""
    cells, _, change = text.partition(" @ ")
    table_id, row, column, *single = cells.split(" / ")
    classes = [(int(one),) for one in single[0].split(",")] if single else None
    found: dict[TaskKey, dict[SelectedCell, None]] = defaultdict(dict)
    for table in TABLES:
        for cell in table.cells if fnmatchcase(table.id, table_id) else ():
            # A wildcard stands for rows of the paper alone, so that a row of ours changes none of its claims.
            is_meant = cell.row == row or (cell.row == cell.printed_row and fnmatchcase(cell.row, row))
            if is_meant and fnmatchcase(cell.column, column):
                for one in cell.measurements if classes is None else _of(classes, cell.measurements):
                    selected = SelectedCell(one, printed_number(table, cell))
                    found[one.task.dataset, one.task.normal][selected] = None
    if not found:
        raise ValueError(f"no cell of the tables is selected by {cells!r}.")
    return Selection(text, {key: tuple(of_task) for key, of_task in found.items()}, _changes(change))


def common_keys(sides: Sides) -> list[TaskKey]:
    """Return the tasks that all sides have. Raises ValueError where there is none."""
    keys = [key for key in sides[0][1].cells if all(key in selection.cells for _, selection in sides)]
    if not keys:
        raise ValueError(f"{', '.join(selection.text for _, selection in sides)} have no task in common.")
    return keys


def printed_number(table: Table, cell: Cell) -> float:
    """Return the number that the paper prints for a cell of a table, NaN where it prints none.

    An average is that of the numbers printed in its row, since many printed averages are slips.
    """
    cells = [cell]
    if cell.column == AVERAGE:
        cells = [one for one in table.cells if one.row == cell.row and one.column != AVERAGE] or cells
    found = [table.printed(one) for one in cells]
    return float(np.mean([number.value if number else np.nan for number in found]))


def _of(classes: Collection[tuple[int, ...]], measurements: Iterable[Measurement]) -> list[Measurement]:
    return [one for one in measurements if one.task.normal in classes]


def _changes(text: str) -> tuple[Mapping[str, Any], ...]:
    """Read the part of a selection after the @: no change, settings with their values, or the values of a sweep."""
    if "=" in text or not text:
        pairs = (one.split("=") for one in text.split(", ") if one)
        return ({setting: json.loads(value) for setting, value in pairs},)
    if text not in _file()["sweeps"]:
        raise ValueError(f"there is no sweep {text!r}.")
    sweep = _file()["sweeps"][text]
    return tuple({sweep["setting"]: value} for value in sweep["values"])


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "claims.toml").read_text(encoding="utf-8"))
