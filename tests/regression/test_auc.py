"""AUCs on real CIFAR-10, profile ``fast``, against the floors in ``floors.csv``: ``tox -e regression``.

A floor is what was measured for seed 0, less .02, since another processor or library rounds differently.
*None* has a ceiling as well, since an AE that beats its paper by much is another model.
"""

import csv
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.data import data_directory
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import keep_outcome, local
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Store, mean_auc, read_record
from benchmarks.engine.run import make_jobs, make_run
from benchmarks.paper.tables import TABLES
from benchmarks.reproduce import main

pytestmark = pytest.mark.regression

with (Path(__file__).parent / "floors.csv").open(newline="") as file:
    FLOORS = [(line["table"], line["row"], float(line["floor"])) for line in csv.DictReader(file)]
MODELS = {"4": "LIS-AE", "5": "LinSep-LIS-AE"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """All of Table 4 through the command line, and of Table 5 the rows that have a floor."""
    folder = tmp_path_factory.mktemp("regression")
    assert main(["--table", "4", "--results-dir", str(folder), "--reports-dir", str(folder)]) == 0
    profile = load_profile("fast")
    rows = {row for table, row, _ in FLOORS if table == "5"}
    measurements = [
        cell.measurements[0] for table in TABLES if table.id == "5" for cell in table.cells if cell.row in rows
    ]
    runs = {run.id: run for run in (make_run(t.task, t.model, 0, profile, {}) for t in measurements)}
    context = Context(folder, data_directory(), "cpu", "", "fast")
    store = Store(folder)
    local(make_jobs(runs.values(), profile), context, 2, partial(keep_outcome, store=store))
    assert len(store.ids()) >= len(runs)
    return store


def average(store: Store, table_id: str, row: str) -> float:
    (cell,) = (c for t in TABLES if t.id == table_id for c in t.cells if (c.row, c.column) == (row, "Avg."))
    (measurement,) = cell.measurements
    record = store.get(make_run(measurement.task, measurement.model, 0, load_profile("fast"), {}))
    assert record is not None
    return mean_auc(record, measurement.outliers)


@pytest.mark.parametrize(("table_id", "row", "floor"), FLOORS)
def test_average_auc_is_not_below_its_floor(store: Store, table_id: str, row: str, floor: float) -> None:
    assert average(store, table_id, row) >= floor


def test_every_row_of_table_4_has_a_floor() -> None:
    (table,) = (table for table in TABLES if table.id == "4")
    assert [row for table_id, row, _ in FLOORS if table_id == "4"] == table.rows


def test_ae_is_as_weak_as_the_paper_s(store: Store) -> None:
    assert np.mean([average(store, "4", f"{name} | None") for name in ("Car", "Deer")]) < 0.58


def test_no_result_comes_from_a_dead_network(store: Store) -> None:
    for run_id in store.ids():
        record = read_record(store.record_path(run_id))
        assert record.restarts == 0
        for score in record.scores:
            # Scores that take many values trace a curve of many steps, and end in both corners. Where nearly every
            # outlier is found, most of the curve is at 1 and has no steps to make.
            assert len(set(score.detected)) > (30 if score.auc < 0.97 else 10)
            assert score.detected[0] > score.detected[-1]
