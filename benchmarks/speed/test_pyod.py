"""One task of MNIST against PyOD: AUC and seconds of training and scoring, side by side.

All training images of one class, all test images. Ours have the settings of profile ``fast``, PyOD's detectors their
defaults (AutoEncoder 10 epochs, DeepSVDD 100), on flat pixels in [0, 1].
"""

import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from sklearn.metrics import roc_auc_score

from benchmarks.data import load
from benchmarks.profiles import load_profile
from benchmarks.registry import MODELS, build
from benchmarks.speed.frame import Row, compared
from benchmarks.speed.turns import ROUNDS, in_turns
from lisae.detector import as_rows

GOAL = 1.0
CLASS = 0
SEED = 0

pytest.importorskip("pyod", reason="PyOD is installed by the extra 'speed'")
# PyOD's and its dependencies' own.
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.benchmark(group="PyOD")]


# Rounds of minutes are one: their ratios are far from 1.
@pytest.mark.parametrize(
    ("model", "module", "name", "arguments", "rounds"),
    [
        ("AE", "auto_encoder", "AutoEncoder", {"device": "cpu", "random_state": SEED, "verbose": 0}, ROUNDS),
        ("OC-DSVDD", "deep_svdd", "DeepSVDD", {"n_features": 28 * 28, "random_state": SEED, "verbose": 0}, 1),
        ("KDE", "kde", "KDE", {}, 1),
        ("OC-SVM", "ocsvm", "OCSVM", {}, 1),
        ("IF", "iforest", "IForest", {"random_state": SEED}, ROUNDS),
    ],
    ids=["AE", "OC-DSVDD", "KDE", "OC-SVM", "IF"],
)
def test_pyod(
    benchmark: BenchmarkFixture,
    report: Callable[[Row], None],
    *,
    model: str,
    module: str,
    name: str,
    arguments: dict[str, Any],
    rounds: int,
) -> None:
    """The same images and labels for both; what PyOD imports is imported beforehand."""
    data = load("mnist")
    normal, test = data.train_images[data.train_labels == CLASS], data.test_images
    is_outlier = data.test_labels != CLASS
    settings = load_profile("fast").settings(MODELS[model], "mnist")
    rival = getattr(importlib.import_module(f"pyod.models.{module}"), name)
    aucs: dict[str, float] = {}

    def ours() -> None:
        detector = build(model, settings, SEED, "cpu").fit(normal)
        aucs["ours"] = float(roc_auc_score(is_outlier, detector.anomaly_score(test)))

    def theirs() -> None:
        detector = rival(**arguments).fit(as_rows(normal))
        scores = np.nan_to_num(detector.decision_function(as_rows(test)), posinf=sys.float_info.max)
        aucs["theirs"] = float(roc_auc_score(is_outlier, scores))

    seconds = in_turns(benchmark, ours, theirs, rounds)
    what = f"{model}, MNIST class {CLASS}, {len(normal)} training and {len(test)} test images"
    report(compared(f"PyOD {name}", what, *seconds, goal=GOAL, aucs=(aucs["ours"], aucs["theirs"])))
