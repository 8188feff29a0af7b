"""Intervals: what they are drawn over, and how wide they are."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.claims.intervals import Sample, auc_variance, estimate, point


def sample(values: list[list[float]], variance: float = 0.0) -> Sample:
    array = np.array(values)
    keys = tuple(("cifar10", (c,)) for c in range(len(array)))
    return Sample(keys, array, np.full(array.shape, variance))


def test_the_interval_is_that_of_a_mean_over_tasks() -> None:
    values = np.random.default_rng(0).normal(0.1, 0.05, size=(10, 1))
    found = estimate([(sample(values.tolist()),)])
    error = values.std() / 10**0.5
    assert found.value == pytest.approx(values.mean())
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.1)


def test_a_single_run_has_the_interval_of_its_test_images() -> None:
    found = estimate([(sample([[0.7]], variance=0.01**2),)])
    assert (found.low, found.high) == pytest.approx((0.7 - 0.0196, 0.7 + 0.0196), abs=2e-3)


def test_seeds_of_a_single_task_are_drawn() -> None:
    found = estimate([(sample([[0.6, 0.7, 0.8]]),)])
    assert found.low < 0.65
    assert found.high > 0.75


def test_the_same_records_give_the_same_interval() -> None:
    case = (sample([[0.1], [0.3], [0.2]], variance=1e-4),)
    assert estimate([case]) == estimate([case])


def test_a_share_that_all_tasks_agree_on_keeps_a_width() -> None:
    found = estimate([(sample([[0.1]] * 10),)], limit=0)
    assert (found.value, found.low, found.high) == (1, 0.7, 1)


def test_cases_of_different_size_count_by_task() -> None:
    assert point([(sample([[0.0], [0.0], [0.0]]),), (sample([[1.0]]),)]) == pytest.approx(0.25)


def test_the_variance_of_an_auc_is_that_of_drawn_scores() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [200, 100])
    aucs = [roc_auc_score(labels, random.exponential(np.where(labels, 3, 1))) for _ in range(400)]
    # Exact for exponential scores, which is what Hanley and McNeil's Q1 and Q2 are taken from.
    assert np.std(aucs) == pytest.approx(auc_variance(np.array([0.75]), 200, np.array([100])) ** 0.5, rel=0.1)
