"""Images as detectors compute with them, and the checks of arrays that are given as images."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Images = NDArray[Any]  # (n, h, w, c), uint8 in 0..255 or float32 in [0, 1]


def as_images(X: ArrayLike) -> Images:
    """Check ``X`` and return it as (n, h, w, c), uint8 or float32 in [0, 1].

    Raises ValueError for an array that does not hold images; the message names the value and the remedy.
    """
    if np.ma.is_masked(X):
        raise ValueError("images hold masked values: fill them in, as X.filled(0) does, or remove those images.")
    array = np.asarray(X)
    if array.dtype != np.uint8 and not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"images are uint8 (0 to 255) or floating point (0 to 1); got dtype {array.dtype}. "
            "Integers that hold 0 to 255: X.astype(numpy.uint8)."
        )
    if not array.size:
        raise ValueError(f"no images: X has shape {shape_text(array.shape)}.")
    array = _with_channels(array)
    if array.dtype == np.uint8:
        return array
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():
        raise ValueError("images hold NaN or infinite values: remove those images or fill the values in.")
    if low < 0 or high > 1:
        raise ValueError(
            f"floating-point images lie in [0, 1]; got values from {low:g} to {high:g}. Divide by 255, or pass uint8."
        )
    return array.astype(np.float32, copy=False)


def as_rows(images: Images) -> NDArray[np.float32]:
    """Return images of the checked form as flat rows of pixels, (n, h, w, c) -> (n, h * w * c), float32 in [0, 1]."""
    rows = images.reshape(len(images), -1)
    return np.divide(rows, 255, dtype=np.float32) if rows.dtype == np.uint8 else rows


def _with_channels(array: NDArray[Any]) -> Images:
    if array.ndim == 4:
        return array
    if array.ndim == 3:
        return array[..., None]
    if array.ndim == 2:
        for channels in (1, 3):
            side = round((array.shape[1] / channels) ** 0.5)
            if side * side * channels == array.shape[1]:
                return array.reshape(len(array), side, side, channels)
        raise ValueError(
            f"flat rows of {array.shape[1]} features are neither a square grey nor a square colour image: "
            "reshape X to (n, h, w) or (n, h, w, c)."
        )
    raise ValueError(f"X is (n, h, w), (n, h, w, c) or (n, features); got shape {shape_text(array.shape)}.")


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as messages write it, such as 28 x 28 x 1."""
    return " x ".join(map(str, shape)) or "of a single value"
