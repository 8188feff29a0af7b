"""One block of Table 4 (AE and the seven LIS-AE of a class) against the same work as a plain PyTorch loop."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.data import data_directory, load
from benchmarks.engine.evaluate import Context, images_of_classes
from benchmarks.engine.execute import keep_outcome, local
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Store, mean_auc
from benchmarks.engine.run import make_jobs, make_run
from benchmarks.paper.tables import table
from benchmarks.registry import MODELS
from benchmarks.speed import plain
from benchmarks.speed.ratios import Row, compared
from benchmarks.speed.turns import in_turns, timer

GOAL = 5.0
ROUNDS = 2  # two minutes each
CLASS = 1
# An eighth of the images of a class, so that the rounds end in minutes; every part of the work shrinks alike.
LIMITS = {"train": 625, "test": 125}


@pytest.mark.benchmark(group="Table 4 block", timer=timer)
def test_table_4_block(benchmark: BenchmarkFixture, report: Callable[[Row], None]) -> None:
    """Both have the same backbone, losses, epochs and batches; ours takes the path of ``benchmarks.reproduce``."""
    profile = replace(load_profile("fast"), limits=LIMITS)
    measurements = dict.fromkeys(t for cell in table("4").cells for t in cell.measurements if t.task.normal == (CLASS,))
    runs = {run.id: run for run in (make_run(t.task, t.model, 0, profile, {}) for t in measurements)}
    (job,) = make_jobs(runs.values(), profile)
    data = load("cifar10")
    ours: list[list[float]] = []
    theirs: list[list[float]] = []

    def our_block() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            context = Context(store.root, data_directory(), "cpu", "", "fast")
            local([job], context, 1, partial(keep_outcome, store=store))
            records = [store.get(run) for run in job.runs]
            ours.append([mean_auc(found, found.identity["task"]["outliers"]) for found in records if found])
            assert len(ours[-1]) == len(job.runs)

    def plain_block() -> None:
        def training(classes: tuple[int, ...]) -> np.ndarray:
            return images_of_classes(data.train_images, data.train_labels, classes, LIMITS["train"])

        def test(classes: tuple[int, ...]) -> np.ndarray:
            return images_of_classes(data.test_images, data.test_labels, classes, LIMITS["test"])

        theirs.append(
            plain.block(
                training((CLASS,)),
                [training(run.task.negatives.classes) for run in job.runs if run.task.negatives],
                [test((outlier,)) for outlier in job.runs[0].task.outliers],
                test((CLASS,)),
                profile.settings(MODELS["LIS-AE"], "cifar10"),
            )
        )

    seconds = in_turns(benchmark, our_block, plain_block, ROUNDS)
    # The same work means about the same result.
    assert np.mean(ours) == pytest.approx(np.mean(theirs), abs=0.03)
    what = (
        f"AE and the seven LIS-AE of a class of CIFAR-10, {LIMITS['train']} images a class; "
        f"mean AUC {np.mean(ours):.3f} and {np.mean(theirs):.3f}"
    )
    report(compared("plain PyTorch, Table 4 block", what, *seconds, goal=GOAL))
