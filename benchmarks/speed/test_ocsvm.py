"""OC-SVM with ten inverse length scales, from one distance matrix, against ten of scikit-learn's OneClassSVM."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture
from sklearn.svm import OneClassSVM

from baselines.ocsvm import GAMMAS, OCSVM
from benchmarks.data import load
from benchmarks.speed.ratios import Row, compared
from benchmarks.speed.turns import in_turns, timer
from lisae.images import as_rows

GOAL = 3.0
CLASS = 0
# Half of the task for both.
TRAIN, TEST = 3000, 5000


@pytest.mark.benchmark(group="OC-SVM", timer=timer)
def test_ocsvm(benchmark: BenchmarkFixture, report: Callable[[Row], None]) -> None:
    """Both fit ten machines and label the test images with each; ours also fits the one that gives its score."""
    data = load("mnist")
    normal = data.train_images[data.train_labels == CLASS][:TRAIN]
    test = data.test_images[:TEST]
    labels: dict[str, NDArray[np.int64]] = {}

    def ours() -> None:
        labels["ours"] = OCSVM().fit(normal).sweep_labels(test)

    def theirs() -> None:
        train_rows, test_rows = (as_rows(images).astype(np.float64) for images in (normal, test))
        machines = [OneClassSVM(gamma=gamma, nu=0.1).fit(train_rows) for gamma in GAMMAS]
        labels["theirs"] = np.array([np.where(m.decision_function(test_rows) < 0, -1, 1) for m in machines])

    seconds = in_turns(benchmark, ours, theirs)
    assert np.mean(labels["ours"] == labels["theirs"]) > 0.999
    assert len(np.unique(labels["ours"], axis=0)) > len(GAMMAS) / 2
    what = f"OC-SVM, {len(GAMMAS)} gammas, {TRAIN} training and {TEST} test images of MNIST"
    report(compared("scikit-learn OneClassSVM", what, *seconds, goal=GOAL))
