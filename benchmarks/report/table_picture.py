"""A grid as a picture, tinted by how far ours is from the paper's."""

import textwrap
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchmarks.report.grid import DASH, Entry, Grid
from benchmarks.report.style import FAINT, INK, TINT_LEGEND, metadata, tint

_ROW, _COLUMN, _NOTE_LINE = 0.21, 1.0, 0.13  # inches
_CHARACTER = 0.072  # inches that a character of a label takes, about
_TOP, _BOTTOM, _SIDE = 0.62, 0.72, 0.15


def save_picture(grid: Grid, path: Path, made_from: str) -> None:
    """Draw the grid as the paper sets it and write a PNG of 200 dots an inch; ``made_from`` as in ``metadata``."""
    labels = [_label_width(grid, position) for position in range(len(grid.row_header))]
    starts = [_SIDE + sum(labels[:position]) for position in range(len(labels))]
    first_column = _SIDE + sum(labels)
    deviations = any("±" in entry.ours for rows in grid.groups for _, entries in rows for entry in entries if entry)
    column_width = _COLUMN * (1.35 if deviations else 1.1 if any(column.note for column in grid.columns) else 1)
    width = max(first_column + len(grid.columns) * column_width + _SIDE, 5.0)
    notes = [textwrap.wrap(column.note, int(column_width / _CHARACTER * 1.45)) for column in grid.columns]
    header = _ROW + max(map(len, notes)) * _NOTE_LINE
    n_rows = sum(len(rows) for rows in grid.groups)
    below = textwrap.wrap(f"{TINT_LEGEND} {grid.note}", int(width * 20))
    height = _TOP + header + n_rows * _ROW + max(_BOTTOM, 0.2 + 0.12 * len(below))
    figure = Figure(figsize=(width, height), dpi=200)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    right = first_column + len(grid.columns) * column_width

    def write(x: float, y: float, text: str, size: float = 8, colour: str = INK, **how: str) -> None:
        keywords: dict[str, Any] = {"va": "center", "fontsize": size, "color": colour} | how
        axes.text(x, y, text, **keywords)

    def rule(y: float, weight: float) -> None:
        axes.plot((_SIDE, right), (y, y), color=INK, linewidth=weight, solid_capstyle="butt")

    def draw_entry(x: float, y: float, entry: Entry | None) -> None:
        middle = y + _ROW / 2
        if entry is None:
            write(x + column_width / 2, middle, DASH, colour=FAINT, ha="center")
            return
        if entry.ours:
            axes.add_patch(Rectangle((x, y), column_width, _ROW, facecolor=tint(entry.delta), linewidth=0))
        ours_end = x + column_width * (0.66 if deviations else 0.52)
        write(ours_end, middle, f"{entry.ours or 'missing'} ", ha="right")
        write(ours_end, middle, f"  ({entry.paper})", 7, FAINT, ha="left")

    write(_SIDE, 0.14, textwrap.fill(grid.caption, int(width * 12)), 9, va="top", weight="bold")
    y = _TOP
    rule(y, 1.1)
    for start, name in zip(starts, grid.row_header, strict=True):
        write(start, y + _ROW / 2, name, ha="left", weight="bold")
    for position, (column, lines) in enumerate(zip(grid.columns, notes, strict=True)):
        middle = first_column + (position + 0.5) * column_width
        write(middle, y + _ROW / 2, column.name, ha="center", weight="bold")
        write(middle, y + _ROW - 0.01, "\n".join(lines), 6.5, FAINT, ha="center", va="top")
    y += header
    for rows in grid.groups:
        rule(y, 0.6)
        for names, entries in rows:
            for start, name in zip(starts, names, strict=True):
                write(start, y + _ROW / 2, name)
            for position, entry in enumerate(entries):
                draw_entry(first_column + position * column_width, y, entry)
            y += _ROW
    rule(y, 1.1)
    for position, column in enumerate(grid.columns):
        if column.is_average:  # the paper sets the averages apart
            x = first_column + position * column_width
            axes.plot((x, x), (_TOP, y), color=INK, linewidth=0.4)
    write(_SIDE, y + 0.08, "\n".join(below), 6.5, FAINT, va="top")
    figure.savefig(path, format="png", metadata=metadata(made_from))


def _label_width(grid: Grid, position: int) -> float:
    """Inches that the longest label of a row header takes."""
    labels = [names[position] for rows in grid.groups for names, _ in rows]
    return max(1.05, 0.2 + _CHARACTER * max(len(text) for text in (grid.row_header[position], *labels)))
