"""More of few images for latent shaping: copies that are moved and relit, and drawn strokes beside negatives."""

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
        relit: whether their light is another one too, as ``relit`` makes it.
    """

    part: int
    times: int
    relit: bool = False

    def farthest(self, shape: tuple[int, ...]) -> int:
        """Return by how many pixels images of a shape, (h, w, c), are moved at most."""
        return round(min(shape[:2]) / self.part) if min(shape[:2]) >= _SMALLEST else 0


# What grey images show lies in the middle, and one pixel of 28, more or less, gives nine; photographs may be moved far.
GREY, COLOUR = Moves(28, 9), Moves(7, 25)
_CONTRAST, _BRIGHTNESS, _TINT = 1.5, 0.15, 0.075  # by how much the light changes at most: a factor, and shares of white
# Normal images: with fewer, the latent layer is wider, gamma of grey ones is larger, and copies of those in colour are
# relit.
FEW = 100
_SMALLEST = 15  # pixels of a side: in smaller images a pixel is too far
_STROKES = 2  # images of strokes for each grey negative
_MANY = 10  # times the images that are enough: beside so many negatives strokes make no difference


def moves_of(shape: tuple[int, ...], n: int = FEW) -> Moves:
    """Return how copies of images of a shape, (h, w, c), are moved, where there are ``n`` normal images."""
    return COLOUR._replace(relit=n < FEW) if shape[2] > 1 else GREY


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
    random = np.random.default_rng(seed)
    places = random.integers(0, 2 * far, (times, len(images), 2), endpoint=True)
    places[0] = far  # the middle
    answer = allocate((times * len(images), *images.shape[1:]), images.dtype)
    for i, image in enumerate(images):
        wide = np.pad(image, ((far, far), (far, far), (0, 0)), mode="edge")
        for time, (down, right) in enumerate(places[:, i]):
            copy = wide[down : down + height, right : right + width]
            answer[time * len(images) + i] = relit(copy, random) if moves.relit and time else copy
    return answer


def relit(image: Images, random: np.random.Generator) -> Images:
    """Return an image, (h, w, c), as if in another light.

    Its contrast, about its mean, is multiplied by two thirds to one and a half, and its brightness changes by up to .15
    of white, and that of each channel by up to .075 more.
    """
    white = 255 if image.dtype == np.uint8 else 1
    pixels = image.astype(np.float32)
    contrast = np.float32(_CONTRAST ** random.uniform(-1, 1))
    tint = random.uniform(-_TINT, _TINT, image.shape[2:])
    light = np.float32(white) * (random.uniform(-_BRIGHTNESS, _BRIGHTNESS) + tint).astype(np.float32)
    changed = (contrast * (pixels - pixels.mean()) + pixels.mean() + light).clip(0, white)
    return (changed.round() if image.dtype == np.uint8 else changed).astype(image.dtype)


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


def more_of(
    normal: Images, negatives: Images, seed: int, *, least: int, strokes: float | str, moves: Moves | None = None
) -> tuple[Images, Images]:
    """Return normal images and negatives with moved copies, and the negatives with strokes, as phase two learns from.

    Args:
        normal: of the checked form, (n, h, w, c).
        negatives: likewise, (m, h, w, c).
        seed: decides every draw.
        least, strokes: as ``min_images`` and ``strokes`` of ``LISAE``.
        moves: as for ``moved_too``; None: copies in colour are relit as well, where there are few normal images.
    """
    moves = moves or moves_of(normal.shape[1:], len(normal))
    of_normal, of_negatives, of_strokes = np.random.default_rng(seed).integers(2**32, size=3)
    moved = moved_too(negatives, least, of_negatives, moves)
    count = _beside(negatives, len(moved), least) if isinstance(strokes, str) else round(strokes * len(moved))
    return moved_too(normal, least, of_normal, moves), with_strokes(moved, count, of_strokes)


def _beside(negatives: Images, there: int, least: int) -> int:
    """Return how many images of strokes are drawn beside negatives, ``there`` with their moved copies.

    Those that are missing from half of ``least``; beside grey negatives two for each, up to twice ``least``, if that is
    more, and none where there are many (``docs/defaults.md``, strokes).
    """
    missing = max(0, least // 2 - len(negatives))
    if negatives.shape[3] > 1 or there > _MANY * least:
        return missing
    return max(missing, _STROKES * min(there, least))
