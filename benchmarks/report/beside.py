"""A detector of your own beside all others: its rank in each column of Tables 1 to 3, and paired differences.

A row that lacks some of its records is compared on the tasks that are there, and has no rank.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.engine.plan import Plan
from benchmarks.files import write_text
from benchmarks.paper.tables import Table
from benchmarks.report.document import DASH, short, signed
from benchmarks.report.ranking import Pair, RankedRow, by_rank, paired, ranked_rows
from benchmarks.report.tidy import RecordLookup, seeds_text

_COLUMNS = (
    *("table", "column", "own", "rank", "row", "mean", "paper"),
    *("better_on", "n_tasks", "seeds", "difference", "ci_low", "ci_high"),
)
_Compared = tuple[int | None, RankedRow, Pair | None]  # with its rank


def write_beside(plan: Plan, lookup: RecordLookup) -> list[Path]:
    """Print how each detector of your own stands in each column, write ``beside.csv``, and return its path.

    Raises ``UnavailableError`` when the file cannot be written.
    """
    own, lines = {source.name for source in plan.request.own}, []
    for table in (one for one in plan.request.tables if len(one.row_header) == 1):
        for column in table.columns:
            rows = ranked_rows(table, column, lookup)
            for row in (one for one in rows if one.cell.measurements[0].model in own and one.records):
                found = list(_compared(row, rows))
                print(*_text(table, column, row, found), "", sep="\n")
                lines += [_line(table, column, row, one) for one in found]
    path = plan.request.results_dir / "beside.csv"
    write_text(path, pd.DataFrame(lines, columns=list(_COLUMNS)).to_csv(index=False, lineterminator="\n"))
    return [path]


def _compared(own: RankedRow, rows: list[RankedRow]) -> Iterator[_Compared]:
    """Give every row with its rank, the best first and those without one last, and its comparison with your own."""
    ranked = by_rank(rows)
    places: list[tuple[int | None, RankedRow]] = list(enumerate(ranked, start=1))
    places += [(None, row) for row in rows if row not in ranked]
    for rank, row in places:
        yield rank, row, None if row is own else paired(own, row)


def _text(table: Table, column: str, own: RankedRow, found: list[_Compared]) -> Iterator[str]:
    name = own.cell.row
    ranks = {row.cell.row: rank for rank, row, _ in found if rank is not None}
    place = f"rank {ranks[name]} of {len(ranks)}" if name in ranks else "no rank, since some of its records are missing"
    seeds = sorted({seed for _, seed in own.records})
    yield f"Table {table.id}, {column}: {name} {_short(own.mean)}, {place} ({seeds_text(seeds)})"
    longest = max(len(row.cell.row) for _, row, _ in found)
    for rank, row, pair in found:
        if pair is not None or row is own:
            compared = "" if pair is None else f"  {name} is {_compared_text(row, pair)}"
            yield f"  {rank or DASH:>3}  {_short(row.mean):>5}  {row.cell.row:<{longest}}{compared}".rstrip()
    if not any(pair for _, _, pair in found):
        yield "  Nothing to compare with: were the records that it is set beside made with this profile and these data?"
    if lacking := [row.cell.row for _, row, pair in found if pair is None and row is not own]:
        yield f"  No record of {'; '.join(lacking)}."


def _compared_text(other: RankedRow, pair: Pair) -> str:
    value, low, high = (signed(number, 3) for number in (pair.found.value, pair.found.low, pair.found.high))
    return f"better than {other.cell.row} on {pair.better} of {pair.n_tasks} tasks, {value} [{low}, {high}]"


def _short(mean: float) -> str:
    return DASH if np.isnan(mean) else short(mean, 3)


def _line(table: Table, column: str, own: RankedRow, one: _Compared) -> tuple[object, ...]:
    rank, row, pair = one
    printed = table.printed(row.cell)
    line = (table.id, column, own.cell.row, rank or "", row.cell.row, row.mean, printed.value if printed else np.nan)
    if pair is None:
        return (*line, "", "", "", np.nan, np.nan, np.nan)
    seeds = " ".join(map(str, pair.seeds))
    return (*line, pair.better, pair.n_tasks, seeds, pair.found.value, pair.found.low, pair.found.high)
