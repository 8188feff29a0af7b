"""A grid as a picture, tinted by how far ours is from the paper's."""

import textwrap
from pathlib import Path

from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchmarks.render.grid import DASH, Grid

_ROW, _LABEL, _COLUMN = 0.21, 1.05, 1.0  # inches
_TOP, _BOTTOM, _SIDE = 0.62, 0.62, 0.15
_INK, _FAINT = "#1a1a1a", "#4d4d4d"
# Orange below and purple above print: told apart with any colour vision. Differences beyond 0.3 are tinted
# alike, and the ends of the map, too dark to print on, are not used.
_TINTS, _FULL_TINT, _SHARE_OF_MAP = colormaps["PuOr"], 0.3, 0.45
_LEGEND = "Purple: ours is higher than the paper's; orange: lower."


def save_picture(grid: Grid, path: Path) -> None:
    """Draw the grid as the paper sets it and write a PNG of 200 dots an inch."""
    names, columns = len(grid.table.row_header), len(grid.table.columns)
    n_rows = 1 + sum(len(rows) for _, rows in grid.groups)
    width = 2 * _SIDE + names * _LABEL + columns * _COLUMN
    height = _TOP + n_rows * _ROW + _BOTTOM
    figure = Figure(figsize=(width, height), dpi=200)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")

    left, right = _SIDE, width - _SIDE
    first_column = left + names * _LABEL
    average = right - _COLUMN  # the paper sets the averages apart

    def rule(y: float, weight: float) -> None:
        axes.plot((left, right), (y, y), color=_INK, linewidth=weight, solid_capstyle="butt")

    axes.text(left, 0.14, textwrap.fill(grid.caption, int(width * 12)), va="top", fontsize=9, weight="bold", color=_INK)
    y = _TOP
    rule(y, 1.1)
    for position, name in enumerate(grid.header):
        x = left + position * _LABEL if position < names else first_column + (position - names + 0.5) * _COLUMN
        side = "left" if position < names else "center"
        axes.text(x, y + _ROW / 2, name, ha=side, va="center", fontsize=8, weight="bold", color=_INK)
    y += _ROW
    for group, rows in grid.groups:
        rule(y, 0.6)
        for position, (rest, entries) in enumerate(rows):
            middle = y + _ROW / 2
            if position == 0 or names == 1:
                axes.text(left, middle, group, va="center", fontsize=8, color=_INK)
            axes.text(left + _LABEL, middle, rest, va="center", fontsize=8, color=_INK)
            for column, entry in enumerate(entries):
                x = first_column + (column + 0.5) * _COLUMN
                if entry is None:
                    axes.text(x, middle, DASH, ha="center", va="center", fontsize=8, color=_FAINT)
                    continue
                if entry.ours:
                    share = max(-1.0, min(1.0, entry.delta / _FULL_TINT)) * _SHARE_OF_MAP
                    tint = _TINTS(0.5 + share / 2)
                    corner = (first_column + column * _COLUMN, y)
                    axes.add_patch(Rectangle(corner, _COLUMN, _ROW, facecolor=tint, linewidth=0))
                ours = entry.ours or "missing"
                axes.text(x, middle, f"{ours} ", ha="right", va="center", fontsize=8, color=_INK)
                axes.text(x, middle, f"  ({entry.paper})", ha="left", va="center", fontsize=7, color=_FAINT)
            y += _ROW
    rule(y, 1.1)
    axes.plot((average, average), (_TOP, y), color=_INK, linewidth=0.4)
    axes.text(
        left, y + 0.08, textwrap.fill(f"{_LEGEND} {grid.note}", int(width * 20)), va="top", fontsize=6.5, color=_FAINT
    )
    figure.savefig(path, format="png")
