"""Another data set's images in the shape of the normal ones, drawings made more diverse, and drawn strokes."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from benchmarks.data import negatives
from benchmarks.data.negatives import PREPARATIONS, STROKES, augmented, resampled, to_shape
from lisae.strokes import rasterise

Pictures = NDArray[np.uint8]


@pytest.fixture(scope="module")
def drawings() -> Pictures:
    """An L of lines three pixels wide that nearly fills 105 x 105, in the place and size of its number."""
    images = np.zeros((40, 105, 105), dtype=np.uint8)
    for i, image in enumerate(images):
        image[10:95, 20 + i : 23 + i] = 255
        image[92:95, 20 + i : 90] = 255
    return images


@pytest.fixture(scope="module")
def colours() -> Pictures:
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


def test_images_of_the_same_shape_are_returned_as_they_are(drawings: Pictures, colours: Pictures) -> None:
    assert to_shape(drawings, (105, 105)) is drawings
    assert to_shape(colours, (32, 32, 3)) is colours


@pytest.mark.parametrize("sides", [(28, 28), (20, 44), (160, 120)])
def test_resampling_is_antialiased_bilinear(colours: Pictures, drawings: Pictures, sides: tuple[int, int]) -> None:
    height, width = sides
    for images, shape in ((drawings[:3], sides), (colours, (*sides, 3))):
        expected = [
            np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)) for image in images
        ]
        # Pillow rounds between rows and columns.
        np.testing.assert_allclose(to_shape(images, shape).astype(int), np.stack(expected), atol=1)


def test_colour_becomes_its_luminance(colours: Pictures) -> None:
    expected = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in colours])
    np.testing.assert_allclose(to_shape(colours, (32, 32)).astype(int), expected, atol=1)


def test_grey_becomes_colour_by_repeating_the_channel(drawings: Pictures) -> None:
    grey = to_shape(drawings, (28, 28))
    np.testing.assert_array_equal(to_shape(drawings, (28, 28, 3)), np.repeat(grey[..., None], 3, axis=3))


def test_grey_images_may_have_a_channel_axis(drawings: Pictures) -> None:
    expected = to_shape(drawings, (28, 28))
    np.testing.assert_array_equal(to_shape(drawings, (28, 28, 1)), expected[..., None])
    np.testing.assert_array_equal(to_shape(drawings[..., None], (28, 28)), expected)


def test_images_in_many_chunks_are_the_same(drawings: Pictures) -> None:
    many = to_shape(np.tile(drawings, (30, 1, 1)), (28, 28))
    np.testing.assert_array_equal(many, np.tile(to_shape(drawings, (28, 28)), (30, 1, 1)))


# Augmentation, one kind at a time

NONE: dict[str, Any] = {"crop": 1.0, "flips": False, "blur": 0.0, "stretch": False}


def test_without_any_augmentation_it_is_to_shape(drawings: Pictures) -> None:
    np.testing.assert_array_equal(augmented(drawings, (28, 28), 0, **NONE), to_shape(drawings, (28, 28)))


def test_flips_alone_give_each_of_the_four_about_equally_often(drawings: Pictures) -> None:
    images = np.tile(drawings[:1], (400, 1, 1))
    flipped = augmented(images, (28, 28), 0, **NONE | {"flips": True}).astype(int)
    as_it_is = to_shape(drawings[:1], (28, 28))[0]
    counts = [
        sum(np.abs(image - four).max() <= 1 for image in flipped)
        for four in (as_it_is, as_it_is[::-1], as_it_is[:, ::-1], as_it_is[::-1, ::-1])
    ]
    assert sum(counts) == 400
    assert min(counts) > 70


def test_a_crop_is_a_square_of_the_drawing_at_its_share_of_the_side() -> None:
    """Values of a ramp tell where a crop begins and ends."""
    ramp = np.tile(np.arange(105, dtype=np.uint8), (300, 1, 1))
    for images, axis in ((ramp, 2), (ramp.mT, 1)):
        cut = augmented(images, (28, 28), 0, **NONE | {"crop": 0.5}).astype(float)
        first, last = np.take(cut, [3, 24], axis=axis).mean(axis=3 - axis).T
        share = (last - first) / 21 * 28 / 105
        start = first - 3.5 * share * 105 / 28 + 0.5
        assert 0.48 < share.min() < 0.53
        assert 0.97 < share.max() < 1.02
        assert start.min() > -1.5
        assert (start + share * 105).max() < 106.5
        assert np.ptp(start) > 30


def test_a_crop_is_placed_in_rows_and_columns_on_their_own() -> None:
    ramp = np.arange(105, dtype=np.uint8)
    rows = augmented(np.tile(ramp[:, None], (300, 1, 105)), (28, 28), 0, **NONE | {"crop": 0.5})
    columns = augmented(np.tile(ramp, (300, 105, 1)), (28, 28), 0, **NONE | {"crop": 0.5})
    assert abs(np.corrcoef(rows.mean(axis=(1, 2)), columns.mean(axis=(1, 2)))[0, 1]) < 0.2


def test_blur_is_a_gaussian_of_at_most_its_sigma() -> None:
    """The edge of a half-plane becomes a slope that is steepest at the edge: 1 / (sqrt(2 pi) sigma)."""
    half = np.zeros((300, 40, 40), dtype=np.uint8)
    half[:, :, 20:] = 255
    slope = np.diff(augmented(half, (40, 40), 0, **NONE | {"blur": 2.0}) / 255, axis=2)
    steepest = slope[:, 20, 19]
    assert steepest.min() == pytest.approx(1 / (np.sqrt(2 * np.pi) * 2), rel=0.03)
    assert steepest.max() > 0.99
    widest = slope[steepest.argmin(), 20]
    distance = np.arange(39) - 19
    assert np.sqrt((widest * distance**2).sum()) == pytest.approx(2, rel=0.03)
    down = augmented(half.mT, (40, 40), 0, **NONE | {"blur": 2.0})
    np.testing.assert_array_equal(down, augmented(half, (40, 40), 0, **NONE | {"blur": 2.0}).mT)


def test_stretching_gives_every_drawing_full_ink(drawings: Pictures) -> None:
    options = NONE | {"blur": 2.0}
    faint = augmented(drawings, (28, 28), 0, **options)
    full = augmented(drawings, (28, 28), 0, **options | {"stretch": True})
    assert faint.max(axis=(1, 2)).min() < 150
    assert (full.max(axis=(1, 2)) == 255).all()
    gain = 255 / faint.max(axis=(1, 2), keepdims=True)
    # Half a grey level of rounding, with the gain, and half a level more.
    assert (np.abs(full - faint * gain) <= 0.5 + gain).all()


def test_a_drawing_without_ink_stays_black() -> None:
    assert augmented(np.zeros((2, 105, 105), dtype=np.uint8), (28, 28), 0).max() == 0


def test_a_seed_decides_every_draw(drawings: Pictures) -> None:
    first = augmented(drawings, (28, 28), 0)
    np.testing.assert_array_equal(augmented(drawings, (28, 28), 0), first)
    others = augmented(drawings, (28, 28), 1)
    assert all(not np.array_equal(a, b) for a, b in zip(first, others, strict=True))


def test_copies_are_different_versions_of_all_drawings_in_their_order(drawings: Pictures) -> None:
    many = augmented(np.tile(drawings, (15, 1, 1)), (28, 28), 0)
    copies = augmented(drawings, (28, 28), 0, copies=15)
    assert copies.shape == (600, 28, 28)
    np.testing.assert_array_equal(copies, many)
    assert not np.array_equal(copies[:40], copies[40:80])


def test_drawings_for_colour_images_are_grey(drawings: Pictures) -> None:
    images = augmented(drawings, (32, 32, 3), 0)
    assert images.shape == (40, 32, 32, 3)
    np.testing.assert_array_equal(images, np.repeat(images[..., :1], 3, axis=3))


def test_the_drawings_are_not_changed(drawings: Pictures) -> None:
    before = drawings.copy()
    augmented(drawings, (28, 28), 0)
    np.testing.assert_array_equal(drawings, before)


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ({"crop": 0.0}, "got crop 0.0"),
        ({"crop": -0.5}, "got crop -0.5"),
        ({"crop": 1.1}, "got crop 1.1"),
        ({"blur": -1.0}, "blur -1.0"),
        ({"copies": 0}, "copies 0"),
    ],
)
def test_parameters_that_make_no_sense(drawings: Pictures, option: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        augmented(drawings, (28, 28), 0, **option)


# Strokes


def strokes(count: int, shape: tuple[int, ...], seed: int, **settings: float) -> Pictures:
    return negatives.strokes(np.empty((0, *shape), dtype=np.uint8), shape, seed, count=count, **settings)


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
    ink = rasterise(level, torch.ones(1, 1), torch.tensor([width]), 200, (60, 60))[0, :, 30]
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


def test_strokes_may_have_a_channel_axis() -> None:
    np.testing.assert_array_equal(strokes(3, (28, 28, 1), 0), strokes(3, (28, 28), 0)[..., None])


def test_a_seed_decides_every_stroke() -> None:
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


def test_each_set_is_prepared_in_its_way(drawings: Pictures) -> None:
    none = np.empty((0, 28, 28), dtype=np.uint8)
    drawn = PREPARATIONS[STROKES](none, (28, 28), 3, count=5, width=0.2)
    np.testing.assert_array_equal(drawn, strokes(5, (28, 28), 3, width=0.2))
    np.testing.assert_array_equal(resampled(drawings, (28, 28), 3), to_shape(drawings, (28, 28)))
