"""Few images: more epochs and smaller batches, until there are enough steps to learn something."""

from typing import Any

import numpy as np
import pytest

from lisae import LISAE, AutoEncoder, UndertrainedError
from lisae.few import COLOUR, GREY, more_of, moved_too, moves_of, relit, times_of, with_strokes
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
    ("n", "least", "channels", "expected"),
    [
        (7, 20, 1, 21),
        (7, 1000, 1, 63),
        (20, 20, 1, 20),
        (21, 20, 1, 21),
        (7, 0, 1, 7),
        (7, 20, 3, 21),
        (7, 1000, 3, 175),
    ],
)
def test_few_images_are_there_with_moved_copies(
    n: int, least: int, channels: int, expected: int, dtype: type[np.generic]
) -> None:
    far = 1 if channels == 1 else 2
    images = (np.random.default_rng(0).random((n, 15, 18, channels)) * 200).astype(dtype)
    more = moved_too(images, least, 1)
    assert (len(more), more.dtype) == (expected, dtype)
    assert (more[:n] == images).all()
    wide = np.pad(images, ((0, 0), (far, far), (far, far), (0, 0)), mode="edge")
    seen = set()
    places = [(y, x) for y in range(2 * far + 1) for x in range(2 * far + 1)]
    for place, copy in enumerate(more):
        origin = wide[place % n]
        found = [(y, x) for y, x in places if (origin[y : y + 15, x : x + 18] == copy).all()]
        assert len(found) == 1, "moved by a few pixels at most, along both sides"
        seen |= set(found)
    assert expected < 63 or len(seen) > 0.8 * len(places)
    assert (moved_too(images, least, 1) == more).all()
    assert expected == n or (moved_too(images, least, 2) != more).any()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_pixel_is_too_far_for_the_smallest_images(channels: int) -> None:
    images = np.random.default_rng(0).random((5, 14, 40, channels))
    assert moved_too(images, 100, 0) is images
    times = [times_of(5, 1000, shape) for shape in (images.shape[1:], (15, 40, channels), None)]
    assert times == [1, 9 if channels == 1 else 25, 9]


@pytest.mark.parametrize(("channels", "far"), [(1, 2), (3, 8)])
def test_larger_images_are_moved_by_more(channels: int, far: int) -> None:
    image = np.zeros((1, 56, 70, channels), np.uint8)
    image[0, 20, 30] = 1
    copies = moved_too(image, 1000, 0)
    assert abs(np.argwhere(copies.any(axis=3))[:, 1:] - (20, 30)).max() == far


def test_copies_are_moved_as_it_is_said() -> None:
    images = np.random.default_rng(0).random((3, 30, 30, 3))
    assert len(moved_too(images, 100, 0, GREY)) == times_of(3, 100, images.shape[1:], GREY) * 3 == 27
    assert (moved_too(images, 100, 0, COLOUR) == moved_too(images, 100, 0)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_copies_of_few_images_in_colour_are_relit(dtype: type[np.generic]) -> None:
    """Each copy in a light of its own; the images themselves are as they were."""
    white = 255 if dtype is np.uint8 else 1
    images = (np.random.default_rng(0).uniform(0.4, 0.6, (4, 16, 16, 3)) * white).astype(dtype)
    still = more_of(images, images, 0, least=100, strokes=0, moves=COLOUR)
    both = more_of(images, images, 0, least=100, strokes=0)
    for lit, moved in zip(both, still, strict=True):
        assert (lit.dtype, lit.shape) == (dtype, moved.shape)
        assert (lit[:4] == images).all()
        one, other = (copies[4:].astype(float) / white for copies in (moved, lit))
        contrasts = other.std(axis=(1, 2)) / one.std(axis=(1, 2))
        assert np.ptp(contrasts.mean(axis=1)) > 0.6
        assert contrasts.min() > 0.6
        assert contrasts.max() < 1.6
        brighter = other.mean(axis=(1, 2)) - one.mean(axis=(1, 2))
        assert np.ptp(brighter.mean(axis=1)) > 0.2, "all channels"
        assert np.ptp(brighter - brighter.mean(axis=1, keepdims=True)) > 0.1, "and each of its own"
        assert abs(brighter).max() < 0.15 + 0.075 + 0.02


def test_only_copies_of_few_images_in_colour_are() -> None:
    assert [moves_of((20, 20, channels), n).relit for channels, n in ((3, 99), (3, 100), (1, 99))] == [
        True,
        False,
        False,
    ]
    assert not COLOUR.relit


def test_light_stays_within_black_and_white() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    image[:10] = 255
    for seed in range(20):
        found = relit(image, np.random.default_rng(seed))
        assert (found[:10] > found[10:]).all(), "what is white is never so bright that it begins at black again"


def test_strokes_stand_beside_few_negatives_in_their_own_dtype() -> None:
    negatives = np.full((3, 12, 12, 1), 0.5, np.float32)
    more = with_strokes(negatives, 4, 0)
    assert (more.shape, more.dtype, float(more.max())) == ((7, 12, 12, 1), np.float32, 1.0)
    assert (more[:3] == negatives).all()
    assert with_strokes(negatives, 0, 0) is with_strokes(negatives, -1, 0) is negatives


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("counts", "min_images", "channels", "learned", "others"),
    [
        ((40, 30), 100, 3, 120, 120 + 20),
        ((40, 60), 100, 3, 120, 120),
        ((40, 30), 0, 3, 40, 30),
        ((40, 3), 100, 3, 120, 75 + 47),
        ((40, 30), 0, 1, 40, 30),
        ((40, 3), 100, 1, 120, 27 + 54),
        ((40, 2), 100, 1, 120, 18 + 48),
        ((40, 30), 100, 1, 120, 120 + 200),
        ((40, 100), 100, 1, 120, 100 + 200),
        ((40, 70), 7, 1, 40, 70 + 14),
        ((40, 71), 7, 1, 40, 71),
    ],
)
def test_phase_two_learns_from_more_than_it_is_given(
    counts: tuple[int, int], min_images: int, channels: int, learned: int, others: int
) -> None:
    few = shapes(channels=channels, seed=4, normal=counts[0], others=counts[1], side=16)
    autoencoder = new_autoencoder(epochs=1).fit(few.normal)
    detector = new_lisae(autoencoder, min_images=min_images, strokes="auto", epochs=1, batch_size=8)
    (training,) = trainings_of(detector, *few.labelled())
    assert [len(pool[0]) for pool in training.pools] == [learned, others]
    assert detector.steps(40)["training"] == training.steps


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("strokes", "others"), [(0, 30), (0.5, 45), (2, 90)])
def test_strokes_for_each_negative_are_as_many_as_is_said(strokes: float, others: int) -> None:
    few = shapes(channels=1, seed=4, normal=40, others=30, side=16)
    detector = new_lisae(new_autoencoder(epochs=1).fit(few.normal), strokes=strokes, epochs=1)
    (training,) = trainings_of(detector, *few.labelled())
    assert len(training.pools[1][0]) == others


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("strokes", "others"), [("auto", 500), (0.5, 750)])
def test_no_strokes_join_negatives_that_are_made_unless_they_are_asked_for(strokes: Any, others: int) -> None:
    images = shapes(channels=1, seed=4, normal=40, others=0, side=16).normal
    autoencoder = new_autoencoder(epochs=1).fit(images)
    detector = new_lisae(autoencoder, strokes=strokes, min_images=100, epochs=1)
    learning = detector.fitting(images, negatives="elastic")
    training = next(learning)
    assert isinstance(training, Training)
    assert len(training.pools[1][0]) == others


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
