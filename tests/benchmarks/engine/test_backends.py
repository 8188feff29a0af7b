"""Wherever jobs are executed, the caller gets the same outcomes, and hears of whatever ends them."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from benchmarks.engine import execute as backends
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Outcome, Weights, local
from benchmarks.engine.profiles import Profile
from benchmarks.engine.records import Record, Store
from benchmarks.engine.run import Job, Run, make_jobs
from benchmarks.errors import UnavailableError
from benchmarks.paper.tasks import with_classes, without_negatives

MakeRun = Callable[..., Run]


@pytest.fixture
def jobs(drawn_run: MakeRun, tiny: Profile) -> list[Job]:
    runs = []
    for c in (1, 2):
        runs += [drawn_run(without_negatives("cifar10", c), "AE"), drawn_run(without_negatives("cifar10", c), "IF")]
        runs += [drawn_run(with_classes("cifar10", c, (n,)), "LIS-AE") for n in (5, 6)]
    return make_jobs(runs, tiny)


def outcomes_of(jobs: Sequence[Job], context: Context, n_jobs: int) -> list[Outcome]:
    outcomes: list[Outcome] = []
    local(jobs, context, n_jobs, outcomes.append)
    return outcomes


def ids_of(jobs: Sequence[Job]) -> set[str]:
    return {run.id for job in jobs for run in job.runs}


def timeless(outcomes: Sequence[Outcome]) -> dict[str, Record]:
    return {
        one.run: replace(one, fit_seconds=0, score_seconds=0, processor_seconds=0)
        for one in outcomes
        if isinstance(one, Record)
    }


def test_workers_give_what_this_process_gives(jobs: list[Job], context: Context) -> None:
    here, there = outcomes_of(jobs, context, 1), outcomes_of(jobs, context, 2)
    assert timeless(here).keys() == ids_of(jobs)
    assert timeless(here) == timeless(there)
    for outcomes in (here, there):
        stages = {one.run for one in outcomes if isinstance(one, Weights)}
        assert stages == {job.stage.id for job in jobs if job.stage}
        assert len(outcomes) == len(ids_of(jobs)) + len(stages)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_kept_weights_are_where_dependants_begin(jobs: list[Job], context: Context, n_jobs: int) -> None:
    store, first = Store(context.results_dir), outcomes_of(jobs, context, 1)
    for one in first:
        if isinstance(one, Weights):
            store.put_weights(one.run, one.content)
    left = [replace(job, runs=job.dependants) for job in jobs if job.stage]
    again = outcomes_of(left, context, n_jobs)
    assert {type(one) for one in again} == {Record}
    assert timeless(again) == {name: one for name, one in timeless(first).items() if name in ids_of(left)}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_stage_that_fails_fails_its_dependants(jobs: list[Job], context: Context, n_jobs: int) -> None:
    """A batch of no image is refused, in a worker too."""
    shared = next(job for job in jobs if job.stage)
    assert shared.stage is not None
    broken = replace(shared.stage, settings=shared.stage.settings | {"batch_size": 0})
    job = Job((broken, *shared.dependants), broken)
    outcomes = outcomes_of([job], context, n_jobs)
    assert {type(one) for one in outcomes} == {Failure}
    assert sorted(one.run for one in outcomes) == sorted(run.id for run in job.runs)


def test_what_takes_outcomes_can_end_the_call(jobs: list[Job], context: Context) -> None:
    def full(_: Outcome) -> None:
        raise UnavailableError("the disk is full")

    before = set(multiprocessing.active_children())
    with pytest.raises(UnavailableError, match="disk is full"):
        local(jobs, context, 2, full)
    assert set(multiprocessing.active_children()) == before


def die(*_: object) -> list[Outcome]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def test_a_killed_worker_is_one_clear_message(
    jobs: list[Job], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "_work", die)
    with pytest.raises(UnavailableError, match=r"a worker process was killed.*fewer than 2 --jobs"):
        outcomes_of(jobs, context, 2)


def test_in_a_daemonic_process_runs_go_one_after_another(
    jobs: list[Job], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may not have children: to start one is an ``AssertionError``."""
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)  # type: ignore[attr-defined]
    assert timeless(outcomes_of(jobs, context, 2)).keys() == ids_of(jobs)


def refuse(*_: object) -> list[Outcome]:
    raise UnavailableError("the data are gone")


def test_what_a_worker_cannot_go_on_without_ends_the_call(
    jobs: list[Job], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "_work", refuse)
    with pytest.raises(UnavailableError, match="the data are gone"):
        outcomes_of(jobs, context, 2)
