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
from benchmarks.engine.evaluate import build
from benchmarks.engine.profiles import load_profile
from benchmarks.registry import MODELS
from benchmarks.speed.ratios import Row, compared
from benchmarks.speed.turns import ROUNDS, in_turns, timer
from lisae.images import as_rows

GOAL = 1.0
CLASS = 0
SEED = 0
# PyOD's networks are fully connected and take less time than convolutions. Ours are therefore also measured with a
# sixth of their epochs, a share that was chosen before its results were known.
SHORT = 6
AUTO_ENCODER = {"device": "cpu", "random_state": SEED, "verbose": 0}
DEEP_SVDD = {"n_features": 28 * 28, "random_state": SEED, "verbose": 0}

pytest.importorskip("pyod", reason="PyOD is installed by the extra 'speed'")
# PyOD and its dependencies warn.
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.benchmark(group="PyOD", timer=timer)]


# Where a round takes minutes there is one: its ratio is far from 1.
@pytest.mark.parametrize(
    ("model", "module", "name", "arguments", "rounds", "share"),
    [
        ("AE", "auto_encoder", "AutoEncoder", AUTO_ENCODER, ROUNDS, 1),
        ("AE", "auto_encoder", "AutoEncoder", AUTO_ENCODER, ROUNDS, SHORT),
        ("OC-DSVDD", "deep_svdd", "DeepSVDD", DEEP_SVDD, ROUNDS, 1),
        ("OC-DSVDD", "deep_svdd", "DeepSVDD", DEEP_SVDD, ROUNDS, SHORT),
        ("KDE", "kde", "KDE", {}, 1, 1),
        ("OC-SVM", "ocsvm", "OCSVM", {}, 1, 1),
        ("IF", "iforest", "IForest", {"random_state": SEED}, ROUNDS, 1),
    ],
    ids=["AE", "AE short", "OC-DSVDD", "OC-DSVDD short", "KDE", "OC-SVM", "IF"],
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
    share: int,
) -> None:
    """Both get the same images and labels; ours train for 1/``share`` of their epochs, and PyOD is imported before."""
    data = load("mnist")
    normal, test = data.train_images[data.train_labels == CLASS], data.test_images
    is_outlier = data.test_labels != CLASS
    settings = load_profile("fast").settings(MODELS[model], "mnist")
    settings |= {key: max(1, settings[key] // share) for key in settings if key.endswith("epochs")}
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
    what += f", ours with a share of 1/{share} of its epochs" if share > 1 else ""
    report(
        compared(
            f"PyOD {name}{', ours short' if share > 1 else ''}",
            what,
            *seconds,
            goal=GOAL,
            aucs=(aucs["ours"], aucs["theirs"]),
        )
    )
