"""What every suite of speed hands in: a row a measurement, the one file they go to, and what counts as a fault."""

import csv
import datetime
import io
import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.files import write_text

_LIBRARIES = ("torch", "numpy", "scikit-learn", "pyod")
# A ratio this far below the committed one is a regression; what is nearer may be the machine.
_TOLERANCE = 0.25


@dataclass(frozen=True)
class Row:
    """One measurement; ``ratio`` is the median of its rounds, higher is better, ``low`` and ``high`` their extremes.

    The ratio is their seconds over ours: of a rival's way to do the same work, or, for the physical floor, of the
    matrix product alone. For memory it is the MiB allowed over the MiB taken. ``goal`` is the ratio to reach, None
    where none is set; AUCs stand where both sides gave one.
    """

    name: str
    what: str
    ours_seconds: float | None
    theirs_seconds: float | None
    ratio: float
    low: float
    high: float
    rounds: int
    goal: float | None
    ours_auc: float | None
    theirs_auc: float | None
    mebibytes: float | None
    machine: str
    versions: str
    date: str

    @property
    def misses_its_goal(self) -> bool:
        """Whether the ratio is below the goal, or our AUC below theirs by more than rounding."""
        behind = self.ours_auc is not None and self.theirs_auc is not None and self.ours_auc < self.theirs_auc - 5e-4
        return behind or (self.goal is not None and self.ratio < self.goal)


def compared(
    name: str,
    what: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    goal: float | None = None,
    aucs: tuple[float, float] | None = None,
) -> Row:
    """The row of two ways to do the same work, from the seconds of each round, (rounds,) twice.

    A ratio is of neighbouring rounds, so that a machine that is busy for a while slows both.
    """
    ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
    seconds = float(np.median(ours)), float(np.median(theirs))
    return _row(name, what, ratios, seconds=seconds, goal=goal, aucs=aucs)


def used(name: str, what: str, mebibytes: float, allowed: float) -> Row:
    """The row of a peak of memory, in MiB, beside what is allowed."""
    return _row(name, what, [allowed / mebibytes], goal=1.0, mebibytes=mebibytes)


def _row(
    name: str,
    what: str,
    ratios: Sequence[float],
    *,
    seconds: tuple[float, float] | None = None,
    goal: float | None = None,
    aucs: tuple[float, float] | None = None,
    mebibytes: float | None = None,
) -> Row:
    ours_seconds, theirs_seconds = seconds or (None, None)
    ours_auc, theirs_auc = aucs or (None, None)
    return Row(
        name=name,
        what=what,
        ours_seconds=ours_seconds,
        theirs_seconds=theirs_seconds,
        ratio=float(np.median(ratios)),
        low=min(ratios),
        high=max(ratios),
        rounds=len(ratios),
        goal=goal,
        ours_auc=ours_auc,
        theirs_auc=theirs_auc,
        mebibytes=mebibytes,
        machine=machine(),
        versions="; ".join(f"{name} {version}" for name, version in _versions().items()),
        date=datetime.date.today().isoformat(),
    )


@cache
def machine() -> str:
    """The processor and how many cores of it there are."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return f"{found[1] if found else platform.processor() or platform.machine()}, {os.cpu_count()} cores"


@cache
def _versions() -> dict[str, str]:
    installed = {d.name.lower(): d.version for d in metadata.distributions()}
    return {"python": platform.python_version()} | {name: installed[name] for name in _LIBRARIES if name in installed}


def read(path: Path) -> list[Row]:
    """The rows of a file that ``write`` wrote; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Row(**{field.name: _parsed(line[field.name], str(field.type)) for field in fields(Row)})
            for line in csv.DictReader(file)
        ]


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as CSV, whole or not at all; numbers with four digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Row))
    writer.writerows(map(_printed, astuple(row)) for row in rows)
    write_text(path, text.getvalue())


def updated(committed: Iterable[Row], measured: Iterable[Row]) -> list[Row]:
    """What is committed, each row replaced by the one measured under its name, new ones at the end."""
    return list(({row.name: row for row in committed} | {row.name: row for row in measured}).values())


def faults(measured: Iterable[Row], committed: Iterable[Row]) -> list[str]:
    """A sentence for each ratio more than 25 % below the committed one, and each goal missed that was met before."""
    before = {row.name: row for row in committed}
    found = []
    for row in measured:
        was = before.get(row.name)
        if was and row.ratio < (1 - _TOLERANCE) * was.ratio:
            found.append(
                f"{row.name}: {row.ratio:.3g} is {1 - row.ratio / was.ratio:.0%} below the committed {was.ratio:.3g} "
                f"({was.machine}, {was.date})."
            )
        elif row.misses_its_goal and not (was and was.misses_its_goal):
            found.append(f"{row.name}: misses its goal{f' of {row.goal:g}' if row.goal else ''}, {_measured(row)}.")
    return found


def table(rows: Iterable[Row]) -> str:
    """Rows as text for a terminal."""
    return "\n".join(
        f"{row.name:30} {_measured(row)}{'  MISSES ITS GOAL' if row.misses_its_goal else ''}" for row in rows
    )


def _measured(row: Row) -> str:
    goal = f", goal {row.goal:g}" if row.goal else ""
    if row.mebibytes is not None:
        return f"{row.mebibytes:8.0f} MiB"
    aucs = f", AUC {row.ours_auc:.4f} and {row.theirs_auc:.4f}" if row.ours_auc is not None else ""
    return (
        f"ours {row.ours_seconds:8.2f} s, theirs {row.theirs_seconds:8.2f} s, "
        f"ratio {row.ratio:.3g} ({row.low:.3g} to {row.high:.3g}, {row.rounds} rounds{goal}){aucs}"
    )


def _printed(value: str | float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _parsed(text: str, kind: str) -> Any:
    if kind.startswith("str"):
        return text
    if not text:
        return None
    return int(text) if kind == "int" else float(text)
