"""Few images: more epochs and smaller batches, until there are enough steps to learn something."""

from typing import Any

import numpy as np
import pytest

from lisae import LISAE, AutoEncoder, UndertrainedError
from lisae.few import moved_too, times_of, with_strokes
from lisae.training import Training
from tests.lisae.makers import new_autoencoder, new_lisae, trainings_of
from tests.shapes import auc, shapes


def schedule(n: int, **settings: Any) -> tuple[int, int]:
    """Return the epochs and the batch size of the one training on ``n`` images."""
    images = np.random.default_rng(0).random((n, 6, 6))
    (training,) = trainings_of(new_autoencoder(latent_dim=2, **settings), images)
    assert isinstance(training, Training)
    assert training.epochs * training.steps == new_autoencoder(**settings).steps(n)["training"]
    return training.epochs, training.batch_size


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("n", "epochs", "batch_size"), [(10, 500, 16), (50, 167, 16), (120, 63, 16), (400, 63, 50), (2000, 32, 128)]
)
def test_few_images_are_passed_over_more_often_in_smaller_batches(n: int, epochs: int, batch_size: int) -> None:
    assert schedule(n, epochs=12, batch_size=128, min_steps=500) == (epochs, batch_size)
    assert schedule(n, epochs=12, batch_size=128, min_steps=0) == (12, 128)
    assert schedule(n, epochs=700, batch_size=8, min_steps=500) == (700, 8)


def test_the_floors_are_those_of_the_documentation() -> None:
    assert (AutoEncoder().min_steps, LISAE().min_steps, LISAE().min_images) == (500, 250, 1000)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(
    ("n", "least", "expected"), [(7, 20, 21), (7, 1000, 63), (20, 20, 20), (21, 20, 21), (7, 0, 7)]
)
def test_few_images_are_there_with_moved_copies(n: int, least: int, expected: int, dtype: type[np.generic]) -> None:
    images = (np.random.default_rng(0).random((n, 15, 18, 3)) * 200).astype(dtype)
    more = moved_too(images, least, 1)
    assert (len(more), more.dtype) == (expected, dtype)
    assert (more[:n] == images).all()
    wide = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    seen = set()
    for place, copy in enumerate(more):
        origin = wide[place % n]
        found = [(y, x) for y in range(3) for x in range(3) if (origin[y : y + 15, x : x + 18] == copy).all()]
        assert len(found) == 1, "moved by a pixel at most, along both sides"
        seen |= set(found)
    assert expected < 63 or len(seen) == 9
    assert (moved_too(images, least, 1) == more).all()
    assert expected == n or (moved_too(images, least, 2) != more).any()


def test_a_pixel_is_too_far_for_the_smallest_images() -> None:
    images = np.random.default_rng(0).random((5, 14, 40, 1))
    assert moved_too(images, 100, 0) is images
    assert (times_of(5, 100, images.shape[1:]), times_of(5, 100, (15, 40, 1)), times_of(5, 100)) == (1, 9, 9)


def test_larger_images_are_moved_by_more() -> None:
    image = np.zeros((1, 56, 70, 1), np.uint8)
    image[0, 20, 30] = 1
    places = np.argwhere(moved_too(image, 9, 0))[:, 1:3] - (20, 30)
    assert abs(places).max() == 2


def test_strokes_stand_beside_few_negatives_in_their_own_dtype() -> None:
    negatives = np.full((3, 12, 12, 1), 0.5, np.float32)
    more = with_strokes(negatives, 4, 0)
    assert (more.shape, more.dtype, float(more.max())) == ((7, 12, 12, 1), np.float32, 1.0)
    assert (more[:3] == negatives).all()
    assert with_strokes(negatives, 0, 0) is with_strokes(negatives, -1, 0) is negatives


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("counts", "min_images", "learned", "others"),
    [((40, 30), 100, 120, 120 + 20), ((40, 60), 100, 120, 120), ((40, 30), 0, 40, 30), ((40, 3), 100, 120, 27 + 47)],
)
def test_phase_two_learns_from_more_than_it_is_given(
    counts: tuple[int, int], min_images: int, learned: int, others: int
) -> None:
    few = shapes(channels=1, seed=4, normal=counts[0], others=counts[1], side=16)
    detector = new_lisae(new_autoencoder(epochs=1).fit(few.normal), min_images=min_images, epochs=1, batch_size=8)
    (training,) = trainings_of(detector, *few.labelled())
    assert [len(pool[0]) for pool in training.pools] == [learned, others]
    assert detector.steps(40)["training"] == training.steps


def test_with_moved_copies_fifty_images_are_not_learned_by_heart() -> None:
    """The errors of new normal images are nearer to those that were learned from."""
    few = shapes(channels=1, seed=4, normal=50, others=32, side=16)
    autoencoder = AutoEncoder(latent_dim=8, device="cpu", random_state=0).fit(few.normal)
    gaps = []
    for least in (0, 1000):
        detector = LISAE(autoencoder, min_images=least, random_state=0).fit(few.normal, negatives=few.negatives)
        learned, new = (detector.anomaly_score(images).mean() for images in (few.normal, few.held_out))
        gaps.append(new / learned)
        assert auc(detector, few.held_out, few.outliers) > 0.95
    assert gaps[1] < gaps[0]


def test_fifty_images_are_learned_with_the_defaults() -> None:
    """The same images in twelve epochs of one step are not, and no seed is blamed for it."""
    few = shapes(channels=1, seed=4, normal=50, others=32, side=8)
    settings: dict[str, Any] = {"latent_dim": 8, "device": "cpu", "random_state": 0}
    detector = LISAE(AutoEncoder(**settings), gamma=3.0, random_state=0).fit(few.normal, negatives=few.negatives)
    assert detector.restarts_ == 0
    assert auc(detector, few.held_out, few.outliers) > 0.95
    with pytest.raises(UndertrainedError, match=r"undertrained after 12 steps, its squared error .* min_steps=500"):
        AutoEncoder(min_steps=0, **settings).fit(few.normal)
