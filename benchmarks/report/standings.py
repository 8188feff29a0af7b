"""The headline numbers: our mean AUC in each column of Tables 1 and 2, beside the paper's and the best rival's."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from benchmarks.report.document import DASH, MISSING, Tabular, short, tabular

COLUMNS = (("1", "MNIST"), ("1", "Fashion-MNIST"), ("1", "2-Class MNIST"), ("2", "SVHN"), ("2", "CIFAR-10"))
RIVAL = "best rival"
# The paper's own models; every other row of Tables 1 and 2 is a rival.
_OWN = ("AE", "LIS-AE", "LinSep-LIS-AE", "Sup. LIS-AE", "Sup. LinSep-LIS-AE")
ROWS = (RIVAL, *_OWN)


class Standing(NamedTuple):
    """Our mean AUC in a column, the paper's, and the row that they are of; NaN for one that is missing."""

    row: str
    ours: float
    paper: float

    @property
    def text(self) -> str:
        """Ours and, in brackets, the paper's; the best rival is named."""
        printed = "" if pd.isna(self.paper) else f" ({short(self.paper, 3)})"
        return f"{MISSING if pd.isna(self.ours) else short(self.ours, 3)}{printed}"


def standings(frames: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, str]]:
    """Give the text of each of ``ROWS`` by the name of each column, a dash for a row that the column lacks.

    The best rival is the measured one with our highest mean: a rival without all its runs has no mean.
    """
    found = {}
    for table, column in COLUMNS:
        frame = frames[table] if table in frames else pd.DataFrame({"column": []})
        lines: Iterable[Any] = frame[frame["column"] == column].itertuples()
        places = {line.row: Standing(line.row, line.mean, line.paper) for line in lines}
        rivals = [one for row, one in places.items() if row not in _OWN and not pd.isna(one.ours)]
        texts = {row: places[row].text for row in _OWN if row in places}
        if rivals:
            best = max(rivals, key=lambda one: one.ours)
            texts[RIVAL] = f"{best.text} {best.row}"
        found[column] = dict.fromkeys(ROWS, DASH) | texts
    return found


def headline(frames: Mapping[str, pd.DataFrame]) -> Tabular:
    """Lay out the standing of the models that the paper is about, a row for each data set."""
    shown = ("AE", "LIS-AE", "LinSep-LIS-AE")
    return tabular(
        "headline",
        "Mean AUC of Tables 1 and 2: ours, and the paper's in brackets",
        {"Data set": "label", **dict.fromkeys(shown, "number"), RIVAL: "label"},
        [(column, *(texts[row] for row in (*shown, RIVAL))) for column, texts in standings(frames).items()],
        "The best rival is the measured one with our highest mean, beside what the paper prints for it.",
    )
