"""Negative examples for those who have none: drawn strokes, or the normal images distorted elastically."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lisae.images import Images
from lisae.memory import allocate
from lisae.settings import AUTO
from lisae.strokes import strokes

WAYS = (AUTO, "strokes", "elastic")

# As shares of the shorter side: how far pixels are moved, as a root mean square, and the width of the waves that do it.
DISTANCE = (0.15, 0.4)
WAVES = (0.05, 0.15)
_LEAST = 500  # negatives that are made, though there be fewer normal images
_CHUNK = 256


def made(way: str, images: Images, seed: int) -> Images:
    """Return negative examples for normal images: as many, or 500 if these are fewer.

    Args:
        way: ``strokes``, ``elastic``, or ``auto``, which is strokes.
        images: normal images of the checked form, (n, h, w, c).
        seed: decides every draw.
    """
    count = max(len(images), _LEAST)
    if way == "elastic":
        return elastic(images, np.arange(len(images)), seed, count=count)
    return strokes(images.shape[1:], seed, count=count)


def elastic(
    images: Images, rows: NDArray[np.int64], seed: int, *, count: int, distance: tuple[float, float] = DISTANCE
) -> Images:
    """Return images distorted elastically, as Simard, Steinkraus and Platt do (ICDAR 2003, section 2), but more.

    Each pixel is moved along two smooth random fields, white noise under a Gaussian, whose width is drawn for each
    image from 5 to 15 % of the shorter side. They are scaled so that the root mean squared distance is drawn from
    ``distance``, in shares of that side.

    Args:
        images: normal images of the checked form, (n, h, w, c).
        rows: those that are distorted, in turn.
        seed: decides every draw.
        count: how many are made.
        distance: the least and the largest that pixels are moved.

    Returns:
        (count, h, w, c), of the same dtype.
    """
    generator = torch.Generator().manual_seed(seed)
    answer = allocate((count, *images.shape[1:]), images.dtype)
    for start in range(0, count, _CHUNK):
        chosen = rows[np.arange(start, min(start + _CHUNK, count)) % len(rows)]
        pixels = torch.from_numpy(images[chosen].astype(np.float32)).permute(0, 3, 1, 2)
        moved = _moved(pixels, generator, distance).permute(0, 2, 3, 1).numpy()
        answer[start : start + len(chosen)] = moved.round() if images.dtype == np.uint8 else moved
    return answer


def _moved(pixels: Tensor, generator: torch.Generator, distance: tuple[float, float]) -> Tensor:
    """Return images (n, c, h, w) with their pixels moved, by bilinear interpolation; the edge goes on beyond itself."""
    n, _, *sides = pixels.shape
    shorter = min(sides)
    widths, distances = (
        shorter * (low + (high - low) * torch.rand(n, generator=generator)) for low, high in (WAVES, distance)
    )
    fields = torch.randn(n, 2, *sides, generator=generator)
    rows, columns = (_blurring(widths, side) for side in sides)
    fields = rows[:, None] @ fields @ columns[:, None].mT
    fields *= (
        distances[:, None, None, None] / fields.square().sum(dim=1, keepdim=True).mean((2, 3), keepdim=True).sqrt()
    )
    # Places as grid_sample has them: x and then y, from -1 to 1 between the outer edges of the image.
    grid = torch.stack(torch.meshgrid(*(_centres(side) for side in sides), indexing="ij"))[None].flip(1)
    scale = torch.tensor([2 / sides[1], 2 / sides[0]])[:, None, None]
    places = (grid + fields * scale).permute(0, 2, 3, 1)
    return functional.grid_sample(pixels, places, mode="bilinear", padding_mode="border", align_corners=False)


def _centres(side: int) -> Tensor:
    return (2 * torch.arange(side) + 1) / side - 1


def _blurring(widths: Tensor, side: int) -> Tensor:
    """Return matrices that blur a line by Gaussians of these widths in pixels: (n,) -> (n, side, side)."""
    steps = torch.arange(side)
    distances = steps[:, None] - steps
    weights = torch.exp(-0.5 * (distances / widths.clamp(min=0.3)[:, None, None]) ** 2)
    return weights / weights.sum(dim=-1, keepdim=True)
