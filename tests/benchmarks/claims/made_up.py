"""Records of any AUC, without training, and a claim that they decide."""

import json
from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.data import DataIdentity
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Record, Score, Store
from benchmarks.engine.run import Run, make_run
from benchmarks.paper.claims import Claim, claims, select
from benchmarks.paper.tables import Measurement

BY_ID = {claim.id: claim for claim in claims()}
LIS, AE = "2 / LIS-AE / CIFAR-10", "2 / AE / CIFAR-10"
BETTER = Claim("better", "5", "LIS-AE is better.", "mean", plus=(LIS,), minus=(AE,))
_FAST = load_profile("fast")

Auc = Callable[[Run, int], float]


def run_of(measurement: Measurement, seed: int) -> Run:
    return make_run(measurement.task, measurement.model, seed, _FAST, {"cifar10": DataIdentity("a part")})


def put(store: Store, run: Run, auc: Auc) -> None:
    scores = tuple(
        Score(outlier, auc(run, outlier), 1000, tuple(np.linspace(auc(run, outlier), 0, 101)))
        for outlier in run.task.outliers
    )
    identity = json.loads(json.dumps(run.identity()))
    store.put(Record(run.id, identity, scores, 1000, 0, "fast", "cpu", "float32", {}, "", 1.0, 1.0))


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
