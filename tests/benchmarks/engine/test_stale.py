"""A record is stale when no call of today would use it, and what changed is named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.data import DataIdentity
from benchmarks.engine import run as run_module
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Store
from benchmarks.engine.run import Run, changed, make_run, stage_of
from benchmarks.engine.stale import stale_records
from benchmarks.paper.claims import studied
from benchmarks.paper.tasks import with_classes
from tests.benchmarks.engine.test_records import record_of

FAST = load_profile("fast")
RUN = make_run(with_classes("cifar10", 1, (5, 6)), "LIS-AE", 3, FAST, {})


def reasons(tmp_path: Path, *runs: Run, profile: str = "fast") -> list[str]:
    store = Store(tmp_path / "results")
    for run in runs:
        store.put(replace(record_of(run), profile=profile))
    return [why for _, why in stale_records(store, tmp_path / "data")]


def test_no_published_record_is_stale(tmp_path: Path) -> None:
    published = Path(__file__).parents[3] / "results" / "published"
    assert list(stale_records(Store(published), tmp_path)) == []


def test_what_the_claims_study_is_used(tmp_path: Path) -> None:
    found = []
    of_negatives = [(one, change) for one, change in studied() if "negatives.contaminated" in change]
    for measurement, change in [*studied()[:: len(studied()) // 8], *of_negatives[::3]]:
        run = changed(make_run(measurement.task, measurement.model, 0, FAST, {}), change)
        assert run is not None
        found += [one for one in (run, stage_of(run)) if one is not None]
    assert reasons(tmp_path, *found) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda run: replace(run, settings=run.settings | {"gamma": 3.25}), "settings.gamma was 3.25 and is 16.0"),
        (lambda run: changed(run, {"autoencoder.epochs": 99}), "settings.autoencoder.epochs was 99 and is 12"),
        (lambda run: replace(run, settings=run.settings | {"old": 1}), "settings.old was 1 and is not there"),
        (lambda run: replace(run, limits={"train": 5, "test": 0}), "limits.train was 5 and is 0"),
    ],
)
def test_the_setting_that_changed_is_named(tmp_path: Path, change: Callable[[Run], Run], reason: str) -> None:
    assert reasons(tmp_path, change(RUN), RUN) == [reason]


def test_another_version_of_results_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "RESULTS_VERSION", 7)
    run = make_run(RUN.task, RUN.model, RUN.seed, FAST, {})
    Store(tmp_path / "results").put(record_of(run))
    monkeypatch.undo()
    assert reasons(tmp_path) == ["results_version was 7 and is 1"]


def test_other_images_are_named_where_the_data_are_there(tmp_path: Path, data_dir: Path) -> None:
    identity = DataIdentity("a part", "0123")
    store = Store(tmp_path / "results")
    store.put(record_of(replace(RUN, data={"cifar10": identity})))
    assert list(stale_records(store, tmp_path)) == []
    ((_, why),) = stale_records(store, data_dir)
    assert "variants.cifar10 was 'a part' and is 'drawn waves'" in why
    assert "digests.cifar10 was '0123'" in why


def test_a_profile_and_a_model_that_are_gone_are_named(tmp_path: Path) -> None:
    (why,) = reasons(tmp_path, RUN, profile="gone.toml")
    assert "there is no settings file 'gone.toml'" in why
    Store(tmp_path / "results").record_path(RUN.id).unlink()
    (why,) = reasons(tmp_path, replace(RUN, model="Old"))
    assert "'Old' is no model" in why
