"""The ledger: every claim of the paper with its verdict.

A claim (``benchmarks/paper/claims.toml``) is a statistic, a direction and a margin. It is *confirmed* where the whole
95 % interval (see ``intervals``) lies on the claim's side of the margin, *not confirmed* where it lies on the other,
*undecided* where it spans the margin, and *not measured* where records or computations are missing. AUCs are those at
the latent width chosen beforehand. A reason says first what the paper's own numbers give. Nothing is trained or
computed here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.claims.checks import finding
from benchmarks.claims.evidence import Evidence, Needed, NotMeasured, ValueAndVariance, evidence_of, make_case
from benchmarks.claims.intervals import Estimate, estimate, point
from benchmarks.engine.plan import Plan
from benchmarks.files import write_text
from benchmarks.paper.claims import Claim, Selection, TaskKey, claims, common_keys

COLUMNS = ("id", "section", "claim", "statistic", "value", "ci_low", "ci_high", "n", "verdict", "reason")
CONFIRMED, NOT_CONFIRMED, UNDECIDED, NOT_MEASURED = "confirmed", "not confirmed", "undecided", "not measured"
VERDICTS = (CONFIRMED, NOT_CONFIRMED, UNDECIDED, NOT_MEASURED)


@dataclass(frozen=True)
class JudgedClaim:
    """A row of the ledger; ``estimate`` is None for a claim that was not measured."""

    claim: Claim
    estimate: Estimate | None
    reason: str

    @property
    def verdict(self) -> str:
        """One of ``VERDICTS``; a computation without chance counts by its value alone."""
        if (found := self.estimate) is None:
            return NOT_MEASURED
        ends = (found.value, found.value) if np.isnan(found.low) else (found.low, found.high)
        low, high = sorted(self._lead(end) for end in ends)
        return CONFIRMED if low > 0 else NOT_CONFIRMED if high <= 0 else UNDECIDED

    def _lead(self, value: float) -> float:
        """Return how far a value is on the claim's side of the margin."""
        return (1 if self.claim.direction == "above" else -1) * (value - self.claim.margin)

    @property
    def paper(self) -> float:
        """The same statistic of the paper's own printed numbers, NaN where its tables do not hold all of them.

        A printed mean over tasks stands for each of them, so that it says nothing of a share of tasks.
        """
        claim = self.claim
        texts = claim.plus + claim.minus
        of_tasks = claim.kind == "share" and claim.paired and not all(text.startswith("A") for text in texts)
        if claim.kind == "check" or claim.measure != "auc" or of_tasks or any("@" in text for text in texts):
            return np.nan

        def printed(selection: Selection, key: TaskKey, _: int) -> ValueAndVariance:
            return np.mean([cell.printed for cell in selection.cells[key]]), 0.0

        cases = [make_case(claim.sides(case), printed, [0], paired=claim.paired) for case in claim.cases]
        if any(np.isnan(sample.values).any() for case in cases for sample in case):
            return np.nan
        if claim.kind == "every":
            return (min if claim.direction == "above" else max)(point([case]) for case in cases)
        return point(cases, limit=claim.limit if claim.kind == "share" else None)

    def row(self) -> dict[str, Any]:
        """Return its fields under ``COLUMNS``, with '' for what there is not."""
        claim, found, paper = self.claim, self.estimate, self.paper
        numbers = (found.value, found.low, found.high) if found else (np.nan,) * 3
        value, low, high = ("" if np.isnan(number) else f"{number:.4g}" for number in numbers)
        reason = self.reason
        if not np.isnan(paper):
            bears = self._lead(round(paper, 9)) > 0  # a difference of printed numbers may be off by rounding
            told = (
                f"the paper's own numbers give {round(paper, 9):.4g}{'' if bears else ', which does not bear it out'}"
            )
            reason = f"{told}; {reason}"
        said = (claim.id, claim.section, claim.claim, claim.statistic)
        fields = (*said, value, low, high, found.n if found else "", self.verdict, reason)
        return dict(zip(COLUMNS, fields, strict=True))


def write_claims(plan: Plan, results_dir: Path) -> Path:
    """Write ``claims.csv`` of a call and return its path. Raises ``UnavailableError`` when it cannot be written."""
    evidence, path = evidence_of(plan), results_dir / "claims.csv"
    rows = pd.DataFrame([judge(claim, evidence).row() for claim in claims()])
    write_text(path, rows.to_csv(index=False, lineterminator="\n"))
    return path


def judge(claim: Claim, evidence: Evidence) -> JudgedClaim:
    """Decide one claim."""
    if claim.kind == "check":
        try:
            found = finding(claim.check, evidence)
        except NotMeasured as lack:
            return JudgedClaim(claim, None, str(lack))
        return JudgedClaim(claim, Estimate(found.value, found.low, found.high, found.n), found.remark)
    judged = _worst(claim, evidence) if claim.kind == "every" else _judged(claim, claim.cases, evidence)
    needed = [one for case in claim.cases for one in _needed(claim, case)]
    if judged.estimate and (variants := evidence.variants(needed)):
        return replace(judged, reason=f"{judged.reason}; data: {variants}")
    return judged


def _worst(claim: Claim, evidence: Evidence) -> JudgedClaim:
    """Decide the case that is the worst for a claim: one that breaks it, one not measured, or the least certain."""
    judged = [_judged(claim, [case], evidence) for case in claim.cases]
    worst_first = (NOT_CONFIRMED, NOT_MEASURED, UNDECIDED, CONFIRMED)

    def certainty(place: int) -> tuple[int, float]:
        found = judged[place].estimate or Estimate(np.nan, 0.0, 0.0)
        return worst_first.index(judged[place].verdict), found.low if claim.direction == "above" else -found.high

    place = min(range(len(judged)), key=certainty)
    confirmed = sum(one.verdict == CONFIRMED for one in judged)
    shown = "lacking" if judged[place].verdict == NOT_MEASURED else "the worst"
    of_cases = f"confirmed for {confirmed} of {len(judged)} cases, {shown}: {', '.join(claim.cases[place].values())}"
    return replace(judged[place], reason=f"{of_cases}; {judged[place].reason}")


def _needed(claim: Claim, case: Mapping[str, str]) -> Needed:
    sides = claim.sides(case)
    shared = common_keys(sides) if claim.paired else None
    return [(selection, shared or list(selection.cells)) for _, selection in sides]


def _judged(claim: Claim, cases: Sequence[Mapping[str, str]], evidence: Evidence) -> JudgedClaim:
    """Decide a claim by some of its cases, taken together."""
    needed = [one for case in cases for one in _needed(claim, case)]
    try:
        seeds = evidence.seeds_of(needed)
    except NotMeasured as lack:
        return JudgedClaim(claim, None, str(lack))
    number = {
        "auc": evidence.number,
        "curve": evidence.curve,
        "detected": evidence.detected,
        "restarts": evidence.restarts,
    }[claim.measure]
    samples = [make_case(claim.sides(case), number, seeds, paired=claim.paired) for case in cases]
    measured = estimate(samples, limit=claim.limit if claim.kind == "share" else None)
    reason = _method(claim, len({key for _, keys in needed for key in keys}), seeds)
    judged = JudgedClaim(claim, measured, reason)
    if judged.verdict == UNDECIDED:
        alone = "with one seed " if len(seeds) == 1 else ""
        return replace(judged, reason=f"{alone}the interval spans {claim.margin:g}; {reason}")
    return judged


def _method(claim: Claim, n_tasks: int, seeds: Sequence[int]) -> str:
    """Tell what the interval is, and so of what it speaks."""
    of_seeds = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    if n_tasks == 1:
        elsewhere = "" if len(seeds) > 1 else ", as they spread elsewhere: one was trained here"
        return f"one task: speaks of this task alone; {of_seeds}; 95 % interval over test images and seeds{elsewhere}"
    if claim.kind != "share":
        kind = f"95 % t interval over tasks{' and seeds' if len(seeds) > 1 else ''}"
    elif claim.paired:
        kind = "95 % interval of Clopper and Pearson over tasks"
    else:
        kind = "95 % t intervals over tasks, of all cases together"
    return f"{n_tasks} tasks, {of_seeds}; {kind}"
