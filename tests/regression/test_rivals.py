"""AUCs of every model on one digit of real MNIST, profile ``fast``, against the floors in ``rivals.csv``.

A floor is what was measured for seed 0, less .02. Negatives are drawn strokes, so that Omniglot is not needed; AnoGAN
is left out for its time.
"""

import csv
from functools import partial
from pathlib import Path

import pytest

from benchmarks.data import DataIdentity, data_directory, load
from benchmarks.data.negatives import STROKES, STROKES_VARIANT
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import keep_outcome, local
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Store, mean_auc
from benchmarks.engine.run import Run, make_jobs, make_run
from benchmarks.paper.tasks import Negatives, against, without_negatives
from benchmarks.registry import MODELS

pytestmark = pytest.mark.regression

DIGIT = 2
with (Path(__file__).parent / "rivals.csv").open(newline="") as file:
    FLOORS = {line["model"]: float(line["floor"]) for line in csv.DictReader(file)}


def run_of(model: str) -> Run:
    task = without_negatives("mnist", DIGIT)
    if MODELS[model].detector.uses_negatives:
        task = against("mnist", (DIGIT,), Negatives(STROKES))
    return make_run(task, model, 0, load_profile("fast"), {STROKES: DataIdentity(STROKES_VARIANT)})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("rivals")
    load("mnist")  # fetched once, before the workers look for it
    runs = [run_of(model) for model in FLOORS]
    context = Context(folder, data_directory(), "cpu", "", "fast")
    jobs = make_jobs(runs, load_profile("fast"))
    store = Store(folder)
    local(jobs, context, 2, partial(keep_outcome, store=store))
    assert len(store.ids()) >= len(runs)
    return store


@pytest.mark.parametrize("model", FLOORS)
def test_mean_auc_is_not_below_its_floor(store: Store, model: str) -> None:
    record = store.get(run_of(model))
    assert record is not None
    assert mean_auc(record, run_of(model).task.outliers) >= FLOORS[model]
    assert record.restarts == 0
    # Scores that take many values trace a curve of many steps; fewer where nearly every outlier is found, by LIS-AE.
    steps = max(len(set(score.detected)) for score in record.scores)
    assert steps > (10 if model == "LIS-AE" else 30)


def test_every_model_has_a_floor_but_what_takes_long() -> None:
    assert set(MODELS) - set(FLOORS) == {"AnoGAN", "AnoGAN-FM", "LinSep-LIS-AE"}
