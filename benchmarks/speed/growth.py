"""The growth of time with the amount of work: a straight line through each series of times, and the plot of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns

from benchmarks.files import write_text, written_whole
from benchmarks.report.style import COLOURS, HAIRLINE, MARKERS, SIDE, Page, styled

_WIDTH, _PANE_HEIGHT = 7.2, 1.6  # inches
_LEFT, _GAP, _ABOVE, _BELOW = 0.45, 0.4, 0.25, 0.4
_DIGITS = {"seconds": 3, "fitted": 3, "r_squared": 4, "largest_deviation": 4}


def with_lines(points: pd.DataFrame) -> pd.DataFrame:
    """Add the least-squares line through the points of each quantity.

    ``points`` has the columns ``quantity``, ``amount`` and ``seconds``. Added are ``fitted``, the seconds of the line;
    ``r_squared``, the share of the variance that it explains; and ``largest_deviation``, the largest distance of a
    point from the line, as a share of the line's seconds.
    """
    return pd.concat(_with_line(series) for _, series in points.groupby("quantity", sort=False))


def _with_line(series: pd.DataFrame) -> pd.DataFrame:
    seconds = series["seconds"]
    fitted = np.polyval(np.polyfit(series["amount"], seconds, 1), series["amount"])
    r_squared = 1 - np.var(seconds - fitted) / np.var(seconds)
    return series.assign(fitted=fitted, r_squared=r_squared, largest_deviation=np.abs(seconds / fitted - 1).max())


def draw(lines: pd.DataFrame, note: str) -> Page:
    """Draw a pane for each quantity of ``with_lines``: its points and the line through them."""
    page = Page(_WIDTH, _ABOVE + _PANE_HEIGHT + _BELOW, "Time grows linearly with the work", note)
    panes = lines.groupby("quantity", sort=False)
    width = (_WIDTH - _LEFT - SIDE - _GAP * (len(panes) - 1)) / len(panes)
    for i, (quantity, series) in enumerate(panes):
        axes = page.axes(_LEFT + i * (width + _GAP), _ABOVE, width, _PANE_HEIGHT)
        dots, line = {"s": 16, "alpha": 1, "zorder": 2}, {"color": HAIRLINE, "linewidth": 1, "zorder": 1}
        look = {"color": COLOURS[i], "marker": MARKERS[i], "scatter_kws": dots, "line_kws": line}
        sns.regplot(series, x="amount", y="seconds", ci=None, ax=axes, **look)
        axes.set(
            title=f"$R^2$ = {series['r_squared'].iloc[0]:.4f}",
            xlabel=quantity,
            xticks=series["amount"],
            ylabel="" if i else "seconds",
        )
        axes.set_ylim(bottom=0)
    return page


def publish(lines: pd.DataFrame, note: str, root: Path) -> None:
    """Write ``results/published/speed_growth.csv`` and ``reports/published/speed_growth.png`` under ``root``."""
    text = lines.round(_DIGITS).to_csv(index=False)
    write_text(root / "results" / "published" / "speed_growth.csv", text)
    with written_whole(root / "reports" / "published" / "speed_growth.png") as path, styled():
        draw(lines, note).save(path, text)
