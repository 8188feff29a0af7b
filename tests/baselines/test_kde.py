"""KDE is scikit-learn's KernelDensity at the bandwidth that its GridSearchCV would choose."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.neighbors import KernelDensity

from baselines.kde import BANDWIDTHS, FOLDS, KDE, log_densities
from lisae.images import as_rows
from tests.shapes import Shapes, auc

Pixels = NDArray[np.uint8]

# All images in one leaf: with more leaves, scikit-learn's densities are wrong where a kernel is narrow for the
# dimension (its issues 7492 and 25799).
LEAF = 1000


def rows(images: Pixels) -> NDArray[np.float64]:
    return as_rows(images).astype(np.float64)


def reference(normal: Pixels, bandwidth: float) -> KernelDensity:
    return KernelDensity(bandwidth=bandwidth, leaf_size=LEAF).fit(rows(normal))


@pytest.fixture(scope="module")
def fitted(few: Shapes) -> KDE:
    return KDE(contamination=0.125).fit(few.normal)


def test_the_bandwidths_are_those_of_ruff_et_al() -> None:
    assert len(BANDWIDTHS) == 20
    assert BANDWIDTHS[0] == 2**-4.5
    assert BANDWIDTHS[-1] == 2**5
    np.testing.assert_allclose(BANDWIDTHS[1:] / BANDWIDTHS[:-1], 2**0.5)


def noisy(images: Pixels) -> Pixels:
    noise = np.random.default_rng(0).normal(0, 60, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", [lambda images: images, noisy], ids=["smooth", "noisy"])
def test_the_bandwidth_is_the_one_of_a_grid_search(few: Shapes, change: Callable[[Pixels], Pixels]) -> None:
    normal = change(few.normal)
    folds = PredefinedSplit(np.arange(len(normal)) % FOLDS)
    search = GridSearchCV(KernelDensity(leaf_size=LEAF), {"bandwidth": BANDWIDTHS}, cv=folds).fit(rows(normal))
    fitted = KDE().fit(normal)
    assert fitted.bandwidth_ == search.best_params_["bandwidth"]
    # GridSearchCV adds up over a fold and averages over folds of 10 or 9 images, KDE averages over images.
    held_out = sum(search.cv_results_[f"split{fold}_test_score"] for fold in range(FOLDS)) / len(normal)
    np.testing.assert_allclose(fitted.likelihoods_, held_out, rtol=1e-6)


def test_log_densities_are_those_of_scikit_learn(few: Shapes) -> None:
    found = log_densities(as_rows(few.outliers), as_rows(few.normal), BANDWIDTHS)
    expected = [reference(few.normal, bandwidth).score_samples(rows(few.outliers)) for bandwidth in BANDWIDTHS]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_score_is_the_negative_log_density(fitted: KDE, few: Shapes) -> None:
    images = np.concatenate([few.held_out, few.outliers])
    expected = reference(few.normal, fitted.bandwidth_).score_samples(rows(images))
    np.testing.assert_allclose(fitted.anomaly_score(images), -expected, rtol=1e-6)


def test_a_training_image_is_scored_by_all_others(fitted: KDE, few: Shapes) -> None:
    others = reference(few.normal[1:], fitted.bandwidth_)
    expected = -others.score_samples(rows(few.normal[:1]))
    np.testing.assert_allclose(fitted.anomaly_score(few.normal[:1]), expected, rtol=1e-6)


def test_of_copies_in_the_training_images_one_is_left_out(few: Shapes) -> None:
    twice = np.concatenate([few.normal, few.normal[:1]])
    fitted = KDE().fit(twice)
    expected = -reference(few.normal, fitted.bandwidth_).score_samples(rows(few.normal[:1]))
    np.testing.assert_allclose(fitted.anomaly_score(few.normal[:1]), expected, rtol=1e-6)


def test_the_threshold_holds_for_new_normal_images(grey: Shapes) -> None:
    """With each training image in its own density, every new one would be called anomalous."""
    fitted = KDE(contamination=0.2).fit(grey.normal)
    assert 0.1 < np.mean(fitted.predict(grey.held_out) == -1) < 0.4


def test_the_order_of_the_images_hardly_matters(fitted: KDE, few: Shapes) -> None:
    by_brightness = few.normal[np.argsort(few.normal.mean(axis=(1, 2, 3)))]
    assert KDE().fit(by_brightness).bandwidth_ == fitted.bandwidth_


def test_equal_images_beside_one_other_are_enough(few: Shapes) -> None:
    fitted = KDE().fit(few.normal[[0, 0, 1]])
    assert np.isfinite(fitted.anomaly_score(few.normal)).all()


def test_it_finds_outliers(few: Shapes) -> None:
    assert auc(KDE().fit(few.normal), few.held_out, few.outliers) > 0.95


def test_an_image_at_the_threshold_is_classified_alike_in_any_company() -> None:
    """Of 101 images, the 95 % quantile is the score of one, which is rounded otherwise where it is scored alone."""
    images = np.random.default_rng(0).integers(0, 256, (101, 12, 12), dtype=np.uint8)
    detector = KDE().fit(images)
    scores = detector.anomaly_score(images)
    alone = np.concatenate([detector.anomaly_score(image[None]) for image in images])
    at_threshold = np.abs(scores - detector.threshold_).argmin()
    assert abs(alone[at_threshold] - detector.threshold_) < 1e-9
    together = detector.predict(images)
    assert (together == -1).sum() == 5
    np.testing.assert_array_equal([detector.predict(image[None])[0] for image in images], together)


@pytest.mark.parametrize(("units", "sign"), [(0, 0), (-50, 0), (50, 0), (-100, 1), (100, -1)])
def test_a_score_ties_with_the_threshold_within_some_units_in_the_last_place(
    fitted: KDE, units: int, sign: int, monkeypatch: pytest.MonkeyPatch, few: Shapes
) -> None:
    score = fitted.threshold_ + units * np.finfo(np.float64).eps * abs(fitted.threshold_)
    monkeypatch.setattr(KDE, "_anomaly_score", lambda *_: np.array([score]))
    assert np.sign(fitted.decision_function(few.normal[:1])) == [sign]
    assert fitted.predict(few.normal[:1]) == [-1 if sign < 0 else 1]
