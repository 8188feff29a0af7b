"""Normal images that are held out of training: their scores set the threshold, their error may end the training."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lisae.images import Images

QUANTILES = 1001
_ENOUGH = 20  # scores for a threshold that one new image in twenty exceeds
_MOST = 1000  # images that are held out: more scores make no difference


class HeldOut(NamedTuple):
    """Normal images that a detector has not learned from.

    Attributes:
        images: of the checked form, (n, h, w, c).
        twin: the detector that has not, which is like the one that learns, but for these images; None: that one itself.
    """

    images: Images
    twin: Any = None


def rounds_of(n: int, fraction: float) -> list[NDArray[np.bool_]]:
    """Return which of ``n`` normal images are held out in each round, (n,) for a round.

    There is one round, of a fraction of all and of a thousand at most, where that is twenty images or more. Of fewer
    images a round holds out twenty, but never more than a quarter, and there are as many rounds as give twenty in all,
    four at most, without an image twice. There is no round for a fraction of 0, nor for fewer than four images. The
    choice depends on these two numbers alone, so that detectors which are fitted on the same images have not seen the
    same of them.
    """
    count, rounds = min(round(fraction * n), _MOST), 1
    if needs_twins(n, fraction):
        count = min(_ENOUGH, n // 4)
        rounds = min(math.ceil(_ENOUGH / max(count, 1)), 4)
    if not count:
        return []
    order = np.random.default_rng(0).permutation(n)
    return [np.isin(np.arange(n), order[start : start + count]) for start in range(0, rounds * count, count)]


def needs_twins(n: int, fraction: float) -> bool:
    """Tell whether so few of ``n`` images are to be held out that a detector learns from all, and twins score some."""
    return fraction > 0 and round(fraction * n) < _ENOUGH


def threshold_of(scores: NDArray[np.float64], contamination: float, *, held_out: bool) -> float:
    """Return the score above which lies a share of normal images, from scores, (n,), of some of them.

    The k-th largest of n held-out scores is exceeded by a new normal image with a probability of k / (n + 1), however
    scores are distributed. So the threshold lies where that is ``contamination``, or is the largest score where that
    would take more of them. Scores of training images have the share above the threshold themselves.
    """
    return float(np.quantile(scores, 1 - contamination, method="weibull" if held_out else "linear"))


def quantiles_of(scores: NDArray[np.float64], *, held_out: bool) -> NDArray[np.float64]:
    """Return 1,001 quantiles of the scores, (n,), of normal images, from the least to the largest."""
    return np.quantile(scores, np.linspace(0, 1, QUANTILES), method="weibull" if held_out else "linear")
