"""How the images of one data set become negatives for a task of another."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.negatives import augmented, to_shape
from benchmarks.data.strokes import strokes

STROKES = "strokes"  # drawn, not loaded: negatives for whoever has no Omniglot
STROKES_VARIANT = "drawn"


# Images (n, h, w[, c]) of a data set, the image shape to come and a seed -> uint8 (m, *shape); keywords are settings.
Preparation = Callable[..., NDArray[np.uint8]]


def _resampled(images: NDArray[np.uint8], shape: tuple[int, ...], seed: int) -> NDArray[np.uint8]:
    return to_shape(images, shape)


def _drawn(
    images: NDArray[np.uint8], shape: tuple[int, ...], seed: int, *, count: int = 20_000, width: float = 0.1
) -> NDArray[np.uint8]:
    return strokes(count, shape, seed, width=width)


_PREPARATIONS: Mapping[str, Preparation] = {"omniglot": augmented, STROKES: _drawn}
PREPARED = tuple(_PREPARATIONS)


def preparation_of(negatives: str) -> Preparation:
    """What makes the images of this data set ready; its keyword arguments with their defaults are its settings."""
    return _PREPARATIONS.get(negatives, _resampled)
