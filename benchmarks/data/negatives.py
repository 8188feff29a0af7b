"""Negatives for a task of another data set: images brought to its shape, drawings diversified, strokes drawn.

Cropping, flipping, resampling and blurring are linear and separable, so all of them together multiply an image by
two matrices, one for its rows and one for its columns.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lisae.settings import Count, Positive, Share
from lisae.strokes import strokes as drawn_strokes

_LUMINANCE = torch.tensor([0.299, 0.587, 0.114])  # ITU-R 601-2, as Pillow turns colour into grey
_CHUNK = 512  # images at a time: only these are in memory as floats

STROKES = "strokes"  # drawn, not loaded: negatives for whoever has no Omniglot
STROKES_VARIANT = "drawn"


def to_shape(images: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Bring images (n, h, w) or (n, h, w, 3), uint8, to the image shape of another data set: (n, *shape), uint8.

    Sides are resampled by antialiased bilinear interpolation. Grey images repeat their channel to become colour,
    colour images become their luminance (ITU-R 601-2). Contrast stays as it is. Images that have the shape, which is
    (h, w), (h, w, 1) or (h, w, 3), are returned themselves, not a copy.
    """
    if images.shape[1:] == shape:
        return images
    rows, columns = (
        _sampling(torch.zeros(1), torch.tensor([float(before)]), torch.tensor([False]), before, after)
        for before, after in zip(images.shape[1:3], shape[:2], strict=True)
    )
    result = np.empty((len(images), *shape), dtype=np.uint8)
    for chunk in _chunks(len(images)):
        result[chunk] = _pixels(_resampled(images[chunk], rows, columns), shape)
    return result


def augmented(
    images: NDArray[np.uint8],
    shape: tuple[int, ...],
    seed: int,
    *,
    crop: Share = 0.6,
    flips: bool = True,
    blur: float = 1.0,
    stretch: bool = True,
    copies: Count = 1,
) -> NDArray[np.uint8]:
    """Diversify drawings (light on black) and bring them to the image shape of another data set.

    The paper diversifies Omniglot by "Gaussian blurring, random cropping, and horizontal and vertical flipping"
    (Section 5.1) and gives no parameters; these are ours. What happens to a drawing is drawn independently, and
    from the seed alone: a square is cut out and resampled as in ``to_shape``, flipped, blurred and stretched.

    Args:
        images: (n, h, w) or (n, h, w, 3), uint8.
        shape: of an image to come, (h, w), (h, w, 1) or (h, w, 3).
        seed: decides every draw.
        crop: the cut's sides, as a share of the drawing's, are uniform in [crop, 1], its place anywhere inside.
        flips: flip left to right, and top to bottom, with a probability of 1/2 each.
        blur: the standard deviation of the Gaussian is uniform in [0, blur], in pixels of ``shape``.
        stretch: scale each image so that its lightest value is 255. Lines get fainter as they are shrunk and
            blurred, and the digits of MNIST all reach full ink.
        copies: how many versions of every drawing to make.

    Returns:
        (copies * n, *shape), uint8: one version of each drawing, then the next. A cut without any ink is black.

    Raises:
        ValueError: for a crop outside ]0, 1], a negative blur or fewer than one copy.
    """
    if not 0 < crop <= 1 or blur < 0 or copies < 1:
        given = f"got crop {crop}, blur {blur} and copies {copies}."
        raise ValueError(f"crop is a share above 0 and up to 1, blur at least 0 and copies at least 1; {given}")
    n = copies * len(images)
    random = np.random.default_rng(seed)
    side = random.uniform(crop, 1, n)
    place = random.uniform(0, 1, (2, n)) * (1 - side)
    flipped = (random.uniform(0, 1, (2, n)) < 0.5) & flips
    sigma = torch.from_numpy(random.uniform(0, blur, n)).float()

    def matrices(axis: int, rows: slice) -> Tensor:
        before, after = images.shape[1 + axis], shape[axis]
        start, length = (torch.from_numpy(before * share[rows]).float() for share in (place[axis], side))
        cut = _sampling(start, length, torch.from_numpy(flipped[axis, rows]), before, after)
        return _blurring(sigma[rows], after) @ cut

    result = np.empty((n, *shape), dtype=np.uint8)
    for chunk in _chunks(n):
        drawings = images[np.arange(chunk.start, chunk.stop) % len(images)]
        values = _resampled(drawings, matrices(0, chunk), matrices(1, chunk))
        if stretch:
            values *= 255 / values.amax((1, 2, 3), keepdim=True).clamp(min=1)
        result[chunk] = _pixels(values, shape)
    return result


def _sampling(start: Tensor, length: Tensor, flipped: Tensor, before: int, after: int) -> Tensor:
    """Matrices that resample a line from ``start`` to ``start + length``: (m,) -> (m, after, before)."""
    # A value to come is a mean of the line's ``before`` values, weighted by a triangle around its place, as wide as
    # the values are apart after or before, whichever is more.
    step = length[:, None] / after
    steps = torch.arange(after) + 0.5
    centres = start[:, None] + step * torch.where(flipped[:, None], after - steps, steps)
    distance = (torch.arange(before) + 0.5 - centres[:, :, None]).abs()
    return _normalised((1 - distance / step[:, :, None].clamp(min=1)).clamp(min=0))


def _blurring(sigma: Tensor, size: int) -> Tensor:
    """Matrices that blur a line by a Gaussian: (m,) -> (m, size, size)."""
    steps = torch.arange(size)
    distance = (steps[:, None] - steps).abs()
    # Where sigma is 0, a Gaussian narrow enough to leave the line as it is.
    return _normalised(torch.exp(-0.5 * (distance / sigma.clamp(min=0.05)[:, None, None]) ** 2))


def _normalised(weights: Tensor) -> Tensor:
    return weights / weights.sum(dim=-1, keepdim=True)


def _resampled(images: NDArray[np.uint8], rows: Tensor, columns: Tensor) -> Tensor:
    """Multiply images from both sides by matrices, one for each or one for all: -> float (m, channels, h, w)."""
    planes = torch.from_numpy(images.reshape(*images.shape[:3], -1)).permute(0, 3, 1, 2).float()
    return rows[:, None] @ planes @ columns[:, None].mT


def _pixels(values: Tensor, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Float (m, channels, h, w), 0 to 255 -> uint8 (m, *shape)."""
    if shape[2:] == (3,):
        values = values.expand(-1, 3, -1, -1)
    elif values.shape[1] == 3:
        values = torch.einsum("mchw,c->mhw", values, _LUMINANCE)[:, None]
    return values.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy().reshape(-1, *shape)


def _chunks(n: int) -> Iterator[slice]:
    return (slice(start, min(start + _CHUNK, n)) for start in range(0, n, _CHUNK))


def strokes(
    images: NDArray[np.uint8], shape: tuple[int, ...], seed: int, *, count: Count = 20_000, width: Positive = 0.1
) -> NDArray[np.uint8]:
    """Draw images of one to four curved strokes each, which the paper names as negatives for MNIST (Section 3.2).

    Args:
        images: not used; every preparation is given the images of its data set, and this one has none.
        shape, seed, count, width: as for ``lisae.strokes.strokes``, whose images these are.
    """
    return drawn_strokes(shape, seed, count=count, width=width)


def some(images: NDArray[np.uint8], count: int, seed: int) -> NDArray[np.uint8]:
    """Return ``count`` of these images (n, ...), drawn by the seed, in random order, or all where there are no more."""
    if count >= len(images):
        return images
    return images[np.random.default_rng(seed).permutation(len(images))[:count]]


def contaminated(
    normal: NDArray[np.uint8], negatives: NDArray[np.uint8], share: float, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Put normal images, drawn by the seed, in the place of the last negatives; return both without these.

    Args:
        normal: (n, *shape), uint8.
        negatives: (m, *shape), uint8.
        share: of the negatives to come that are normal images, in [0, 1].
        seed: decides the draw.

    Returns:
        The n - round(share * m) normal images that are left, in order, and m negatives. Both are as they were for a
        share of 0.

    Raises:
        ValueError: for a share that is none, and for one that leaves fewer than two normal images.
    """
    n_strays = round(share * len(negatives))
    if not 0 <= share <= 1 or (n_strays and n_strays > len(normal) - 2):
        raise ValueError(
            f"a share from 0 to 1 of the negatives can be normal images, and leaves two of these; got {share} of "
            f"{len(negatives)} negatives, and {len(normal)} normal images: take fewer negatives, or a smaller share."
        )
    if not n_strays:
        return normal, negatives
    strays = np.random.default_rng(seed).permutation(len(normal))[:n_strays]
    return np.delete(normal, strays, axis=0), np.concatenate([negatives[:-n_strays], normal[strays]])


def resampled(images: NDArray[np.uint8], shape: tuple[int, ...], seed: int) -> NDArray[np.uint8]:
    """Bring images to a shape and do nothing else: the preparation of every data set that has none of its own."""
    return to_shape(images, shape)


# How images of a data set become negatives for a task of another one. A function takes images (n, h, w[, 3]), the image
# shape to come and a seed, and returns uint8 (m, *shape); its keyword arguments with their defaults are settings.
PREPARATIONS: Mapping[str, Callable[..., NDArray[np.uint8]]] = {"omniglot": augmented, STROKES: strokes}
