"""The claims ledger: what the paper says, and what our records say of it.

The claims are data, ``benchmarks/paper/claims.toml``. Each is a statistic, a direction and a margin: it is *confirmed*
where the whole 95 % interval lies on the claim's side of the margin, *not confirmed* where it lies on the other,
*undecided* where it spans the margin, and *not measured* where records are missing. AUCs are those at the
latent width chosen beforehand.
"""

import csv
import io
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims.bootstrap import Estimate, estimate, point
from benchmarks.claims.checks import LINEAR, Finding, same_weights
from benchmarks.claims.evidence import (
    Evidence,
    Needed,
    NotMeasured,
    Selection,
    Sides,
    Sweep,
    common_keys,
    make_case,
    printed_number,
    select,
)
from benchmarks.files import write_text
from benchmarks.paper.tables import Measurement

__all__ = ["COLUMNS", "Claim", "Entry", "Evidence", "claims", "judge", "ledger", "studied", "write_claims"]

COLUMNS = ("id", "section", "claim", "statistic", "value", "ci_low", "ci_high", "n", "verdict", "reason")
CONFIRMED, NOT_CONFIRMED, UNDECIDED, NOT_MEASURED = "confirmed", "not confirmed", "undecided", "not measured"
VERDICTS = (CONFIRMED, NOT_CONFIRMED, UNDECIDED, NOT_MEASURED)

_FILE = Path(__file__).parent.parent / "paper" / "claims.toml"
_MEASURES = {"auc": "AUC", "curve": "share of operating points where the first curve is higher"}


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, and what decides it; the fields are explained at the top of ``claims.toml``."""

    id: str
    section: str
    claim: str
    kind: str
    direction: str = "above"
    margin: float = 0.0
    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    each: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    measure: str = "auc"
    limit: float = 0.0
    paired: bool = True
    check: str = ""
    reason: str = ""

    @property
    def cases(self) -> list[dict[str, str]]:
        """What fills the {names} of the selections: one case for each place of the lists of ``each``."""
        if not self.each:
            return [{}]
        return [dict(zip(self.each, values, strict=True)) for values in zip(*self.each.values(), strict=True)]

    def sides(self, case: Mapping[str, str]) -> Sides:
        """The selections of a case with their signs. Raises ValueError for one that names no cell."""
        signed = [(1, text) for text in self.plus] + [(-1, text) for text in self.minus]
        return [(sign, _selected(text.format(**case))) for sign, text in signed]

    @property
    def statistic(self) -> str:
        """In words, what is computed and what is claimed of it."""
        if self.kind == "open":
            return ""
        what = self.check
        if self.kind != "check":
            what = " - ".join(" + ".join(f"[{text}]" for text in texts) for texts in (self.plus, self.minus) if texts)
            of = f"{'paired ' if self.minus and self.paired else ''}{_MEASURES[self.measure]}, {what}"
            what = {
                "mean": f"mean over tasks of the {of}",
                "every": f"for each case, mean over tasks of the {of}",
                "share": f"share of {'tasks and cases' if self.paired else 'cases'} above {self.limit:g}: {of}",
            }[self.kind]
        cases = "; ".join(", ".join(case.values()) for case in self.cases if case)
        return f"{what}{f', for {cases}' if cases else ''}; claimed: {self.direction} {self.margin:g}"


@dataclass(frozen=True)
class Entry:
    """A row of the ledger.

    ``paper`` is the same statistic of the paper's own printed numbers, NaN where its tables do not hold it.
    """

    claim: Claim
    estimate: Estimate | None
    verdict: str
    reason: str
    paper: float = np.nan

    def row(self) -> dict[str, Any]:
        """Its fields under ``COLUMNS``; '' for what there is not."""
        found = self.estimate
        numbers = (found.value, found.low, found.high) if found else (np.nan,) * 3
        value, low, high = ("" if np.isnan(number) else f"{number:.4g}" for number in numbers)
        claim = self.claim
        reason = (
            self.reason if np.isnan(self.paper) else f"{self.reason}; the paper's own numbers give {self.paper:.4g}"
        )
        fields = (claim.id, claim.section, claim.claim, claim.statistic, value, low, high, found.n if found else "")
        return dict(zip(COLUMNS, (*fields, self.verdict, reason), strict=True))


@cache
def claims() -> tuple[Claim, ...]:
    """Every claim, in the order of ``claims.toml``."""
    sets = _tables().get("sets", {})
    found = []
    for fields in _tables()["claim"]:
        each = {name: tuple(sets[of] if isinstance(of, str) else of) for name, of in fields.pop("each", {}).items()}
        plus, minus = (tuple(fields.pop(name, ())) for name in ("plus", "minus"))
        found.append(Claim(**fields, plus=plus, minus=minus, each=each))
    return tuple(found)


def studied() -> list[tuple[Measurement, Mapping[str, Any]]]:
    """What no table needs: measurements under settings that differ from the profile's, and those settings."""
    selections = (
        selection
        for claim in claims()
        if claim.kind != "open"
        for case in claim.cases
        for _, selection in claim.sides(case)
    )
    changes = (
        (part.measurement, change)
        for selection in selections
        for change in selection.changes
        for parts in selection.parts.values()
        for part in parts
        if change
    )
    return list(
        {(measurement, tuple(change.items())): (measurement, change) for measurement, change in changes}.values()
    )


@cache
def _selected(text: str) -> Selection:
    return select(text, _sweeps())


@cache
def _sweeps() -> dict[str, Sweep]:
    return {name: Sweep(one["setting"], tuple(one["values"])) for name, one in _tables()["sweeps"].items()}


def _tables() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def ledger(evidence: Evidence) -> list[Entry]:
    """Judge every claim by the records: the rows of the ledger, in the order of ``claims.toml``."""
    return [judge(claim, evidence) for claim in claims()]


def write_claims(evidence: Evidence, results_dir: Path) -> Path:
    """Write ``claims.csv`` and give its path. Raises ``UnavailableError`` when it cannot be written."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(entry.row() for entry in ledger(evidence))
    path = results_dir / "claims.csv"
    write_text(path, text.getvalue())
    return path


def judge(claim: Claim, evidence: Evidence) -> Entry:
    """Decide one claim."""
    try:
        if claim.kind == "open":
            raise NotMeasured(claim.reason)
        if claim.kind == "check":
            finding = _check(claim, evidence)
            return Entry(claim, finding.estimate, _verdict(claim, finding.estimate), finding.remark)
        if claim.kind == "every":
            return _every(claim, evidence)
        return _measured(claim, claim.cases, evidence)
    except NotMeasured as lack:
        return _not_measured(claim, lack)


def _not_measured(claim: Claim, lack: NotMeasured) -> Entry:
    return Entry(claim, None, NOT_MEASURED, str(lack), _of_paper(claim))


def _check(claim: Claim, evidence: Evidence) -> Finding:
    if claim.check in LINEAR:
        return LINEAR[claim.check]()
    (_, shaped), (_, plain) = claim.sides({})
    return same_weights(evidence, shaped, plain)


def _measured(claim: Claim, cases: Sequence[Mapping[str, str]], evidence: Evidence) -> Entry:
    sides = [claim.sides(case) for case in cases]
    needed: Needed = [
        (selection, common_keys(pair) if claim.paired else list(selection.parts))
        for pair in sides
        for _, selection in pair
    ]
    seeds = evidence.seeds_of(needed)
    number = evidence.curve if claim.measure == "curve" else evidence.number
    samples = [make_case(pair, number, seeds, paired=claim.paired) for pair in sides]
    found = estimate(samples, limit=_limit(claim))
    verdict = _verdict(claim, found)
    reasons = [
        f"the interval spans {claim.margin:g}" if verdict == UNDECIDED else "",
        _method(claim, len({key for _, keys in needed for key in keys}), seeds),
        f"data: {variants}" if (variants := evidence.variants(needed)) else "",
    ]
    return Entry(claim, found, verdict, "; ".join(reason for reason in reasons if reason), _of_paper(claim))


def _every(claim: Claim, evidence: Evidence) -> Entry:
    """The case that is the worst for the claim: one that breaks it, else one not measured, else the least certain."""
    entries = []
    for case in claim.cases:
        try:
            entries.append(_measured(claim, [case], evidence))
        except NotMeasured as lack:
            entries.append(_not_measured(claim, lack))
    worst_first = (NOT_CONFIRMED, NOT_MEASURED, UNDECIDED, CONFIRMED)

    def certainty(place: int) -> tuple[int, float]:
        entry = entries[place]
        found = entry.estimate or Estimate(np.nan, 0.0, 0.0)
        return worst_first.index(entry.verdict), found.low if claim.direction == "above" else -found.high

    place = min(range(len(entries)), key=certainty)
    confirmed = sum(entry.verdict == CONFIRMED for entry in entries)
    stands = f"confirmed for {confirmed} of {len(entries)} cases"
    shown = "lacking" if entries[place].verdict == NOT_MEASURED else "the worst"
    names = ", ".join(claim.cases[place].values())
    return replace(entries[place], reason=f"{stands}, {shown}: {names}; {entries[place].reason}")


def _method(claim: Claim, n_tasks: int, seeds: list[int]) -> str:
    """What the interval was drawn over, and so what it speaks of."""
    levels = {"tasks": n_tasks > 1, "seeds": len(seeds) > 1, "test images": claim.kind != "share"}
    drawn = " and ".join(level for level, is_drawn in levels.items() if is_drawn)
    tasks, of_seeds = "tasks" if n_tasks > 1 else "task", "seeds" if len(seeds) > 1 else "seed"
    text = f"{n_tasks} {tasks}, {of_seeds} {', '.join(map(str, seeds))}; 95 % bootstrap over {drawn}"
    return f"{text} alone: another seed may differ" if drawn == "test images" else text


def _limit(claim: Claim) -> float | None:
    return claim.limit if claim.kind == "share" else None


def _verdict(claim: Claim, found: Estimate) -> str:
    ends = (found.value, found.value) if np.isnan(found.low) else (found.low, found.high)
    sign = 1 if claim.direction == "above" else -1
    low, high = sorted(sign * (end - claim.margin) for end in ends)
    if low > 0:
        return CONFIRMED
    return NOT_CONFIRMED if high <= 0 else UNDECIDED


def _of_paper(claim: Claim) -> float:
    """The statistic of the paper's own numbers, where its tables hold it.

    A printed mean over tasks stands for each of them, so that it says nothing of a share of tasks.
    """
    texts = claim.plus + claim.minus
    of_tasks = claim.kind == "share" and claim.paired and not all(text.startswith("A") for text in texts)
    if not texts or claim.kind == "check" or claim.measure != "auc" or of_tasks or any("@" in text for text in texts):
        return np.nan
    cases = [make_case(claim.sides(case), printed_number, [0], paired=claim.paired) for case in claim.cases]
    if claim.kind != "every":
        return point(cases, limit=_limit(claim))
    values = [point([case]) for case in cases]
    return min(values) if claim.direction == "above" else max(values)
