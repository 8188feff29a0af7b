"""The first screen: where the numbers of a data set stand, and what the whole comes to."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from benchmarks.claims import VERDICTS
from benchmarks.report.document import MISSING, Column, Grid, row_of
from benchmarks.report.grid import DASH
from benchmarks.report.material import Material
from benchmarks.report.note import data_text, hardware
from benchmarks.report.numbers import short, signed

COLUMNS = (("1", "MNIST"), ("1", "Fashion-MNIST"), ("1", "2-Class MNIST"), ("2", "SVHN"), ("2", "CIFAR-10"))
RIVAL = "best rival"
# The paper's own models; every other row of Tables 1 and 2 is a rival.
_OWN = ("AE", "LIS-AE", "LinSep-LIS-AE", "Sup. LIS-AE", "Sup. LinSep-LIS-AE")
ROWS = (RIVAL, *_OWN)


class Standing(NamedTuple):
    """Our mean AUC in a column of Tables 1 and 2, NaN where it is missing, and the paper's; ``row`` is whose it is."""

    row: str
    ours: float
    paper: float

    @property
    def text(self) -> str:
        """Ours and, in brackets, the paper's."""
        return f"{MISSING if pd.isna(self.ours) else short(self.ours, 3)} ({short(self.paper, 3)})"


def standings(frame: pd.DataFrame, column: str) -> dict[str, Standing]:
    """What a column of a tidy table has of ``ROWS``; the best rival is the one with our highest mean.

    It is the best of those that are measured: a rival without all its runs has no mean.
    """
    lines: Iterable[Any] = frame[frame["column"] == column].itertuples()
    found = {line.row: Standing(line.row, line.mean, line.paper) for line in lines}
    rivals = [one for row, one in found.items() if row not in _OWN and not pd.isna(one.ours)]
    best = {RIVAL: max(rivals, key=lambda one: one.ours)} if rivals else {}
    return {row: one for row in ROWS if (one := (found | best).get(row))}


def facts(material: Material) -> Iterator[tuple[str, str]]:
    """Name and value of what a reader wants to know first."""
    request = material.plan.request
    cells = pd.concat(material.frames.values())
    measured = cells["mean"].notna()
    yield "Cells of tables", f"{measured.sum()} of {len(cells)} measured"
    if measured.any():
        delta = cells["delta"].dropna()
        near = (delta.abs() <= 0.02).mean()
        median = f"ours minus printed is {signed(delta.median(), 3)} in the median cell"
        yield "Against print", f"{median}; {near:.0%} of cells lie within .02"
    verdicts = Counter(claim["verdict"] for claim in material.ledger)
    yield "Claims", ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in VERDICTS)
    seeds = request.seeds
    yield "Profile", f"{request.profile.name}, {'seeds' if len(seeds) > 1 else 'seed'} {', '.join(map(str, seeds))}"
    yield "Data", data_text(material.records)
    yield "Trained on", hardware(material.records) or "nothing yet"
    yield "Command", f"{request.command_for()} --all"


def headline(frames: Mapping[str, pd.DataFrame]) -> Grid:
    """Ours beside print where a data set stands, and the models that the paper is about."""
    shown = ("AE", "LIS-AE", "LinSep-LIS-AE")
    rows = []
    for table, column in COLUMNS:
        found = standings(frames[table], column) if table in frames else {}
        texts = [found[row].text if row in found else DASH for row in shown]
        rival = f"{found[RIVAL].text} {found[RIVAL].row}" if RIVAL in found else DASH
        rows.append(row_of(column, *texts, rival))
    return Grid(
        "headline",
        "Mean AUC of Tables 1 and 2: ours, and the paper's in brackets",
        (Column("Data set", kind="label"), *(Column(row) for row in shown), Column(RIVAL, kind="label")),
        tuple(rows),
        ("The best rival is the measured one with our highest mean, beside what the paper prints for it.",),
    )
