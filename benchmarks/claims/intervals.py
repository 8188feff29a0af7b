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
    replicates = _statistic(cases, limit, np.random.default_rng(0))  # the same draws for every claim
    low, high = np.percentile(replicates, [50 - _LEVEL / 2, 50 + _LEVEL / 2]).tolist()
    if limit is not None and low == high:
        n = len(_tasks(cases)) if len(cases[0]) == 1 else len(cases)
        low, high = max(0.0, low - 3 / n), min(1.0, high + 3 / n)
    return Estimate(point(cases, limit=limit), low, high, sum(sample.values.size for case in cases for sample in case))


def point(cases: Sequence[Case], *, limit: float | None = None) -> float:
    """Return the value of ``estimate`` alone."""
    return float(_statistic(cases, limit, None)[0])


def auc_variance(auc: Floats, n_normal: int, n_outlier: NDArray[np.int64]) -> Floats:
    """Return Hanley and McNeil's variance of each AUC over test images (Radiology 1982, 143(1), 29-36)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    numerator = auc * (1 - auc) + (n_outlier - 1) * (q1 - auc**2) + (n_normal - 1) * (q2 - auc**2)
    return numerator / (n_normal * n_outlier)


def _tasks(cases: Sequence[Case]) -> list[TaskKey]:
    return sorted({key for case in cases for sample in case for key in sample.keys})


def _statistic(cases: Sequence[Case], limit: float | None, random: np.random.Generator | None) -> Floats:
    """Return the statistic of every replicate, (replicates,), or without ``random`` of the measured values, (1,)."""
    keys, n_seeds = _tasks(cases), cases[0][0].values.shape[1]
    if random is None:
        counts, shares = np.ones((1, len(keys))), np.full((1, len(keys), n_seeds), 1 / n_seeds)
    else:
        counts, shares = _draw(keys, n_seeds, random)
    outcomes = []  # values and weights of each case: one for each task where they are paired, else one
    for case in cases:
        sides = []
        for sample in case:
            places = [keys.index(key) for key in sample.keys]
            values = np.einsum("rts,ts->rt", shares[:, places], sample.values)
            if random is not None and limit is None:
                spread = np.sqrt(np.einsum("rts,ts->rt", shares[:, places] ** 2, sample.variances))
                values = values + random.normal(size=values.shape) * spread
            sides.append((sample.sign, values, counts[:, places]))
        if len(sides) == 1:
            outcomes.append(sides[0][1:])
        else:
            means = [sign * np.average(values, 1, weights, keepdims=True) for sign, values, weights in sides]
            outcomes.append((np.sum(means, axis=0), np.ones_like(means[0])))
    values, weights = (np.concatenate(parts, axis=1) for parts in zip(*outcomes, strict=True))
    return np.average(values if limit is None else values > limit, 1, weights)


def _draw(keys: Sequence[TaskKey], n_seeds: int, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw how often a task is taken, (replicates, tasks), and the share of a seed, (replicates, tasks, seeds)."""
    counts = np.empty((REPLICATES, len(keys)))
    # One digit and two digits of MNIST are kinds of tasks of their own, as are those of each data set.
    kinds = [(dataset, len(normal)) for dataset, normal in keys]
    for kind in dict.fromkeys(kinds):
        places = [place for place, other in enumerate(kinds) if other == kind]
        counts[:, places] = random.multinomial(len(places), np.full(len(places), 1 / len(places)), REPLICATES)
    return counts, random.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), counts.shape) / n_seeds
