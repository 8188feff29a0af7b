"""Another data set's images in the shape of the normal ones, and drawings made more diverse."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.data.negatives import augmented, to_shape

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
