"""The one style of all figures: told apart with any colour vision and in grey, at print quality.

Colour never stands alone: whatever has a colour has a marker, a dash pattern or a number of its own as well.
"""

import hashlib
import textwrap
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib import colormaps, rc_params_from_file
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.style import context
from numpy.typing import NDArray
from PIL import Image

DPI = 300
_STYLE = Path(__file__).parent / "figures.mplstyle"
_SETTINGS = rc_params_from_file(_STYLE, use_default_template=False)
INK, FAINT, HAIRLINE = _SETTINGS["text.color"], _SETTINGS["xtick.color"], "#b3b3b3"
# Okabe and Ito's colours without the yellow, which is too light for a line; a marker goes with each.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000")
MARKERS = ("o", "s", "^", "D", "v")
SIDE = 0.15  # inches left free on either side of a page

# Orange below zero and purple above. Differences beyond 0.3 are tinted alike, and the ends of the map, too dark to
# print on, are not used.
_TINTS, _FULL_TINT = colormaps["PuOr"], 0.3
_END_OF_MAP = _FULL_TINT / 0.45
TINT_LEGEND = "Purple: ours is higher than the paper's; orange: lower."

_TITLE_LINE, _NOTE_LINE = 0.155, 0.105  # inches


def tint(difference: float) -> str:
    """Return the colour of a difference of two AUCs, ours minus the paper's, such as ``#aabbcc``."""
    return to_hex(_TINTS(0.5 + np.clip(difference, -_FULL_TINT, _FULL_TINT) / (2 * _END_OF_MAP)))


def metadata(made_from: str) -> dict[str, str]:
    """Return the entry of a PNG by which a stale one is told: the digest of the text of the CSV that it shows."""
    return {"Made from CSV with SHA-256": hashlib.sha256(made_from.encode()).hexdigest()}


def drawn_from(png: Path, text: str) -> bool:
    """Tell whether a picture says of itself that it was drawn from a CSV of this text."""
    with Image.open(png) as image:
        return metadata(text).items() <= image.info.items()


class Page:
    """A figure with a title above and a note below, measured in inches from its top left corner.

    ``width`` is across, and ``body`` what the drawing takes between ``title`` and ``note`` ('' for none).
    """

    def __init__(self, width: float, body: float, title: str, note: str) -> None:
        titles = textwrap.wrap(title, int((width - 2 * SIDE) * 13))
        notes = textwrap.wrap(note, int((width - 2 * SIDE) * 23))
        self.width = width
        self.top = 0.12 + _TITLE_LINE * len(titles) + 0.08
        self.height = self.top + body + 0.1 + _NOTE_LINE * len(notes) + 0.08
        self.figure = Figure(figsize=(width, self.height), dpi=DPI)
        self.write(SIDE, 0.12, "\n".join(titles), fontsize=9, weight="bold", va="top")
        below = self.top + body + 0.1
        self.write(SIDE, below, "\n".join(notes), fontsize=6, color=FAINT, va="top", linespacing=1.25)

    def write(self, x: float, y: float, text: str, **how: Any) -> None:
        """Write text at a place of the page."""
        self.figure.text(x / self.width, 1 - y / self.height, text, **how)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return axes with their upper left corner ``left`` and ``top``, ``top`` counted from below the title."""
        bottom = self.height - self.top - top - height
        return self.figure.add_axes((left / self.width, bottom / self.height, width / self.width, height / self.height))

    def save(self, path: Path, made_from: str, dpi: int = DPI) -> None:
        """Write a PNG, the same bytes for the same drawing; ``made_from`` as in ``metadata``."""
        self.figure.savefig(path, format="png", dpi=dpi, metadata=metadata(made_from))


@dataclass(frozen=True)
class HeatMap:
    """Differences of AUCs as tinted places with texts, under heads and beside the labels of rows.

    A head is the name of a column and the lines of small print below it; a rule is drawn above a row whose first
    label is not that of the row above. ``texts`` and ``differences`` have a place for each row and column, '' and NaN
    for none. ``lines`` are the rows that are a line of text across, their only label, with a rule above.
    ``place`` is its width and height and ``labels_width`` that of each label, in inches; ``size`` is that of
    the letters, in points.
    """

    heads: Sequence[tuple[str, Sequence[str]]]
    labels: Sequence[Sequence[str]]
    texts: Sequence[Sequence[str]]
    differences: NDArray[np.float64]
    place: tuple[float, float]
    labels_width: Sequence[float]
    size: float
    lines: Collection[int] = ()

    @property
    def head(self) -> float:
        """Inches from the top to the first row."""
        return self.place[1] + 0.018 * self.size * max(len(lines) for _, lines in self.heads)

    @property
    def width(self) -> float:
        """Inches across."""
        return sum(self.labels_width) + len(self.heads) * self.place[0]

    @property
    def height(self) -> float:
        """Inches from the top to the end of the last row."""
        return self.head + len(self.labels) * self.place[1]

    def draw(self, page: Page, left: float, top: float = 0) -> Axes:
        """Draw on a page, with the upper left corner as in ``Page.axes``; a unit of the axes is a place."""
        width, height = self.place
        start, rows, columns = left + sum(self.labels_width), len(self.labels), len(self.heads)
        axes = page.axes(start, top + self.head, columns * width, rows * height)
        tints = np.clip(self.differences, -_FULL_TINT, _FULL_TINT)
        scale = {"vmin": -_END_OF_MAP, "vmax": _END_OF_MAP, "cmap": _TINTS}
        sns.heatmap(tints, **scale, cbar=False, xticklabels=False, yticklabels=False, ax=axes)
        for row, column in np.ndindex(rows, columns):  # seaborn writes nothing where there is no difference
            axes.text(column + 0.5, row + 0.5, self.texts[row][column], fontsize=self.size, ha="center", va="center")
        for column, (name, lines) in enumerate(self.heads):
            middle, y = start + (column + 0.5) * width, page.top + top + height / 2
            page.write(middle, y, name, fontsize=self.size, weight="bold", ha="center", va="center")
            small = {"fontsize": 0.8 * self.size, "color": FAINT, "linespacing": 1.1}
            page.write(middle, y + 0.45 * height, "\n".join(lines), ha="center", va="top", **small)
        for row, labels in enumerate(self.labels):
            grouped, begins = len(labels) > 1, not row or labels[0] != self.labels[row - 1][0]
            for place, label in enumerate(labels):
                x, y = left + sum(self.labels_width[:place]), page.top + top + self.head + (row + 0.5) * height
                if place or begins or not grouped:
                    weight = "bold" if grouped and not place else "normal"
                    style = "italic" if row in self.lines else "normal"
                    page.write(x, y, label, fontsize=self.size, va="center", weight=weight, style=style)
            if (grouped and begins) or row in self.lines:
                self.rule(axes, row)
        return axes

    def rule(self, axes: Axes, row: float, weight: float = 0.5) -> None:
        """Draw a line across, labels included, above a row."""
        ends = (-sum(self.labels_width) / self.place[0], len(self.heads))
        axes.plot(ends, (row, row), color=INK, linewidth=weight, clip_on=False)


def styled() -> AbstractContextManager[None]:
    """Draw in this style while the block runs, whatever the reader's own settings are."""
    return context(["default", _STYLE])
