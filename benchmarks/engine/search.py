"""Searches for settings, as data: ``search.toml`` read, and the runs that it asks for."""

import itertools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.paper.tables import Measurement
from benchmarks.paper.tasks import CLASSES, other_split, validated, with_classes

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
    """Combinations of settings of a model, to be compared on tasks that see no test image."""

    name: str
    model: str
    dataset: str
    seeds: tuple[int, ...]
    grid: Mapping[str, tuple[Any, ...]]  # the values of each setting, by its name; a dot leads to those of its stage
    normal: tuple[int, ...] = CLASSES

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """Every combination of the values of its settings."""
        return [dict(zip(self.grid, values, strict=True)) for values in itertools.product(*self.grid.values())]

    def trials(self, change: Mapping[str, Any]) -> Iterator[Trial]:
        """Give the trials of a combination, on every task with every seed."""
        for normal in self.normal:
            task = validated(with_classes(self.dataset, normal, other_split(normal)))
            for seed in self.seeds:
                yield Trial(Measurement(task, self.model, task.outliers), change, seed)


@cache
def searches() -> tuple[Search, ...]:
    """Return all searches, in the order of the file."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))["search"]
    return tuple(Search(**{name: _frozen(value) for name, value in one.items()}) for one in tables)


def _frozen(value: Any) -> Any:
    """Return a value of TOML with tuples for lists."""
    if isinstance(value, dict):
        return {name: _frozen(one) for name, one in value.items()}
    return tuple(value) if isinstance(value, list) else value


def all_trials() -> list[Trial]:
    """Return the trials of all searches."""
    return [trial for search in searches() for change in search.candidates for trial in search.trials(change)]
