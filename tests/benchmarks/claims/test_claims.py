"""The ledger of claims: what is selected, how it is decided, and what is said where data are missing."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks import reproduce
from benchmarks.claims import COLUMNS, Claim, Evidence, claims, judge, ledger, studied, write_claims
from benchmarks.claims.bootstrap import Sample, auc_variance, estimate, point
from benchmarks.claims.checks import LINEAR, same_weights
from benchmarks.claims.evidence import common_keys, select
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Record, Score, Store
from benchmarks.engine.run import Run, changed, make_run, stage_of
from benchmarks.paper.tables import Measurement, table
from benchmarks.paper.tasks import CLASSES
from benchmarks.registry import build
from lisae import AutoEncoder

FAST, SMOKE = load_profile("fast"), load_profile("smoke")
BY_ID = {claim.id: claim for claim in claims()}
# The ledger of the issue: what has to be among the claims.
DEMANDED = {
    "rivals-mnist", "rivals-fashion", "rivals-two-class", "rivals-svhn", "rivals-cifar10", "linsep-better",
    "supervised-lis", "supervised-linsep", "fashion-harms-mnist", "cifar10-harms-svhn", "other-negatives-help",
    "dog-helps-cat-more-than-plane", "horse-helps-deer-outliers", "horse-harms-car-outliers", "truck-contradicts-car",
    "linsep-mends-car-truck", "cifar10-easier-than-svhn", "width-matters-most", "tanh-over-relu", "same-weights",
    "curves-almost-all",
}  # fmt: skip
LIS, AE = "2 / LIS-AE / CIFAR-10", "2 / AE / CIFAR-10"
BETTER = Claim("better", "5", "LIS-AE is better.", "mean", plus=(LIS,), minus=(AE,))

Auc = Callable[[Run, int], float]


def run_of(measurement: Measurement, seed: int) -> Run:
    return make_run(measurement.task, measurement.model, seed, FAST, {"cifar10": "a part"})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def evidence(store: Store) -> Evidence:
    return Evidence(run_of, store, seeds=(0, 1))


def put(store: Store, run: Run, auc: Auc) -> None:
    scores = tuple(
        Score(outlier, auc(run, outlier), 1000, tuple(np.linspace(auc(run, outlier), 0, 101)))
        for outlier in run.task.outliers
    )
    identity = json.loads(json.dumps(run.identity()))
    store.put(Record(run.id, identity, scores, 1000, 0, "fast", "cpu", "float32", {}, "", 1.0, 1.0))


def fill(store: Store, aucs: Mapping[str, Auc], seeds: tuple[int, ...] = (0,)) -> None:
    """Records of every task of some selections, under the AUC of each."""
    for text, auc in aucs.items():
        for parts in select(text, {}).parts.values():
            for part in parts:
                for seed in seeds:
                    put(store, run_of(part.measurement, seed), auc)


def by_class(level: float) -> Auc:
    """AUCs that differ more from class to class than models do."""
    return lambda run, _: level + run.task.normal[0] / 50


# ---- The claims as data


def test_the_claims_of_the_issue_are_there_and_more() -> None:
    assert len(BY_ID) == len(claims()) >= 25
    assert set(BY_ID) >= DEMANDED


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim.id)
def test_every_claim_can_be_decided_or_says_what_would(claim: Claim) -> None:
    assert claim.section
    assert claim.direction in ("above", "below")
    if claim.kind == "open":
        assert claim.reason
    elif claim.kind == "check":
        assert claim.check in {*LINEAR, "same weights"}
    else:
        assert claim.kind in ("mean", "every", "share")
        for case in claim.cases:
            sides = claim.sides(case)  # raises for a selection of no cell
            assert common_keys(sides) if claim.paired else len(sides) > 1
            assert claim.statistic


@pytest.mark.parametrize("claim", [c for c in claims() if c.paired and c.kind in ("mean", "every")], ids=lambda c: c.id)
def test_signs_of_a_difference_cancel(claim: Claim) -> None:
    if claim.minus:
        assert len(claim.plus) == len(claim.minus)


def test_the_paper_s_own_numbers_bear_out_what_it_prints(evidence: Evidence) -> None:
    paper = {entry.claim.id: entry.paper for entry in ledger(evidence)}
    assert paper["rivals-mnist"] == pytest.approx(0.9768 - 0.9714)
    assert paper["cifar10-harms-svhn"] == pytest.approx(0.5481 - 0.5698)
    assert paper["cifar10-easier-than-svhn"] == 1
    assert paper["horse-harms-car-outliers"] == pytest.approx(0.58 - 0.80)
    # ... and where it contradicts itself: dog negatives do cats no harm in Table A1, and LinSep does not mend them.
    assert paper["dog-harms-cat"] == pytest.approx(0, abs=1e-9)
    assert paper["linsep-mends"] == pytest.approx(0.545 - 0.5775)


# ---- Selections


def test_a_selection_is_the_cells_of_the_table() -> None:
    (cell,) = (cell for cell in table("2").cells if (cell.row, cell.column) == ("LIS-AE", "CIFAR-10"))
    parts = select(LIS, {}).parts
    assert [part.measurement for found in parts.values() for part in found] == list(cell.measurements)
    assert list(parts) == [("cifar10", (c,)) for c in CLASSES]


def test_wildcards_pool_rows_of_one_task() -> None:
    parts = select("A[12] / * | * [0-9] / Avg.", {}).parts
    assert set(parts) == {("cifar10", (c,)) for c in CLASSES}
    assert all(len(found) == 5 for found in parts.values())  # neither None, nor Comb., nor Sup.


@pytest.mark.parametrize("text", ["2 / LIS-AE / CIFAR-100", "6 / * / *", f"{LIS} @ epochs"])
def test_a_selection_of_nothing_is_a_mistake(text: str) -> None:
    with pytest.raises(ValueError, match=r"no cell|no sweep"):
        select(text, {})


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
    assert "over test images alone: another seed may differ" in entry.reason


def test_every_case_counts_and_one_that_fails_decides(store: Store, evidence: Evidence) -> None:
    claim = BY_ID["rivals-cifar10"]
    fill(store, {LIS: by_class(0.7)})
    for rival, level in (("KDE", 0.6), ("IF", 0.75)):
        fill(store, {f"2 / {rival} / CIFAR-10": by_class(level)})
    entry = judge(claim, evidence)
    assert entry.verdict == "not confirmed"
    assert entry.reason.startswith("confirmed for 1 of 12 cases, the worst: IF;")
    assert entry.estimate is not None
    assert entry.estimate.value == pytest.approx(-0.05)


def test_every_case_needs_its_records(store: Store, evidence: Evidence) -> None:
    fill(store, {LIS: by_class(0.7), "2 / KDE / CIFAR-10": by_class(0.6)})
    entry = judge(BY_ID["rivals-cifar10"], evidence)
    assert (entry.verdict, entry.estimate) == ("not measured", None)
    assert "confirmed for 1 of 12 cases, lacking: IF; no record of 10 of 20 runs" in entry.reason


def test_a_share_counts_tasks(store: Store, evidence: Evidence) -> None:
    fill(store, {LIS: lambda run, _: 0.7 if run.task.normal[0] < 9 else 0.5, AE: lambda *_: 0.6})
    entry = judge(replace(BETTER, kind="share", margin=0.5), evidence)
    assert entry.estimate is not None
    assert entry.estimate.value == pytest.approx(0.9)
    assert entry.verdict == "confirmed"
    assert judge(replace(BETTER, kind="share", margin=0.9), evidence).verdict == "undecided"


def test_a_curve_is_above_where_more_anomalies_are_found(store: Store, evidence: Evidence) -> None:
    claim = BY_ID["curves-cifar10"]
    fill(store, {LIS: lambda run, _: 0.7 if run.task.normal[0] < 2 else 0.5, AE: lambda *_: 0.6})
    entry = judge(claim, evidence)
    assert entry.estimate is not None
    assert entry.estimate.value == pytest.approx(0.2)
    assert entry.verdict == "not confirmed"


# ---- Seeds, settings, missing data


def test_a_seed_counts_where_every_record_is_there(store: Store, evidence: Evidence) -> None:
    fill(store, {LIS: by_class(0.7), AE: by_class(0.6)}, seeds=(0, 1))
    assert "seeds 0, 1" in judge(BETTER, evidence).reason
    run = run_of(select(AE, {}).parts["cifar10", (3,)][0].measurement, 1)
    store.record_path(run.id).unlink()
    entry = judge(BETTER, Evidence(run_of, store, seeds=(0, 1)))
    assert "seed 0;" in entry.reason
    assert entry.estimate is not None
    assert entry.estimate.n == 10


def test_what_is_missing_is_named(store: Store, evidence: Evidence) -> None:
    fill(store, {LIS: by_class(0.7)})
    entry = judge(BETTER, evidence)
    assert entry.verdict == "not measured"
    assert entry.reason == "no record of 10 of 20 runs, such as AE on cifar10 0, seed 0"


def test_a_data_variant_is_carried(store: Store, evidence: Evidence) -> None:
    fill(store, {LIS: by_class(0.7), AE: by_class(0.6)})
    assert "data: cifar10: a part" in judge(BETTER, evidence).reason


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
            for parts in selection.parts.values():
                for change in selection.changes:
                    run = evidence._changed(parts[0].measurement, 0, change)
                    place = list(selection.changes).index(change) - 2  # the third value is the profile's
                    put(store, run, lambda *_, level=0.7 + spread[kind] * place / 4: level)
    entry = judge(claim, evidence)
    assert entry.verdict == "confirmed"
    assert entry.estimate is not None
    assert entry.estimate.value == pytest.approx(0.2 - 0.03)
    assert "the worst: learning_rate" in entry.reason


def test_a_setting_that_no_model_has_is_not_measured(evidence: Evidence) -> None:
    bare = replace(BETTER, plus=(f"{LIS} @ autoencoder.dropout=0.5",))
    assert judge(bare, evidence).reason.startswith("LIS-AE has no setting 'autoencoder.dropout' here")


# ---- Checks


def test_the_linear_case_does_what_section_4_says(evidence: Evidence) -> None:
    for check in LINEAR:
        (claim,) = (claim for claim in claims() if claim.check == check)
        assert judge(claim, evidence).verdict == "confirmed"


def test_same_weights_from_what_phase_one_kept(store: Store) -> None:
    evidence = Evidence(
        lambda measurement, seed: make_run(measurement.task, measurement.model, seed, SMOKE, {}), store, seeds=(0,)
    )
    texts = ("A1 / Car | Dog 5 / Plane", "A1 / Car | None / Plane")
    shaped, plain = (select(text, {}) for text in texts)
    runs = [evidence.run(selection.parts["cifar10", (1,)][0].measurement, 0) for selection in (shaped, plain)]
    for run in runs:
        put(store, run, by_class(0.5))
    # Where weights are not kept, as in a clone of published records, phase one is trained on drawn waves.
    found = same_weights(evidence, shaped, plain)
    assert found.estimate.value == 1
    assert "from the kept weights of 0 of 1 AE runs" in found.remark

    stage = stage_of(runs[0])
    assert stage is not None
    noise = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)
    kept = build("AE", stage.settings | {"epochs": 1}, 0, "cpu")
    assert isinstance(kept, AutoEncoder)
    kept._check_alive = lambda *_: None  # type: ignore[method-assign]
    kept.fit(noise).set_params(**stage.settings)  # a file of other settings than the stage's is refused
    path = store.weights_path(stage)
    path.parent.mkdir()
    kept.save(path)
    found = same_weights(evidence, shaped, plain)
    assert found.estimate.value == 1
    assert "from the kept weights of 1 of 1 AE runs" in found.remark
    # Beside another AE than its own phase one, the claim would not hold.
    other = select("A1 / Deer | None / Plane", {})
    foreign = replace(other, parts={("cifar10", (1,)): other.parts["cifar10", (4,)]})
    put(store, evidence.run(foreign.parts["cifar10", (1,)][0].measurement, 0), by_class(0.5))
    assert same_weights(evidence, shaped, foreign).estimate.value == 0


# ---- The bootstrap


def sample(values: list[list[float]], variance: float = 0.0) -> Sample:
    array = np.array(values)
    keys = tuple(("cifar10", (c,)) for c in range(len(array)))
    return Sample(keys, array, np.full(array.shape, variance))


def test_the_interval_is_that_of_a_mean_over_tasks() -> None:
    values = np.random.default_rng(0).normal(0.1, 0.05, size=(10, 1))
    found = estimate([(sample(values.tolist()),)])
    error = values.std() / 10**0.5
    assert found.value == pytest.approx(values.mean())
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.1)


def test_a_single_run_has_the_interval_of_its_test_images() -> None:
    found = estimate([(sample([[0.7]], variance=0.01**2),)])
    assert (found.low, found.high) == pytest.approx((0.7 - 0.0196, 0.7 + 0.0196), abs=2e-3)


def test_seeds_of_a_single_task_are_drawn() -> None:
    found = estimate([(sample([[0.6, 0.7, 0.8]]),)])
    assert found.low < 0.65
    assert found.high > 0.75


def test_the_same_records_give_the_same_interval() -> None:
    case = (sample([[0.1], [0.3], [0.2]], variance=1e-4),)
    assert estimate([case]) == estimate([case])


def test_a_share_that_all_tasks_agree_on_keeps_a_width() -> None:
    found = estimate([(sample([[0.1]] * 10),)], limit=0)
    assert (found.value, found.low, found.high) == (1, 0.7, 1)


def test_cases_of_different_size_count_by_task() -> None:
    assert point([(sample([[0.0], [0.0], [0.0]]),), (sample([[1.0]]),)]) == pytest.approx(0.25)


def test_the_variance_of_an_auc_is_that_of_drawn_scores() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [200, 100])
    aucs = [roc_auc_score(labels, random.exponential(np.where(labels, 3, 1))) for _ in range(400)]
    # Exact for exponential scores, which is what Hanley and McNeil's Q1 and Q2 are taken from.
    assert np.std(aucs) == pytest.approx(auc_variance(0.75, 200, 100) ** 0.5, rel=0.1)


# ---- The runs that it alone needs


def test_sweeps_are_of_two_tasks_and_differ_in_one_setting() -> None:
    assert {measurement.task.normal for measurement, _ in studied()} == {(1,), (4,)}
    assert {(measurement.model, measurement.task.dataset, len(change)) for measurement, change in studied()} == {
        ("LIS-AE", "cifar10", 1)
    }
    settings = Counter(name for _, change in studied() for name in change)
    sweep = 2 * 5
    assert settings == {
        "autoencoder.latent_dim": sweep,
        "beta": sweep,
        "gamma": sweep,
        "learning_rate": sweep,
        "autoencoder.activation": 2,
    }


def test_every_sweep_holds_the_value_of_the_profile_and_so_a_run_that_tables_have() -> None:
    base = {run_of(measurement, 0).id for measurement, _ in studied()}
    found = Counter(
        name
        for measurement, change in studied()
        for name in change
        if (run := changed(run_of(measurement, 0), change)) is not None and run.id in base
    )
    assert found == {"autoencoder.latent_dim": 2, "beta": 2, "gamma": 2, "learning_rate": 2}


def test_a_dry_run_lists_them_and_what_is_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = ["--data-dir", str(tmp_path), "--results-dir", str(tmp_path), "--reports-dir", str(tmp_path)]
    assert reproduce.main(["--claims", "--dry-run", "--jobs", "1", *folders]) == 0
    lines = capsys.readouterr().out.splitlines()
    # Of each task: AE as it is, of four other widths and of another activation; LIS-AE the same, and of three sweeps.
    ae, lis = ([line for line in lines if f"  {model}: cifar10" in line] for model in ("AE", "LIS-AE"))
    assert len(ae) == 2 * 6
    assert len(lis) == 2 * (1 + 4 * 4 + 1)
    assert sum(", autoencoder.latent_dim = 512, seed 0" in line for line in ae) == 2
    assert sum(", gamma = 5.0, seed 0" in line for line in lis) == 2
    assert lines[-1].startswith("48 runs, 48 to do")


# ---- The file


def test_the_file_has_a_row_a_claim(store: Store, evidence: Evidence, tmp_path: Path) -> None:
    fill(store, {LIS: by_class(0.7), "2 / LinSep-LIS-AE / CIFAR-10": by_class(0.8)})
    path = write_claims(evidence, tmp_path / "results")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert path.name == "claims.csv"
    assert tuple(rows[0]) == COLUMNS
    assert [row["id"] for row in rows] == list(BY_ID)
    assert {row["verdict"] for row in rows} <= {"confirmed", "not confirmed", "undecided", "not measured"}
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
    with (tmp_path / "claims.csv").open(newline="") as file:
        (row,) = (row for row in csv.DictReader(file) if row["id"] == "ae-generalises")
    assert "data: cifar10: drawn waves" in row["reason"]
