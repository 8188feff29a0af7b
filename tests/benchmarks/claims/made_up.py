"""Records of any AUC, without training, and a claim that they decide."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.claims.same_weights import Pairs
from benchmarks.data import DataIdentity
from benchmarks.engine.evaluate import Context
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Record, Score, Store
from benchmarks.engine.run import Run, changed, make_run, stage_of
from benchmarks.paper.claims import Claim, claims, select
from benchmarks.paper.tables import Measurement
from benchmarks.paper.tasks import with_classes

BY_ID = {claim.id: claim for claim in claims()}
LIS, AE = "2 / LIS-AE / CIFAR-10", "2 / AE / CIFAR-10"
BETTER = Claim("better", "5", "LIS-AE is better.", "mean", plus=(LIS,), minus=(AE,))
_FAST, _SMOKE = load_profile("fast"), load_profile("smoke")

Auc = Callable[[Run, int], float]


def run_of(measurement: Measurement, seed: int) -> Run:
    return make_run(measurement.task, measurement.model, seed, _FAST, {"cifar10": DataIdentity("a part")})


def put(store: Store, run: Run, auc: Auc, restarts: int = 0) -> None:
    scores = tuple(
        Score(outlier, auc(run, outlier), 1000, tuple(np.linspace(auc(run, outlier), 0, 101)))
        for outlier in run.task.outliers
    )
    identity = json.loads(json.dumps(run.identity()))
    store.put(Record(run.id, identity, scores, 1000, restarts, "fast", "cpu", "float32", {}, "", 1.0, 1.0))


def fill(store: Store, aucs: Mapping[str, Auc], seeds: tuple[int, ...] = (0,)) -> None:
    """Put records of every task of some selections, under the AUC of each."""
    for text, auc in aucs.items():
        selection = select(text)
        for measurement in selection.measurements(selection.cells):
            for seed in seeds:
                put(store, run_of(measurement, seed), auc)


def by_class(level: float) -> Auc:
    """Give AUCs that differ more from class to class than models do."""
    return lambda run, _: level + run.task.normal[0] / 50


def context_of(store: Store) -> Context:
    return Context(store.root, store.root, "cpu", "", "")


def pair(normal: int = 1, **change: Any) -> Pairs:
    """LIS-AE of a class of CIFAR-10 and the AE that it begins from, as small as they can be."""
    run = make_run(with_classes("cifar10", normal, (5,)), "LIS-AE", 0, _SMOKE, {})
    quick = {"autoencoder.batch_size": 8, "autoencoder.learning_rate": 5e-3, "autoencoder.precision": "float32"}
    shaped = changed(run, quick | change)
    assert shaped is not None
    plain = stage_of(shaped)
    assert plain is not None
    return [(shaped, plain)]
