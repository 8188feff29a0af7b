"""Ranks and paired differences of the rows of a column."""

import numpy as np
import pytest

from benchmarks.engine.records import Record, Score
from benchmarks.paper.tables import Cell, Measurement
from benchmarks.paper.tasks import without_negatives
from benchmarks.report.ranking import RankedRow, by_rank, paired
from tests.benchmarks.report.records import record_with

TASKS = [without_negatives("mnist", c) for c in range(4)]
WHOLE = {(("mnist", (c,)), seed): 0.8 + 0.01 * c + 0.001 * seed for c in range(4) for seed in (0, 1)}


def row(name: str, aucs: dict[tuple[tuple[str, tuple[int, ...]], int], float]) -> RankedRow:
    cell = Cell(name, "MNIST", tuple(Measurement(task, name, task.outliers) for task in TASKS), "")
    return RankedRow(cell, {place: _record(place[0][1][0], auc) for place, auc in aucs.items()})


def _record(positive: int, auc: float) -> Record:
    outliers = [c for c in range(10) if c != positive]
    return record_with([Score(outlier, auc, 50, (1.0,) * 101) for outlier in outliers], mnist="")


def shifted(by: float) -> dict[tuple[tuple[str, tuple[int, ...]], int], float]:
    return {place: auc + by for place, auc in WHOLE.items()}


def test_a_mean_is_over_tasks_and_whole_seeds_with_its_interval() -> None:
    one = row("A", WHOLE)
    assert one.seeds == [0, 1]
    assert one.mean == pytest.approx(np.mean(list(WHOLE.values())))
    assert one.estimate.low < one.mean < one.estimate.high
    without = {place: auc for place, auc in WHOLE.items() if place != (("mnist", (3,)), 1)}
    assert row("A", without).seeds == [0]
    assert row("A", without).mean == pytest.approx(0.815)


def test_rows_are_ranked_by_mean_and_those_with_gaps_are_left_out() -> None:
    gap = {place: 0.99 for place in WHOLE if place[0] != ("mnist", (3,))}
    rows = [row("low", shifted(-0.1)), row("gap", gap), row("high", shifted(0.05)), row("none", {})]
    assert [one.cell.row for one in by_rank(rows)] == ["high", "low"]
    assert np.isnan(rows[1].mean)


def test_a_pair_is_compared_task_by_task() -> None:
    pair = paired(row("A", shifted(0.02)), row("B", WHOLE))
    assert pair is not None
    assert (pair.n_tasks, pair.better, pair.seeds) == (4, 4, (0, 1))
    assert pair.found.value == pytest.approx(0.02)
    # Equal differences vary by test images alone: the interval is not a point.
    assert pair.found.low < 0.02 < pair.found.high
    turned = paired(row("B", WHOLE), row("A", shifted(0.02)))
    assert turned is not None
    assert (turned.better, turned.found.value) == (0, pytest.approx(-0.02))


def test_a_pair_takes_the_tasks_and_seeds_that_both_have() -> None:
    some = {place: auc for place, auc in shifted(0.02).items() if place[1] == 0 and place[0] != ("mnist", (2,))}
    pair = paired(row("A", some), row("B", WHOLE))
    assert pair is not None
    assert (pair.n_tasks, pair.seeds) == (3, (0,))
    ragged = some | {(("mnist", (0,)), 1): 0.9}
    again = paired(row("A", ragged), row("B", WHOLE))
    assert again is not None
    assert (again.n_tasks, again.seeds) == (3, (0,))
    assert paired(row("A", {}), row("B", WHOLE)) is None
