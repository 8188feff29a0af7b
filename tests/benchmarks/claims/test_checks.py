"""Computed claims hold of the method, fail where something is broken on purpose, and are read and never recomputed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.claims import checks, linear_checks
from benchmarks.claims.checks import SAME_WEIGHTS
from benchmarks.claims.evidence import Evidence
from benchmarks.claims.ledger import JudgedClaim, judge
from benchmarks.engine.records import Store
from benchmarks.paper.claims import claims
from benchmarks.paper.section_4 import GAMMAS, LinearCase, gaussian_case, linear_case
from lisae import CollapseError
from lisae.linear import LinearAE, linear_autoencoder
from tests.benchmarks.claims.made_up import by_class, context_of, fill, pair, run_of

BY_CHECK = {claim.check: claim for claim in claims() if claim.kind == "check"}
CASE = linear_case()

Judge = Callable[[str], JudgedClaim]


def compute(evidence: Evidence) -> list[str]:
    """Compute and keep what is not kept; give the reasons of failures."""
    reasons, folder = [], evidence.store.root
    for computation in checks.computations(evidence):
        if computation.kept(folder, {run.id for run in computation.runs.values()}) is None:
            frame, failures = computation.compute(computation.runs, context_of(evidence.store))
            computation.keep(frame, folder)
            reasons += [failure.reason for failure in failures]
    return reasons


@pytest.fixture
def computed(evidence: Evidence) -> Judge:
    """Judge the claim of a check after it was computed."""

    def judged(check: str) -> JudgedClaim:
        compute(evidence)
        return judge(BY_CHECK[check], evidence)

    return judged


# ---- The linear case, and what breaks it


def test_the_linear_case_does_what_section_4_says(computed: Judge) -> None:
    for check in ("orthogonal part", "normal loss", "tilt"):
        assert computed(check).verdict == "confirmed"
    steps = np.diff(np.sqrt(np.square(GAMMAS) - 1))  # Section 4.2: 1 + g^2 = gamma^2
    assert float(computed("tilt").row()["value"]) == pytest.approx(steps.min(), rel=0.02)


def test_an_autoencoder_whose_orthogonal_part_is_not_zero_is_found(
    computed: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, x = gaussian_case(5, 20, 100)
    leaky = replace(model, tilt=np.full_like(model.tilt, 1e-6))
    monkeypatch.setattr(linear_checks, "gaussian_case", lambda **_: (leaky, x))
    assert computed("orthogonal part").verdict == "not confirmed"


def tilted_along_y(case: LinearCase) -> LinearCase:
    """Normal samples have a y, so that their loss moves."""
    gamma, shaped = max(case.shaped.items())
    along_y = np.abs(shaped.complement[1]).argmax()
    tilt = shaped.tilt.copy()
    tilt[along_y] = 0.3
    return replace(case, shaped={**case.shaped, gamma: replace(shaped, tilt=tilt)})


def better_than_before(case: LinearCase) -> LinearCase:
    """Samples with a z are lost less than by the linear AE, and normal ones as much."""
    gamma = max(case.shaped)
    flat = linear_autoencoder(case.samples * [2, 0, 1], 2)  # x and z
    return replace(case, shaped={**case.shaped, gamma: flat})


def growing_no_more(case: LinearCase) -> LinearCase:
    return replace(case, shaped=dict.fromkeys(case.shaped, case.shaped[GAMMAS[0]]))


def growing_once(case: LinearCase) -> LinearCase:
    first, second, third = GAMMAS
    return replace(case, shaped={first: case.shaped[first], second: case.shaped[third], third: case.shaped[second]})


def with_another_decoder(case: LinearCase) -> LinearCase:
    """The encoder stays (1, 0, g), and the decoder is turned from x towards y."""
    turn = np.array([[np.cos(0.2), -np.sin(0.2), 0], [np.sin(0.2), np.cos(0.2), 0], [0, 0, 1]])

    def turned(model: LinearAE) -> LinearAE:
        complement = turn @ model.complement
        return replace(model, decoder=turn @ model.decoder, complement=complement, tilt=complement.T @ model.encoder)

    return replace(case, shaped={gamma: turned(model) for gamma, model in case.shaped.items()})


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        ("normal loss", tilted_along_y),
        ("normal loss", better_than_before),
        ("tilt", growing_no_more),
        ("tilt", growing_once),
        ("tilt", tilted_along_y),
        ("tilt", with_another_decoder),
    ],
)
def test_a_broken_linear_case_is_found(
    check: str, broken: Callable[[LinearCase], LinearCase], computed: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear_checks, "linear_case", lambda _: broken(CASE))
    assert computed(check).verdict == "not confirmed"


def test_one_pair_that_differs_is_enough(computed: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "weight_pairs", lambda _: pair())
    assert computed(SAME_WEIGHTS).verdict == "confirmed"
    ((shaped, _),), ((_, foreign),) = pair(), pair(4)
    monkeypatch.setattr(checks, "weight_pairs", lambda _: [*pair(), (shaped, foreign)])
    assert computed(SAME_WEIGHTS).verdict == "not confirmed"


# ---- Kept, read, and missing


def test_judging_reads_and_never_computes(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    for check in checks.LINEAR:
        judged = judge(BY_CHECK[check], evidence)
        assert judged.verdict == "not measured"
        assert evidence.command in judged.reason
    compute(evidence)
    written = (evidence.store.root / checks.FILE).read_bytes()
    for module, name in ((linear_checks, "linear_case"), (linear_checks, "gaussian_case"), (checks, "same_weights")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("it was computed"))
    assert [judge(BY_CHECK[check], evidence).verdict for check in checks.LINEAR] == ["confirmed"] * 3
    assert compute(evidence) == []  # kept
    assert (evidence.store.root / checks.FILE).read_bytes() == written


DAMAGES: dict[str, Callable[[str], str]] = {
    "emptied": lambda _: "",
    "other columns": lambda _: "run,check\n",
    "no text": lambda _: "\x00",
    "cut": lambda whole: whole[: whole.index("\n") + 20],
    "no numbers": lambda whole: whole.replace(",3,", ",three,"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_computed_anew(damage: str, evidence: Evidence) -> None:
    compute(evidence)
    path: Path = evidence.store.root / checks.FILE
    whole = path.read_text()
    path.write_text(DAMAGES[damage](whole))
    assert judge(BY_CHECK["tilt"], evidence).verdict == "not measured"
    compute(evidence)
    assert path.read_text() == whole


@pytest.fixture
def of_seed(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Evidence]:
    """The evidence of one seed, of which 0 and 1 have records; pairs of runs are not compared but counted."""
    fill(store, {"2 / AE / *": by_class(0.5), "2 / LIS-AE / *": by_class(0.6)}, seeds=(0, 1))
    monkeypatch.setattr(checks, "same_weights", lambda pairs, _: checks.Finding(1.0, len(pairs), "made up"))
    return lambda seed: Evidence(run_of, store, seeds=(seed,))


def test_weights_of_other_runs_are_not_taken(of_seed: Callable[[int], Evidence]) -> None:
    claim = BY_CHECK[SAME_WEIGHTS]
    assert all(SAME_WEIGHTS not in computation.runs for computation in checks.computations(of_seed(7)))
    assert "no record" in judge(claim, of_seed(7)).reason
    compute(of_seed(0))
    judged = judge(claim, of_seed(0))
    assert (judged.verdict, judged.reason, judged.row()["n"]) == ("confirmed", "made up", 20)
    of_seed_1 = judge(claim, of_seed(1))
    assert of_seed_1.verdict == "not measured"
    assert checks.FILE in of_seed_1.reason


def test_rows_of_other_runs_stay_where_they_are(of_seed: Callable[[int], Evidence], store: Store) -> None:
    def rows_after(seed: int) -> list[str]:
        compute(of_seed(seed))
        return (store.root / checks.FILE).read_text().splitlines()

    first = rows_after(0)
    assert rows_after(7) == first  # no records, and so no row of weights
    both = rows_after(1)
    assert both[:-1] == first
    assert rows_after(0) == both
    (*_, of_weights) = checks.computations(of_seed(0))  # made anew, as --fresh does
    frame, _ = of_weights.compute(of_weights.runs, context_of(store))
    of_weights.keep(frame, store.root)
    assert set(rows_after(1)) == set(both)
    assert judge(BY_CHECK[SAME_WEIGHTS], of_seed(0)).verdict == judge(BY_CHECK[SAME_WEIGHTS], of_seed(1)).verdict


def test_a_collapse_is_a_failure_that_leaves_the_others(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    def collapsed(*_: object) -> None:
        raise CollapseError("went grey")

    monkeypatch.setattr(checks, "weight_pairs", lambda _: pair())
    monkeypatch.setattr(checks, "same_weights", collapsed)
    (reason,) = compute(evidence)
    assert "went grey" in reason
    assert judge(BY_CHECK[SAME_WEIGHTS], evidence).verdict == "not measured"
    assert judge(BY_CHECK["tilt"], evidence).verdict == "confirmed"
