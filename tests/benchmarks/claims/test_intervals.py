"""Intervals: what they speak of, and that they hold their level on the few tasks that there are."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import roc_auc_score

from benchmarks.claims.intervals import SEED_DEVIATION, Case, Estimate, Sample, auc_variance, estimate, point

Draw = Callable[..., NDArray[np.float64]]


def sample(values: list[list[float]] | NDArray[np.float64], variance: float = 0.0, first: int = 0) -> Sample:
    array = np.array(values)
    keys = tuple(("cifar10", (first + c,)) for c in range(len(array)))
    return Sample(keys, array, np.full(array.shape, variance))


# ---- The level, by simulation


def skewed(random: np.random.Generator, *shape: int) -> NDArray[np.float64]:
    """Draw with a skewness of 1, mean 0 and variance 1."""
    return (random.gamma(4, size=shape) - 4) / 2


def normal(random: np.random.Generator, *shape: int) -> NDArray[np.float64]:
    return random.normal(size=shape)


def coverage(draw: Callable[[np.random.Generator], list[Case]], n: int = 1500, limit: float | None = None) -> float:
    """Return how often the interval holds 0, or with a ``limit`` a half."""
    random, truth = np.random.default_rng(0), 0 if limit is None else 0.5
    found = (estimate(draw(random), limit=limit) for _ in range(n))
    return float(np.mean([one.low <= truth <= one.high for one in found]))


@pytest.mark.parametrize("draw", [normal, skewed])
@pytest.mark.parametrize("n_tasks", [2, 3, 5, 10])
def test_a_mean_over_few_tasks_is_covered(n_tasks: int, draw: Draw) -> None:
    assert 0.92 < coverage(lambda random: [(sample(draw(random, n_tasks, 1)),)]) < 0.97  # .93 but for chance


@pytest.mark.parametrize(("n_tasks", "n_seeds"), [(2, 2), (3, 5), (10, 3), (10, 5), (1, 3)])
@pytest.mark.parametrize("of_seed", [0.0, 1.0])
def test_seeds_are_drawn_too(n_tasks: int, n_seeds: int, of_seed: float) -> None:
    """Some of the spread is of tasks, some of seeds, as much over all tasks as within one, and some of both."""

    def draw(random: np.random.Generator) -> list[Case]:
        tasks, seeds = random.normal(size=(n_tasks, 1)), of_seed * random.normal(size=(1, n_seeds))
        return [(sample((n_tasks > 1) * tasks + seeds + random.normal(size=(n_tasks, n_seeds))),)]

    assert coverage(draw) > 0.92  # with ten tasks, three seeds, and most of the spread of seeds: .927


def test_cases_of_one_task_are_no_tasks_of_their_own() -> None:
    def draw(random: np.random.Generator) -> list[Case]:
        tasks = random.normal(size=(5, 1))
        return [(sample(tasks + 0.1 * random.normal(size=(5, 1))),) for _ in range(6)]

    assert 0.92 < coverage(draw) < 0.97


def test_the_difference_of_two_kinds_of_tasks_is_covered() -> None:
    """One kind has fewer tasks and a wider spread."""

    def draw(random: np.random.Generator) -> list[Case]:
        values = random.normal(size=(5, 1)), 0.2 * random.normal(size=(10, 1))
        keys = (tuple(("mnist", (c, c + 1)) for c in range(5)), tuple(("mnist", (c,)) for c in range(10)))
        return [
            tuple(
                Sample(key, own, np.zeros_like(own), sign) for key, own, sign in zip(keys, values, (1, -1), strict=True)
            )
        ]

    assert 0.93 < coverage(draw) < 0.98


@pytest.mark.parametrize("n_tasks", [2, 5, 10])
@pytest.mark.parametrize("n_cases", [1, 7])
def test_a_share_of_few_tasks_is_covered(n_tasks: int, n_cases: int) -> None:
    """Half of all values are above, and those of a task mostly alike."""

    def draw(random: np.random.Generator) -> list[Case]:
        tasks = random.normal(size=(n_tasks, 1))
        return [(sample(tasks + 0.5 * random.normal(size=(n_tasks, 1))),) for _ in range(n_cases)]

    assert coverage(draw, n=700, limit=0) > 0.93


# ---- What it is made of


def test_the_interval_is_student_s_over_tasks() -> None:
    values = np.random.default_rng(0).normal(0.1, 0.05, size=(10, 1))
    found = estimate([(sample(values, variance=0.01**2),)])  # that of test images is within the spread of tasks
    expected = stats.t.interval(0.95, 9, loc=values.mean(), scale=stats.sem(values[:, 0]))
    assert (found.low, found.high) == pytest.approx(expected)
    assert found.value == pytest.approx(values.mean())


def test_tasks_that_agree_by_chance_are_no_certainty() -> None:
    found = estimate([(sample([[0.1]] * 4, variance=0.02**2),)])
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 3, 0.1, 0.01))


@pytest.mark.parametrize("terms", [1, 2])
def test_a_single_run_has_the_interval_of_its_test_images_and_of_seeds_elsewhere(terms: int) -> None:
    found = estimate([(replace(sample([[0.7]], variance=0.01**2), terms=terms),)])
    assert (found.high - 0.7) / 1.96 == pytest.approx((0.01**2 + terms * SEED_DEVIATION**2) ** 0.5, rel=1e-3)
    assert found.low + found.high == pytest.approx(1.4)


def test_seeds_of_a_single_task_share_their_test_images() -> None:
    over_seeds = estimate([(sample([[0.6, 0.7, 0.8]]),)])
    assert (over_seeds.low, over_seeds.high) == pytest.approx(stats.t.interval(0.95, 2, 0.7, 0.1 / 3**0.5))
    alike = estimate([(sample([[0.7, 0.7, 0.7]], variance=0.01**2),)])
    assert alike.high - 0.7 == pytest.approx(0.0196, abs=1e-4)


def test_a_kind_of_one_task_is_taken_with_the_others() -> None:
    own, other = sample([[0.1], [0.3], [0.2]]), Sample((("svhn", (0,)),), np.array([[0.8]]), np.zeros((1, 1)))
    found = estimate([(own,), (other,)])
    expected = stats.t.interval(0.95, 3, 0.35, stats.sem([0.1, 0.3, 0.2, 0.8]))
    assert (found.low, found.high) == pytest.approx(expected)


def test_cases_of_different_size_count_by_task() -> None:
    assert point([(sample([[0.0], [0.0], [0.0]]),), (sample([[1.0]]),)]) == pytest.approx(0.25)


# ---- Shares


def test_a_share_of_tasks_is_clopper_and_pearson_s() -> None:
    found = estimate([(sample([[0.1]] * 8 + [[-0.1]] * 2),)], limit=0)
    expected = stats.binomtest(8, 10).proportion_ci(method="exact")
    assert (found.value, found.low, found.high) == pytest.approx((0.8, expected.low, expected.high))


def test_a_share_that_all_tasks_agree_on_keeps_a_width() -> None:
    found = estimate([(sample([[0.1]] * 10),)], limit=0)
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.025 ** (1 / 10))
    of_cases = estimate([(sample([[0.1]] * 10),)] * 7, limit=0)
    assert of_cases.low == found.low  # as if the cases of a task were one


def test_a_tie_is_a_half() -> None:
    assert point([(sample([[0.0], [0.0]]),)], limit=0) == 0.5
    assert point([(sample([[0.0], [0.2]]),)], limit=0) == 0.75


def test_cases_that_say_nothing_alone_say_nothing_together() -> None:
    """Of three models, one is far better on the one kind of tasks, one worse, and one about the same."""

    def case(level: float) -> Case:
        spread = np.linspace(-0.1, 0.1, 10)[:, None]
        first, second = sample(0.5 + level + spread), sample(0.5 + spread, first=10)
        return first, Sample(second.keys, second.values, second.variances, -1)

    assert estimate([case(0.4), case(-0.4), case(0.01)], limit=0) == Estimate(2 / 3, 1 / 3, 2 / 3, 60)


def test_the_variance_of_an_auc_is_that_of_drawn_scores() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [200, 100])
    aucs = [roc_auc_score(labels, random.exponential(np.where(labels, 3, 1))) for _ in range(400)]
    # Exact for exponential scores, which is what Hanley and McNeil's Q1 and Q2 are taken from.
    assert np.std(aucs) == pytest.approx(auc_variance(np.array([0.75]), 200, np.array([100])) ** 0.5, rel=0.1)
