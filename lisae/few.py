"""More of few images for latent shaping: copies that are moved, and drawn strokes beside few negatives."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lisae.images import Images
from lisae.memory import allocate
from lisae.strokes import strokes

_MOVES = 28  # copies are moved by up to this part of the shorter side: one pixel of 28
_TIMES = 9  # that an image is there at most: as many as one pixel more or less, each way, gives


def times_of(n: int, least: int, shape: tuple[int, ...] | None = None) -> int:
    """Return how often each of ``n`` images is there with the copies of ``moved_too``.

    ``shape`` is that of an image, (h, w, c), and None where it is not known yet and taken to be large enough.
    """
    return max(1, min(math.ceil(least / n), _TIMES)) if shape is None or _farthest(shape) else 1


def _farthest(shape: tuple[int, ...]) -> int:
    return round(min(shape[:2]) / _MOVES)


def moved_too(images: Images, least: int, seed: int) -> Images:
    """Return images, and copies of them that are moved, so that there are ``least`` or nine of each.

    Each copy is moved along both sides by whole pixels, as many as are drawn evenly up to a 28th of the shorter side;
    the edge goes on beyond itself. There is no copy of images with a side of fewer than 15 pixels, of which one is more
    than that.

    Args:
        images: of the checked form, (n, h, w, c).
        least: how many are enough.
        seed: decides every draw.

    Returns:
        (m, h, w, c), the given ones first.
    """
    times = times_of(len(images), least, images.shape[1:])
    if times == 1:
        return images
    height, width = images.shape[1:3]
    far = _farthest(images.shape[1:])
    moves = np.random.default_rng(seed).integers(0, 2 * far, (times, len(images), 2), endpoint=True)
    moves[0] = far  # the middle
    answer = allocate((times * len(images), *images.shape[1:]), images.dtype)
    for i, image in enumerate(images):
        wide = np.pad(image, ((far, far), (far, far), (0, 0)), mode="edge")
        for time, (down, right) in enumerate(moves[:, i]):
            answer[time * len(images) + i] = wide[down : down + height, right : right + width]
    return answer


def with_strokes(images: Images, count: int, seed: int) -> Images:
    """Return images, (n, h, w, c), and after them ``count`` images of strokes of their shape and dtype, if any."""
    if count <= 0:
        return images
    drawn: NDArray[Any] = strokes(images.shape[1:], seed, count=count)
    if images.dtype != np.uint8:
        drawn = (drawn / np.float32(255)).astype(images.dtype)
    return np.concatenate([images, drawn])
