"""A statistic of paired differences with its 95 % interval: how far another draw of tasks and seeds may move it.

A mean has a t interval over tasks. It holds its level on two, three, five and ten tasks, which a percentile bootstrap
does not: on simulated differences it covers the true mean in 95 % of draws where they are normal and in 93 % or more
where they are as skewed as those of the records mostly are (a skewness of 1); with a skewness of 2 in 88 % to 91 %.
Tasks are drawn within kinds (a data set, one or two normal classes), and all cases of a task together, so that pairs
stay pairs. The degrees of freedom of several kinds are Satterthwaite's (Biometrics Bulletin 1946, 2(6), 110-114).

Seeds are a second random effect, crossed with the tasks, since a seed gives all tasks of a data set the same first
weights: what the means of seeds vary by, beyond what tasks and seeds do together, is added to the variance.

The variance is never less than that of test images (``auc_variance``): values that are the same by chance, or since all
are at their limit, are no certainty.

A single task has an interval that speaks of this task alone: over seeds where there are several, and over test images
always. With a single seed, the spread that seeds had elsewhere (``SEED_DEVIATION``) stands for theirs.

A share of tasks has Clopper and Pearson's interval (Biometrika 1934, 26(4), 404-413), with as many independent values
as the spread over tasks shows where a task has several cases (Korn and Graubard, Survey Methodology 1998, 24(2),
193-201). A value that is the limit itself counts as a half: it says nothing for either side.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.paper.claims import TaskKey

LEVEL = 0.95
# Of one AUC: the root mean square, over the 64 pairs of models and outlier classes in Table 4, of the standard
# deviation over seeds 0 to 4 (docs/performance.md).
SEED_DEVIATION = 0.012

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """Values of tasks and their ``variances`` over test images, (tasks, seeds); ``sign`` is 1 or -1.

    ``terms`` is how many AUCs a value is the sum or difference of.
    """

    keys: tuple[TaskKey, ...]
    values: Floats
    variances: Floats
    sign: int = 1
    terms: int = 1


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

    A share of tasks is of their means over seeds. A share of cases whose sides are not paired has the interval from
    the cases that are certainly above to those that are not certainly below, each by its own t interval and all
    together at the level of one (Bonferroni).
    """
    if limit is None:
        low, high = _t_interval(cases, LEVEL)
    elif len(cases[0]) == 1:
        low, high = _share_interval(cases, limit)
    else:
        ends = [_t_interval([case], 1 - (1 - LEVEL) / len(cases)) for case in cases]
        low, high = (float(np.mean([end[side] > limit for end in ends])) for side in (0, 1))
    return Estimate(point(cases, limit=limit), low, high, sum(sample.values.size for case in cases for sample in case))


def point(cases: Sequence[Case], *, limit: float | None = None) -> float:
    """Return the value of ``estimate`` alone."""
    if len(cases[0]) == 1:
        values = np.concatenate([sample.values.mean(axis=1) for (sample,) in cases])
    else:
        values = np.array([sum(sample.sign * sample.values.mean() for sample in case) for case in cases])
    return float(np.mean(values if limit is None else _above(values, limit)))


def auc_variance(auc: Floats, n_normal: int, n_outlier: NDArray[np.int64]) -> Floats:
    """Return Hanley and McNeil's variance of each AUC over test images (Radiology 1982, 143(1), 29-36).

    The two sides of a pair are scored on the same images. Adding their variances takes them as independent, which
    makes an interval too wide rather than too narrow.
    """
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    numerator = auc * (1 - auc) + (n_outlier - 1) * (q1 - auc**2) + (n_normal - 1) * (q2 - auc**2)
    return numerator / (n_normal * n_outlier)


def _above(values: Floats, limit: float) -> Floats:
    """Return 1 for a value above the limit, 0 for one below, and a half for a tie."""
    return (1 + np.sign(values - limit)) / 2


@dataclass(frozen=True)
class _Spread:
    """Variance of a statistic, as a sum of independent parts, each with its degrees of freedom."""

    parts: Sequence[tuple[float, float]]

    @property
    def variance(self) -> float:
        return sum(variance for variance, _ in self.parts)

    @property
    def freedom(self) -> float:
        """Satterthwaite's degrees of freedom of the sum, the fewest of its parts where nothing varies."""
        of_parts = sum(variance**2 / freedom for variance, freedom in self.parts)
        return self.variance**2 / of_parts if of_parts else min(freedom for _, freedom in self.parts)


def _t_interval(cases: Sequence[Case], level: float) -> tuple[float, float]:
    value, spread = point(cases), _spread(cases, lambda values: values)
    variance = max(spread.variance, _of_images([sample for case in cases for sample in case], len(cases)))
    margin = float(stats.t.ppf((1 + level) / 2, spread.freedom)) * variance**0.5
    return value - margin, value + margin


def _share_interval(cases: Sequence[Case], limit: float) -> tuple[float, float]:
    value, n = point(cases, limit=limit), sum(len(sample.keys) for (sample,) in cases)
    tasks = len({key for (sample,) in cases for key in sample.keys})
    independent = float(tasks)  # where all agree: the cases of a task may all be one
    if 0 < value < 1 and tasks > 1:
        spread = _spread(cases, lambda values: _above(values.mean(axis=1, keepdims=True), limit))
        as_if_independent = value * (1 - value) / (n - 1)
        fewer = stats.t.ppf((1 + LEVEL) / 2, [n - 1, spread.freedom])
        independent = n / max(1.0, spread.variance / as_if_independent) * float(fewer[0] / fewer[1]) ** 2
    above, below = value * independent, (1 - value) * independent
    tail = (1 - LEVEL) / 2
    low = float(stats.beta.ppf(tail, above, below + 1)) if above else 0.0
    return low, float(stats.beta.ppf(1 - tail, above + 1, below)) if below else 1.0


def _spread(cases: Sequence[Case], of: Callable[[Floats], Floats]) -> _Spread:
    """Return the variance of the mean of all values of cases, ``of`` giving the values of a sample, (tasks, seeds)."""
    samples = [sample for case in cases for sample in case]
    is_paired = len(cases[0]) == 1
    keys = sorted({key for sample in samples for key in sample.keys})
    if len(keys) == 1:
        return _within_a_task(samples, len(cases))
    kinds = np.array([f"{dataset} {len(normal)}" for dataset, normal in keys])
    if min(np.unique(kinds, return_counts=True)[1]) == 1:  # a kind of one task has no spread of its own
        kinds[:] = "any"
    kinds_in_order = np.unique(kinds)
    # All values one below the other: the place of the task, and the sample whose mean a value is held against.
    places = np.array([keys.index(key) for sample in samples for key in sample.keys])
    sides = np.repeat(range(len(samples)), [len(sample.keys) for sample in samples]) * (not is_paired)
    values = np.concatenate([of(sample.values) for sample in samples])
    weights = np.repeat(_weights(samples, len(cases)), [len(one.keys) for one in samples])
    for kind in kinds_in_order:
        for side in set(sides):
            chosen = (kinds[places] == kind) & (sides == side)
            values = values - chosen[:, None] * (values[chosen].mean() if chosen.any() else 0.0)
    # What each task and seed adds to the statistic, less its expectation.
    added = np.zeros((len(keys), values.shape[1]))
    np.add.at(added, places, weights[:, None] * values / values.shape[1])
    parts = [_of_tasks(added[kinds == kind]) for kind in kinds_in_order]
    if values.shape[1] > 1:
        together = sum(_of_both(added[kinds == kind]) for kind in kinds_in_order)
        of_seeds, freedom = _of_tasks(added.T)
        parts.append((max(0.0, of_seeds - together), freedom))
    return _Spread(parts)


def _of_tasks(added: Floats) -> tuple[float, float]:
    """Return the variance that rows of (tasks, seeds) give to their sum, and its degrees of freedom."""
    n = len(added)
    return n / (n - 1) * float(np.square(added.sum(axis=1)).sum()), n - 1.0


def _of_both(added: Floats) -> float:
    """Return the variance of the sum of (tasks, seeds) by what is neither of the task nor of the seed alone."""
    rest = added - added.mean(axis=0) - added.mean(axis=1, keepdims=True) + added.mean()
    n_tasks, n_seeds = added.shape
    return n_tasks * n_seeds / (n_tasks - 1) / (n_seeds - 1) * float(np.square(rest).sum())


def _weights(samples: Sequence[Sample], n_cases: int) -> list[float]:
    """Return what a value of each sample counts in the statistic: all alike where pairs are, else as its case does."""
    if len(samples) == n_cases:
        return [1 / sum(len(one.keys) for one in samples)] * len(samples)
    return [one.sign / len(one.keys) / n_cases for one in samples]


def _of_images(samples: Sequence[Sample], n_cases: int) -> float:
    """Return the variance of the statistic over test images, which all seeds share."""
    weights = _weights(samples, n_cases)
    of_samples = zip(weights, samples, strict=True)
    return float(sum(weight**2 * sample.variances.mean(axis=1).sum() for weight, sample in of_samples))


def _within_a_task(samples: Sequence[Sample], n_cases: int) -> _Spread:
    """Return the variance of a single task's statistic over seeds and test images."""
    weights = _weights(samples, n_cases)
    by_seed = np.sum([weight * one.values[0] for weight, one in zip(weights, samples, strict=True)], axis=0)
    parts = [(_of_images(samples, n_cases), np.inf)]
    if by_seed.size > 1:
        parts.append((float(np.var(by_seed, ddof=1)) / by_seed.size, by_seed.size - 1.0))
    else:
        terms = sum(weight**2 * one.terms for weight, one in zip(weights, samples, strict=True))
        parts.append((terms * SEED_DEVIATION**2, np.inf))
    return _Spread(parts)
