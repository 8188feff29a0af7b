"""The rows that the suites of speed hand in: the file and the table that show them, and the faults found in them."""

import datetime
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.engine.evaluate import device_name, versions
from benchmarks.files import write_text

_LIBRARIES = ("torch", "numpy", "scikit-learn", "pyod")
# A ratio this far below the committed one is a regression; a smaller difference may come from the machine.
_TOLERANCE = 0.25
# The verdict in the cell of a column where ours is behind in what the column shows.
_VERDICTS = {"Goal": "missed", "AUC, ours and theirs": "ours is lower"}
# A document shows the published rows between these lines.
_BEGIN, _END = "<!-- results/published/speed.csv -->\n", "<!-- end -->\n"


def processor() -> str:
    """Return the name of the processor and how many cores of it there are."""
    return f"{device_name('cpu')}, {os.cpu_count()} cores"


def _installed() -> str:
    return "; ".join(f"{name} {version}" for name, version in versions(_LIBRARIES).items())


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement; ``ratio`` is the median of its rounds, higher is better, ``low`` and ``high`` their extremes.

    Seconds are processor time. The ratio is theirs over ours: of a rival's way to do the same work, or, for the
    physical floor, of the matrix product alone. For memory it is the MiB allowed over the MiB taken. ``goal`` is the
    ratio to reach. AUCs, in [0, 1], are given where the other is another model. NaN stands where there is no value.
    """

    name: str
    what: str
    ours_seconds: float = math.nan
    theirs_seconds: float = math.nan
    ratio: float
    low: float
    high: float
    rounds: int
    goal: float = math.nan
    ours_auc: float = math.nan
    theirs_auc: float = math.nan
    mebibytes: float = math.nan
    machine: str = field(default_factory=processor)
    versions: str = field(default_factory=_installed)
    date: str = field(default_factory=lambda: datetime.date.today().isoformat())

    @property
    def is_behind(self) -> dict[str, bool]:
        """Tell by column of the table whether the ratio is below the goal and whether our AUC is below theirs."""
        return {"Goal": self.ratio < self.goal, "AUC, ours and theirs": self.ours_auc < self.theirs_auc}

    @property
    def cells(self) -> dict[str, str]:
        """Return the texts that readers see, by column."""
        texts = {
            "Against": self.name,
            "What": self.what,
            "Ours": _text("{:.3g} s", self.ours_seconds) + _text("{:.0f} MiB", self.mebibytes),
            "Theirs": _text("{:.3g} s", self.theirs_seconds),
            "Ratio (rounds)": f"{self.ratio:.3g}{f' ({self.low:.3g} to {self.high:.3g})' if self.rounds > 1 else ''}",
            "Goal": _text("{:g}", self.goal),
            "AUC, ours and theirs": _text("{:.4f}, {:.4f}", self.ours_auc, self.theirs_auc),
        }
        verdicts = {column: f" ({_VERDICTS[column]})" for column, behind in self.is_behind.items() if behind}
        return {column: text + verdicts.get(column, "") for column, text in texts.items()}


def _text(template: str, *values: float) -> str:
    return "" if math.isnan(sum(values)) else template.format(*values)


def compared(
    name: str,
    what: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    goal: float = math.nan,
    aucs: tuple[float, float] = (math.nan, math.nan),
) -> Row:
    """Return the row of two ways to do the same work, from the seconds of each round, (rounds,) twice.

    A ratio is of neighbouring rounds, so that a machine that is busy for a while slows both. Raises ``ValueError``
    when one way has more rounds than the other.
    """
    ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
    return Row(
        name=name,
        what=what,
        ours_seconds=float(np.median(ours)),
        theirs_seconds=float(np.median(theirs)),
        ratio=float(np.median(ratios)),
        low=min(ratios),
        high=max(ratios),
        rounds=len(ratios),
        goal=goal,
        ours_auc=aucs[0],
        theirs_auc=aucs[1],
    )


def used(name: str, what: str, mebibytes: float, allowed: float) -> Row:
    """Return the row of a peak of memory, in MiB, beside what is allowed."""
    ratio = allowed / mebibytes
    return Row(name=name, what=what, ratio=ratio, low=ratio, high=ratio, rounds=1, goal=1.0, mebibytes=mebibytes)


def read(path: Path) -> list[Row]:
    """Return the rows of a file that ``write`` wrote, or none where there is no file."""
    frame = pd.read_csv(path) if path.exists() else pd.DataFrame()
    return [Row(**dict(line)) for _, line in frame.iterrows()]


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as CSV, whole or not at all; numbers have four digits."""
    write_text(path, pd.DataFrame(map(asdict, rows)).to_csv(index=False, float_format="%.4g"))


def updated(committed: Iterable[Row], measured: Iterable[Row]) -> list[Row]:
    """Return the committed rows, each replaced by the one measured under its name, and then the new ones."""
    return list(({row.name: row for row in committed} | {row.name: row for row in measured}).values())


def faults(measured: Iterable[Row], committed: Iterable[Row]) -> list[str]:
    """Return a sentence for each ratio more than 25 % below the committed one, and for each verdict that turned bad.

    A goal missed, or an AUC behind, is no fault where the committed row was behind in the same way.
    """
    before = {row.name: row for row in committed}
    found = []
    for row in measured:
        was = before.get(row.name)
        if was and row.ratio < (1 - _TOLERANCE) * was.ratio:
            found.append(
                f"{row.name}: the ratio {row.ratio:.3g} is {1 - row.ratio / was.ratio:.0%} below the committed "
                f"{was.ratio:.3g} ({was.machine}, {was.date})."
            )
        for column, behind in row.is_behind.items():
            if behind and not (was and was.is_behind[column]):
                found.append(f"{row.name}: {column} {row.cells[column]}, ratio {row.ratio:.3g}.")
    return found


def table(rows: Iterable[Row]) -> pd.DataFrame:
    """Return the table that readers see, with a line for each row and texts as cells."""
    return pd.DataFrame([row.cells for row in rows])


def shown_in(document: str, rows: Iterable[Row]) -> str:
    """Return the text of a document with the table of these rows, as Markdown, in its place."""
    before, _, rest = document.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    cells = table(rows)
    rule = ["---"] * 2 + ["--:"] * (len(cells.columns) - 2)
    markdown = "".join(f"| {' | '.join(line)} |\n" for line in (cells.columns, rule, *cells.to_numpy()))
    return f"{before}{_BEGIN}\n{markdown}\n{_END}{after}"
