"""Figures as files: their rows as CSV and a picture of them, which is a pure function of the rows."""

import pkgutil
from importlib import import_module
from pathlib import Path

import pandas as pd

from benchmarks.errors import CallError, unknown
from benchmarks.files import write_text, written_whole
from benchmarks.report.figures.base import Figure
from benchmarks.report.style import styled

_MODULES = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
_FOUND = [one for module in _MODULES for one in getattr(module, "FIGURES", ())]
# The paper's numbers, and then words by the alphabet.
FIGURES: tuple[Figure, ...] = tuple(sorted(_FOUND, key=lambda one: (not one.id[-1].isdigit(), one.id)))
FIGURE_SETTINGS = {one.id: one.settings for one in FIGURES if one.settings}  # of [figures.<id>] of a settings file


def figure(name: str) -> Figure:
    """Return the figure of an id such as ``4`` or ``scatter``. Raises ``CallError`` for an unknown one."""
    for known in FIGURES:
        if known.id.lower() == name.lower():
            return known
    raise CallError(unknown("figure made here", name, [known.id for known in FIGURES]))


def write_figure(figure: Figure, frame: pd.DataFrame, note: str, *, results_dir: Path, reports_dir: Path) -> list[Path]:
    """Write ``<results_dir>/figure_<id>.csv`` and ``<reports_dir>/figure_<id>.png``, and return the paths.

    ``frame`` holds the rows of the figure, and ``note``, for the foot of the picture, says how they were made.

    Raises ``UnavailableError`` when a file cannot be written.
    """
    csv, png = results_dir / f"figure_{figure.id}.csv", reports_dir / f"figure_{figure.id}.png"
    text = frame.to_csv(index=False, lineterminator="\n")
    write_text(csv, text)
    with styled(), written_whole(png) as temporary:
        figure.draw(frame, note).save(temporary, text)
    return [csv, png]
