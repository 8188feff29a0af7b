"""Ours beside the printed numbers: the map of differences, and the scatter of every cell."""

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from benchmarks.paper.tables import AVERAGE, TABLES, Need, Table, table
from benchmarks.report.document import DASH, signed
from benchmarks.report.figures.base import Figure
from benchmarks.report.style import COLOURS, FAINT, INK, MARKERS, SIDE, TINT_LEGEND, HeatMap, Page
from benchmarks.report.tidy import RecordLookup, tidy

_COLUMNS = ("row", "column", "paper", "mean", "std", "n_seeds", "delta", "data_variant")
_LABELS, _PLACE, _HEAD, _BETWEEN = (0.42, 0.6), (0.285, 0.14), 0.25, 0.15  # inches, of the map
_PANE, _LEFT, _GAP, _ABOVE, _BELOW = 2.9, 0.5, 0.35, 0.25, 0.75  # inches, of the scatter
_PANES = {
    "Tables 1 to 3: means over tasks": ("1", "2", "3"),
    "Tables 4, A1, A2: LIS-AE": ("4", "A1", "A2"),
    "Tables 5, A3, A4: LinSep-LIS-AE": ("5", "A3", "A4"),
}


@dataclass(frozen=True)
class Comparison(Figure):
    """Ours beside the printed number for every cell of some tables that has one."""

    tables: tuple[Table, ...]

    @property
    def needs(self) -> tuple[Need, ...]:
        """A part for each table: a thousand cells by name would say less."""
        parts = [
            (one, [m for cell in one.cells if one.printed(cell) for m in cell.measurements]) for one in self.tables
        ]
        return tuple(Need(f"cells of table {one.id}", tuple(dict.fromkeys(found))) for one, found in parts if found)

    def points(self, lookup: RecordLookup) -> pd.DataFrame:
        """Return a row for each cell: ``table``, and what the table's own CSV says at the fixed latent width."""
        frames = [tidy(one, lookup)[list(_COLUMNS)].assign(table=one.id) for one in self.tables]
        printed = [frame.dropna(subset=["paper"]) for frame in frames]
        return pd.concat([frame for frame in printed if len(frame)], ignore_index=True)[["table", *_COLUMNS]]


@dataclass(frozen=True)
class Difference(Comparison):
    """Ours minus printed as a map, laid out as the tables are."""

    def draw(self, frame: pd.DataFrame, note: str) -> Page:
        """Draw a map for each table, side by side; each difference is printed in its place."""
        maps = [_map_of(one, frame[frame["table"] == one.id]) for one in self.tables]
        text = f"{TINT_LEGEND} A dash: missing. Slips of the paper count as printed. {note}"
        lefts = list(accumulate((one.width + _BETWEEN for one in maps), initial=SIDE))
        page = Page(lefts[-1] - _BETWEEN + SIDE, _HEAD + max(one.height for one in maps), self.title, text)
        for each, heat_map, left in zip(self.tables, maps, lefts, strict=False):
            page.write(left, page.top + 0.12, f"Table {each.id}", fontsize=8, weight="bold", va="center")
            axes = heat_map.draw(page, left, _HEAD)
            for written in axes.texts:
                if written.get_position()[0] > each.columns.index(AVERAGE):
                    written.set_fontweight("bold")
        return page


def _map_of(one: Table, frame: pd.DataFrame) -> HeatMap:
    places = frame.set_index(["row", "column"])["delta"].to_dict()
    deltas = [[places.get((row, column)) for column in one.columns] for row in one.rows]
    texts = [["" if d is None else DASH if np.isnan(d) else signed(d, 2) for d in row] for row in deltas]
    return HeatMap(
        [(column, ()) for column in one.columns], [row.split(" | ") for row in one.rows], texts,
        np.array(deltas, dtype=float), place=_PLACE, labels_width=_LABELS, size=5.2,
    )  # fmt: skip


@dataclass(frozen=True)
class Scatter(Comparison):
    """Ours against printed, a point for each cell."""

    def draw(self, frame: pd.DataFrame, note: str) -> Page:
        """Draw three panes of tables of a kind, on equal axes; bars are the standard deviation over several seeds."""
        width = _LEFT + len(_PANES) * (_PANE + _GAP) - _GAP + SIDE
        page = Page(width, _ABOVE + _PANE + _BELOW, self.title, note)
        low = np.floor(10 * min(frame["paper"].min(), frame["mean"].min())) / 10
        for place, (title, tables) in enumerate(_PANES.items()):
            left = _LEFT + place * (_PANE + _GAP)
            axes = page.axes(left, _ABOVE, _PANE, _PANE)
            pane = frame[frame["table"].isin(tables)].dropna(subset=["mean"])
            axes.plot((low, 1), (low, 1), color=INK, linewidth=0.6, zorder=0)
            if len(pane):
                _draw_points(axes, pane, tables)
            axes.set(xlim=(low, 1), ylim=(low, 1), xlabel="AUC in the paper", ylabel="", aspect="equal")
            axes.set_title(title, loc="left")
            below = f"{len(pane)} of {int(frame['table'].isin(tables).sum())} cells"
            if len(pane) > 1:
                correlation = np.corrcoef(pane["paper"], pane["mean"])[0, 1]
                below += f", mean difference {pane['delta'].mean():+.3f}, correlation {correlation:.2f}"
            page.write(left, page.top + _ABOVE + _PANE + 0.62, below, color=FAINT, fontsize=6.5)
        bars = " (bars: standard deviation over seeds)" if frame["std"].notna().any() else ""
        page.figure.axes[0].set_ylabel(f"AUC, ours{bars}")
        return page


def _draw_points(axes: Axes, frame: pd.DataFrame, tables: tuple[str, ...]) -> None:
    """Draw the first of the tables last: Tables 4 and 5 are parts of A1 and A3, and would be hidden behind them."""
    colours, markers = (dict(zip(tables, of, strict=False)) for of in (COLOURS, MARKERS))
    low, high = frame["mean"] - frame["std"], frame["mean"] + frame["std"]
    axes.vlines(frame["paper"], low, high, color=frame["table"].map(colours).to_list(), linewidth=0.4)
    sns.scatterplot(
        frame.iloc[::-1], x="paper", y="mean", hue="table", hue_order=tables, palette=colours, style="table",
        style_order=tables, markers=markers, s=9, ax=axes,
    )  # fmt: skip
    points = axes.collections[-1]
    points.set(edgecolor=points.get_facecolor(), facecolor="none", linewidth=0.6)  # hollow: many lie upon others
    handles, names = axes.get_legend_handles_labels()
    for handle, name in zip(handles, names, strict=True):
        handle.set(markerfacecolor="none", markeredgecolor=colours[name], markeredgewidth=0.6, markersize=3)
    axes.legend(handles, [f"Table {name}" for name in names], loc="upper left", handletextpad=0.3)


_MAPPED = tuple(map(table, ("A1", "A2", "A3", "A4")))
FIGURES = (
    Difference("difference", "AUC of Tables A1 to A4, ours minus the paper's", _MAPPED),
    Scatter("scatter", "AUC of every cell of every table, ours against the paper's", TABLES),
)
