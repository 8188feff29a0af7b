"""Rows of one column of a table by mean AUC, and paired differences of two of them with their intervals.

A difference is the mean over tasks of AUC against AUC on the same task with the same seed; its 95 % interval is that of
the ledger (``benchmarks.claims.intervals``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.claims.evidence import mean_and_variance
from benchmarks.claims.intervals import Estimate, Sample, estimate
from benchmarks.engine.records import Record
from benchmarks.paper.claims import TaskKey
from benchmarks.paper.tables import Cell, Table
from benchmarks.report.tidy import RecordLookup

_Place = tuple[TaskKey, int]  # task and seed


@dataclass(frozen=True, eq=False)
class RankedRow:
    """A row of a column: the records of its tasks and seeds, as far as they are there."""

    cell: Cell
    records: Mapping[_Place, Record]

    @cached_property
    def numbers(self) -> dict[_Place, tuple[float, float]]:
        """AUC and its variance over test images, by task and seed."""
        of_tasks = {(one.task.dataset, one.task.normal): one for one in self.cell.measurements}
        return {place: mean_and_variance(record, of_tasks[place[0]]) for place, record in self.records.items()}

    @cached_property
    def seeds(self) -> list[int]:
        """The seeds of which every task is there."""
        wanted = {(one.task.dataset, one.task.normal) for one in self.cell.measurements}
        return [seed for seed in sorted({seed for _, seed in self.records}) if wanted <= self._tasks(seed)]

    def _tasks(self, seed: int) -> set[TaskKey]:
        return {key for key, own in self.records if own == seed}

    @cached_property
    def estimate(self) -> Estimate:
        """The mean over tasks and the seeds that are whole, with its interval, all NaN for none."""
        if not self.seeds:
            return Estimate(np.nan, n=0)
        return _over([(self, 1)], sorted(self._tasks(self.seeds[0])), self.seeds)[0]

    @property
    def mean(self) -> float:
        """The value of its estimate."""
        return self.estimate.value


@dataclass(frozen=True)
class Pair:
    """One row against another: the differences on tasks that both have, and on how many the first is better."""

    n_tasks: int
    better: int
    seeds: tuple[int, ...]
    found: Estimate


def ranked_rows(table: Table, column: str, lookup: RecordLookup) -> list[RankedRow]:
    """Return the rows of a column in the order of the table, at the latent width chosen beforehand."""
    rows = []
    for cell in (one for one in table.cells if one.column == column):
        records = {}
        for one in cell.measurements:
            for seed in lookup.seeds:
                if record := lookup.record(one, seed, None):
                    records[(one.task.dataset, one.task.normal), seed] = record
        rows.append(RankedRow(cell, records))
    return rows


def by_rank(rows: Iterable[RankedRow]) -> list[RankedRow]:
    """Return the rows that have all tasks of a seed, the highest mean first."""
    return sorted((row for row in rows if row.seeds), key=lambda row: -row.mean)


def paired(own: RankedRow, other: RankedRow) -> Pair | None:
    """Compare two rows on the tasks that both have, with every seed of which all of these are there; None for none."""
    common = own.records.keys() & other.records.keys()
    seeds, keys = sorted({seed for _, seed in common}), sorted({key for key, _ in common})
    whole = [seed for seed in seeds if all((key, seed) in common for key in keys)]
    if seeds and not whole:  # the seed with the most tasks
        whole = [max(seeds, key=lambda seed: sum((key, seed) in common for key in keys))]
        keys = [key for key in keys if (key, whole[0]) in common]
    if not keys:
        return None
    found, differences = _over([(own, 1), (other, -1)], keys, whole)
    return Pair(len(keys), int((differences > 0).sum()), tuple(whole), found)


def _over(
    sides: Sequence[tuple[RankedRow, int]], keys: Sequence[TaskKey], seeds: Sequence[int]
) -> tuple[Estimate, np.ndarray]:
    """Return the estimate of the signed sum of some rows over tasks and seeds, and its mean over seeds, (tasks,)."""
    values, variances = np.zeros((2, len(keys), len(seeds)))
    for i, key in enumerate(keys):
        for j, seed in enumerate(seeds):
            for row, sign in sides:
                auc, variance = row.numbers[key, seed]
                values[i, j] += sign * auc
                variances[i, j] += variance
    return estimate([(Sample(tuple(keys), values, variances, terms=len(sides)),)]), values.mean(axis=1)
