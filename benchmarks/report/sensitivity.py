"""What the log of the searches says: rows for the report, and a picture of how far the AUC hangs on each setting."""

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from benchmarks.files import written_whole
from benchmarks.report.document import DASH, Row, settings_text, short, signed
from benchmarks.report.style import COLOURS, MARKERS, SIDE, Page, styled

TITLE = "Sensitivity to settings: mean AUC without test images and without outliers"
_PANES_A_ROW = 3
_WIDTH, _PANE_HEIGHT = 7.2, 1.5  # inches
_LEFT, _GAP, _ABOVE, _BELOW = 0.6, 0.4, 0.3, 0.45


class Pane(NamedTuple):
    """One setting of one search: a line for each choice of the other settings, its points by the setting's value.

    ``others``: those of the other settings that differ between the lines; a line is named after their values.
    """

    search: str
    setting: str
    profile: float
    others: tuple[str, ...]
    lines: Mapping[str, Mapping[float, float]]


def panes(log: pd.DataFrame) -> list[Pane]:
    """Return a pane for each numeric setting that a search without test images changes, from its log.

    A line joins two values at least; combinations without a mean are left out.
    """
    found = log[(log["scored"] == "validation") & log["auc"].notna()]
    return list(chain.from_iterable(_panes(str(name), part) for name, part in found.groupby("name", sort=False)))


def _panes(name: str, rows: pd.DataFrame) -> Iterator[Pane]:
    profile: dict[str, Any] = json.loads(rows["profile"].iloc[0])
    points = [(profile | json.loads(text), auc) for text, auc in zip(rows["settings"], rows["auc"], strict=True)]
    for setting in (key for key, value in profile.items() if isinstance(value, int | float)):
        lines: dict[tuple[tuple[str, Any], ...], dict[float, float]] = {}
        for settings, auc in points:
            others = tuple((key, value) for key, value in settings.items() if key != setting)
            lines.setdefault(others, {})[settings[setting]] = auc
        joined = {others: dict(sorted(line.items())) for others, line in lines.items() if len(line) > 1}
        if joined:
            shared = set.intersection(*map(set, joined))
            different = tuple(key for key, value in next(iter(joined)) if (key, value) not in shared)
            by_values = {tuple(dict(others)[key] for key in different): line for others, line in joined.items()}
            named = {", ".join(map(str, values)): line for values, line in sorted(by_values.items())}
            yield Pane(name, setting, profile[setting], different, named)


def rows(log: pd.DataFrame) -> list[Row]:
    """Return a row of text for each combination of the log, as the report's table of searches has them."""
    found: list[Row] = []
    for one in log.to_dict("records"):
        low, high, seconds = one["ci_low"], one["ci_high"], one["seconds"]
        numbers = (
            DASH if np.isnan(one["auc"]) else short(one["auc"], 4),
            "profile" if one["is_profile"] else DASH if np.isnan(low) else signed(one["difference"], 4),
            DASH if np.isnan(low) else f"{signed(low, 3)} to {signed(high, 3)}",
            DASH if np.isnan(seconds) else f"{seconds:.1f}",
            f"{one['runs']} of {one['of']}",
        )
        found.append((one["name"], settings_text(json.loads(one["settings"])), *numbers))
    return found


def write_sensitivity(log: Path, reports_dir: Path) -> list[Path]:
    """Draw ``search.png`` from the log of the searches and return its path; nothing where no pane has two values.

    Raises ``UnavailableError`` when it cannot be written.
    """
    text = log.read_text(encoding="utf-8")
    found = panes(pd.read_csv(log))
    if not found:
        return []
    path = reports_dir / "search.png"
    with styled(), written_whole(path) as temporary:
        draw(found).save(temporary, text)
    return [path]


def draw(found: list[Pane]) -> Page:
    """Draw the panes, a row of them after another; a filled marker has the profile's own value."""
    row_height = _ABOVE + _PANE_HEIGHT + _BELOW
    note = (
        "Filled: the value of the profile. All panes span the same range of AUC, so that slopes compare. "
        "search.csv has the numbers, and search.toml the tasks."
    )
    page = Page(_WIDTH, row_height * -(-len(found) // _PANES_A_ROW), TITLE, note)
    width = (_WIDTH - _LEFT - SIDE - _GAP * (_PANES_A_ROW - 1)) / _PANES_A_ROW
    aucs = [[auc for line in pane.lines.values() for auc in line.values()] for pane in found]
    span = 1.3 * max(1e-3, *(max(of) - min(of) for of in aucs))
    for place, (pane, of) in enumerate(zip(found, aucs, strict=True)):
        row, column = divmod(place, _PANES_A_ROW)
        axes = page.axes(_LEFT + column * (width + _GAP), row * row_height + _ABOVE, width, _PANE_HEIGHT)
        _draw_pane(axes, pane)
        top = min((min(of) + max(of) + span) / 2, 1)
        axes.set_ylim(top - span, top)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(lambda value, _: short(value, 3))
        axes.set_title(pane.search, loc="left")
        axes.set(xlabel=_in_words(pane.setting), ylabel="" if column else "AUC")
    return page


def _draw_pane(axes: Axes, pane: Pane) -> None:
    values = sorted(set(chain.from_iterable(pane.lines.values())))
    for number, (label, line) in enumerate(pane.lines.items()):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4}
        places = [values.index(value) for value in line]
        axes.plot(places, list(line.values()), linewidth=0.9, markerfacecolor="white", label=label, **style)
        if pane.profile in line:
            axes.plot([values.index(pane.profile)], [line[pane.profile]], linestyle="", **style)
    axes.set_xticks(range(len(values)), [f"{value:g}" for value in values])
    axes.set_xlim(-0.3, len(values) - 0.7)
    if len(pane.lines) > 1:
        title = ", ".join(map(_in_words, pane.others))
        axes.legend(fontsize=6, frameon=False, title=title, title_fontsize=6, alignment="left")


def _in_words(setting: str) -> str:
    """Return the name of a setting; one of a stage says so."""
    *stage, name = setting.split(".")
    return f"{name} of phase one" if stage else name
