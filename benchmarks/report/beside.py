"""A detector of your own beside all others: its rank in each column, and paired differences with their intervals.

A difference is the mean over tasks of AUC against AUC on the same task with the same seed; its 95 % interval is that of
the ledger (``benchmarks.claims.intervals``). A row that lacks some of its records is compared on the tasks that are
there, and has no rank.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.claims.evidence import mean_and_variance
from benchmarks.claims.intervals import Estimate, Sample, estimate
from benchmarks.engine.plan import Plan
from benchmarks.files import write_text
from benchmarks.paper.claims import TaskKey
from benchmarks.paper.tables import Cell, Table
from benchmarks.report.document import DASH, short, signed
from benchmarks.report.tidy import RecordLookup, seeds_text

_Numbers = Mapping[tuple[TaskKey, int], tuple[float, float]]  # AUC and its variance, by task and seed


@dataclass(frozen=True)
class _Row:
    """A row of a column: its measured AUCs, and how many tasks it has with all of them."""

    cell: Cell
    numbers: _Numbers

    @cached_property
    def mean(self) -> float:
        """The mean over the seeds of which every task is there, NaN for none."""
        tasks, seeds = len(self.cell.measurements), sorted({seed for _, seed in self.numbers})
        of_seeds = [[auc for (_, own), (auc, _) in self.numbers.items() if own == seed] for seed in seeds]
        whole = [np.mean(aucs) for aucs in of_seeds if len(aucs) == tasks]
        return float(np.mean(whole)) if whole else np.nan


@dataclass(frozen=True)
class _Pair:
    """Your row against another: the differences on common tasks."""

    n_tasks: int
    better: int
    seeds: tuple[int, ...]
    found: Estimate

    @property
    def text(self) -> str:
        value, low, high = (signed(number, 3) for number in (self.found.value, self.found.low, self.found.high))
        return f"on {self.better} of {self.n_tasks} tasks, {value} [{low}, {high}]"


_Compared = tuple[int | None, _Row, _Pair | None]  # with its rank


def write_beside(plan: Plan, lookup: RecordLookup) -> list[Path]:
    """Print how each detector of your own stands in each column of Tables 1 to 3, and write ``beside.csv``.

    Raises ``UnavailableError`` when the file cannot be written.
    """
    own, lines = {source.name for source in plan.request.own}, []
    for table in (one for one in plan.request.tables if len(one.row_header) == 1):
        for column in table.columns:
            rows = _rows(table, column, lookup)
            for row in (one for one in rows if one.cell.measurements[0].model in own and one.numbers):
                found = list(_compared(row, rows))
                print(*_text(table, column, row, found), "", sep="\n")
                lines += [_line(table, column, row, one) for one in found]
    path = plan.request.results_dir / "beside.csv"
    write_text(path, pd.DataFrame(lines, columns=list(_COLUMNS)).to_csv(index=False, lineterminator="\n"))
    return [path]


_COLUMNS = (
    *("table", "column", "own", "rank", "row", "mean", "paper"),
    *("better_on", "n_tasks", "seeds", "difference", "ci_low", "ci_high"),
)


def _rows(table: Table, column: str, lookup: RecordLookup) -> list[_Row]:
    rows = []
    for cell in (one for one in table.cells if one.column == column):
        numbers = {}
        for one in cell.measurements:
            for seed in lookup.seeds:
                if record := lookup.record(one, seed, None):
                    numbers[(one.task.dataset, one.task.normal), seed] = mean_and_variance(record, one)
        rows.append(_Row(cell, numbers))
    return rows


def _compared(own: _Row, rows: list[_Row]) -> Iterator[_Compared]:
    """Give every row with its rank, the best first and those without one last, and its comparison with your own."""
    ranked = sorted((one for one in rows if not np.isnan(one.mean)), key=lambda one: -one.mean)
    for rank, row in enumerate(ranked, start=1):
        yield rank, row, None if row is own else _pair(own, row)
    for row in rows:
        if np.isnan(row.mean):
            yield None, row, None if row is own else _pair(own, row)


def _pair(own: _Row, other: _Row) -> _Pair | None:
    """Compare two rows on the tasks that both have; with all seeds of which every such task is there."""
    common = own.numbers.keys() & other.numbers.keys()
    keys = sorted({key for key, _ in common})
    seeds = sorted({seed for _, seed in common})
    whole = [seed for seed in seeds if all((key, seed) in common for key in keys)]
    if seeds and not whole:  # the seed with the most tasks
        whole = [max(seeds, key=lambda seed: sum((key, seed) in common for key in keys))]
        keys = [key for key in keys if (key, whole[0]) in common]
    if not keys:
        return None
    values, variances = np.empty((2, len(keys), len(whole)))
    for i, key in enumerate(keys):
        for j, seed in enumerate(whole):
            (ours, our_variance), (theirs, their_variance) = own.numbers[key, seed], other.numbers[key, seed]
            values[i, j], variances[i, j] = ours - theirs, our_variance + their_variance
    found = estimate([(Sample(tuple(keys), values, variances, terms=2),)])
    return _Pair(len(keys), int((values.mean(axis=1) > 0).sum()), tuple(whole), found)


def _text(table: Table, column: str, own: _Row, found: list[_Compared]) -> Iterator[str]:
    name = own.cell.row
    ranks = {row.cell.row: rank for rank, row, _ in found if rank is not None}
    place = f"rank {ranks[name]} of {len(ranks)}" if name in ranks else "no rank, since some of its records are missing"
    seeds = sorted({seed for _, seed in own.numbers})
    yield f"Table {table.id}, {column}: {name} {_short(own.mean)}, {place} ({seeds_text(seeds)})"
    longest = max(len(row.cell.row) for _, row, _ in found)
    for rank, row, pair in found:
        if pair is not None or row is own:
            compared = "" if pair is None else f"  {name} is better {pair.text}"
            yield f"  {rank or DASH:>3}  {_short(row.mean):>5}  {row.cell.row:<{longest}}{compared}".rstrip()
    if lacking := [row.cell.row for _, row, pair in found if pair is None and row is not own]:
        yield f"  No record yet: {'; '.join(lacking)}."


def _short(mean: float) -> str:
    return DASH if np.isnan(mean) else short(mean, 3)


def _line(table: Table, column: str, own: _Row, one: _Compared) -> tuple[object, ...]:
    rank, row, pair = one
    printed = table.printed(row.cell)
    line = (table.id, column, own.cell.row, rank or "", row.cell.row, row.mean, printed.value if printed else np.nan)
    if pair is None:
        return (*line, "", "", "", np.nan, np.nan, np.nan)
    seeds = " ".join(map(str, pair.seeds))
    return (*line, pair.better, pair.n_tasks, seeds, pair.found.value, pair.found.low, pair.found.high)
