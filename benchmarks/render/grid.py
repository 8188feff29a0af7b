"""A table as the paper lays it out: text for every place of the grid, whatever the format it ends in."""

from dataclasses import dataclass

import pandas as pd

from benchmarks import paper
from benchmarks.artefacts import Table

DASH = "-"


@dataclass(frozen=True)
class Entry:
    """One place of the grid: our value and the paper's as text, '' for ours where there is none yet.

    ``delta`` is the difference, NaN where ours is missing.
    """

    ours: str
    paper: str
    delta: float


@dataclass(frozen=True)
class Grid:
    """A table ready to be set: ``groups`` pairs the first part of row names with their rows.

    A row is its remaining name (or '' where the table has one row header) and an entry a column, None for a dash.
    """

    table: Table
    header: tuple[str, ...]
    groups: tuple[tuple[str, tuple[tuple[str, tuple[Entry | None, ...]], ...]], ...]
    caption: str
    note: str


def make_grid(table: Table, frame: pd.DataFrame, note: str) -> Grid:
    """Lay out the tidy ``frame`` of a table; ``note`` says how the numbers were made."""
    entries = {(line.row, line.column): _entry(table, line) for line in frame.itertuples()}
    groups: dict[str, list[tuple[str, tuple[Entry | None, ...]]]] = {}
    for row in table.rows:
        first, _, rest = row.partition(" | ")
        groups.setdefault(first, []).append((rest, tuple(entries.get((row, column)) for column in table.columns)))
    return Grid(
        table=table,
        header=(*table.row_header, *table.columns),
        groups=tuple((first, tuple(rows)) for first, rows in groups.items()),
        caption=f"Table {table.id}. {table.caption}: ours, and the paper's in brackets.",
        note=note,
    )


def _entry(table: Table, line: object) -> Entry:
    row, column, mean, std, delta = (getattr(line, name) for name in ("row", "column", "mean", "std", "delta"))
    digits = paper.printed()[paper.Cell(table.id, row, column)].digits
    # Two decimals for a single AUC and three for an average, whatever zeros the paper dropped.
    decimals = max(2, len(digits.partition(".")[2]))
    ours = ""
    if pd.notna(mean):
        ours = _short(f"{mean:.{decimals}f}") + (f" ± {_short(f'{std:.{decimals}f}')}" if pd.notna(std) else "")
    return Entry(ours, _short(digits), float(delta))


def _short(number: str) -> str:
    return number.removeprefix("0") if number.startswith("0.") else number
