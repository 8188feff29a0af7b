"""Settings that are ``auto``: gamma, the width of the latent layer, and negatives that are made."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lisae
from lisae import LISAE, AutoEncoder
from lisae.held_out import rounds_of
from lisae.lisae import auto_gamma
from lisae.negatives import elastic, made
from lisae.width import explained, latent_width
from tests.lisae.makers import new_autoencoder, new_lisae, trainings_of
from tests.shapes import Shapes, auc


def test_gamma_is_one_and_a_half_times_the_distance_from_the_mean(autoencoder: AutoEncoder, grey: Shapes) -> None:
    detector = new_lisae(autoencoder, gamma="auto")
    (training,) = trainings_of(detector, *grey.labelled())
    rows = grey.normal.reshape(len(grey.normal), -1) / 255
    expected = 1.5 * np.sqrt(np.square(rows - rows.mean(axis=0)).sum(axis=1).mean())
    assert training.objective.gamma == detector.gamma_ == pytest.approx(expected, rel=1e-5)  # type: ignore[union-attr]
    assert LISAE().gamma == "auto"
    given = new_lisae(autoencoder, gamma=7)
    (training,) = trainings_of(given, *grey.labelled())
    assert training.objective.gamma == given.gamma_ == 7  # type: ignore[union-attr]


@pytest.mark.parametrize(("n", "channels", "factor"), [(99, 1, 2), (100, 1, 1.5), (99, 3, 1.5)])
def test_gamma_is_twice_the_distance_for_few_grey_images(n: int, channels: int, factor: float) -> None:
    images = np.random.default_rng(0).random((n, 5, 6, channels))
    distance = np.sqrt(images.reshape(n, -1).var(axis=0).sum())
    assert auto_gamma(images) == pytest.approx(factor * distance, rel=1e-5)
    assert auto_gamma(np.rint(255 * images).astype(np.uint8)) == pytest.approx(factor * distance, rel=1e-2)


def of_rank(rank: int, n: int = 300, side: int = 12) -> NDArray[np.float64]:
    """Images that are sums of ``rank`` patterns, all with the same variance, (n, side, side, 1) in [0, 1]."""
    random = np.random.default_rng(rank)
    patterns = np.linalg.qr(random.standard_normal((side * side, rank)))[0]
    rows = random.uniform(-1, 1, (n, rank)) @ patterns.T
    return (0.5 + 0.5 * rows / np.abs(rows).max()).reshape(n, side, side, 1)


@pytest.mark.parametrize(("rank", "expected"), [(1, 16), (16, 16), (24, 32), (40, 64), (100, 128)])
def test_the_width_is_that_of_the_images(rank: int, expected: int) -> None:
    assert latent_width(of_rank(rank)) == expected
    assert latent_width(np.rint(255 * of_rank(rank)).astype(np.uint8)) == expected


@pytest.mark.parametrize(("n", "expected"), [(99, 64), (100, 32)])
def test_the_components_of_few_images_count_twice(n: int, expected: int) -> None:
    assert latent_width(of_rank(24, n)) == expected


def test_the_width_is_no_more_than_an_image_has_values() -> None:
    noise = np.random.default_rng(0).random((900, 6, 6, 1))
    assert latent_width(noise) == 32
    assert latent_width(noise[:, :3, :3]) == 9
    assert latent_width(np.random.default_rng(0).random((900, 20, 20, 3))) == 256


def test_large_images_are_looked_at_in_small() -> None:
    images = of_rank(24, side=16)
    assert latent_width(images.repeat(8, axis=1).repeat(8, axis=2)) == 32


@pytest.mark.parametrize("shape", [(40, 10, 10, 1), (200, 4, 4, 3)])
def test_the_variance_that_components_explain(shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).random(shape) ** 3
    rows = images.reshape(len(images), -1)
    values = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2
    np.testing.assert_allclose(explained(images), np.cumsum(values) / values.sum(), atol=1e-5)


@pytest.mark.usefixtures("unchecked")
def test_an_autoencoder_has_the_width_of_its_images(few: Shapes) -> None:
    detector = new_autoencoder(latent_dim="auto")
    trainings_of(detector, few.normal)
    assert detector.latent_dim_ == latent_width(few.normal) == detector.network_.latent.out_features
    assert (detector.latent_dim, AutoEncoder().latent_dim) == ("auto", "auto")


def test_settings_that_are_auto_are_saved(few: Shapes, tmp_path: Any) -> None:
    brief: dict[str, Any] = {"epochs": 30, "min_steps": 0, "batch_size": 16}
    detector = LISAE(AutoEncoder(**brief, random_state=0), random_state=0, **brief).fit(*few.labelled())
    detector.save(tmp_path / "model.safetensors")
    loaded = lisae.load(tmp_path / "model.safetensors", device="cpu")
    assert (loaded.gamma, loaded.gamma_) == ("auto", detector.gamma_)
    assert loaded.autoencoder_.latent_dim_ == detector.autoencoder_.latent_dim_
    assert loaded.n_held_out_ == 24
    np.testing.assert_array_equal(loaded.predict(few.outliers), detector.predict(few.outliers))


# Negatives that are made


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(12, 12, 1), (9, 14, 3)])
def test_distorted_images_have_moved_pixels(shape: tuple[int, ...], dtype: Any) -> None:
    random = np.random.default_rng(0)
    images = (random.random((30, *shape)) * (255 if dtype == np.uint8 else 1)).astype(dtype)
    rows = np.array([4, 7, 29])
    moved = elastic(images, rows, 0, count=500)
    assert (moved.shape, moved.dtype) == ((500, *shape), dtype)
    assert moved.min() >= images.min()
    assert moved.max() <= images.max()
    assert not (moved == images[rows[np.arange(500) % 3]]).all(axis=(1, 2, 3)).any()
    np.testing.assert_array_equal(moved, elastic(images, rows, 0, count=500))
    assert not np.array_equal(moved, elastic(images, rows, 1, count=500))


def test_pixels_move_as_far_as_is_said() -> None:
    """Images of their own columns, and of their own rows, show how far each pixel came."""
    side = 40
    ramp = np.broadcast_to(np.arange(side, dtype=np.float32)[:, None] / side, (side, side))
    images = np.stack([ramp, ramp.T])[..., None]
    down, across = (elastic(images, np.array([row]), 3, count=500, distance=(0.1, 0.1))[..., 0] for row in (0, 1))
    inner = slice(10, 30)  # beyond the edge an image does not go on
    moved = np.stack([down - ramp, across - ramp.T])[:, :, inner, inner]
    assert np.sqrt(np.square(moved).sum(axis=0).mean()) == pytest.approx(0.1, rel=0.2)
    assert abs(moved.mean()) < 0.01
    neighbours = np.diff(moved, axis=2)
    assert np.square(neighbours).mean() < 0.2 * np.square(moved).mean(), "smooth"
    still = elastic(images, np.arange(2), 3, count=2, distance=(0.0, 0.0))
    np.testing.assert_allclose(still, images, atol=1e-6)


@pytest.mark.parametrize("way", ["auto", "strokes", "elastic"])
def test_there_are_five_hundred_or_as_many_as_normal_images(way: str) -> None:
    images = np.random.default_rng(0).integers(0, 255, (600, 6, 6, 1)).astype(np.uint8)
    for count, expected in ((3, 500), (600, 600)):
        negatives = made(way, images[:count], 0)
        assert (negatives.shape, negatives.dtype) == ((expected, 6, 6, 1), np.uint8)
        assert negatives.std() > 10
    np.testing.assert_array_equal(made("auto", images[:3], 5), made("strokes", images[:3], 5))
    assert not np.array_equal(made("elastic", images[:3], 5), made("strokes", images[:3], 5))


def test_strokes_may_be_of_any_number_of_channels(few: Shapes) -> None:
    images = few.normal.repeat(4, axis=3)
    assert made("strokes", images[:3], 0).shape == (500, 12, 12, 4)


def test_negatives_are_made_or_marked_and_not_both(few: Shapes) -> None:
    with pytest.raises(ValueError, match="both y and negatives"):
        new_lisae(new_autoencoder()).fit(*few.labelled(), negatives="auto")


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("fraction", [0.5, 0.1])
def test_an_image_that_is_held_out_makes_no_negative(
    few: Shapes, monkeypatch: pytest.MonkeyPatch, fraction: float
) -> None:
    """Neither with images that are held out of the detector nor with those that are held out of its twins."""
    asked: list[NDArray[Any]] = []

    def spied(way: str, images: NDArray[Any], seed: int) -> NDArray[Any]:
        asked.append(images)
        return made(way, images, seed)

    monkeypatch.setattr("lisae.detector.made", spied)
    detector = new_lisae(new_autoencoder(), validation_fraction=fraction)
    trainings_of(detector, few.normal, negatives="elastic")
    expected = [few.normal[~rows] for rows in rounds_of(len(few.normal), fraction)]
    if fraction == 0.1:
        expected.append(few.normal)
    for images, those in zip(asked, expected, strict=True):
        np.testing.assert_array_equal(images, those)


@pytest.mark.parametrize("way", ["auto", "elastic"])
def test_made_negatives_teach(grey: Shapes, autoencoder: AutoEncoder, way: str) -> None:
    """Faint stripes are told from spots better than by the plain autoencoder, though no stripe was a negative."""
    detector = new_lisae(autoencoder, gamma="auto", epochs=20).fit(grey.normal, negatives=way)
    assert auc(detector, grey.held_out, grey.faint_outliers) > auc(autoencoder, grey.held_out, grey.faint_outliers)
