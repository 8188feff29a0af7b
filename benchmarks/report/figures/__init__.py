"""Figures as files: the points as CSV and a picture of them. A picture is a pure function of its points."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from benchmarks.files import write_text, written_whole
from benchmarks.paper.figures import Comparison, Difference, Figure, Linear, Reconstructions, Scatter, TradeOff
from benchmarks.report.figures import comparison, linear_case, reconstructions, trade_off
from benchmarks.report.style import Page, styled
from benchmarks.report.tidy import RecordLookup

__all__ = ["points", "write_figure"]

_DRAWN: Mapping[type[Figure], Callable[..., Page]] = {
    TradeOff: trade_off.draw,
    Reconstructions: reconstructions.draw,
    Linear: linear_case.draw,
    Difference: comparison.draw_difference,
    Scatter: comparison.draw_scatter,
}


def points(figure: TradeOff | Comparison, lookup: RecordLookup) -> pd.DataFrame:
    """Give the points of a figure that is made from records."""
    return trade_off.points(figure, lookup) if isinstance(figure, TradeOff) else comparison.points(figure, lookup)


def write_figure(figure: Figure, frame: pd.DataFrame, note: str, *, results_dir: Path, reports_dir: Path) -> list[Path]:
    """Write ``<results_dir>/figure_<id>.csv`` and ``<reports_dir>/figure_<id>.png``, and give the paths.

    Args:
        figure: what to write.
        frame: its points.
        note: how they were made, for the foot of the picture.
        results_dir, reports_dir: where the files go.

    Raises ``UnavailableError`` when a file cannot be written.
    """
    csv, png = results_dir / f"figure_{figure.id}.csv", reports_dir / f"figure_{figure.id}.png"
    text = frame.to_csv(index=False, lineterminator="\n")
    write_text(csv, text)
    with styled(), written_whole(png) as temporary:
        _DRAWN[type(figure)](figure, frame, note).save(temporary, text)
    return [csv, png]
