"""Strokes drawn from nothing but a seed."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from benchmarks.data.negatives import _ink, strokes


def test_strokes_are_light_on_black() -> None:
    images = strokes(300, (28, 28), 0)
    assert images.shape == (300, 28, 28)
    assert images.dtype == np.uint8
    assert np.median(images) == 0
    share_of_ink = (images > 127).mean(axis=(1, 2))
    assert 0.1 < share_of_ink.mean() < 0.3
    assert np.ptp(share_of_ink) > 0.2
    assert (images.max(axis=(1, 2)) > 200).all()


def test_strokes_have_soft_edges() -> None:
    images = strokes(300, (28, 28), 0)
    edges = (images > 20) & (images < 235)
    assert edges.sum() > 0.3 * (images >= 235).sum()


def test_a_stroke_hangs_together() -> None:
    """At most four strokes, so at most four islands of ink; some images have one, some more."""
    islands = [ndimage.label(image > 60, np.ones((3, 3)))[1] for image in strokes(300, (28, 28), 0)]
    assert max(islands) <= 4
    assert 0.5 < np.mean(np.array(islands) == 1) < 0.95


@pytest.mark.parametrize("width", [3.0, 6.5, 20.0])
def test_a_straight_stroke_is_as_wide_as_it_should_be(width: float) -> None:
    level = torch.tensor([[[[30.0, column] for column in (0.0, 20.0, 40.0, 60.0)]]])
    ink = _ink(level, torch.ones(1, 1), torch.tensor([width]), 200, (60, 60))[0, :, 30]
    assert (ink > 0.5).sum() == pytest.approx(width, abs=1)
    assert ink[30] == 1
    assert ink.sum() == pytest.approx(width, rel=0.15)


def test_wider_strokes_have_more_ink() -> None:
    thin, wide = (strokes(200, (28, 28), 0, width=width).mean(axis=(1, 2)) for width in (0.05, 0.15))
    assert (wide > 1.5 * thin).mean() > 0.95


def test_thin_strokes_are_not_strings_of_beads() -> None:
    """Along a thin line, ink does not come and go: few more islands than strokes even where only full ink counts."""
    islands = [ndimage.label(image > 127, np.ones((3, 3)))[1] for image in strokes(60, (120, 120), 0, width=0.04)]
    assert max(islands) <= 4


def test_every_part_of_the_image_gets_ink() -> None:
    mean = strokes(2000, (28, 20), 0).mean(axis=0)
    assert mean.shape == (28, 20)
    assert mean[4:-4, 4:-4].min() > 20
    np.testing.assert_allclose(mean, mean[::-1, ::-1], atol=12)


def test_strokes_for_colour_images_are_of_one_colour_on_another() -> None:
    images = strokes(100, (32, 32, 3), 0).astype(float)
    assert images.shape == (100, 32, 32, 3)
    assert len({tuple(image[0, 0]) for image in images}) > 90
    # Every pixel lies on the straight line between two colours.
    residuals = [np.linalg.svd(image.reshape(-1, 3) - image[0, 0], compute_uv=False)[1:] for image in images]
    assert np.max(residuals) < np.sqrt(32 * 32)
    assert np.mean([image.std(axis=(0, 1)).max() for image in images]) > 20


def test_a_grey_image_may_have_a_channel_axis() -> None:
    np.testing.assert_array_equal(strokes(3, (28, 28, 1), 0), strokes(3, (28, 28), 0)[..., None])


def test_a_seed_decides_every_draw() -> None:
    first = strokes(50, (28, 28), 0)
    np.testing.assert_array_equal(strokes(50, (28, 28), 0), first)
    assert all(not np.array_equal(a, b) for a, b in zip(first, strokes(50, (28, 28), 1), strict=True))
    assert len(np.unique(first, axis=0)) == 50


def test_many_strokes_are_drawn_chunk_by_chunk() -> None:
    images = strokes(1100, (28, 28), 0)
    assert len(np.unique(images, axis=0)) == 1100


@pytest.mark.parametrize("width", [0, -0.1])
def test_a_width_is_above_zero(width: float) -> None:
    with pytest.raises(ValueError, match=f"got {width}"):
        strokes(1, (28, 28), 0, width=width)
