"""A call trains the trials of the searches for settings, resumes, and writes their log."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.engine import search
from benchmarks.engine.records import Store, aucs_of
from benchmarks.report.style import drawn_from
from tests.benchmarks.calls import Call

SEARCH = """
[[search]]
name = "weights"
model = "LIS-AE"
dataset = "cifar10"
seeds = [7]
normal = [3, 4]
scored = "validation"
grids = [{ beta = 1.0 }, { beta = 0.0 }]
"""


PROFILE = """
extends = "{tiny}"

[models.AE]
epochs = 30
"""


@pytest.fixture
def search_call(call: Call, profile_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call for the small search alone, with steps enough for the few images that are left."""
    path = tmp_path / "search.toml"
    path.write_text(SEARCH)
    monkeypatch.setattr(search, "FILE", path)
    monkeypatch.setattr(search, "searches", search.searches.__wrapped__)
    monkeypatch.setattr("benchmarks.claims.search.searches", search.searches)
    profile = tmp_path / "longer.toml"
    profile.write_text(PROFILE.format(tiny=profile_path))
    return lambda *more: call("--search", "--profile", str(profile), *more)


def log_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "results" / "search.csv")


def test_the_log_has_what_each_combination_scored(
    search_call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert search_call() == 0
    aucs = defaultdict(list)
    for record in Store(tmp_path / "results").records():
        task, settings = (record.identity[name] for name in ("task", "settings"))
        assert task["validation"] == 0.2
        aucs[settings.get("beta")].append(np.mean(aucs_of(record, task["outliers"])))
    assert {beta: len(of) for beta, of in aucs.items()} == {None: 2, 0.0: 2, 1.0: 2}, "an AE a class, and two on it"
    log = log_of(tmp_path)
    means = {'{"beta":0.0}': np.mean(aucs[0.0]), '{"beta":1.0}': np.mean(aucs[1.0])}
    assert dict(zip(log["settings"], log["auc"], strict=True)) == pytest.approx(means, abs=1e-4)
    assert log["auc"].is_monotonic_decreasing
    assert (log["seconds"] > 0).all()
    assert log["runs"].tolist() == log["of"].tolist() == [2, 2]
    (own,), (other,) = (log[log["is_profile"] == is_own].to_dict("records") for is_own in (True, False))
    assert own["settings"] == '{"beta":1.0}'
    assert np.isnan(own["difference"])
    assert other["difference"] == pytest.approx(other["auc"] - own["auc"], abs=2e-4)
    assert other["ci_low"] < other["difference"] < other["ci_high"]
    assert set(log["profile"]) == {'{"beta":1.0}'}
    assert drawn_from(tmp_path / "reports" / "search.png", (tmp_path / "results" / "search.csv").read_text())
    runs = pd.read_csv(tmp_path / "results" / "runs.csv")
    assert runs["settings"].str.contains('"validation":0.2').all(), "no row is taken for one of test images"
    capsys.readouterr()
    assert search_call("--dry-run") == 0
    assert "6 runs, 0 to do" in capsys.readouterr().out


def test_a_combination_that_lacks_a_run_has_no_mean_and_comes_last(search_call: Call, tmp_path: Path) -> None:
    assert search_call() == 0
    store = Store(tmp_path / "results")
    (lost, *_) = (one for one in store.records() if one.identity["settings"].get("beta") == 1.0)
    store.record_path(lost.run).unlink()
    (store.root / "runs.csv").unlink()
    assert search_call("--data-dir", str(tmp_path / "empty")) == 3
    last = log_of(tmp_path).iloc[-1]
    assert (last["settings"], last["runs"], last["of"]) == ('{"beta":1.0}', 1, 2)
    assert np.isnan(last["auc"])
