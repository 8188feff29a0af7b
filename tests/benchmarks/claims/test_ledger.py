"""The ledger: how claims are decided, and what is said where records are missing."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import reproduce
from benchmarks.claims.evidence import Evidence
from benchmarks.claims.ledger import COLUMNS, VERDICTS, judge, write_claims
from benchmarks.data import DataIdentity
from benchmarks.data.cache import CATALOGUE
from benchmarks.engine.plan import Plan
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Store
from benchmarks.engine.run import Run, changed, make_run
from benchmarks.paper import claims as paper_claims
from benchmarks.paper.claims import select
from benchmarks.paper.tables import TABLES, Measurement, Table, table
from tests.benchmarks.claims.made_up import AE, BETTER, BY_ID, LIS, by_class, fill, put, run_of

FAST = load_profile("fast")

# ---- Verdicts


def test_tasks_are_paired(store: Store, evidence: Evidence) -> None:
    # A small and steady gain, lost among the classes if the two were averaged on their own.
    fill(store, {LIS: by_class(0.63), AE: by_class(0.6)})
    entry = judge(BETTER, evidence)
    found = entry.estimate
    assert found is not None
    assert (entry.verdict, found.n) == ("confirmed", 10)
    assert found.value == pytest.approx(0.03)
    assert 0 < found.low < 0.03 < found.high
    alone = judge(replace(BETTER, paired=False), evidence).estimate
    assert alone is not None
    assert alone.value == pytest.approx(0.03)
    assert alone.low > 0  # the same tasks are drawn for both


@pytest.mark.parametrize(
    ("gain", "direction", "verdict"),
    [
        (0.1, "above", "confirmed"),
        (0.1, "below", "not confirmed"),
        (-0.1, "above", "not confirmed"),
        (-0.1, "below", "confirmed"),
        (0.0, "above", "undecided"),
        (0.0, "below", "undecided"),
    ],
)
def test_verdicts(store: Store, evidence: Evidence, gain: float, direction: str, verdict: str) -> None:
    fill(store, {LIS: by_class(0.6 + gain), AE: by_class(0.6)})
    assert judge(replace(BETTER, direction=direction), evidence).verdict == verdict


def test_a_margin_moves_the_verdict(store: Store, evidence: Evidence) -> None:
    fill(store, {LIS: by_class(0.7), AE: by_class(0.6)})
    assert judge(replace(BETTER, margin=0.05), evidence).verdict == "confirmed"
    assert judge(replace(BETTER, margin=0.2), evidence).verdict == "not confirmed"


def test_one_run_has_an_interval_over_test_images_and_says_so(store: Store, evidence: Evidence) -> None:
    one = "A1 / Car | None / Avg."
    fill(store, {one: lambda *_: 0.49})
    entry = judge(replace(BETTER, plus=(one,), minus=(), direction="below", margin=0.5), evidence)
    assert entry.verdict == "undecided"
    assert "one task: speaks of this task alone" in entry.reason
    assert "one was trained here" in entry.reason
    # Test images alone would decide it, other seeds may not.
    (variance,) = {evidence.number(select(one), key, 0)[1] for key in select(one).cells}
    assert 0.49 + 1.96 * variance**0.5 < 0.51
    entry = judge(replace(BETTER, plus=(one,), minus=(), direction="below", margin=0.51), evidence)
    assert entry.verdict == "undecided"
    assert entry.reason.startswith("with one seed the interval spans 0.51; ")


def test_every_case_counts_and_one_that_fails_decides(store: Store, evidence: Evidence) -> None:
    claim = BY_ID["rivals-cifar10"]
    fill(store, {LIS: by_class(0.7)})
    for rival, level in (("KDE", 0.6), ("IF", 0.75)):
        fill(store, {f"2 / {rival} / CIFAR-10": by_class(level)})
    entry = judge(claim, evidence)
    assert entry.verdict == "not confirmed"
    assert "1 of 14 cases, the worst: IF;" in entry.reason
    assert entry.estimate is not None
    assert entry.estimate.value == pytest.approx(-0.05)


def test_every_case_needs_its_records(store: Store, evidence: Evidence) -> None:
    fill(store, {LIS: by_class(0.7), "2 / KDE / CIFAR-10": by_class(0.6)})
    entry = judge(BY_ID["rivals-cifar10"], evidence)
    assert (entry.verdict, entry.estimate) == ("not measured", None)
    assert "1 of 14 cases, lacking: IF; no record of 10 of 20 runs" in entry.reason


def test_a_share_counts_tasks(store: Store, evidence: Evidence) -> None:
    fill(store, {LIS: lambda run, _: 0.7 if run.task.normal[0] < 9 else 0.5, AE: lambda *_: 0.6})
    entry = judge(replace(BETTER, kind="share", margin=0.5), evidence)
    assert entry.estimate is not None
    assert entry.estimate.value == pytest.approx(0.9)
    assert entry.verdict == "confirmed"
    assert judge(replace(BETTER, kind="share", margin=0.9), evidence).verdict == "undecided"


def test_trainings_that_were_begun_again_are_counted(store: Store, evidence: Evidence) -> None:
    claim = replace(BETTER, measure="restarts", direction="below")
    for text, restarts in ((LIS, 0), (AE, 2)):
        selection = select(text)
        for number, measurement in enumerate(selection.measurements(selection.cells)):
            put(store, run_of(measurement, 0), by_class(0.5), restarts if number % 2 else 0)
    judged = judge(claim, evidence)
    assert judged.estimate is not None
    assert (judged.estimate.value, judged.verdict) == (-1, "confirmed")
    assert np.isnan(judged.paper)
    assert "trainings begun again" in judged.row()["statistic"]


# ---- Seeds, settings, missing data


def test_a_seed_counts_where_every_record_is_there(store: Store, evidence: Evidence) -> None:
    fill(store, {LIS: by_class(0.7), AE: by_class(0.6)}, seeds=(0, 1))
    assert "seeds 0, 1" in judge(BETTER, evidence).reason
    run = run_of(select(AE).cells["cifar10", (3,)][0].measurement, 1)
    store.record_path(run.id).unlink()
    entry = judge(BETTER, Evidence(run_of, store, seeds=(0, 1)))
    assert "seed 0;" in entry.reason
    assert entry.estimate is not None
    assert entry.estimate.n == 10


def test_what_is_missing_is_named(store: Store, evidence: Evidence) -> None:
    fill(store, {LIS: by_class(0.7)})
    entry = judge(BETTER, evidence)
    assert entry.verdict == "not measured"
    assert "10 of 20 runs, such as AE on cifar10 0, seed 0" in entry.reason


def test_a_data_variant_is_carried(store: Store, evidence: Evidence) -> None:
    fill(store, {LIS: by_class(0.7), AE: by_class(0.6)})
    assert judge(BETTER, evidence).reason.endswith("data: cifar10: a part")


def test_what_is_known_of_a_variant_is_said_even_where_another_case_is_the_worst(store: Store) -> None:
    def run_on_part(measurement: Measurement, seed: int) -> Run:
        return make_run(
            measurement.task, measurement.model, seed, FAST, {"svhn": DataIdentity(*CATALOGUE["svhn"].variants)}
        )

    claim = BY_ID["linsep-better"]
    for column, gain in (("SVHN", 0.2), ("CIFAR-10", 0.1)):
        for text, level in ((f"2 / LIS-AE / {column}", 0.5), (f"2 / LinSep-LIS-AE / {column}", 0.5 + gain)):
            selection = select(text)
            for measurement in selection.measurements(selection.cells):
                put(store, run_on_part(measurement, 0), lambda *_, level=level: level)
    entry = judge(claim, Evidence(run_on_part, store, seeds=(0,)))
    assert "the worst: CIFAR-10" in entry.reason
    assert "4,434 training and 1,952 test digits, re-cropped: 6 % of SVHN" in entry.reason


def test_a_wider_range_over_a_setting_is_seen(store: Store, evidence: Evidence) -> None:
    wide = BY_ID["width-matters-most"]
    one = "A1 / Car | Comb. (5-9) / Avg."  # a task is enough here
    both = "4 / * | Comb. * / Avg."
    plus, minus = (tuple(text.replace(both, one) for text in texts) for texts in (wide.plus, wide.minus))
    claim = replace(wide, plus=plus, minus=minus)
    spread = {"beta": 0.01, "gamma": 0.02, "learning_rate": 0.03, "latent_dim": 0.2}
    for name in spread:
        sides = claim.sides({"setting": name})
        for _, selection in sides:
            kind = selection.text.rpartition(" ")[2]
            for measurement in selection.measurements(selection.cells):
                for change in selection.changes:
                    run = changed(run_of(measurement, 0), change)
                    assert run is not None
                    place = list(selection.changes).index(change) - 2  # the third value is the profile's
                    put(store, run, lambda *_, level=0.7 + spread[kind] * place / 4: level)
    entry = judge(claim, evidence)
    assert entry.verdict == "confirmed"
    assert entry.estimate is not None
    assert entry.estimate.value == pytest.approx(0.2 - 0.03)
    assert "the worst: learning_rate" in entry.reason


def test_a_setting_that_no_model_has_is_not_measured(evidence: Evidence) -> None:
    bare = replace(BETTER, plus=(f"{LIS} @ autoencoder.dropout=0.5",))
    assert "'autoencoder.dropout'" in judge(bare, evidence).reason


# ---- The paper's own numbers


def test_the_paper_s_own_numbers_bear_out_what_it_prints(evidence: Evidence) -> None:
    paper = {entry.claim.id: entry.paper for entry in (judge(claim, evidence) for claim in BY_ID.values())}
    assert paper["rivals-mnist"] == pytest.approx(0.9768 - 0.9714)
    assert paper["cifar10-harms-svhn"] == pytest.approx(0.5481 - 0.5698)
    assert paper["cifar10-easier-than-svhn"] == 1
    assert paper["horse-harms-car-outliers"] == pytest.approx(0.58 - 0.80)
    # ... and where it contradicts itself: dog negatives do cats no harm in Table A1, and LinSep does not mend them.
    assert paper["dog-harms-cat"] == pytest.approx(0, abs=1e-9)
    assert paper["linsep-mends"] == pytest.approx(0.545 - 0.5775)
    reasons = {claim_id: judge(BY_ID[claim_id], evidence).row()["reason"] for claim_id in paper}
    for claim_id in ("dog-harms-cat", "linsep-mends", "linsep-almost-always"):
        told = f"the paper's own numbers give {round(paper[claim_id], 9):.4g}, which does not bear it out; "
        assert reasons[claim_id].startswith(told)
    assert reasons["rivals-mnist"].startswith("the paper's own numbers give 0.0054; ")


@pytest.mark.parametrize("kind", ["mean", "every", "share"])
def test_a_table_that_the_paper_lacks_is_judged_without_its_numbers(
    kind: str, store: Store, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = tuple(replace(cell, column="Here") for cell in table("2").cells if cell.column == "CIFAR-10")
    own = Table("own", "A table of our own", ("Model",), ("Here",), cells)
    monkeypatch.setattr(paper_claims, "TABLES", (*TABLES, own))
    fill(store, {LIS: by_class(0.7), AE: by_class(0.6)})
    claim = replace(BETTER, kind=kind, plus=("own / LIS-AE / Here",), minus=("own / AE / Here",), paired=kind == "mean")
    entry = judge(claim, evidence)
    assert entry.estimate is not None
    assert entry.estimate.value > 0
    assert np.isnan(entry.paper)
    assert "paper" not in entry.row()["reason"]
    of_both = judge(replace(claim, minus=(AE,)), evidence)
    assert np.isnan(of_both.paper)


# ---- The call and the file


def test_a_dry_run_lists_them_and_what_is_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = ["--data-dir", str(tmp_path), "--results-dir", str(tmp_path), "--reports-dir", str(tmp_path)]
    assert reproduce.main(["--claims", "--dry-run", "--jobs", "1", *folders]) == 0
    lines = capsys.readouterr().out.splitlines()
    # Of Car and Deer: AE as it is, of four other widths and another activation; LIS-AE the same, and of three sweeps.
    ae, lis = ([line for line in lines if f"  {model}: cifar10" in line] for model in ("AE", "LIS-AE"))
    # And LIS-AE with few negatives, and with contaminated ones, for which it begins from an AE of fewer normal images.
    assert len(ae) == 2 * (6 + 1)
    assert len(lis) == 2 * (1 + 4 * 4 + 1 + 3)
    assert sum(", negatives cifar10 5,6,7,8,9, 50 of them, negatives.count = 50, seed 0" in line for line in lis) == 2
    assert sum(", autoencoder.latent_dim = 512, seed 0" in line for line in ae) == 2
    assert sum(", gamma = 4.0, seed 0" in line for line in lis) == 2
    # Of every class of SVHN: AE and LIS-AE with an inner loss.
    assert sum(", autoencoder.inner_weight = 10.0, seed 0" in line for line in lines) == 2 * 10
    assert lines[-1].startswith("110 runs, 110 to do")


# ---- The file


def test_the_file_has_a_row_a_claim(store: Store, tmp_path: Path) -> None:
    fill(store, {LIS: by_class(0.7), "2 / LinSep-LIS-AE / CIFAR-10": by_class(0.8)})
    arguments = ["--claims", "--data-dir", str(tmp_path), "--results-dir", str(store.root)]
    request = reproduce.request_of(reproduce.command_line().parse_args(arguments))
    path = write_claims(Plan(request, store), tmp_path / "results")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert path.name == "claims.csv"
    assert tuple(rows[0]) == COLUMNS
    assert [row["id"] for row in rows] == list(BY_ID)
    assert {row["verdict"] for row in rows} <= set(VERDICTS)
    for row in rows:
        assert row["reason"]
        assert (row["value"] == "") == (row["verdict"] == "not measured")


def test_all_writes_the_ledger_and_a_table_alone_does_not(
    tmp_path: Path, data_dir: Path, profile_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reproduce, "TABLES", (table("4"),))
    monkeypatch.setattr(reproduce, "FIGURES", ())
    arguments = ["--profile", str(profile_path), "--data-dir", str(data_dir), "--offline", "--jobs", "1", "--quiet"]
    arguments += ["--models", "AE", "--results-dir", str(tmp_path), "--reports-dir", str(tmp_path / "reports")]
    assert reproduce.main([*arguments, "--table", "4"]) == 0
    assert not (tmp_path / "claims.csv").exists()
    assert reproduce.main([*arguments, "--all"]) == 0
    rows = {row["id"]: row for row in csv.DictReader((tmp_path / "claims.csv").read_text().splitlines())}
    assert "data: cifar10: drawn waves" in rows["ae-generalises"]["reason"]
    assert rows["tilt"]["verdict"] == "confirmed"

    # What was computed for it is not computed again, but with --fresh.
    computed = tmp_path / "checks.csv"
    text = computed.read_text()
    computed.write_text(text.replace("|g| is", "kept: |g| is"))
    assert reproduce.main([*arguments, "--all"]) == 0
    assert "kept: |g| is" in (tmp_path / "claims.csv").read_text()
    assert reproduce.main([*arguments, "--all", "--fresh"]) == 0
    assert computed.read_text() == text
