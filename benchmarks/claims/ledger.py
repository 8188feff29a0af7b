"""The ledger: every claim of the paper with its verdict.

A claim (``benchmarks/paper/claims.toml``) is a statistic, a direction and a margin. It is *confirmed* where the whole
95 % interval lies on the claim's side of the margin, *not confirmed* where it lies on the other, *undecided* where it
spans the margin, and *not measured* where records or computations are missing. AUCs are those at the latent width
chosen beforehand. Nothing is trained or computed here.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims.bootstrap import Estimate, estimate, point
from benchmarks.claims.checks import finding
from benchmarks.claims.evidence import Evidence, Needed, NotMeasured, evidence_of, make_case, number_of_paper
from benchmarks.engine.plan import Plan
from benchmarks.files import write_text
from benchmarks.paper.claims import Claim, claims, common_keys

COLUMNS = ("id", "section", "claim", "statistic", "value", "ci_low", "ci_high", "n", "verdict", "reason")
CONFIRMED, NOT_CONFIRMED, UNDECIDED, NOT_MEASURED = "confirmed", "not confirmed", "undecided", "not measured"
VERDICTS = (CONFIRMED, NOT_CONFIRMED, UNDECIDED, NOT_MEASURED)


@dataclass(frozen=True)
class JudgedClaim:
    """A row of the ledger.

    ``paper`` is the same statistic of the paper's own printed numbers, NaN where its tables do not hold it.
    """

    claim: Claim
    estimate: Estimate | None
    verdict: str
    reason: str
    paper: float = np.nan

    def row(self) -> dict[str, Any]:
        """Return its fields under ``COLUMNS``, with '' for what there is not."""
        found = self.estimate
        numbers = (found.value, found.low, found.high) if found else (np.nan,) * 3
        value, low, high = ("" if np.isnan(number) else f"{number:.4g}" for number in numbers)
        claim = self.claim
        of_paper = "" if np.isnan(self.paper) else f"; the paper's own numbers give {self.paper:.4g}"
        fields = (claim.id, claim.section, claim.claim, claim.statistic, value, low, high, found.n if found else "")
        return dict(zip(COLUMNS, (*fields, self.verdict, self.reason + of_paper), strict=True))


def write_claims(plan: Plan, results_dir: Path) -> Path:
    """Write ``claims.csv`` of a call and return its path. Raises ``UnavailableError`` when it cannot be written."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(judged.row() for judged in judge_all(evidence_of(plan)))
    path = results_dir / "claims.csv"
    write_text(path, text.getvalue())
    return path


def judge_all(evidence: Evidence) -> list[JudgedClaim]:
    """Judge every claim, in the order of ``claims.toml``."""
    return [judge(claim, evidence) for claim in claims()]


def judge(claim: Claim, evidence: Evidence) -> JudgedClaim:
    """Decide one claim."""
    try:
        if claim.kind == "open":
            raise NotMeasured(claim.reason)
        if claim.kind == "check":
            found = finding(claim.check, evidence)
            computed = Estimate(found.value, n=found.n)
            return JudgedClaim(claim, computed, _verdict(claim, computed), found.remark)
        if claim.kind == "every":
            return _every(claim, evidence)
        return _measured(claim, claim.cases, evidence)
    except NotMeasured as lack:
        return _not_measured(claim, lack)


def _not_measured(claim: Claim, lack: NotMeasured) -> JudgedClaim:
    return JudgedClaim(claim, None, NOT_MEASURED, str(lack), _of_paper(claim))


def _measured(claim: Claim, cases: Sequence[Mapping[str, str]], evidence: Evidence) -> JudgedClaim:
    sides = [claim.sides(case) for case in cases]
    needed: Needed = [
        (selection, common_keys(pair) if claim.paired else list(selection.cells))
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
    return JudgedClaim(claim, found, verdict, "; ".join(reason for reason in reasons if reason), _of_paper(claim))


def _every(claim: Claim, evidence: Evidence) -> JudgedClaim:
    """Judge the case that is the worst for the claim: one that breaks it, one not measured, or the least certain."""
    judged = []
    for case in claim.cases:
        try:
            judged.append(_measured(claim, [case], evidence))
        except NotMeasured as lack:
            judged.append(_not_measured(claim, lack))
    worst_first = (NOT_CONFIRMED, NOT_MEASURED, UNDECIDED, CONFIRMED)

    def certainty(place: int) -> tuple[int, float]:
        found = judged[place].estimate or Estimate(np.nan, 0.0, 0.0)
        return worst_first.index(judged[place].verdict), found.low if claim.direction == "above" else -found.high

    place = min(range(len(judged)), key=certainty)
    confirmed = sum(one.verdict == CONFIRMED for one in judged)
    stands = f"confirmed for {confirmed} of {len(judged)} cases"
    shown = "lacking" if judged[place].verdict == NOT_MEASURED else "the worst"
    names = ", ".join(claim.cases[place].values())
    return replace(judged[place], reason=f"{stands}, {shown}: {names}; {judged[place].reason}")


def _method(claim: Claim, n_tasks: int, seeds: list[int]) -> str:
    """Tell over what the interval was drawn, and so of what it speaks."""
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
    """Return the statistic of the paper's own numbers, NaN where its tables do not hold all of them.

    A printed mean over tasks stands for each of them, so that it says nothing of a share of tasks.
    """
    texts = claim.plus + claim.minus
    of_tasks = claim.kind == "share" and claim.paired and not all(text.startswith("A") for text in texts)
    if not texts or claim.kind == "check" or claim.measure != "auc" or of_tasks or any("@" in text for text in texts):
        return np.nan
    cases = [make_case(claim.sides(case), number_of_paper, [0], paired=claim.paired) for case in claim.cases]
    if any(np.isnan(sample.values).any() for case in cases for sample in case):
        return np.nan
    if claim.kind != "every":
        return point(cases, limit=_limit(claim))
    values = [point([case]) for case in cases]
    return min(values) if claim.direction == "above" else max(values)
