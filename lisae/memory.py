"""The memory that images take: in parts, and beyond a budget in a temporary file."""

import math
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Bytes of images that are held in memory when they are read or converted; more of them lie in a temporary file.
IN_MEMORY = 2**30
# Bytes of encoder features that are computed once and kept; more of them are computed for each batch again.
FEATURES = 2 * 2**30
_PART = 2**23  # bytes of the images that are looked at at a time


def parts(images: NDArray[Any]) -> Iterator[slice]:
    """Yield slices that together are all rows of an array, each of some 8 MiB."""
    rows = max(1, _PART // max(1, images[0].nbytes)) if len(images) else 1
    for start in range(0, len(images), rows):
        yield slice(start, start + rows)


def allocate(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array to be filled: in memory, or beyond the budget in a temporary file that goes with it.

    The file is made where ``tempfile`` makes them, which ``TMPDIR`` says.
    """
    if math.prod(shape) * np.dtype(dtype).itemsize <= IN_MEMORY:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(prefix="lisae-") as file:
        return np.memmap(file, dtype, "w+", shape=shape)


def converted(
    images: NDArray[Any], dtype: DTypeLike, change: Callable[[NDArray[Any]], NDArray[Any]] = lambda part: part
) -> NDArray[Any]:
    """Return ``change`` of all images, (n, ...) -> (n, ...), computed part by part, as a contiguous array of a type."""
    sample = change(images[:1])
    answer = allocate((len(images), *sample.shape[1:]), dtype)
    for part in parts(images):
        answer[part] = change(images[part])
    return answer


def rows_of(images: NDArray[Any], chosen: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the chosen images, (n, ...) -> (m, ...): a copy, but for large arrays a view where they lie together."""
    if images.nbytes <= IN_MEMORY:
        return images[chosen]
    rows = np.flatnonzero(chosen)
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        return images[rows[0] : rows[-1] + 1]
    answer = allocate((len(rows), *images.shape[1:]), images.dtype)
    for part in parts(answer):
        answer[part] = images[rows[part]]
    return answer
