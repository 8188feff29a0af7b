"""The one style of all figures: told apart with any colour vision and in grey, at print quality.

Colour never stands alone: whatever has a colour has a marker, a dash pattern or a number of its own as well.
"""

import hashlib
import textwrap
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.style import context
from PIL import Image

DPI = 300
_MADE_FROM = "Made from CSV with SHA-256"
INK, FAINT, HAIRLINE = "#1a1a1a", "#4d4d4d", "#b3b3b3"
# Okabe and Ito's colours without the yellow, which is too light for a line; a marker goes with each.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000")
MARKERS = ("o", "s", "^", "D", "v")
SIDE = 0.15  # inches left free on either side of a page

# Orange below zero and purple above. Differences beyond 0.3 are tinted alike, and the ends of the map, too dark to
# print on, are not used.
_TINTS, _FULL_TINT, _SHARE_OF_MAP = colormaps["PuOr"], 0.3, 0.45
TINT_LEGEND = "Purple: ours is higher than the paper's; orange: lower."

_TITLE_SIZE, _NOTE_SIZE = 9.0, 6.0
_TITLE_LINE, _NOTE_LINE = 0.155, 0.105  # inches
_SETTINGS: dict[Any, Any] = {
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
}


def tint(difference: float) -> tuple[float, ...]:
    """Give the colour of a difference of two AUCs, ours minus the paper's."""
    share = max(-1.0, min(1.0, difference / _FULL_TINT)) * _SHARE_OF_MAP
    return _TINTS(0.5 + share / 2)


def metadata(made_from: str) -> dict[str, str]:
    """What a PNG says of itself: the digest of the text of the CSV that it was drawn from, to tell a stale one by."""
    return {_MADE_FROM: hashlib.sha256(made_from.encode()).hexdigest()}


def drawn_from(png: Path, text: str) -> bool:
    """Whether a picture says of itself that it was drawn from a CSV of this text."""
    with Image.open(png) as image:
        return metadata(text).items() <= image.info.items()


class Page:
    """A figure with a title above and a note below, measured in inches from its top left corner.

    Args:
        width: inches across.
        body: inches that the drawing takes between title and note.
        title: what it shows.
        note: how it was made; '' for none.
    """

    def __init__(self, width: float, body: float, title: str, note: str) -> None:
        titles = textwrap.wrap(title, int((width - 2 * SIDE) * 13))
        notes = textwrap.wrap(note, int((width - 2 * SIDE) * 23))
        self.width = width
        self.top = 0.12 + _TITLE_LINE * len(titles) + 0.08
        self.height = self.top + body + 0.1 + _NOTE_LINE * len(notes) + 0.08
        self.figure = Figure(figsize=(width, self.height), dpi=DPI)
        self.write(SIDE, 0.12, "\n".join(titles), fontsize=_TITLE_SIZE, weight="bold", va="top")
        below = self.top + body + 0.1
        self.write(SIDE, below, "\n".join(notes), fontsize=_NOTE_SIZE, color=FAINT, va="top", linespacing=1.25)

    def write(self, x: float, y: float, text: str, **how: Any) -> None:
        """Write text at a place of the page."""
        self.figure.text(x / self.width, 1 - y / self.height, text, **how)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Give axes with their upper left corner ``left`` and ``top``, ``top`` counted from below the title."""
        bottom = self.height - self.top - top - height
        return self.figure.add_axes((left / self.width, bottom / self.height, width / self.width, height / self.height))

    def save(self, path: Path, made_from: str) -> None:
        """Write a PNG, the same bytes for the same drawing; ``made_from`` as in ``metadata``."""
        self.figure.savefig(path, format="png", dpi=DPI, metadata=metadata(made_from))


def styled() -> AbstractContextManager[None]:
    """Draw in this style while the block runs, whatever the reader's own settings are."""
    return context(["default", _SETTINGS])
