"""The figure of AUC over latent width: what the paper's choice of a width by test AUC is worth to each model."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Self

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from benchmarks.engine.profiles import has_latent_layer
from benchmarks.paper.own_rows import with_rows
from benchmarks.paper.tables import Cell, Need, Table, table
from benchmarks.registry import MODELS
from benchmarks.report.figures.base import Figure
from benchmarks.report.style import COLOURS, MARKERS, SIDE, Page
from benchmarks.report.tidy import RecordLookup, measured

_COLUMNS = ("row", "column", "latent_dim", "is_fixed", "mean", "std", "n_seeds", "data_variant")
_PANES_A_ROW = 4
_WIDTH, _PANE_HEIGHT = 7.2, 1.35  # inches
_LEFT, _GAP, _ABOVE, _BELOW, _KEY = 0.45, 0.18, 0.3, 0.3, 0.35


@dataclass(frozen=True)
class Widths(Figure):
    """Mean AUC of every row of some tables that has a latent layer, at every width of the grid."""

    tables: tuple[Table, ...]

    def with_models(self, models: Iterable[tuple[str, bool]]) -> Self:
        """Give the models their rows in the tables."""
        found = list(models)
        return replace(self, tables=tuple(with_rows(one, found) for one in self.tables))

    @property
    def cells(self) -> list[Cell]:
        """The cells of models with a latent layer."""
        cells = chain.from_iterable(one.cells for one in self.tables)
        return [cell for cell in cells if has_latent_layer(MODELS[cell.measurements[0].model])]

    @property
    def needs(self) -> tuple[Need, ...]:
        """A part for each cell."""
        return tuple(Need(f"{cell.row} / {cell.column}", cell.measurements) for cell in self.cells)

    def points(self, lookup: RecordLookup) -> pd.DataFrame:
        """Return a row for each cell and width.

        Columns: ``row, column, latent_dim, is_fixed, mean, std, n_seeds, data_variant``. ``is_fixed`` tells the width
        that was chosen beforehand; the rest is as in the CSV of a table. A width without all its runs has no row.
        """
        rows = []
        for cell in self.cells:
            fixed, *_ = widths = lookup.widths(cell.measurements[0])
            found = {width: measured(cell.measurements, lookup, width) for width in widths}
            for width, at_width in sorted((width or 0, one) for width, one in found.items() if one.values):
                numbers = (width == fixed, at_width.mean, at_width.std, len(at_width.values))
                rows.append((cell.row, cell.column, width, *numbers, "; ".join(sorted(at_width.variants))))
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    def draw(self, frame: pd.DataFrame, note: str) -> Page:
        """Draw a pane for each row of the tables and a line for each column; bars are the deviation over seeds."""
        panes = list(dict.fromkeys(cell.row for cell in self.cells))
        columns = list(dict.fromkeys(cell.column for cell in self.cells))
        row_height = _ABOVE + _PANE_HEIGHT + _BELOW
        page = Page(_WIDTH, _KEY + row_height * -(-len(panes) // _PANES_A_ROW), self.title, note)
        key = [_line(place, label=name) for place, name in enumerate(columns)]
        key.append(Line2D([], [], linestyle="", marker="o", markersize=4, color="black", label="chosen beforehand"))
        left_corner = (SIDE / _WIDTH, 1 - page.top / page.height)
        page.figure.legend(handles=key, loc="upper left", bbox_to_anchor=left_corner, ncols=len(key))
        width = (_WIDTH - _LEFT - SIDE - _GAP * (_PANES_A_ROW - 1)) / _PANES_A_ROW
        low = np.floor(10 * frame["mean"].min()) / 10 if len(frame) else 0
        ticks = sorted({int(latent_dim) for latent_dim in frame["latent_dim"]})
        for place, name in enumerate(panes):
            row, column = divmod(place, _PANES_A_ROW)
            axes = page.axes(_LEFT + column * (width + _GAP), _KEY + row * row_height + _ABOVE, width, _PANE_HEIGHT)
            self._draw_pane(axes, frame[frame["row"] == name], columns)
            axes.set_title(name, loc="left")
            axes.set(ylim=(low, 1.0), ylabel="" if column else "AUC")
            axes.set_xscale("log", base=2)
            axes.set_xticks(ticks, [str(tick) for tick in ticks])
            axes.minorticks_off()
            if ticks:
                axes.set_xlim(ticks[0] / 1.3, 1.3 * ticks[-1])
            axes.tick_params(labelleft=not column)
            if place + _PANES_A_ROW >= len(panes):
                axes.set_xlabel("latent width")
        return page

    def _draw_pane(self, axes: Axes, frame: pd.DataFrame, columns: list[str]) -> None:
        for place, name in enumerate(columns):
            found = frame[frame["column"] == name]
            line = _line(place)
            axes.add_line(line)
            line.set_data(found["latent_dim"], found["mean"])
            axes.vlines(found["latent_dim"], found["mean"] - found["std"], found["mean"] + found["std"],
                        color=COLOURS[place], linewidth=0.6)  # fmt: skip
            fixed = found[found["is_fixed"].astype(bool)]  # of no rows it would be no mask
            axes.plot(
                fixed["latent_dim"],
                fixed["mean"],
                linestyle="",
                marker=MARKERS[place],
                markersize=4,
                color=COLOURS[place],
            )


def _line(place: int, label: str = "") -> Line2D:
    colour = COLOURS[place]
    return Line2D(
        [], [], color=colour, linewidth=0.9, marker=MARKERS[place], markersize=4, markerfacecolor="white", label=label
    )


_CAPTION = "Mean AUC over latent width, for each model and column of Tables 1 and 2"
FIGURES = (Widths("widths", _CAPTION, (table("1"), table("2")), oracle=True),)
