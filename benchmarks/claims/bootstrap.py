"""A statistic of paired differences with its interval: a bootstrap over tasks, seeds and test images.

A replicate draws tasks with replacement (within a data set, all cases of a claim alike, so that pairs stay pairs)
and seeds with replacement for each. A mean also takes normal noise on every AUC with the standard error that its
numbers of test images give it, so that the mean of a single run has an interval too: it then speaks of other test
images and not of other seeds. The two sides of a pair are scored on the same images and are taken as independent,
which makes the interval too wide rather than too narrow.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.paper.claims import TaskKey

REPLICATES = 2000
_LEVEL = 95.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """Values of tasks: ``values`` and their ``variances`` over test images, (tasks, seeds); ``sign`` is 1 or -1."""

    keys: tuple[TaskKey, ...]
    values: Floats
    variances: Floats
    sign: int = 1


# One sample of differences where tasks are paired; the two sides, each averaged on its own, where they are not.
Case = tuple[Sample, ...]


@dataclass(frozen=True)
class Estimate:
    """A statistic, its 95 % interval (NaN for a computation without chance), and the number of values behind it."""

    value: float
    low: float = np.nan
    high: float = np.nan
    n: int = 1


def estimate(cases: Sequence[Case], *, limit: float | None = None) -> Estimate:
    """Return the mean of all values of these cases or, with a ``limit``, the share of them above it.

    A share where all replicates agree has no width. There the rule of three says what so few tasks can show:
    that the share is at most 3/n away.
    """
    value = point(cases, limit=limit)
    draws = _statistic(cases, limit, _Draws(cases))
    low, high = (float(bound) for bound in np.percentile(draws, [50 - _LEVEL / 2, 50 + _LEVEL / 2]))
    if limit is not None and low == high:
        n = len({key for case in cases for sample in case for key in sample.keys}) if len(cases[0]) == 1 else len(cases)
        low, high = max(0.0, low - 3 / n), min(1.0, high + 3 / n)
    return Estimate(value, low, high, sum(sample.values.size for case in cases for sample in case))


def point(cases: Sequence[Case], *, limit: float | None = None) -> float:
    """Return the value of ``estimate`` alone."""
    return float(_statistic(cases, limit, None)[0])


def auc_variance(auc: float, n_normal: int, n_outlier: int) -> float:
    """Return Hanley and McNeil's variance of an AUC over test images (Radiology 1982, 143(1), 29-36)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    numerator = auc * (1 - auc) + (n_outlier - 1) * (q1 - auc**2) + (n_normal - 1) * (q2 - auc**2)
    return numerator / (n_normal * n_outlier)


class _Draws:
    """The tasks that each replicate draws, and the seeds of each task; the draws are always the same."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self.random = np.random.default_rng(0)
        keys = sorted({key for case in cases for sample in case for key in sample.keys})
        n_seeds = cases[0][0].values.shape[1]
        self._place = {key: place for place, key in enumerate(keys)}
        self._tasks = np.empty((REPLICATES, len(keys)))
        # One digit and two digits of MNIST are kinds of tasks of their own, as are those of each data set.
        for kind in dict.fromkeys((dataset, len(normal)) for dataset, normal in keys):
            places = [place for (name, normal), place in self._place.items() if (name, len(normal)) == kind]
            self._tasks[:, places] = self.random.multinomial(
                len(places), np.full(len(places), 1 / len(places)), REPLICATES
            )
        shape = (REPLICATES, len(keys))
        self._seeds = self.random.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), shape) / n_seeds

    def of(self, sample: Sample) -> tuple[Floats, Floats]:
        """Return each task's count, (replicates, tasks), and each seed's share, (replicates, tasks, seeds)."""
        places = [self._place[key] for key in sample.keys]
        return self._tasks[:, places], self._seeds[:, places]


def _statistic(cases: Sequence[Case], limit: float | None, draws: _Draws | None) -> Floats:
    """Return the statistic of every replicate, (replicates,), or without ``draws`` of the measured values, (1,)."""
    pairs = [_outcomes(case, draws, noisy=limit is None) for case in cases]
    values, weights = (np.concatenate(parts, axis=1) for parts in zip(*pairs, strict=True))
    if limit is not None:
        values = (values > limit).astype(np.float64)
    return (values * weights).sum(axis=1) / weights.sum(axis=1)


def _outcomes(case: Case, draws: _Draws | None, *, noisy: bool) -> tuple[Floats, Floats]:
    """Return values and weights of a case, both (replicates, n): one for each task where they are paired, else one."""
    sides = [_drawn(sample, draws, noisy=noisy) for sample in case]
    if len(sides) == 1:
        return sides[0]
    means = [
        (values * weights).sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True) for values, weights in sides
    ]
    difference = sum(sample.sign * mean for sample, mean in zip(case, means, strict=True))
    return np.asarray(difference), np.ones_like(means[0])


def _drawn(sample: Sample, draws: _Draws | None, *, noisy: bool) -> tuple[Floats, Floats]:
    """Return values and weights of tasks, both (replicates, tasks)."""
    if draws is None:
        return sample.values.mean(axis=1)[None], np.ones((1, len(sample.keys)))
    tasks, seeds = draws.of(sample)
    values = np.einsum("rts,ts->rt", seeds, sample.values)
    if noisy:
        spread = np.sqrt(np.einsum("rts,ts->rt", seeds**2, sample.variances))
        values = values + draws.random.normal(size=values.shape) * spread
    return values, tasks
