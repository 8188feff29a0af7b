"""Contrast normalisation: by hand, with the range of the training images, and before everything else."""

import numpy as np
import pytest

from baselines.contrast import ContrastNormalised, l1_normalised
from baselines.isolation_forest import IsolationForest
from baselines.kde import KDE
from baselines.ocsvm import OCSVM
from lisae import CollapseError
from lisae.images import as_rows
from tests.shapes import Shapes


def test_an_image_by_hand() -> None:
    image = np.array([[[[0], [10]], [[20], [50]]]], dtype=np.uint8)  # mean 20, mean absolute deviation 15
    np.testing.assert_allclose(l1_normalised(image).ravel(), [-20 / 15, -10 / 15, 0, 2], rtol=1e-6)


def test_channels_are_normalised_together() -> None:
    image = np.array([[[[0, 30, 60]]]], dtype=np.uint8)  # mean 30, mean absolute deviation 20
    np.testing.assert_allclose(l1_normalised(image).ravel(), [-1.5, 0, 1.5], rtol=1e-6)


def test_brightness_and_contrast_do_not_count(few: Shapes) -> None:
    images = few.normal / 255
    np.testing.assert_allclose(l1_normalised(0.2 + 0.3 * images), l1_normalised(images), atol=1e-4)
    np.testing.assert_allclose(l1_normalised(few.normal), l1_normalised(images), atol=1e-5)


@pytest.mark.parametrize("images", [np.full((2, 4, 4, 1), 77, np.uint8), np.full((2, 4, 4, 1), 0.3, np.float32)])
def test_an_image_without_contrast_is_zero(images: np.ndarray) -> None:
    assert not l1_normalised(images).any()


def test_pixels_are_scaled_by_the_range_of_the_training_images_and_not_clipped(few: Shapes) -> None:
    fitted = KDE(contrast="l1").fit(few.normal)
    values = l1_normalised(few.normal)
    low, high = float(values.min()), float(values.max())
    assert fitted.contrast_range_ == [low, high]
    assert (fitted.rows_.min(), fitted.rows_.max()) == (0, 1)
    dot = np.zeros((1, 12, 12, 1), np.uint8)  # one bright pixel: far more contrast than any image learned from
    dot[0, 5, 5] = 255
    expected = (l1_normalised(dot) - low) / (high - low)
    assert expected.max() > 1
    np.testing.assert_allclose(fitted._checked(dot), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", [KDE, IsolationForest, OCSVM])
def test_a_model_with_it_is_the_model_of_images_made_ready_before(kind: type[ContrastNormalised], few: Shapes) -> None:
    normalised = kind(contrast="l1", random_state=0).fit(few.normal)
    ready = kind(random_state=0).fit(normalised._scaled(l1_normalised(few.normal)))
    # Held-out images may leave [0, 1] and so be no images that a user may pass: ``_anomaly_score`` takes them.
    expected = ready._anomaly_score(normalised._checked(few.held_out))
    np.testing.assert_array_equal(normalised.anomaly_score(few.held_out), expected)
    assert not np.allclose(expected, kind(random_state=0).fit(few.normal).anomaly_score(few.held_out))


def test_images_that_differ_in_brightness_alone_are_an_error(few: Shapes) -> None:
    images = np.stack([0.5 * few.normal[0] / 255, 0.9 * few.normal[0] / 255])
    with pytest.raises(CollapseError, match="equal but for brightness and contrast"):
        KDE(contrast="l1").fit(images)


def test_another_contrast_is_refused(few: Shapes) -> None:
    with pytest.raises(ValueError, match="contrast is one of none, l1; got 'l2'"):
        KDE(contrast="l2").fit(few.normal)


def test_rows_are_pixels_without_it(few: Shapes) -> None:
    np.testing.assert_array_equal(KDE().fit(few.normal).rows_, as_rows(few.normal))
