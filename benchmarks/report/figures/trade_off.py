"""Figures 4 and A1 to A4: the accuracy gained on anomalies for that lost on normal data, task by task."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from sklearn.metrics import auc

from benchmarks.engine.records import variant_text
from benchmarks.paper.tasks import SPLITS, Negatives, against, supervised
from benchmarks.report.document import DASH, short
from benchmarks.report.figures.base import LineFigure, Setting, lines_of, unsupervised
from benchmarks.report.style import COLOURS, HAIRLINE, INK, MARKERS, SIDE, Page
from benchmarks.report.tidy import RecordLookup

MEAN = "mean"
_COLUMNS = ("pane", "task", "model", "seed", "accuracy_normal", "accuracy_anomalies", "data_variant")
_WIDTH, _PANE_HEIGHT = 7.2, 2.55  # inches
_LEFT, _GAP, _ABOVE, _BELOW = 0.5, 0.4, 0.45, 0.8
_STYLES: tuple[tuple[Any, float], ...] = (
    ((0, (4, 2)), 0.9),
    ("-", 1.1),
    ((0, (1, 1.5)), 0.9),
    ((0, (6, 1, 1, 1)), 0.9),
)
_EVERY = 12  # points from one marker to the next


@dataclass(frozen=True)
class TradeOff(LineFigure):
    """Accuracy on normal data against accuracy on anomalies as the threshold moves, a line for each task and model.

    ``layout`` names the panes row by row.
    """

    layout: tuple[tuple[str, ...], ...]

    def points(self, lookup: RecordLookup) -> pd.DataFrame:
        """Return a row for each point: ``pane, task, model, seed, accuracy_normal, accuracy_anomalies, data_variant``.

        ``accuracy_normal`` is the share of normal test images accepted at a threshold, 0 to 1 by hundredths, and
        ``accuracy_anomalies`` the mean over the outlier classes of the share detected there. Where there are several
        seeds, their mean follows as the seed ``mean``. A line without its record has no rows.
        """
        frames = []
        for line in self.lines:
            curves, variants = {}, set()
            for seed in lookup.seeds:
                if record := lookup.record(line.measurement, seed, None):
                    detected = [score.detected for score in record.scores if score.outlier in line.measurement.outliers]
                    curves[str(seed)] = np.mean(detected, axis=0)
                    variants |= {variant_text(record.identity["variants"])} - {""}
            if len(curves) > 1:
                curves[MEAN] = np.mean(list(curves.values()), axis=0)
            for name, curve in curves.items():
                accepted = np.linspace(0, 1, len(curve)).round(4)
                values = (line.pane, line.task, line.model, name, accepted, curve.round(6), "; ".join(sorted(variants)))
                frames.append(pd.DataFrame(dict(zip(_COLUMNS, values, strict=True))))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(_COLUMNS))

    def draw(self, frame: pd.DataFrame, note: str) -> Page:
        """Draw the mean over seeds of each line; tasks differ in marker and colour, models in dashes and filling."""
        models = list(dict.fromkeys(line.model for line in self.lines))
        # The axes begin at a half if all lines are far above it, so that they can be told apart.
        at_half = frame.loc[frame["accuracy_normal"] == 0.5, "accuracy_anomalies"]
        low = 0.5 if len(at_half) and at_half.min() > 0.8 else 0.0
        ends = (low, 1.01 - 0.01 * low)
        row_height = _ABOVE + _PANE_HEIGHT + _BELOW
        page = Page(_WIDTH, row_height * len(self.layout), self.title, note)
        key = [_handle(INK, "o", i, label=model) for i, model in enumerate(models)]
        corner = (1 - SIDE / _WIDTH, 1 - page.top / page.height)
        page.figure.legend(handles=key, loc="upper right", bbox_to_anchor=corner, ncols=len(key))
        for row, panes in enumerate(self.layout):
            width = (_WIDTH - _LEFT - SIDE - _GAP * (len(panes) - 1)) / len(panes)
            for column, pane in enumerate(panes):
                axes = page.axes(_LEFT + column * (width + _GAP), row * row_height + _ABOVE, width, _PANE_HEIGHT)
                axes.set(xlim=ends, ylim=ends, xlabel="accuracy on normal data")
                axes.set_ylabel("" if column else "accuracy on anomalies")
                axes.set_title(pane[0].upper() + pane[1:], loc="left")
                self._draw_pane(axes, frame[frame["pane"] == pane], pane, models)
        return page

    def _draw_pane(self, axes: Axes, frame: pd.DataFrame, pane: str, models: list[str]) -> None:
        axes.plot((0, 1), (1, 0), color=HAIRLINE, linewidth=0.6, zorder=0)  # chance
        handles = []
        for place, task in enumerate(dict.fromkeys(line.task for line in self.lines if line.pane == pane)):
            areas = []
            for i, model in enumerate(models):
                line = frame[(frame["task"] == task) & (frame["model"] == model)]
                if MEAN in set(line["seed"]):
                    line = line[line["seed"] == MEAN]
                points = line["accuracy_normal"], line["accuracy_anomalies"]
                areas.append(short(auc(*points), 2) if len(line) else DASH)
                drawn = _handle(COLOURS[place], MARKERS[place], i)
                axes.add_line(drawn)
                drawn.set_data(*points)
                # Markers begin at different places, so that lines that run together can be told apart.
                drawn.set_markevery((2 + 2 * place + i * _EVERY // 2, _EVERY))
            label = f"{task}: {' → '.join(areas)}"
            handles.append(_handle(COLOURS[place], MARKERS[place], 1, label=label))
        axes.legend(
            handles=handles, title=f"area under the line, {' → '.join(models)}", title_fontsize=6.5, ncols=3,
            loc="upper center", bbox_to_anchor=(0.5, -0.14), columnspacing=1.2, handlelength=1.8,
        )  # fmt: skip


def _handle(colour: str, marker: str, model: int, label: str = "") -> Line2D:
    """Make a line in the style of a model by its place: AE dashed and hollow, the next full, others in more dashes."""
    dashes, weight = _STYLES[min(model, len(_STYLES) - 1)]
    return Line2D(
        [], [], color=colour, linestyle=dashes, linewidth=weight, marker=marker, markersize=3.2,
        markerfacecolor=colour if model == 1 else "white", markeredgewidth=0.7, label=label,
    )  # fmt: skip


def _foreign(negatives: str) -> Setting:
    return lambda dataset, positive: against(dataset, (positive,), Negatives(negatives))


def _trade_off(figure_id: str, name: str, dataset: str, model: str, variants: dict[str, Setting]) -> TradeOff:
    """Give each variant a column, with tasks 0-4 above and 5-9 below (Appendix A.2); the tasks of one lie in a row."""
    rows = [f"tasks {split[0]}-{split[-1]}" for split in SPLITS]
    layout = tuple(tuple(f"{row}, {variant}" if variant else row for variant in variants) for row in rows)
    lines = [
        line
        for panes, positives in zip(layout, SPLITS, strict=True)
        for pane, setting in zip(panes, variants.values(), strict=True)
        for line in lines_of(pane, dataset, positives, model, setting)
    ]
    caption = f"Trade-off between accuracy on normal data and on anomalies, ten tasks of {name}, AE and {model}"
    return TradeOff(figure_id, caption, tuple(lines), layout if len(variants) > 1 else tuple(zip(*layout, strict=True)))


_OMNIGLOT: dict[str, Setting] = {"supervised": supervised, "Omniglot as negatives": _foreign("omniglot")}
_SVHN: dict[str, Setting] = {"supervised": supervised, "SVHN as negatives": _foreign("svhn")}
FIGURES = (
    _trade_off("4", "CIFAR-10", "cifar10", "LIS-AE", {"": unsupervised}),
    _trade_off("A1", "CIFAR-10", "cifar10", "LIS-AE", _SVHN),
    _trade_off("A2", "SVHN", "svhn", "LinSep-LIS-AE", {"supervised": supervised, "unsupervised": unsupervised}),
    _trade_off("A3", "MNIST", "mnist", "LIS-AE", _OMNIGLOT),
    _trade_off("A4", "Fashion-MNIST", "fashion-mnist", "LIS-AE", _OMNIGLOT),
)
