"""Images as detectors compute with them, and the checks of arrays that are given as images."""

import math
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from lisae.memory import converted, parts

Images = NDArray[Any]  # (n, h, w, c), uint8 in 0..255 or float32 in [0, 1]
Shape = tuple[int, ...]

_CHANNELS = (1, 3, 4)  # grey, colour, and colour with a fourth channel
_ROUNDING = 1e-3  # values so far outside of [0, 1] come from a resize or from rounding, and are clipped
_DARK = 16  # integers up to this are no bytes: they would be nearly black


def as_images(array: NDArray[Any], image_shape: Shape | None = None, trained: Shape | None = None) -> Images:
    """Check an array and return it as (n, h, w, c), uint8 or float32 in [0, 1].

    Args:
        array: (n, h, w), (n, h, w, c), or (n, features) with an ``image_shape``; uint8, bool (black and white), other
            integers from 0 to 255, or floating point in [0, 1]. Values outside by rounding are clipped.
        image_shape: the shape of one image, (h, w), (h, w, c), or (c, h, w) where the channels come first, which
            are then put last; one of them may be -1, as in ``numpy.reshape``.
        trained: (h, w, c) of the images that were learned from: flat rows and a single image are read so.

    Raises:
        ValueError: for an array that does not hold images, or may hold images of several shapes; the message names
            what was given and the remedy.
    """
    if not array.size:
        raise ValueError(f"no images: X has shape {shape_text(array.shape)}.")
    kind = array.dtype.kind
    if kind not in "buif":
        raise ValueError(
            f"images are uint8 (0 to 255) or floating point (0 to 1), other integers or bool; got dtype {array.dtype}."
        )
    images = _as_stated(array, image_shape, trained) if image_shape is not None else _as_seen(array, trained)
    if kind == "b":
        return converted(images, np.uint8, lambda part: part * np.uint8(255))
    if array.dtype != np.uint8 or trained is None:
        extremes = np.array([(images[part].min(), images[part].max()) for part in parts(images)])
        low, high = float(extremes[:, 0].min()), float(extremes[:, 1].max())
        _check_values(low, high, array.dtype, is_training=trained is None)
        if kind == "f" and (low < 0 or high > 1):
            return converted(images, np.float32, lambda part: part.clip(0, 1))
    dtype = np.float32 if kind == "f" else np.uint8
    return images if images.dtype == dtype and images.flags.c_contiguous else converted(images, dtype)


def as_rows(images: Images) -> NDArray[np.float32]:
    """Return images of the checked form as flat rows of pixels, (n, h, w, c) -> (n, h * w * c), float32 in [0, 1]."""
    rows = images.reshape(len(images), -1)
    return np.divide(rows, 255, dtype=np.float32) if rows.dtype == np.uint8 else rows


def resized(images: Images, sides: tuple[int, int]) -> Images:
    """Return images of the checked form at another height and width, bilinear and antialiased; the dtype stays."""
    if images.shape[1:3] == sides:
        return images

    def resize(part: Images) -> Images:
        pixels = torch.from_numpy(part.astype(np.float32)).permute(0, 3, 1, 2)
        answer = functional.interpolate(pixels, sides, mode="bilinear", antialias=True).permute(0, 2, 3, 1)
        return (answer.round() if part.dtype == np.uint8 else answer).numpy()

    return converted(images, images.dtype, resize)


def as_sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return a size as (h, w). Raises ValueError for anything but one or two whole numbers above 0."""
    sides = (size, size) if isinstance(size, Integral) else size
    if not isinstance(sides, tuple | list) or len(sides) != 2 or not all(isinstance(s, Integral) for s in sides):
        raise ValueError(f"size is a side in pixels, such as 64, or (height, width); got {size!r}.")
    if min(sides) < 1:
        raise ValueError(f"the sides of size are at least 1 pixel; got {size!r}.")
    return int(sides[0]), int(sides[1])


def shape_text(shape: Shape) -> str:
    """Return a shape as messages write it, such as 28 x 28 x 1."""
    return " x ".join(map(str, shape)) or "of a single value"


def _check_values(low: float, high: float, dtype: np.dtype[Any], *, is_training: bool) -> None:
    if not math.isfinite(low + high):
        raise ValueError("images hold NaN or infinite values: remove those images or fill the values in.")
    values = f"got {dtype} values from {low:g} to {high:g}"
    if dtype.kind == "f":
        if low >= -_ROUNDING and high <= 1 + _ROUNDING:
            return
        remedy = _remedy(high)
        if low >= -0.25 and high <= 1.25:
            remedy = "If a resize or a scaler went beyond, clip them: numpy.clip(X, 0, 1)."
        elif low < 0:
            remedy = (
                "Undo what centred or standardised them, or scale them by the least and the largest value of the "
                f"training images: numpy.clip((X - {low:g}) / {high - low:g}, 0, 1)."
            )
        raise ValueError(f"floating-point images lie in [0, 1]; {values}. {remedy}")
    if low < 0 or high > 255:
        remedy = "Say what value is black, and what white." if low < 0 else _remedy(high)
        raise ValueError(f"integers are read as 0 (black) to 255 (white); {values}. {remedy}")
    if is_training and 0 < high <= _DARK:
        raise ValueError(f"integers are read as 0 (black) to 255 (white); {values}, nearly black. {_remedy(high)}")


def _remedy(high: float) -> str:
    if high <= 1:
        return "If 1 is white: X.astype(bool)."
    if 16 < high <= 255:
        return "Divide by 255, or pass uint8."
    largest = next((one for one in (16, 1023, 4095, 65535) if high <= one), None)
    example = f"X / {largest}" if largest else f"X / {high:g}"
    return f"Divide by the largest value that a pixel can have, perhaps {example}."


def stated_shape(image_shape: Shape) -> tuple[Shape, bool]:
    """Return (h, w, c) of a stated shape, and whether it has the channels first.

    Raises ValueError for anything but two or three whole numbers above 0, of which one may be -1.
    """
    try:
        sides = tuple(int(side) for side in image_shape)
        is_right = sides == tuple(image_shape) and len(sides) in (2, 3)
    except (TypeError, ValueError):
        sides, is_right = (), False
    if not is_right or sides.count(-1) > 1 or any(side < 1 and side != -1 for side in sides):
        raise ValueError(
            "image_shape is (height, width), (height, width, channels) or, where the channels come first, "
            f"(channels, height, width), such as (28, 28) or (32, 32, 3); got {image_shape!r}."
        )
    if len(sides) == 2:
        return (*sides, 1), False
    is_first = sides[0] in _CHANNELS and sides[2] not in _CHANNELS
    return ((*sides[1:], sides[0]), True) if is_first else (sides, False)


def _as_stated(array: NDArray[Any], image_shape: Shape, trained: Shape | None) -> Images:
    shape, is_first = stated_shape(image_shape)
    as_given = (shape[2], *shape[:2]) if is_first else shape
    if array.ndim == 2 and (trained is None or not _fits(array.shape, shape[:2])):
        known = math.prod(side for side in shape if side != -1)
        if array.shape[1] % known or (-1 not in shape and array.shape[1] != known):
            raise ValueError(
                f"flat rows of {array.shape[1]} features are no images of image_shape={tuple(image_shape)}, "
                f"which have {'a multiple of ' * (-1 in shape)}{known}."
            )
        images = array.reshape(len(array), *as_given)
        return images.transpose(0, 2, 3, 1) if is_first else images
    for batch, is_one in ((array, False), (array[None], True)):
        if is_one and trained is None:
            break
        if _fits(batch.shape[1:], shape):
            return batch
        if shape[2] == 1 and _fits(batch.shape[1:], shape[:2]):
            return batch[..., None]
        if is_first and _fits(batch.shape[1:], as_given):
            return batch.transpose(0, 2, 3, 1)
    hint = ""
    if array.ndim == 4 and _fits((*array.shape[2:], array.shape[1]), shape):
        hint = f" The channels come first in X: say image_shape={array.shape[1:]}."
    raise ValueError(f"X has shape {shape_text(array.shape)}, and image_shape is {tuple(image_shape)}.{hint}")


def _fits(shape: Shape, wanted: Shape) -> bool:
    return len(shape) == len(wanted) and all(b in (-1, a) for a, b in zip(shape, wanted, strict=True))


def _as_seen(array: NDArray[Any], trained: Shape | None) -> Images:
    shape = array.shape
    if trained is not None:
        if array.ndim == 2 and shape[1] == math.prod(trained):
            return array.reshape(len(array), *trained)
        if (*shape, 1) == trained or (array.ndim == 3 and shape[2] == trained[2] and trained[1] > 1):
            return array.reshape(1, *shape[:2], trained[2])  # one image
    if array.ndim == 4:
        if shape[1:] != trained:
            _check_channels(shape)
        return array
    if array.ndim == 3:
        if shape[2] in _CHANNELS and (trained is None or shape[2] not in trained):
            raise ValueError(
                f"X has shape {shape_text(shape)}: for one image with channels, pass X[None]; "
                f"for grey images of {shape_text(shape[1:])}, say image_shape={shape[1:]}."
            )
        return array[..., None]
    if array.ndim == 2 and trained is not None:
        raise ValueError(
            f"flat rows of {shape[1]} features are no images of {shape_text(trained)}, as the training images were, "
            f"which have {math.prod(trained)} features."
        )
    if array.ndim == 2:
        raise ValueError(f"flat rows of {shape[1]} features {_readings(shape[1])}")
    raise ValueError(f"X is (n, h, w), (n, h, w, c) or (n, features); got shape {shape_text(shape)}.")


def _check_channels(shape: Shape) -> None:
    """Raise ValueError for images (n, h, w, c) whose channels seem to come first, or are many."""
    _, first, middle, last = shape
    if first in _CHANNELS and (last > max(_CHANNELS) or (middle == last != first)):
        raise ValueError(
            f"X has shape {shape_text(shape)}, which looks like {first} x {middle} x {last} with the channels first: "
            f"put them last, X.transpose(0, 2, 3, 1) (of a tensor: X.permute(0, 2, 3, 1)), or say "
            f"image_shape={shape[1:]}."
        )
    if last > max(_CHANNELS):
        raise ValueError(
            f"X has shape {shape_text(shape)}, and images are (n, h, w, c) with 1 to 4 channels. "
            f"If they have {last}, say image_shape={shape[1:]}; for one image with channels, pass X[None]."
        )


def _readings(features: int) -> str:
    """Return the shapes that rows of so many features may be images of, and the line that tells which."""
    found = []
    for channels in _CHANNELS:
        side = math.isqrt(features // channels)
        if side * side * channels == features:
            found.append((side, side, channels))
    if not found:
        return "are no square images: say their shape, image_shape=(height, width, channels)."
    shapes = " or ".join(shape_text(one) for one in found)
    lines = " or ".join(f"image_shape={one}" for one in found)
    first = [(channels, *sides) for *sides, channels in found if channels > 1]
    with_first = f", where the channels come first image_shape={first[0]}" if first else ""
    return f"may be images of {shapes}, or of other sides: say which, {lines}{with_first}."
