"""Kernel density estimation (Parzen, Annals of Mathematical Statistics 1962, 33(3); reference [34] of the paper)."""

import math

import numpy as np
from numpy.typing import NDArray

from baselines.contrast import ContrastNormalised
from baselines.distances import Rows, distance_blocks
from lisae.images import Images, as_rows

# Ruff et al., Deep One-Class Classification, ICML 2018, and the authors' code for it.
BANDWIDTHS = 2.0 ** np.linspace(-4.5, 5, 20)
FOLDS = 5

# Images whose squared distance is below this are the same image.
_SAME = 1e-9


class KDE(ContrastNormalised):
    """KDE: a Gaussian kernel density estimate of flat pixels in [0, 1]; the score is the negative log density.

    The bandwidth is the one of ``BANDWIDTHS`` under which held-out normal images are likeliest. Every pair of images is
    computed, nothing is approximated.

    A normal image does not count towards its own density when it is scored again: otherwise it would seem the most
    normal of all, and the threshold would reject every new image. So the estimate is leave-one-out for the training
    images and plain for every other.

    Args:
        contrast: as for ``ContrastNormalised``.
        contamination: share of the normal training images that ``predict`` calls anomalous.
        random_state: decides nothing here.

    Attributes:
        bandwidth_: the standard deviation of the kernel.
        likelihoods_: mean log density of a held-out image under each of ``BANDWIDTHS``, (20,).
        rows_: the normal images, flat, (n, features).
    """

    def _fit(self, normal: Images, negatives: Images | None, seed: int) -> NDArray[np.float64]:
        self.rows_ = as_rows(normal)
        self.likelihoods_ = held_out_likelihoods(self.rows_)
        self.bandwidth_ = float(BANDWIDTHS[self.likelihoods_.argmax()])
        return self._anomaly_score(normal)

    def _anomaly_score(self, images: Images) -> NDArray[np.float64]:
        bandwidths = np.array([self.bandwidth_])
        return -log_densities(as_rows(images), self.rows_, bandwidths, leave_itself_out=True)[0]


def held_out_likelihoods(rows: Rows) -> NDArray[np.float64]:
    """Return the mean log density of a row under each of ``BANDWIDTHS``, (20,), in ``FOLDS``-fold cross-validation.

    Row i is held out in fold i modulo ``FOLDS``, so that a class is spread over all folds where images come sorted by
    class. Rows are flat images, (n, features).
    """
    fold = np.arange(len(rows)) % FOLDS
    held_out = [log_densities(rows[fold == i], rows[fold != i], BANDWIDTHS) for i in range(min(FOLDS, len(rows)))]
    return np.concatenate(held_out, axis=1).mean(axis=1)


def log_densities(
    points: Rows, data: Rows, bandwidths: NDArray[np.float64], *, leave_itself_out: bool = False
) -> NDArray[np.float64]:
    """Return the log density at each point of a Gaussian kernel density estimate, for several bandwidths at once.

    Args:
        points: where the density is estimated, (n, features).
        data: the sample that it is estimated from, (m, features).
        bandwidths: standard deviations of the kernel, (b,), each the square root of 2 times the one before.
        leave_itself_out: whether one row of ``data`` equal to the point is left out; needs m of 2 at least.

    Returns:
        Natural logarithms, (b, n), exact to about 1e-9 of their size.
    """
    features = points.shape[1]
    result = np.empty((len(bandwidths), len(points)))
    for block, distances in distance_blocks(points, data):
        counted = np.full(len(distances), len(data))
        if leave_itself_out:
            closest = distances.argmin(axis=1)
            itself = np.flatnonzero(distances[np.arange(len(distances)), closest] < _SAME)
            distances[itself, closest[itself]] = np.inf
            counted[itself] -= 1
        nearest = distances.min(axis=1)
        # Sums are taken relative to their largest term, so that none vanishes.
        kernel = np.subtract(nearest[:, None], distances, out=distances)
        kernel /= 2 * bandwidths[-1] ** 2
        np.exp(kernel, out=kernel)
        for i in reversed(range(len(bandwidths))):
            result[i, block] = np.log(kernel.sum(axis=1) / counted) - nearest / (2 * bandwidths[i] ** 2)
            if i:  # the next bandwidth is smaller by the square root of 2, and its kernel the square of this one
                np.square(kernel, out=kernel)
    return result - features * np.log(bandwidths * math.sqrt(2 * math.pi))[:, None]
