"""Searches for settings, as data: ``search.toml`` read, and the runs that it asks for."""

import itertools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.paper.tables import TABLES, Measurement
from benchmarks.paper.tasks import CLASSES, Task, other_split, validated, with_classes

FILE = Path(__file__).with_name("search.toml")


class Trial(NamedTuple):
    """A measurement under settings that may differ from the profile's, with a seed of its own."""

    measurement: Measurement
    change: Mapping[str, Any]
    seed: int

    @property
    def text(self) -> str:
        """The change in words."""
        return ", ".join(f"{name} = {value}" for name, value in self.change.items())


@dataclass(frozen=True)
class Search:
    """Combinations of settings of a model, to be compared on some tasks; see ``search.toml``."""

    name: str
    model: str
    dataset: str
    scored: str  # on "validation" or "test" images
    seeds: tuple[int, ...]
    grids: tuple[Mapping[str, Any], ...]  # of a setting, or of one of its stage after a dot: a value or several
    normal: tuple[int | tuple[int, ...], ...] = CLASSES  # of each task: a class, or the classes
    supervised: bool = False  # of reported tasks, those whose negatives are of the outlier classes

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """Every combination of the values of a grid, grid by grid."""
        found = []
        for grid in self.grids:
            values = (value if isinstance(value, tuple) else (value,) for value in grid.values())
            found += [dict(zip(grid, one, strict=True)) for one in itertools.product(*values)]
        return found

    def trials(self, change: Mapping[str, Any]) -> Iterator[Trial]:
        """Give the trials of a combination, on every task with every seed."""
        for normal in self.normal:
            for seed in self.seeds:
                yield Trial(self._measurement(normal), change, seed)

    def _measurement(self, normal: int | tuple[int, ...]) -> Measurement:
        if self.scored == "test":
            classes = normal if isinstance(normal, tuple) else (normal,)
            reported = (one for table in TABLES for one in table.measurements if one.model == self.model)
            return next(one for one in reported if self._is_of(one.task, classes))
        assert isinstance(normal, int)
        task = validated(with_classes(self.dataset, normal, other_split(normal)))
        return Measurement(task, self.model, task.outliers)

    def _is_of(self, task: Task, normal: tuple[int, ...]) -> bool:
        is_supervised = task.negatives is not None and task.negatives.classes == task.outliers
        return (task.dataset, task.normal, is_supervised) == (self.dataset, normal, self.supervised)


@cache
def searches() -> tuple[Search, ...]:
    """Return all searches, in the order of the file."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))["search"]
    return tuple(
        Search(**{name: _frozen(value) for name, value in one.items()} | {"grids": tuple(map(_flat, one["grids"]))})
        for one in tables
    )


def _flat(grid: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a grid with the settings of a stage under dotted names."""
    found: dict[str, Any] = {}
    for name, value in grid.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: _frozen(value)}
    return found


def _frozen(value: Any) -> Any:
    """Return a value of TOML with tuples for lists."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def all_trials() -> list[Trial]:
    """Return the trials of all searches."""
    return [trial for search in searches() for change in search.candidates for trial in search.trials(change)]
