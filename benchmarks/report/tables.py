"""Tables: laid out as parts of a report, and as files. All of it is a pure function of records."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.files import write_text, written_whole
from benchmarks.paper.tables import AVERAGE, Table
from benchmarks.report.document import DASH, MISSING, Field, Heading, Tabular, signed, trimmed, written
from benchmarks.report.style import SIDE, TINT_LEGEND, HeatMap, Page, styled, tint
from benchmarks.report.tidy import Reasons, RecordLookup, missing_texts, note, tidy

NO_RECORD = "there is no record of it"
_DPI = 200
_ROW, _COLUMN, _LETTER = 0.21, 1.1, 0.072  # inches; of a letter about


class Shown(NamedTuple):
    """A place of a table as it is shown: our value and the paper's as text, '' for one that is missing.

    ``delta`` is their difference, NaN where there is none.
    """

    ours: str
    paper: str
    delta: float = np.nan

    @property
    def text(self) -> str:
        """Ours, and the paper's in brackets."""
        return f"{self.ours or MISSING} ({self.paper})" if self.paper else self.ours or MISSING

    @property
    def difference(self) -> Field:
        """Ours minus the paper's with its sign and its tint."""
        decimals = min(3, max(2, len(self.paper.partition(".")[2])))
        return Field("") if np.isnan(self.delta) else Field(signed(self.delta, decimals), tint(self.delta))


class TableColumn(NamedTuple):
    """A column of a table at one choice of the latent width.

    ``width`` names the choice, '' in a table that has but one; ``variant`` the data sets behind the column that are
    not the complete official ones. ``places`` has one for each row.
    """

    name: str
    width: str
    variant: str
    places: tuple[Shown, ...]

    @property
    def group(self) -> str:
        """The name, and the data sets that are not the complete official ones."""
        return f"{self.name} ({self.variant})" if self.variant else self.name


def columns_of(table: Table, frame: pd.DataFrame) -> list[TableColumn]:
    """Give the columns of a table from its tidy rows; there are two of each name where oracle widths differ."""
    has_oracle = table.oracle and not set(frame["oracle_latent_dim"]) <= {"", *frame["latent_dim"]}
    protocols = {"": "fixed width", "oracle_": "oracle width"} if has_oracle else {"": ""}
    lines = {(line.row, line.column): line for line in frame.itertuples()}
    printed = {(cell.row, cell.column): value.digits for cell in table.cells if (value := table.printed(cell))}
    found = []
    for name in table.columns:
        variants = frame.loc[frame["column"] == name, "data_variant"]
        variant = "; ".join(sorted({part for text in variants for part in text.split("; ")} - {""}))
        for protocol, width in protocols.items():
            places = ((lines.get((row, name)), printed.get((row, name), "")) for row in table.rows)
            found.append(TableColumn(name, width, variant, tuple(_shown(*place, protocol) for place in places)))
    return found


def _shown(line: Any, digits: str, protocol: str) -> Shown:
    """Show a tidy row under a protocol: '' for the fixed latent width, ``oracle_`` for the best."""
    if line is None or (protocol and not line.latent_dim):
        return Shown(DASH, "")  # no such cell, or a model without the choice of a width
    mean, std, delta = (getattr(line, f"{protocol}{name}") for name in ("mean", "std", "delta"))
    # Two decimals for a single AUC and three for an average, whatever zeros the paper dropped.
    decimals = min(4, max(2, len(digits.partition(".")[2]))) if digits else 3
    numbers = [trimmed(f"{number:.{decimals}f}") for number in (mean, std) if pd.notna(number)]
    return Shown(" ± ".join(numbers), trimmed(digits), float(delta))


def side_by_side(table: Table, frame: pd.DataFrame, notes: Sequence[str] = (), command: str = "") -> Tabular:
    """Lay out the tidy rows of a table as the paper does, the paper's number in brackets behind ours."""
    columns = []
    for one in columns_of(table, frame):
        heading = Heading(one.width, group=one.group) if one.width else Heading(one.group)
        columns.append((heading, [Field(shown.text, shown.difference.colour) for shown in one.places]))
    end = ": ours, and the paper's in brackets." if frame["paper"].notna().any() else "."
    return _tabular(table, table.title + end, columns, notes, command)


def in_columns(
    table: Table, frame: pd.DataFrame, reasons: Mapping[str, str], notes: Sequence[str], command: str
) -> Tabular:
    """Lay out the tidy rows of a table with a column each for the paper's number, for ours and for the difference.

    ``reasons`` says why needs of the table are missing, by their names.
    """
    is_printed = bool(frame["paper"].notna().any())
    columns = []
    for one in columns_of(table, frame):
        if is_printed and one.width != "oracle width":  # printed once for both widths
            columns.append((Heading("paper", group=one.group), [Field(shown.paper) for shown in one.places]))
        missing = [f"{MISSING} {reasons.get(f'{row} / {one.name}', f'({NO_RECORD})')}" for row in table.rows]
        ours = [Field(shown.ours or reason) for shown, reason in zip(one.places, missing, strict=True)]
        columns.append((Heading(f"ours, {one.width}" if one.width else "ours", group=one.group), ours))
        if is_printed:
            columns.append((Heading("diff.", group=one.group), [shown.difference for shown in one.places]))
    return _tabular(table, table.title, columns, notes, command)


def _tabular(
    table: Table, caption: str, columns: list[tuple[Heading, list[Field]]], notes: Sequence[str], command: str
) -> Tabular:
    """Put columns beside the labels of the rows, with a dash in every empty field."""
    headings = [*(Heading(name, "label") for name in table.row_header), *(heading for heading, _ in columns)]
    rows = [
        (*map(Field, name.split(" | ")), *(fields[row] if fields[row].text else Field(DASH) for _, fields in columns))
        for row, name in enumerate(table.rows)
    ]
    parts = {table.rows.index(of_part[0]): part for part, of_part in table.parts.items()}
    return Tabular(f"table-{table.id}", caption, tuple(headings), tuple(rows), tuple(notes), command, parts)


def draw_table(table: Table, frame: pd.DataFrame, below: str) -> Page:
    """Draw the tidy rows of a table as the paper sets it, tinted by how far ours is from the paper's."""
    block, columns = side_by_side(table, frame), columns_of(table, frame)
    texts = [[field.text for field in row[len(table.row_header) :]] for row in block.rows]
    width = _COLUMN * (1.35 if any("±" in text for row in texts for text in row) else 1)
    letters = int(1.5 * width / _LETTER)
    small = [textwrap.wrap("; ".join(filter(None, (one.width, one.variant))), letters) for one in columns]
    labels = [row.split(" | ") for row in table.rows]
    longest = [max(map(len, names)) for names in zip(table.row_header, *labels, strict=True)]
    differences = [[one.places[row].delta for one in columns] for row in range(len(labels))]
    for place, part in sorted(block.parts.items(), reverse=True):  # a line of text is a row of its own
        labels.insert(place, [part])
        texts.insert(place, [""] * len(columns))
        differences.insert(place, [np.nan] * len(columns))
    heat_map = HeatMap(
        heads=[(one.name, lines) for one, lines in zip(columns, small, strict=True)],
        labels=labels,
        texts=texts,
        differences=np.array(differences),
        place=(width, _ROW),
        labels_width=[max(1.05, 0.2 + _LETTER * count) for count in longest],
        size=8,
        lines=[row + before for before, row in enumerate(sorted(block.parts))],
    )
    page = Page(max(2 * SIDE + heat_map.width, 5.0), heat_map.height, block.caption, below)
    axes = heat_map.draw(page, SIDE)
    for i, name in enumerate(table.row_header):
        x = SIDE + sum(heat_map.labels_width[:i])
        page.write(x, page.top + _ROW / 2, name, fontsize=8, weight="bold", va="center")
    for row, weight in ((-heat_map.head / _ROW, 1.1), (0, 0.6), (len(labels), 1.1)):
        heat_map.rule(axes, row, weight)
    if columns[-1].name == AVERAGE:  # the paper sets the averages apart
        axes.axvline(len(columns) - 1, color="black", linewidth=0.4)
    return page


def write_table(
    table: Table, lookup: RecordLookup, *, command: str, reasons: Reasons, results_dir: Path, reports_dir: Path
) -> list[Path]:
    """Write ``<results_dir>/table_<id>.csv`` and, in ``reports_dir``, Markdown, LaTeX and PNG; return the paths.

    A cell without all its records stays empty; the notes below the table give the reasons, and the command.
    Raises ``UnavailableError`` when a file cannot be written.
    """
    frame = tidy(table, lookup)
    block = side_by_side(table, frame, (note(table, lookup), *missing_texts(reasons)), command)
    csv, stem = results_dir / f"table_{table.id}.csv", reports_dir / f"table_{table.id}"
    markdown, latex, png = (stem.with_suffix(suffix) for suffix in (".md", ".tex", ".png"))
    text = frame.to_csv(index=False, lineterminator="\n")
    write_text(csv, text)
    write_text(markdown, written(block, "md"))
    write_text(latex, written(block, "tex"))
    with styled(), written_whole(png) as temporary:
        draw_table(table, frame, f"{TINT_LEGEND} {note(table, lookup, command, reasons)}").save(temporary, text, _DPI)
    return [csv, markdown, latex, png]
