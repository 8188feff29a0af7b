"""A run is trained on what its task names, from whichever data set that comes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from baselines.ocsvm import OCSVM, label_sweep_auc
from benchmarks.data import load
from benchmarks.data.negatives import augmented
from benchmarks.data.strokes import strokes
from benchmarks.engine.evaluate import Context, evaluating
from benchmarks.engine.profiles import Profile, load_profile
from benchmarks.engine.run import Run, make_run
from benchmarks.errors import CallError
from benchmarks.machine import device_name, versions
from benchmarks.paper.tasks import Negatives, against, without_negatives
from lisae import LISAE, __version__
from lisae.stacks import Learning, train_alone

VARIANTS = {"mnist": "drawn waves", "omniglot": "drawn waves", "strokes": "drawn"}


@pytest.fixture(scope="module")
def profile(profile_path: Path) -> Profile:
    return load_profile(str(profile_path))


@pytest.fixture
def context(tmp_path: Path, grey_data_dir: Path) -> Context:
    return Context(tmp_path, grey_data_dir, "cpu", frozenset(), "the command", "tiny")


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[NDArray[Any]]:
    """The images and labels that LIS-AE is handed; it learns nothing from them."""
    seen: list[NDArray[Any]] = []

    def fitting(self: LISAE, X: NDArray[Any], y: NDArray[np.int64]) -> Learning[LISAE]:
        seen.extend([X, y])
        return self
        yield

    monkeypatch.setattr(LISAE, "fitting", fitting)
    monkeypatch.setattr(LISAE, "arithmetic", lambda self: (torch.device("cpu"), torch.float32))
    monkeypatch.setattr(LISAE, "anomaly_score", lambda self, X: np.arange(len(X), dtype=float))
    return seen


def lisae(negatives: Negatives, profile: Profile, seed: int = 0) -> Run:
    return make_run(against("mnist", (3,), negatives), "LIS-AE", seed, profile, VARIANTS)


def test_omniglot_is_augmented_to_the_shape_of_the_digits(
    handed: list[NDArray[Any]], context: Context, profile: Profile
) -> None:
    run = lisae(Negatives("omniglot"), profile)
    train_alone(evaluating(run, context))
    X, y = handed
    data = load("omniglot", context.data_dir, offline=True)
    expected = augmented(data.train_images, (28, 28), 0, **profile.preparation("omniglot"))
    assert run.limits["train"] == 24  # a whole set counts as ten classes: all 300 drawings here
    np.testing.assert_array_equal(X[y == -1], expected)
    assert (y == 1).sum() == 24


def test_the_seed_of_a_run_draws_its_augmentation(
    handed: list[NDArray[Any]], context: Context, profile: Profile
) -> None:
    for seed in (0, 1):
        train_alone(evaluating(lisae(Negatives("omniglot"), profile, seed), context))
    first, _, second, _ = handed
    assert first.shape == second.shape
    assert (first[24:] != second[24:]).any()
    np.testing.assert_array_equal(first[:24], second[:24])


def test_strokes_need_no_data(handed: list[NDArray[Any]], context: Context, profile: Profile) -> None:
    run = lisae(Negatives("strokes"), profile)
    assert run.variants == {"mnist": "drawn waves", "strokes": "drawn"}
    _, record = train_alone(evaluating(run, context))
    X, y = handed
    np.testing.assert_array_equal(X[y == -1], strokes(100, (28, 28), 0, width=0.1))
    assert record.rows()[0]["negatives"] == "strokes: all"
    assert "strokes: drawn" in record.rows()[0]["data_variant"]


def test_how_negatives_were_made_is_part_of_the_run(profile: Profile) -> None:
    run = lisae(Negatives("omniglot"), profile)
    assert run.identity()["preparation"] == profile.preparation("omniglot")
    assert replace(run, preparation=run.preparation | {"blur": 7.0}).id != run.id
    assert "preparation" not in lisae(Negatives("mnist", (5,)), profile).identity()


def test_a_model_that_needs_negatives_says_so_before_anything_is_trained(profile: Profile) -> None:
    with pytest.raises(CallError, match="LIS-AE learns from negatives, and the task of mnist 3 has none"):
        make_run(without_negatives("mnist", 3), "LIS-AE", 0, profile, VARIANTS)


def test_the_label_sweep_of_oc_svm_is_in_its_record(context: Context, profile: Profile) -> None:
    run = make_run(without_negatives("mnist", 3), "OC-SVM", 0, profile, VARIANTS)
    detector, record = train_alone(evaluating(run, context))
    assert isinstance(detector, OCSVM)
    data = load("mnist", context.data_dir, offline=True)
    labels = {c: detector.sweep_labels(data.test_images[data.test_labels == c][:12]) for c in (3, 7)}
    (score,) = (score for score in record.scores if score.outlier == 7)
    assert score.label_sweep_auc == label_sweep_auc(labels[3], labels[7])
    rows = record.rows()
    assert [row["model"] for row in rows] == ["OC-SVM"] * 9 + ["OC-SVM, label sweep"] * 9
    assert {row["auc"] for row in rows[9:]} == {s.label_sweep_auc for s in record.scores}


def test_other_models_have_no_label_sweep(context: Context, profile: Profile) -> None:
    _, record = train_alone(evaluating(make_run(without_negatives("mnist", 3), "KDE", 0, profile, VARIANTS), context))
    assert {score.label_sweep_auc for score in record.scores} == {None}
    assert len(record.rows()) == 9
    assert record.precision == "float64"


def test_a_record_names_the_machine_it_comes_from(context: Context, profile: Profile) -> None:
    _, record = train_alone(evaluating(make_run(without_negatives("mnist", 3), "KDE", 0, profile, VARIANTS), context))
    assert record.device == device_name("cpu")
    assert record.versions == {"lisae": __version__} | versions(["torch", "numpy", "scikit-learn"])
