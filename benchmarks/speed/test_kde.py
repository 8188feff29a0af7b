"""KDE of an MNIST task, bandwidth chosen by cross-validation, against scikit-learn's grid search over KernelDensity."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.neighbors import KernelDensity

from baselines.kde import BANDWIDTHS, FOLDS, KDE
from benchmarks.data import load
from benchmarks.speed.ratios import Row, compared
from benchmarks.speed.turns import in_turns, timer
from lisae.images import as_rows

GOAL = 10.0
CLASS = 0
# Both get a sixth of the task. All of it would take scikit-learn some five minutes a round, since its time grows with
# the number of pairs of images.
TRAIN, TEST = 1000, 1500


@pytest.mark.benchmark(group="KDE", timer=timer)
def test_kde(benchmark: BenchmarkFixture, report: Callable[[Row], None]) -> None:
    """Both choose among the same bandwidths in the same folds, then score the same test images.

    All images are in one leaf of scikit-learn's tree. That is twice as fast here as its default of 40 images a leaf,
    and with more leaves its log-densities are off by hundreds or more at bandwidths so narrow (scikit-learn #7492).
    """
    data = load("mnist")
    normal = data.train_images[data.train_labels == CLASS][:TRAIN]
    test = data.test_images[:TEST]
    found: dict[str, tuple[float, NDArray[np.float64]]] = {}

    def ours() -> None:
        detector = KDE().fit(normal)
        found["ours"] = detector.bandwidth_, detector.score_samples(test)

    def theirs() -> None:
        folds = PredefinedSplit(np.arange(TRAIN) % FOLDS)
        search = GridSearchCV(KernelDensity(leaf_size=TRAIN), {"bandwidth": BANDWIDTHS}, cv=folds)
        search.fit(as_rows(normal).astype(np.float64))
        found["theirs"] = search.best_params_["bandwidth"], search.score_samples(as_rows(test).astype(np.float64))

    seconds = in_turns(benchmark, ours, theirs)
    assert found["ours"][0] == found["theirs"][0]
    np.testing.assert_allclose(found["ours"][1], found["theirs"][1], rtol=1e-6)
    what = f"KDE, {len(BANDWIDTHS)} bandwidths in {FOLDS} folds, {TRAIN} training and {TEST} test images of MNIST"
    report(compared("scikit-learn KernelDensity", what, *seconds, goal=GOAL))
