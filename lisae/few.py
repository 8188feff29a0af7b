"""More of few images for latent shaping: copies that are moved, and drawn strokes beside negatives."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lisae.images import Images
from lisae.memory import allocate, parts
from lisae.strokes import strokes


class Moves(NamedTuple):
    """How copies of images are moved.

    Attributes:
        part: by one in so many pixels of the shorter side at most.
        times: that an image is there at most.
    """

    part: int
    times: int

    def farthest(self, shape: tuple[int, ...]) -> int:
        """Return by how many pixels images of a shape, (h, w, c), are moved at most."""
        return round(min(shape[:2]) / self.part) if min(shape[:2]) >= _SMALLEST else 0


# What grey images show lies in the middle, and one pixel of 28, more or less, gives nine; photographs may be moved far.
GREY, COLOUR = Moves(28, 9), Moves(7, 25)
_SMALLEST = 15  # pixels of a side: in smaller images a pixel is too far
_STROKES = 2  # images of strokes for each grey negative
_MANY = 10  # times the images that are enough: beside so many negatives strokes make no difference


def moves_of(shape: tuple[int, ...]) -> Moves:
    """Return how copies of images of a shape, (h, w, c), are moved."""
    return COLOUR if shape[2] > 1 else GREY


def times_of(n: int, least: int, shape: tuple[int, ...] | None, moves: Moves | None = None) -> int:
    """Return how often each of ``n`` images is there with the copies of ``moved_too``.

    ``shape`` is that of an image, (h, w, c), and None where it is not known yet and taken to be grey and large enough.
    """
    shape = shape or (_SMALLEST, _SMALLEST, 1)
    moves = moves or moves_of(shape)
    return max(1, min(math.ceil(least / n), moves.times)) if moves.farthest(shape) else 1


def moved_too(images: Images, least: int, seed: int, moves: Moves | None = None) -> Images:
    """Return images, and copies of them that are moved, so that there are ``least`` or nine of each, in colour 25.

    Each copy is moved along both sides by whole pixels, as many as are drawn evenly up to a 28th of the shorter side,
    in colour up to a seventh; the edge goes on beyond itself. There is no copy of images with a side of fewer than 15
    pixels, for which one is too far.

    Args:
        images: of the checked form, (n, h, w, c).
        least: how many are enough.
        seed: decides every draw.
        moves: how far and how often; None: as is said above.

    Returns:
        (m, h, w, c), the given ones first.
    """
    moves = moves or moves_of(images.shape[1:])
    times = times_of(len(images), least, images.shape[1:], moves)
    if times == 1:
        return images
    height, width = images.shape[1:3]
    far = moves.farthest(images.shape[1:])
    places = np.random.default_rng(seed).integers(0, 2 * far, (times, len(images), 2), endpoint=True)
    places[0] = far  # the middle
    answer = allocate((times * len(images), *images.shape[1:]), images.dtype)
    for i, image in enumerate(images):
        wide = np.pad(image, ((far, far), (far, far), (0, 0)), mode="edge")
        for time, (down, right) in enumerate(places[:, i]):
            answer[time * len(images) + i] = wide[down : down + height, right : right + width]
    return answer


def with_strokes(images: Images, count: int, seed: int) -> Images:
    """Return images, (n, h, w, c), and after them ``count`` images of strokes of their shape and dtype, if any."""
    if count <= 0:
        return images
    drawn: NDArray[Any] = strokes(images.shape[1:], seed, count=count)
    if images.dtype != np.uint8:
        drawn = (drawn / np.float32(255)).astype(images.dtype)
    answer = allocate((len(images) + count, *images.shape[1:]), images.dtype)
    given, answer[len(images) :] = answer[: len(images)], drawn
    for part in parts(images):
        given[part] = images[part]
    return answer


def more_of(normal: Images, negatives: Images, seed: int, *, least: int, strokes: float | str) -> tuple[Images, Images]:
    """Return normal images and negatives with moved copies, and the negatives with strokes, as phase two learns from.

    Args:
        normal: of the checked form, (n, h, w, c).
        negatives: likewise, (m, h, w, c).
        seed: decides every draw.
        least, strokes: as ``min_images`` and ``strokes`` of ``LISAE``.
    """
    of_normal, of_negatives, of_strokes = np.random.default_rng(seed).integers(2**32, size=3)
    moved = moved_too(negatives, least, of_negatives)
    count = _beside(negatives, len(moved), least) if isinstance(strokes, str) else round(strokes * len(moved))
    return moved_too(normal, least, of_normal), with_strokes(moved, count, of_strokes)


def _beside(negatives: Images, there: int, least: int) -> int:
    """Return how many images of strokes are drawn beside negatives, ``there`` with their moved copies.

    Those that are missing from half of ``least``; beside grey negatives two for each, up to twice ``least``, if that is
    more, and none where there are many (``docs/defaults.md``, strokes).
    """
    missing = max(0, least // 2 - len(negatives))
    if negatives.shape[3] > 1 or there > _MANY * least:
        return missing
    return max(missing, _STROKES * min(there, least))
