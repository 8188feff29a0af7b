"""A table as the paper lays it out: text for every place of the grid, whatever the format it ends in."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from benchmarks import paper
from benchmarks.paper.tables import AVERAGE, Table

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
class Column:
    """A column of the grid, and what a reader must know of its numbers, '' for nothing.

    ``width`` says how the latent width was chosen, ``variant`` which data sets are not the complete official ones.
    """

    name: str
    width: str = ""
    variant: str = ""
    is_average: bool = False

    @property
    def note(self) -> str:
        """Both, in a line."""
        return "; ".join(filter(None, (self.width, self.variant)))

    @property
    def text(self) -> str:
        """Name and note in one line."""
        return f"{self.name} ({self.note})" if self.note else self.name


Row = tuple[tuple[str, ...], tuple[Entry | None, ...]]


@dataclass(frozen=True)
class Grid:
    """A table ready to be set.

    ``groups`` are the blocks of rows that the paper rules off. A row is its labels, one for each of
    ``row_header`` ('' where it is the same as above), and an entry a column, None for a dash.
    """

    row_header: tuple[str, ...]
    columns: tuple[Column, ...]
    groups: tuple[tuple[Row, ...], ...]
    caption: str
    note: str


def make_grid(table: Table, frame: pd.DataFrame, note: str) -> Grid:
    """Lay out the tidy ``frame`` of a table; ``note`` says how the numbers were made."""
    lines = {(line.row, line.column): line for line in frame.itertuples()}
    protocols = ("", "oracle_") if table.oracle else ("",)
    columns = tuple(_column(table, frame, name, protocol) for name in table.columns for protocol in protocols)
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        entries = tuple(
            _entry(table, lines.get((row, name)), protocol) for name in table.columns for protocol in protocols
        )
        first, *rest = row.split(" | ")
        block = groups.setdefault(first if rest else "", [])
        block.append((("" if rest and block else first, *rest), entries))
    return Grid(
        row_header=table.row_header,
        columns=columns,
        groups=tuple(tuple(rows) for rows in groups.values()),
        caption=f"Table {table.id}. {table.caption}: ours, and the paper's in brackets.",
        note=note,
    )


def _column(table: Table, frame: pd.DataFrame, name: str, protocol: str) -> Column:
    variants = frame.loc[frame["column"] == name, "data_variant"]
    variant = "; ".join(sorted({part for text in variants for part in text.split("; ")} - {""}))
    width = ("oracle width" if protocol else "fixed width") if table.oracle else ""
    return Column(name, width, variant, is_average=name == AVERAGE)


def _entry(table: Table, line: Any, protocol: str) -> Entry | None:
    """The entry of a tidy row under a protocol: '' for the fixed latent width, ``oracle_`` for the best."""
    if line is None or (protocol and not line.latent_dim):
        return None
    mean, std, delta = (getattr(line, f"{protocol}{name}") for name in ("mean", "std", "delta"))
    digits = _digits(table, line)
    # Two decimals for a single AUC and three for an average, whatever zeros the paper dropped.
    decimals = min(4, max(2, len(digits.partition(".")[2])))
    ours = ""
    if pd.notna(mean):
        ours = _short(f"{mean:.{decimals}f}") + (f" ± {_short(f'{std:.{decimals}f}')}" if pd.notna(std) else "")
    return Entry(ours, _short(digits), float(delta))


def _digits(table: Table, line: Any) -> str:
    printed_row = next(c.printed_row for c in table.cells if (c.row, c.column) == (line.row, line.column))
    return paper.printed()[paper.Cell(table.id, printed_row, line.column)].digits


def _short(number: str) -> str:
    return number.removeprefix("0") if number.startswith("0.") else number
