"""OC-SVM is scikit-learn's OneClassSVM, at one gamma for the score and at ten for the paper's label sweep."""

from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.svm import OneClassSVM

from baselines.ocsvm import GAMMAS, OCSVM
from lisae.images import as_rows
from tests.shapes import Shapes, auc


@pytest.fixture(scope="module")
def fitted(grey: Shapes) -> OCSVM:
    return OCSVM(random_state=0).fit(grey.normal)


def test_the_gammas_are_those_of_ruff_et_al() -> None:
    np.testing.assert_array_equal(GAMMAS, [2.0**i for i in range(-10, 0)])


@pytest.mark.parametrize("nu", [0.05, 0.5])
def test_the_score_is_scikit_learns_decision_function(grey: Shapes, nu: float) -> None:
    fitted = OCSVM(nu=nu).fit(grey.normal)
    machine = OneClassSVM(kernel="rbf", gamma="scale", nu=nu).fit(as_rows(grey.normal).astype(np.float64))
    images = np.concatenate([grey.held_out, grey.outliers])
    expected = machine.decision_function(as_rows(images).astype(np.float64))
    np.testing.assert_allclose(fitted.anomaly_score(images), -expected, atol=1e-6)


def test_gamma_scale_multiplies_scikit_learns_scale(grey: Shapes) -> None:
    pixels = as_rows(grey.normal).astype(np.float64)
    gamma = 4 / (pixels.shape[1] * pixels.var())
    fitted = OCSVM(gamma_scale=4).fit(grey.normal)
    assert fitted.gamma_ == pytest.approx(gamma)
    machine = OneClassSVM(gamma=gamma, nu=0.1).fit(pixels)
    expected = machine.decision_function(as_rows(grey.outliers).astype(np.float64))
    np.testing.assert_allclose(fitted.anomaly_score(grey.outliers), -expected, atol=1e-6)


@pytest.mark.parametrize("nu", [0.1, 0.3])
def test_a_consistent_gamma_is_the_last_before_held_out_images_are_refused(grey: Shapes, nu: float) -> None:
    pixels = as_rows(grey.normal).astype(np.float64)
    held_out = np.arange(len(pixels)) % 5 == 0
    kept, others = pixels[~held_out], pixels[held_out]
    refused = np.array([np.mean(OneClassSVM(gamma=g, nu=nu).fit(kept).predict(others) == -1) for g in GAMMAS])
    is_consistent = refused <= nu + 2 * np.sqrt(nu * (1 - nu) / len(others))
    assert is_consistent[0]
    assert not is_consistent[-1]
    fitted = OCSVM(nu=nu, length_scale="consistency").fit(grey.normal)
    assert fitted.gamma_ == GAMMAS[is_consistent.argmin() - 1]
    expected = OneClassSVM(gamma=fitted.gamma_, nu=nu).fit(pixels).decision_function(as_rows(grey.outliers))
    np.testing.assert_allclose(fitted.anomaly_score(grey.outliers), -expected, atol=1e-6)


def test_the_widest_kernel_is_taken_where_none_is_consistent(grey: Shapes) -> None:
    images = grey.normal[:75].copy()
    images[::5] = grey.outliers[:15]  # those held out are unlike those learned from
    assert OCSVM(length_scale="consistency", nu=0.05).fit(images).gamma_ == GAMMAS[0]


def test_the_sweep_labels_as_scikit_learn_does_at_each_gamma(fitted: OCSVM, grey: Shapes) -> None:
    images = np.concatenate([grey.held_out, grey.faint_outliers, grey.outliers])
    pixels, probe = (as_rows(X).astype(np.float64) for X in (grey.normal, images))
    expected = [OneClassSVM(gamma=gamma, nu=0.1).fit(pixels).predict(probe) for gamma in GAMMAS]
    np.testing.assert_array_equal(fitted.sweep_labels(images), expected)
    assert len(np.unique(expected, axis=0)) > 3


def test_the_images_drawn_depend_on_the_seed_alone(grey: Shapes) -> None:
    one, same, other = (OCSVM(max_samples=40, random_state=seed).fit(grey.normal) for seed in (0, 0, 1))
    assert len(one.rows_) == 40
    assert len(np.unique(one.rows_, axis=0)) == 40
    np.testing.assert_array_equal(one.rows_, same.rows_)
    assert not np.array_equal(one.rows_, other.rows_)


def test_zero_max_samples_is_all(grey: Shapes) -> None:
    assert len(OCSVM(max_samples=0).fit(grey.normal).rows_) == len(grey.normal)


def test_the_threshold_counts_images_that_were_not_drawn(grey: Shapes) -> None:
    fitted = OCSVM(max_samples=40, contamination=0.25, random_state=0).fit(grey.normal)
    assert np.mean(fitted.predict(grey.normal) == -1) == pytest.approx(0.25, abs=0.01)


def test_it_finds_outliers(fitted: OCSVM, grey: Shapes) -> None:
    assert auc(fitted, grey.held_out, grey.outliers) > 0.95


def test_a_sample_of_equal_images_can_be_learned(few: Shapes) -> None:
    grey = np.full_like(few.normal, 128)
    fitted = OCSVM(max_samples=2, random_state=0).fit(np.concatenate([grey, few.normal[:1]]))
    assert not fitted.rows_.var()
    assert (fitted.anomaly_score(few.normal) > fitted.anomaly_score(grey)).all()


@pytest.mark.parametrize(
    "wrong", [{"nu": 0.0}, {"nu": 1.5}, {"length_scale": "longest"}, {"gamma_scale": 0.0}, {"max_samples": 1}]
)
def test_wrong_settings(few: Shapes, wrong: dict[str, Any]) -> None:
    (setting,) = wrong
    with pytest.raises(ValueError, match=f"{setting}.*[Gg]ot {wrong[setting]!r}"):
        OCSVM(**wrong).fit(few.normal)


def test_labels_need_a_fit(few: Shapes) -> None:
    for answer in (OCSVM().sweep_labels, OCSVM().extra_scores):
        with pytest.raises(NotFittedError):
            answer(few.normal)
