"""Images of drawn strokes, (n, h, w, c): negative examples that need no images at all."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lisae.memory import allocate

_CURVES = 4  # strokes of an image, at most
_CHUNK = 512  # images at a time: only these are in memory as floats


def strokes(shape: tuple[int, ...], seed: int, *, count: int, width: float = 0.1) -> NDArray[np.uint8]:
    """Draw images of one to four curved strokes each, which the paper names as negatives for MNIST (Section 3.2).

    A stroke is a cubic Bézier curve whose four control points are anywhere in the image. All strokes of an image
    are equally wide. They are white on black in grey images; in colour images, a random colour on a random colour.

    Args:
        shape: of an image, (h, w) or (h, w, c).
        seed: decides every draw.
        count: how many images to draw.
        width: the mean width of a stroke as a share of the image's shorter side; widths are uniform from half of it
            to one and a half.

    Returns:
        (count, *shape), uint8.

    Raises:
        ValueError: for a width that is not above 0.
    """
    if not width > 0:
        raise ValueError(f"the width of a stroke is above 0; got {width}.")
    height, breadth = shape[:2]
    random = np.random.default_rng(seed)
    control = random.uniform(0, 1, (count, _CURVES, 4, 2)) * (height, breadth)
    drawn = np.arange(_CURVES) < random.integers(1, _CURVES, count, endpoint=True)[:, None]
    widths = random.uniform(0.5, 1.5, count) * width * min(height, breadth)
    colours = np.repeat([[0.0], [255.0]], count, axis=1)[..., None, None, None]
    if shape[2:] and shape[2] > 1:
        colours = random.uniform(0, 255, (2, count, 1, 1, shape[2]))
    points = math.ceil(6 / width)  # closer on the longest curve than two sigma of the thinnest
    result = allocate((count, *shape), np.uint8)
    for start in range(0, count, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        curves, present, pens = (torch.from_numpy(part[chunk]).float() for part in (control, drawn, widths))
        ink = rasterise(curves, present, pens, points, (height, breadth))
        paper, pen = colours[:, chunk]
        pictures = paper + (pen - paper) * ink[..., None].numpy()
        result[chunk] = np.round(pictures).astype(np.uint8).reshape(-1, *shape)
    return result


def rasterise(control: Tensor, drawn: Tensor, widths: Tensor, points: int, sides: tuple[int, int]) -> Tensor:
    """Return the ink in each pixel, 0 to 1, of cubic Bézier curves in ``points`` pieces, where they are ``drawn``.

    Shapes are (m, curves, 4, 2), (m, curves), (m,) -> (m, *sides); control points and widths are in pixels.

    The line integral of a Gaussian along a curve is exp(-distance^2 / (2 sigma^2)) where the curve is straight,
    and as a sum over points it is one matrix product, since a Gaussian is a product of rows and columns. Doubled
    and cut off at one, it is a solid stroke with soft edges, half of whose ink is gone where the distance is
    sigma * sqrt(2 log 4).
    """
    t = torch.linspace(0, 1, points + 1)[:, None]
    bernstein = torch.cat([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], dim=1)
    path = bernstein @ control
    lengths = path.diff(dim=2).norm(dim=3) * drawn[..., None]
    middles = (path[:, :, 1:] + path[:, :, :-1]) / 2
    sigma = widths / (2 * np.sqrt(2 * np.log(4)))

    def gaussians(places: Tensor, size: int) -> Tensor:
        distance = torch.arange(size) + 0.5 - places.flatten(1)[..., None]
        return torch.exp(-0.5 * (distance / sigma[:, None, None]) ** 2)

    weights = lengths.flatten(1) / (sigma[:, None] * np.sqrt(2 * np.pi))
    rows, columns = (gaussians(middles[..., axis], sides[axis]) for axis in (0, 1))
    return (2 * rows.mT @ (weights[..., None] * columns)).clamp(max=1)
