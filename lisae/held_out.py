"""Normal images that are held out of training: their scores set the threshold, their error may end the training."""

import numpy as np
from numpy.typing import NDArray

from lisae.images import Images
from lisae.memory import rows_of

QUANTILES = 1001
# Held out at least, though no more than a quarter of the images, and at most: so many scores are enough.
_LEAST, _MOST = 20, 1000


def held_out_rows(n: int, fraction: float) -> NDArray[np.bool_]:
    """Return which of ``n`` normal images are held out, (n,).

    They are a fraction of all, or twenty where that is fewer, but never more than a quarter, nor than a thousand, and
    none for a fraction of 0. The choice depends on these two numbers alone, so that detectors which are fitted on the
    same images have not seen the same of them.
    """
    count = 0 if fraction == 0 else min(max(round(fraction * n), min(_LEAST, n // 4)), _MOST)
    rows = np.zeros(n, dtype=bool)
    rows[np.random.default_rng(0).permutation(n)[:count]] = True
    return rows


def split(normal: Images, fraction: float) -> tuple[Images, Images | None]:
    """Return normal images, (n, ...), without those that are held out, and these; None where there are none."""
    rows = held_out_rows(len(normal), fraction)
    return (rows_of(normal, ~rows), rows_of(normal, rows)) if rows.any() else (normal, None)


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
