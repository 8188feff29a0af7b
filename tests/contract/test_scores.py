"""The answers of a fitted model: scores, classes, and images in every form that they may have."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lisae import Detector
from tests.contract.models import CONTAMINATION
from tests.shapes import Shapes, auc


def test_scores_are_finite_float64_and_differ(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    scores = fitted.anomaly_score(probe)
    assert scores.dtype == np.float64
    assert scores.shape == (len(probe),)
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) > len(probe) / 2


def test_scores_do_not_depend_on_order_or_company(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    scores = fitted.anomaly_score(probe)
    order = np.random.default_rng(0).permutation(len(probe))
    np.testing.assert_allclose(fitted.anomaly_score(probe[order]), scores[order], rtol=1e-4)
    np.testing.assert_allclose(fitted.anomaly_score(probe[:1]), scores[:1], rtol=1e-4)
    np.testing.assert_allclose(fitted.anomaly_score(np.tile(probe, (5, 1, 1, 1)))[-7:], scores[-7:], rtol=1e-4)


def test_scoring_twice_gives_the_same(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(fitted.anomaly_score(probe), fitted.anomaly_score(probe))


def test_clear_outliers_score_higher_than_normal_images(fitted: Detector, few: Shapes) -> None:
    assert auc(fitted, few.held_out, few.outliers) > 0.85


def test_score_samples_is_the_negative_score(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(fitted.score_samples(probe), -fitted.anomaly_score(probe))


def test_predict_and_decision_function_cut_at_the_threshold(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    scores, predicted = fitted.anomaly_score(probe), fitted.predict(probe)
    decisions, margins = fitted.decision_function(probe), fitted.threshold_ - scores
    np.testing.assert_array_equal(decisions, np.where(decisions == 0, 0, margins))
    assert np.abs(margins[decisions == 0]).max(initial=0) < 1e-5 * max(1, abs(fitted.threshold_))  # ties
    np.testing.assert_array_equal(decisions < 0, predicted == -1)
    assert predicted.shape == (len(probe),)
    assert set(predicted) == {1, -1}
    np.testing.assert_array_equal(predicted == -1, scores > fitted.threshold_)


def test_answers_come_from_scores_that_are_known(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    scores = fitted.anomaly_score(probe)
    np.testing.assert_array_equal(fitted.labels_of(scores), fitted.predict(probe))
    np.testing.assert_array_equal(fitted.probabilities_of(scores), fitted.anomaly_probability(probe))
    at_and_far_above = np.array([fitted.threshold_, fitted.threshold_ + 1 + abs(fitted.threshold_)])
    assert list(fitted.labels_of(at_and_far_above)) == [1, -1]


def test_contamination_is_the_share_of_normal_training_images_called_anomalous(fitted: Detector, few: Shapes) -> None:
    assert np.mean(fitted.predict(few.normal) == -1) == pytest.approx(CONTAMINATION, abs=1.5 / len(few.normal))


def test_one_image_is_scored(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    expected = fitted.anomaly_score(probe[:1])
    for image in (probe[0], probe[0, :, :, 0]):
        np.testing.assert_array_equal(fitted.anomaly_score(image), expected)


@pytest.mark.parametrize("shape", [(12, 12), (144,)])
def test_grey_images_of_every_form_score_the_same(
    fitted: Detector, probe: NDArray[np.uint8], shape: tuple[int, ...]
) -> None:
    np.testing.assert_array_equal(fitted.anomaly_score(probe.reshape(-1, *shape)), fitted.anomaly_score(probe))


def test_uint8_and_float_images_score_the_same(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    scores = fitted.anomaly_score(probe)
    for dtype in (np.float32, np.float64):
        np.testing.assert_allclose(fitted.anomaly_score((probe / 255).astype(dtype)), scores, rtol=1e-4)


def test_the_images_to_score_may_be_read_only(fitted: Detector, few: Shapes) -> None:
    for images in (few.held_out.copy(), few.held_out.astype(np.float32) / 255):
        images.flags.writeable = False
        np.testing.assert_allclose(fitted.anomaly_score(images), fitted.anomaly_score(few.held_out), rtol=1e-4)


def test_extra_scores_are_of_each_image_and_give_an_area(fitted: Detector, few: Shapes) -> None:
    normal, outliers = fitted.extra_scores(few.held_out), fitted.extra_scores(few.outliers)
    assert normal.keys() == outliers.keys()
    for name, answers in normal.items():
        assert answers.shape[-1] == len(few.held_out)
        assert 0.5 < fitted.extra_auc(name, answers, outliers[name]) <= 1
    with pytest.raises(ValueError, match="no extra scores named 'no such'"):
        fitted.extra_auc("no such", np.zeros(3), np.ones(3))
