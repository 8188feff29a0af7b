"""How time grows with the size of the work: short series, a straight line through each, and the plot of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.files import write_text, written_whole
from benchmarks.report.style import COLOURS, HAIRLINE, MARKERS, SIDE, Page, styled

_WIDTH, _PANE_HEIGHT = 7.2, 1.6  # inches
_LEFT, _GAP, _ABOVE, _BELOW = 0.45, 0.4, 0.25, 0.4


@dataclass(frozen=True)
class Series:
    """Seconds of work of growing amounts, (n,) twice."""

    amounts: Sequence[int]
    seconds: Sequence[float]

    @cached_property
    def fitted(self) -> NDArray[np.float64]:
        """The least-squares line at the amounts, (n,)."""
        slope, start = np.polyfit(self.amounts, self.seconds, 1)
        return start + slope * np.asarray(self.amounts)

    @property
    def r_squared(self) -> float:
        """The share of the variance of the seconds that the line explains."""
        return 1 - float(np.var(np.asarray(self.seconds) - self.fitted) / np.var(self.seconds))

    @property
    def largest_deviation(self) -> float:
        """The largest distance from the line, relative to it."""
        return float(np.abs(np.asarray(self.seconds) / self.fitted - 1).max())


def frame(series: Mapping[str, Series]) -> pd.DataFrame:
    """One row a point: ``quantity, amount, seconds, fitted, r_squared, largest_deviation``."""
    rows = [
        (
            quantity,
            amount,
            round(seconds, 3),
            round(fitted, 3),
            round(one.r_squared, 4),
            round(one.largest_deviation, 4),
        )
        for quantity, one in series.items()
        for amount, seconds, fitted in zip(one.amounts, one.seconds, one.fitted, strict=True)
    ]
    columns = ["quantity", "amount", "seconds", "fitted", "r_squared", "largest_deviation"]
    return pd.DataFrame(rows, columns=columns).round(4)


def draw(series: Mapping[str, Series], note: str) -> Page:
    """Draw the series side by side, each with its line."""
    page = Page(_WIDTH, _ABOVE + _PANE_HEIGHT + _BELOW, "Time grows linearly with the work", note)
    width = (_WIDTH - _LEFT - SIDE - _GAP * (len(series) - 1)) / len(series)
    for i, (quantity, one) in enumerate(series.items()):
        axes = page.axes(_LEFT + i * (width + _GAP), _ABOVE, width, _PANE_HEIGHT)
        ends = [one.amounts[0], one.amounts[-1]]
        axes.plot(ends, [one.fitted[0], one.fitted[-1]], color=HAIRLINE, linewidth=1)
        axes.plot(one.amounts, one.seconds, MARKERS[i], color=COLOURS[i], markersize=4)
        axes.set_title(f"$R^2$ = {one.r_squared:.4f}")
        axes.set_xlabel(quantity)
        axes.set_xticks(one.amounts)
        axes.set_ylim(bottom=0)
        if i == 0:
            axes.set_ylabel("seconds")
    return page


def publish(series: Mapping[str, Series], note: str, root: Path) -> None:
    """Write ``results/published/speed_growth.csv`` and ``reports/published/speed_growth.png`` under ``root``."""
    points = frame(series).to_csv(index=False)
    write_text(root / "results" / "published" / "speed_growth.csv", points)
    with written_whole(root / "reports" / "published" / "speed_growth.png") as path, styled():
        draw(series, note).save(path, points)
