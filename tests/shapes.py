"""Small images with structure that a network can learn: soft spots are normal, stripes are not."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from lisae import Detector

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Shapes:
    """Images (n, h, w, c), uint8.

    Attributes:
        normal: images to train on, soft spots at random places.
        held_out: more of the same.
        negatives: faint stripes, more upright than level.
        faint_outliers: stripes as faint as the negatives, more level than upright: an autoencoder that never saw
            any reconstructs them about as well as normal images.
        outliers: the same in full contrast, far from every normal image.
    """

    normal: Pictures
    held_out: Pictures
    negatives: Pictures
    faint_outliers: Pictures
    outliers: Pictures

    def labelled(self) -> tuple[Pictures, NDArray[np.int64]]:
        """Normal images (+1) and negatives (-1), mixed."""
        y = np.repeat([1, -1], [len(self.normal), len(self.negatives)])
        order = np.random.default_rng(0).permutation(len(y))
        return np.concatenate([self.normal, self.negatives])[order], y[order]


def shapes(channels: int, seed: int, *, normal: int = 128, others: int = 96, side: int = 16) -> Shapes:
    """Draw a data set; the same arguments give the same images."""
    rng = np.random.default_rng(seed)
    level = np.pi / 2
    return Shapes(
        normal=_spots(normal, channels, side, rng),
        held_out=_spots(others, channels, side, rng),
        negatives=_stripes(others, channels, side, rng, angle=0, contrast=0.25),
        faint_outliers=_stripes(others, channels, side, rng, angle=level, contrast=0.25),
        outliers=_stripes(others, channels, side, rng, angle=level, contrast=1),
    )


def auc(detector: Detector, normal: NDArray[Any], outliers: NDArray[Any]) -> float:
    scores = np.concatenate([detector.anomaly_score(normal), detector.anomaly_score(outliers)])
    return float(roc_auc_score(np.repeat([0, 1], [len(normal), len(outliers)]), scores))


def _spots(n: int, channels: int, side: int, rng: np.random.Generator) -> Pictures:
    rows, columns = _grid(side)
    centre = rng.uniform(0.2 * side, 0.8 * side, (2, 2, n, 1, 1, 1))
    width = rng.uniform(0.08 * side, 0.16 * side, (2, n, 1, 1, 1))
    colour = rng.uniform(0.6, 1, (2, n, 1, 1, channels))
    distance = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2
    return _uint8((colour * np.exp(-distance / (2 * width**2))).max(axis=0))


def _stripes(n: int, channels: int, side: int, rng: np.random.Generator, *, angle: float, contrast: float) -> Pictures:
    """Waves that run across the image within 40 degrees of ``angle``."""
    rows, columns = _grid(side)
    turn = angle + rng.uniform(-0.7, 0.7, (n, 1, 1, 1))
    length = rng.uniform(0.25 * side, 0.5 * side, (n, 1, 1, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, 1, 1, 1))
    colour = rng.uniform(0.6, 1, (n, 1, 1, channels))
    wave = np.sin(2 * np.pi * (rows * np.sin(turn) + columns * np.cos(turn)) / length + phase)
    return _uint8(contrast * colour * (0.5 + 0.5 * wave))


def _grid(side: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.arange(side).reshape(side, 1, 1), np.arange(side).reshape(1, side, 1)


def _uint8(images: NDArray[np.float64]) -> Pictures:
    return np.round(255 * images).astype(np.uint8)
