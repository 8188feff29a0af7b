"""Random strokes, which the paper names as negatives for MNIST (Section 3.2): drawn here, from no data set at all."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_CURVES = 4
_CHUNK = 512


def strokes(n: int, shape: tuple[int, ...], seed: int, *, width: float = 0.1) -> NDArray[np.uint8]:
    """Draw images of one to four curved strokes each.

    A stroke is a cubic Bézier curve whose four control points are anywhere in the image. All strokes of an image
    are equally wide. They are white on black in grey images; in colour images, a random colour on a random colour.

    Args:
        n: how many images.
        shape: of an image, (h, w), (h, w, 1) or (h, w, 3).
        seed: decides every draw.
        width: the mean width of a stroke as a share of the image's shorter side; widths are uniform from half of it
            to one and a half.

    Returns:
        (n, *shape), uint8.

    Raises:
        ValueError: for a width that is not above 0.
    """
    if not width > 0:
        raise ValueError(f"the width of a stroke is above 0; got {width}.")
    height, breadth = shape[:2]
    random = np.random.default_rng(seed)
    control = random.uniform(0, 1, (n, _CURVES, 4, 2)) * (height, breadth)
    drawn = np.arange(_CURVES) < random.integers(1, _CURVES, n, endpoint=True)[:, None]
    widths = random.uniform(0.5, 1.5, n) * width * min(height, breadth)
    colours = (
        random.uniform(0, 255, (2, n, 1, 1, 3))
        if shape[2:] == (3,)
        else np.repeat([[0], [255]], n, axis=1)[..., None, None, None]
    )
    points = math.ceil(6 / width)  # closer on the longest curve than two sigma of the thinnest
    result = np.empty((n, *shape), dtype=np.uint8)
    for start in range(0, n, _CHUNK):
        rows = slice(start, start + _CHUNK)
        curves, present, pens = (torch.from_numpy(part[rows]).float() for part in (control, drawn, widths))
        ink = _ink(curves, present, pens, points, (height, breadth))
        paper, pen = colours[:, rows]
        pictures = paper + (pen - paper) * ink[..., None].numpy()
        result[rows] = np.round(pictures).astype(np.uint8).reshape(-1, *shape)
    return result


def _ink(control: Tensor, drawn: Tensor, widths: Tensor, points: int, sides: tuple[int, int]) -> Tensor:
    """How much ink is in each pixel, 0 to 1: (m, curves, 4, 2), (m, curves), (m,) -> (m, *sides).

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
