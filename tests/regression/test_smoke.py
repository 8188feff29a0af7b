"""Every model lives in profile ``smoke``, from every seed, on a class of each data set.

Settings with which a model lives from one seed and collapses from another hang on rounding, and so on the processor and
on the version of PyTorch. ``LISAE_SMOKE_SEEDS=10`` tries ten seeds, which takes three times as long.
"""

import os
from pathlib import Path

import pytest

from benchmarks.data import data_directory, load
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Outcome, keep_outcome, local
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Store
from benchmarks.engine.run import Run, make_jobs, make_run
from benchmarks.errors import UnavailableError
from benchmarks.paper.tasks import Task, with_classes, without_negatives
from benchmarks.registry import MODELS

pytestmark = pytest.mark.regression

SMOKE = load_profile("smoke")
SEEDS = int(os.environ.get("LISAE_SMOKE_SEEDS", "3"))
CLASSES = [("cifar10", 1), ("cifar10", 4), ("svhn", 0), ("mnist", 8), ("fashion-mnist", 0)]


def task_of(model: str, dataset: str, normal: int) -> Task:
    if MODELS[model].detector.uses_negatives:
        return with_classes(dataset, normal, ((normal + 5) % 10,))
    return without_negatives(dataset, normal)


@pytest.mark.parametrize(("dataset", "normal"), CLASSES)
def test_every_model_lives(tmp_path: Path, dataset: str, normal: int) -> None:
    try:
        identity = load(dataset).identity  # fetched once, before the workers look for it
    except UnavailableError as error:
        pytest.skip(str(error).splitlines()[0])
    runs: dict[str, Run] = {}
    for model in MODELS:
        for seed in range(SEEDS):
            run = make_run(task_of(model, dataset, normal), model, seed, SMOKE, {dataset: identity})
            runs[run.id] = run
    failures: list[Failure] = []

    def give(outcome: Outcome) -> None:
        if failure := keep_outcome(outcome, Store(tmp_path)):
            failures.append(failure)

    local(make_jobs(runs.values(), SMOKE), Context(tmp_path, data_directory(), "cpu", "", "smoke"), 2, give)
    assert [(runs[one.run].model, runs[one.run].seed, one.reason) for one in failures] == []
    assert runs.keys() <= set(Store(tmp_path).ids())
