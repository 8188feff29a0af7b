"""Ours beside the printed numbers: the map of differences, and the scatter of every cell."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from benchmarks.paper.figures import Comparison, Difference, Scatter
from benchmarks.paper.tables import AVERAGE, Table
from benchmarks.report.style import COLOURS, FAINT, HAIRLINE, INK, MARKERS, SIDE, TINT_LEGEND, Page, tint
from benchmarks.report.tidy import RecordLookup, tidy

_COLUMNS = ("row", "column", "paper", "mean", "std", "n_seeds", "delta", "data_variant")
_LABELS, _CELL, _ROW, _HEAD, _BETWEEN = 1.02, 0.285, 0.14, 0.42, 0.15  # inches, of the map
_PANE, _LEFT, _GAP, _ABOVE, _BELOW = 2.9, 0.5, 0.35, 0.25, 0.75  # inches, of the scatter
_PANES = {
    "Tables 1 to 3: means over tasks": ("1", "2", "3"),
    "Tables 4, A1, A2: LIS-AE": ("4", "A1", "A2"),
    "Tables 5, A3, A4: LinSep-LIS-AE": ("5", "A3", "A4"),
}


def points(figure: Comparison, lookup: RecordLookup) -> pd.DataFrame:
    """One row a cell: ``table``, and what the table's own CSV says of it at the fixed latent width."""
    frames = [tidy(table, lookup)[list(_COLUMNS)].assign(table=table.id) for table in figure.tables]
    return pd.concat(frames, ignore_index=True)[["table", *_COLUMNS]]


def draw_difference(figure: Difference, frame: pd.DataFrame, note: str) -> Page:
    """Draw a map a table, side by side; each difference is printed in its cell."""
    widths = [_LABELS + _CELL * len(table.columns) for table in figure.tables]
    body = _HEAD + _ROW * max(len(table.rows) for table in figure.tables)
    text = f"{TINT_LEGEND} Hatched: missing. Slips of the paper count as printed. {note}"
    page = Page(2 * SIDE + sum(widths) + _BETWEEN * (len(widths) - 1), body, figure.title, text)
    for place, table in enumerate(figure.tables):
        axes = page.axes(SIDE + sum(widths[:place]) + _BETWEEN * place, 0, widths[place], body)
        axes.set(xlim=(0, widths[place]), ylim=(body, 0))
        axes.axis("off")
        _draw_map(axes, table, frame[frame["table"] == table.id])
    return page


def _draw_map(axes: Axes, table: Table, frame: pd.DataFrame) -> None:
    """Draw one table in inches from its top left corner."""
    deltas = dict(zip(zip(frame["row"], frame["column"], strict=True), frame["delta"], strict=True))
    axes.text(0.05, 0.12, f"Table {table.id}", fontsize=8, weight="bold", va="center")
    for column, name in enumerate(table.columns):
        middle = _LABELS + (column + 0.5) * _CELL
        axes.text(middle, _HEAD - 0.08, name, fontsize=5.5, ha="center", va="center", weight="bold")
    shown = ""
    for row, name in enumerate(table.rows):
        y = _HEAD + row * _ROW
        positive, negative = name.split(" | ")
        if positive != shown:
            axes.plot((0.05, _LABELS + len(table.columns) * _CELL), (y, y), color=FAINT, linewidth=0.5, zorder=3)
            axes.text(0.05, y + _ROW / 2, positive, fontsize=5.5, va="center", weight="bold")
            shown = positive
        axes.text(_LABELS - 0.05, y + _ROW / 2, negative, fontsize=5.5, ha="right", va="center")
        for column, outlier in enumerate(table.columns):
            if (name, outlier) not in deltas:
                continue  # the positive class itself
            x, delta = _LABELS + column * _CELL, deltas[name, outlier]
            if np.isnan(delta):
                axes.add_patch(
                    Rectangle((x, y), _CELL, _ROW, fill=False, hatch="////", edgecolor=HAIRLINE, linewidth=0)
                )
                continue
            axes.add_patch(Rectangle((x, y), _CELL, _ROW, facecolor=tint(delta), linewidth=0))
            signed = f"{delta:+.2f}" if abs(delta) >= 0.005 else "0.00"
            number = signed.replace("0.", ".").replace("-", "\N{MINUS SIGN}")
            weight = "bold" if outlier == AVERAGE else "normal"
            axes.text(x + _CELL / 2, y + _ROW / 2, number, fontsize=5, ha="center", va="center", weight=weight)


def draw_scatter(figure: Scatter, frame: pd.DataFrame, note: str) -> Page:
    """Draw three panes of tables of a kind, on equal axes; bars are the standard deviation over several seeds."""
    width = _LEFT + len(_PANES) * (_PANE + _GAP) - _GAP + SIDE
    page = Page(width, _ABOVE + _PANE + _BELOW, figure.title, note)
    low = np.floor(10 * min(frame["paper"].min(), frame["mean"].min())) / 10
    for place, (title, tables) in enumerate(_PANES.items()):
        axes = page.axes(_LEFT + place * (_PANE + _GAP), _ABOVE, _PANE, _PANE)
        pane = frame[frame["table"].isin(tables)].dropna(subset=["mean"])
        axes.set(xlim=(low, 1), ylim=(low, 1), xlabel="AUC in the paper", aspect="equal")
        axes.set_title(title, loc="left")
        axes.plot((low, 1), (low, 1), color=INK, linewidth=0.6, zorder=0)
        for i, table in enumerate(tables):
            _draw_points(axes, pane[pane["table"] == table], i, f"Table {table}")
        axes.legend(loc="upper left", handletextpad=0.3)
        below = f"{len(pane)} of {int(frame['table'].isin(tables).sum())} cells"
        if len(pane) > 1:
            correlation = np.corrcoef(pane["paper"], pane["mean"])[0, 1]
            below += f", mean difference {pane['delta'].mean():+.3f}, correlation {correlation:.2f}"
        page.write(_LEFT + place * (_PANE + _GAP), page.top + _ABOVE + _PANE + 0.62, below, color=FAINT, fontsize=6.5)
    bars = " (bars: standard deviation over seeds)" if frame["std"].notna().any() else ""
    page.figure.axes[0].set_ylabel(f"AUC, ours{bars}")
    return page


def _draw_points(axes: Axes, frame: pd.DataFrame, place: int, label: str) -> None:
    axes.errorbar(
        frame["paper"],
        frame["mean"],
        yerr=frame["std"] if frame["std"].notna().any() else None,
        fmt=MARKERS[place],
        color=COLOURS[place],
        markersize=2.8,
        markerfacecolor="none",
        markeredgewidth=0.6,
        elinewidth=0.4,
        label=label,
        zorder=3 - place / 10,  # Tables 4 and 5 are parts of A1 and A3, and would be hidden behind them
    )
