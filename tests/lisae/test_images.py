"""Arrays as images: their shapes, dtypes and values, read for what they are or refused with the remedy."""

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lisae.images import Shape, as_images, as_rows, as_sides, resized, stated_shape

RNG = np.random.default_rng(0)


def pictures(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


# Shapes


@pytest.mark.parametrize("shape", [(5, 6, 7, 1), (5, 6, 7, 3), (5, 6, 7, 4), (5, 6, 7, 2), (5, 4, 4, 1), (5, 3, 3, 3)])
def test_images_with_channels_last_are_taken_as_they_are(shape: Shape) -> None:
    images = pictures(*shape)
    assert as_images(images) is images


def test_grey_images_may_have_no_channels() -> None:
    images = pictures(5, 6, 7)
    np.testing.assert_array_equal(as_images(images), images[..., None])


@pytest.mark.parametrize("shape", [(5, 1, 28, 28), (5, 3, 32, 32), (5, 4, 32, 32), (5, 3, 4, 4), (5, 1, 3, 3)])
@pytest.mark.parametrize("trained", [None, (32, 32, 3)])
def test_channels_first_are_named_and_put_last_when_stated(shape: Shape, trained: Shape | None) -> None:
    images = pictures(*shape)
    with pytest.raises(
        ValueError, match=r"channels first: put them last, X\.transpose\(0, 2, 3, 1\).*image_shape="
    ) as e:
        as_images(images, trained=trained)
    assert f"image_shape={shape[1:]}" in str(e.value)
    if shape[-1] > 4:
        np.testing.assert_array_equal(as_images(images, shape[1:], trained), images.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(as_images(images.transpose(0, 2, 3, 1)), images.transpose(0, 2, 3, 1))


def test_many_channels_are_stated() -> None:
    images = pictures(5, 12, 14, 9)
    with pytest.raises(ValueError, match=r"1 to 4 channels.*image_shape=\(12, 14, 9\)"):
        as_images(images)
    assert as_images(images, (12, 14, 9)) is images


@pytest.mark.parametrize(
    ("features", "line"),
    [
        (
            784,
            r"28 x 28 x 1 or 14 x 14 x 4, .*=\(28, 28, 1\) or .*=\(14, 14, 4\).*first image_shape=\(4, 14, 14\)",
        ),
        (3072, r"32 x 32 x 3, .*image_shape=\(32, 32, 3\), where the channels come first image_shape=\(3, 32, 32\)"),
        (4096, r"64 x 64 x 1 or 32 x 32 x 4"),
        (1024, r"32 x 32 x 1 or 16 x 16 x 4, or of other sides"),
        (143, r"143 features are no square images: say their shape, image_shape="),
    ],
)
def test_flat_rows_are_not_guessed(features: int, line: str) -> None:
    with pytest.raises(ValueError, match=line):
        as_images(pictures(5, features))


@pytest.mark.parametrize(
    ("stated", "shape"),
    [((16, 64), (16, 64, 1)), ((32, 32), (32, 32, 1)), ((16, 16, 4), (16, 16, 4)), ((1, -1), (1, 1024, 1))],
)
def test_flat_rows_are_read_as_stated(stated: Shape, shape: Shape) -> None:
    rows = pictures(5, 1024)
    np.testing.assert_array_equal(as_images(rows, stated), rows.reshape(5, *shape))


def test_flat_rows_with_channels_first() -> None:
    rows = pictures(5, 3072)
    expected = rows.reshape(5, 3, 32, 32).transpose(0, 2, 3, 1)
    found = as_images(rows, (3, 32, 32))
    np.testing.assert_array_equal(found, expected)
    assert found.flags.c_contiguous


def test_flat_rows_after_training_are_as_the_training_images_were() -> None:
    rows = pictures(5, 60)
    np.testing.assert_array_equal(as_images(rows, trained=(4, 5, 3)), rows.reshape(5, 4, 5, 3))
    with pytest.raises(ValueError, match=r"flat rows of 60 features are no images of 4 x 5 x 1, .* have 20 features"):
        as_images(rows, trained=(4, 5, 1))
    with pytest.raises(ValueError, match=r"60 features are no images of image_shape=\(7, 8\), which have 56"):
        as_images(rows, (7, 8))


@pytest.mark.parametrize(("shape", "trained"), [((9, 8, 3), (9, 8, 3)), ((9, 8), (9, 8, 1)), ((9, 8, 1), (9, 8, 1))])
@pytest.mark.parametrize("is_stated", [False, True])
def test_one_image_is_read_once_there_are_trained_ones(shape: Shape, trained: Shape, is_stated: bool) -> None:
    image = pictures(*shape)
    found = as_images(image, trained if is_stated else None, trained)
    np.testing.assert_array_equal(found, image.reshape(1, *trained))


def test_one_image_to_learn_from_is_named() -> None:
    with pytest.raises(ValueError, match=r"32 x 32 x 3: for one image .* X\[None\]; for grey .*image_shape=\(32, 3\)"):
        as_images(pictures(32, 32, 3))
    assert as_images(pictures(32, 32, 3), (32, 3)).shape == (32, 32, 3, 1)


@pytest.mark.parametrize("stated", [(28,), (28, 28, 1, 1), (0, 3), (-1, -1), (2.5, 3), "ab", 28, (-2, 4)])
def test_wrong_stated_shapes(stated: Any) -> None:
    with pytest.raises(ValueError, match=re.escape("image_shape is (height, width), (height, width, channels)")):
        stated_shape(stated)


def test_an_array_of_another_shape_than_stated() -> None:
    with pytest.raises(ValueError, match=r"X has shape 5 x 8 x 9 x 3, and image_shape is \(8, 9\)\.$"):
        as_images(pictures(5, 8, 9, 3), (8, 9))
    with pytest.raises(ValueError, match=r"The channels come first in X: say image_shape=\(3, 8, 9\)"):
        as_images(pictures(5, 3, 8, 9), (8, 9, 3))


# Dtypes and values


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint16, np.uint32])
def test_integers_are_bytes(dtype: type) -> None:
    images = pictures(5, 6, 7) % 128
    found = as_images(images.astype(dtype))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[..., 0], images)


def test_bool_is_black_and_white() -> None:
    images = pictures(5, 6, 7) > 99
    found = as_images(images)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[..., 0], images * 255)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_become_float32(dtype: type) -> None:
    images = (pictures(5, 6, 7) / 255).astype(dtype)
    found = as_images(images)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[..., 0], images.astype(np.float32))


def test_what_rounding_put_outside_is_clipped() -> None:
    images = np.array([0.2, 1.0000001, -1e-9, 0.3, 1.0005, 0.5]).repeat(6).reshape(2, 3, 6)
    found = as_images(images)
    assert (found.min(), found.max()) == (0, 1)
    np.testing.assert_array_equal(found[..., 0], images.clip(0, 1).astype(np.float32))
    assert images.max() > 1


WRONG: list[tuple[NDArray[Any], str]] = [
    (np.linspace(0, 16, 48), r"float64 values from 0 to 16\. Divide by the largest .*, perhaps X / 16\."),
    (np.linspace(0, 255, 48), r"values from 0 to 255\. Divide by 255, or pass uint8\."),
    (np.linspace(0, 60000, 48), r"values from 0 to 60000\. Divide by .* perhaps X / 65535\."),
    (np.linspace(0, 1.2, 48), r"values from 0 to 1\.2\. If a resize .* numpy\.clip\(X, 0, 1\)"),
    (np.linspace(-0.1, 1, 48), r"values from -0\.1 to 1\. If a resize .* numpy\.clip\(X, 0, 1\)"),
    (np.linspace(-1, 1, 48), r"Undo what centred .* numpy\.clip\(\(X - -1\) / 2, 0, 1\)"),
    (np.arange(48), r"got int64 values from 0 to 4095\. .*perhaps X / 4095"),
    (np.arange(48, dtype=np.int16), r"got int16 values from -3 to 40\. Say what value is black"),
    (np.arange(48) % 17, r"got int64 values from 0 to 16, nearly black\. .*perhaps X / 16"),
    (np.arange(48, dtype=np.uint8) % 17, r"got uint8 values from 0 to 16, nearly black"),
    (np.arange(48, dtype=np.uint8) % 2, r"from 0 to 1, nearly black\. If 1 is white: X\.astype\(bool\)"),
    (np.arange(48).astype(complex), "got dtype complex128"),
    (np.full(48, None), "got dtype object"),
]
WRONG[6][0][-1] = 4095
WRONG[7][0][:] = np.linspace(-3, 40, 48)


@pytest.mark.parametrize(("values", "message"), WRONG)
def test_wrong_values_are_met_with_their_remedy(values: NDArray[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_images(values.reshape(3, 4, 4, 1))


def test_one_dark_image_may_be_scored() -> None:
    assert not as_images(np.zeros((1, 8, 8), dtype=np.int64), trained=(8, 8, 1)).any()


# Sizes


@pytest.mark.parametrize(
    ("size", "sides"), [(64, (64, 64)), ((20, 30), (20, 30)), ([8, 9], (8, 9)), (np.int64(5), (5, 5))]
)
def test_sizes(size: Any, sides: tuple[int, int]) -> None:
    assert as_sides(size) == sides


@pytest.mark.parametrize("size", [0, -3, (3, 0), (1, 2, 3), 2.5, "64", (2.5, 3)])
def test_wrong_sizes(size: Any) -> None:
    with pytest.raises(ValueError, match=r"size.*; got "):
        as_sides(size)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_resizing_averages_what_it_shrinks(dtype: type) -> None:
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), 32)[None, :, None, None].repeat(64, axis=2).repeat(3, axis=3)
    images = stripes if dtype == np.uint8 else (stripes / 255).astype(np.float32)
    found = resized(images, (16, 20))
    assert found.shape == (1, 16, 20, 3)
    assert found.dtype == dtype
    inner = found[:, 2:-2] / (255 if dtype == np.uint8 else 1)
    assert abs(inner - 0.5).max() < 0.05  # without antialiasing, black or white
    assert resized(images, (64, 64)) is images


def test_rows_are_scaled() -> None:
    images = pictures(3, 4, 5, 1)
    np.testing.assert_allclose(as_rows(images), images.reshape(3, 20) / 255, rtol=1e-6)
