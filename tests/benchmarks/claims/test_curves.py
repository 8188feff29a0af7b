"""Trade-off curves: which is the higher, ties, and what is detected at one of their points."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchmarks.claims.evidence import Evidence
from benchmarks.claims.ledger import judge
from benchmarks.engine.records import Store
from benchmarks.paper.claims import select
from tests.benchmarks.claims.made_up import AE, BETTER, BY_ID, LIS, fill, put, run_of


def put_curves(store: Store, curves: dict[str, Sequence[float]]) -> None:
    """Put records of every task of some selections, with a curve that is the same for all of them."""
    for text, curve in curves.items():
        selection = select(text)
        for measurement in selection.measurements(selection.cells):
            run = run_of(measurement, 0)
            put(store, run, lambda *_: 0.5)
            record = store.get(run)
            assert record is not None
            store.put(replace(record, scores=tuple(replace(one, detected=tuple(curve)) for one in record.scores)))


def test_a_point_where_both_curves_detect_everything_says_nothing(store: Store, evidence: Evidence) -> None:
    ones = [1.0] * 90
    claim = replace(BY_ID["curves-cifar10"], plus=(LIS,), minus=(AE,))
    put_curves(store, {LIS: [*ones, *([0.9] * 11)], AE: [*ones, *([0.8] * 11)]})
    entry = judge(claim, evidence)
    assert entry.verdict == "confirmed"
    assert entry.estimate is not None
    assert entry.estimate.value == 1


def test_curves_that_are_the_same_are_on_neither_side(store: Store, evidence: Evidence) -> None:
    put_curves(store, {LIS: [1.0] * 101, AE: [1.0] * 101})
    claim = replace(BY_ID["curves-cifar10"], plus=(LIS,), minus=(AE,), kind="mean")
    entry = judge(claim, evidence)
    assert entry.estimate is not None
    assert entry.estimate.value == 0.5


def test_detection_is_taken_at_5_percent_of_false_alarms(store: Store, evidence: Evidence) -> None:
    shares = [0.0] * 101
    put_curves(store, {LIS: [*shares[:95], 0.7, *shares[96:]], AE: [*shares[:95], 0.2, *shares[96:]]})
    entry = judge(replace(BETTER, measure="detected"), evidence)
    assert entry.estimate is not None
    assert entry.estimate.value == pytest.approx(0.5)
    assert "detected at 5 % false alarms" in entry.row()["statistic"]


def test_a_curve_is_above_where_more_anomalies_are_found(store: Store, evidence: Evidence) -> None:
    claim = BY_ID["curves-cifar10"]
    fill(store, {LIS: lambda run, _: 0.7 if run.task.normal[0] < 1 else 0.5, AE: lambda *_: 0.6})
    entry = judge(claim, evidence)
    assert entry.estimate is not None
    assert entry.estimate.value == pytest.approx(0.1)
    assert entry.verdict == "not confirmed"
