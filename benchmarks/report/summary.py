"""The first lines of the report and of README: how LIS-AE stands in Tables 1 and 2, and what limits what that says."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from benchmarks.data.cache import CATALOGUE
from benchmarks.engine.records import Record
from benchmarks.paper.tables import TABLES, Table
from benchmarks.report.document import DASH, short
from benchmarks.report.tables import Shown

HEADLINE = (("1", "MNIST"), ("1", "Fashion-MNIST"), ("1", "2-Class MNIST"), ("2", "SVHN"), ("2", "CIFAR-10"))
RIVAL = "best rival"
SEEING_RIVAL = "best rival with the same negatives"
# The paper's own models; every other row of Tables 1 and 2 is a rival, the supervised bounds of rivals apart.
_OWN = ("AE", "LIS-AE", "LinSep-LIS-AE", "Sup. LIS-AE", "Sup. LinSep-LIS-AE")
STANDINGS = (RIVAL, SEEING_RIVAL, *_OWN)
_MAIN = "LIS-AE"
_COLUMNS = ["row", "column", "mean", "paper"]


class _Standing(NamedTuple):
    """A column of Table 1 or 2: mean AUC and printed value by row, and the best measured rival of each kind."""

    name: str
    mean: Mapping[str, float]
    paper: Mapping[str, float]
    best: Mapping[str, str]

    def leads(self, row: str) -> bool:
        """Tell whether a row is above LIS-AE."""
        return self.mean[row] > self.mean[_MAIN]

    def ours(self, row: str) -> str:
        """Our mean as text, '' for none."""
        return _text(self.mean[row])


def _standings(frames: Mapping[str, pd.DataFrame], tables: Iterable[Table]) -> Iterator[_Standing]:
    parts = {one.id: one.parts.values() for one in tables}
    for table_id, name in HEADLINE:
        rows = frames[table_id].query("column == @name") if table_id in frames else pd.DataFrame(columns=_COLUMNS)
        mean, paper = (dict(zip(rows["row"], rows[column], strict=True)) for column in ("mean", "paper"))
        added = [row for of_part in parts.get(table_id, ()) for row in of_part]
        rivals = {
            RIVAL: [row for row in mean if row not in (*_OWN, *added)],
            SEEING_RIVAL: [row for row in added if row in mean and not row.startswith("Sup. ")],
        }
        measured = {kind: [row for row in found if pd.notna(mean[row])] for kind, found in rivals.items()}
        best = {kind: max(found, key=mean.__getitem__) for kind, found in measured.items() if found}
        yield _Standing(name, mean, paper, best)


def _text(number: float) -> str:
    return "" if pd.isna(number) else short(number, 3)


def standings(frames: Mapping[str, pd.DataFrame], tables: Iterable[Table] = TABLES) -> dict[str, dict[str, str]]:
    """Set our mean AUC beside the paper's, as text, for the rows of ``STANDINGS`` in each column of ``HEADLINE``.

    ``tables`` are those that ``frames`` are the rows of, by their ids.
    A row that a column lacks is a dash. The best rivals are named, one of the paper's and one of those that learn from
    the same negatives: the measured one with our highest mean, which a rival without all its runs does not have.
    """
    found = {}
    for one in _standings(frames, tables):
        texts = {row: Shown(one.ours(row), _text(one.paper[row])).text for row in one.mean}
        best = {kind: f"{texts[name]} {name}" for kind, name in one.best.items()}
        found[one.name] = {row: (best | texts).get(row, DASH) for row in STANDINGS}
    return found


def verdict(frames: Mapping[str, pd.DataFrame], tables: Iterable[Table] = TABLES) -> str:
    """Say whether the paper's main result reproduces, and name every column where it does not; '' without results."""
    found = _standings(frames, tables)
    columns = [one for one in found if {"AE", _MAIN} <= {row for row, mean in one.mean.items() if mean > 0}]
    if not columns:
        return ""
    below_ae = [one for one in columns if one.leads("AE")]
    behind = _led(columns, RIVAL)
    if below_ae:
        word = "reproduces in part" if len(below_ae) < len(columns) / 2 else "does not reproduce"
    else:
        word = "reproduces" if len(behind) < len(columns) / 2 else "reproduces in part"
    below = [one for one in columns if one.mean[_MAIN] < one.paper[_MAIN]]
    printed = [f"{one.name} ({one.ours(_MAIN)}, printed {_text(one.paper[_MAIN])})" for one in below]
    texts = [
        f"The paper's main result {word}: LIS-AE is above AE in {_count(columns, below_ae)} columns of Tables 1 and 2, "
        f"and above every rival that sees no negatives in {_count(columns, behind)}{_exceptions(behind)}",
        f"Its mean is below print on {' and '.join(printed)}" if printed else "No mean of LIS-AE is below print",
    ]
    if seeing := [one for one in columns if SEEING_RIVAL in one.best]:
        ahead = _led(seeing, SEEING_RIVAL)
        texts.append(
            "It is above all of the models that learn from the same negatives, which the paper lacks, in "
            f"{_count(seeing, ahead)} columns{_exceptions(ahead)}"
        )
    return f"{'. '.join(texts)}."


def caveats(records: Iterable[Record], seeds: Sequence[int]) -> str:
    """Say what limits the numbers of these records: seeds, data that are a part of a set, and what chose settings."""
    found = {(name, variant) for record in records for name, variant in record.identity["variants"].items() if variant}
    texts = [f"The data of {name} are {CATALOGUE[name].variants.get(text, text)}" for name, text in sorted(found)]
    of_seeds = "One seed" if len(seeds) == 1 else f"{len(seeds)} seeds"
    chosen = "Some settings were compared by test AUC on a few classes while they were found; chosen.md names them"
    return f"{'. '.join([of_seeds, *texts, chosen])}."


def _led(columns: Iterable[_Standing], kind: str) -> list[tuple[_Standing, str]]:
    """List the columns where the best rival of a kind is above LIS-AE, with that rival."""
    return [(one, one.best[kind]) for one in columns if kind in one.best and one.leads(one.best[kind])]


def _count(columns: Collection[object], exceptions: Collection[object]) -> str:
    return f"{len(columns) - len(exceptions)} of {len(columns)}"


def _exceptions(found: Iterable[tuple[_Standing, str]]) -> str:
    """Name the columns where a rival leads, with both numbers."""
    texts = [f"on {one.name} {rival} leads ({one.ours(rival)}, LIS-AE {one.ours(_MAIN)})" for one, rival in found]
    return f"; {', '.join(texts)}" if texts else ""
