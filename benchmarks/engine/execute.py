"""The execution of jobs: train and score their runs, and hand every outcome to the caller, who alone writes files.

A backend is the one seam at which jobs leave this process.
"""

import multiprocessing
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import NamedTuple, cast

import torch
from threadpoolctl import threadpool_limits

from benchmarks.engine.evaluate import Context, build, evaluate
from benchmarks.engine.records import Record, Store
from benchmarks.engine.run import Job, Run, stage_of
from benchmarks.engine.workers import KilledError, Workers
from benchmarks.errors import UnavailableError, one_line, printable
from benchmarks.own.contract import ENDED, ContractError
from benchmarks.own.sources import register
from benchmarks.registry import MODELS
from lisae import BackboneDetector, CollapseError, Detector, RestartWarning
from lisae.process import keep_memory
from lisae.stacks import Learning, train_alone, train_together

# Jobs whose networks are trained as stacks on a GPU; how large a stack may be is worked out from the memory there is.
_SIDE_BY_SIDE = 128


@dataclass(frozen=True)
class Failure:
    """A run that gave no result, and why, in one line; ``details`` is the traceback of a fault that nobody expected."""

    run: str
    reason: str
    details: str = ""


@dataclass(frozen=True)
class Weights:
    """The trained detector of a stage that other runs begin from, as its ``to_bytes`` gives it."""

    run: str
    content: bytes


Outcome = Record | Failure | Weights
Give = Callable[[Outcome], object]


def keep_outcome(outcome: Outcome, store: Store) -> Failure | None:
    """Write an outcome and return it if it is a failure, whose reason then names the file of its traceback.

    A record with a value that is not possible, such as an AUC that is no number, is a failure and is not written.

    Raises ``UnavailableError`` when the outcome cannot be written.
    """
    if isinstance(outcome, Record):
        try:
            store.put(outcome)
        except ValueError as error:
            return Failure(outcome.run, f"its results are not possible, and were not kept: {error}")
    elif isinstance(outcome, Weights):
        store.put_weights(outcome.run, outcome.content)
    elif outcome.details:
        path = store.put_failure(outcome.run, outcome.details)
        return replace(outcome, reason=f"{outcome.reason} (traceback in {path})")
    return outcome if isinstance(outcome, Failure) else None


def execute(job: Job, context: Context, weights: bytes | None, give: Give) -> Learning[None]:
    """Train and score the runs of a job that are to do; yields what is to be trained.

    ``weights`` are the stage as an earlier job or call gave it, None if it is to be trained. ``give`` takes each
    outcome as it comes: a run that fails is an outcome, and so is a stage that was trained.

    Raises ``UnavailableError`` where nothing can go on, such as without data.
    """
    prepare_process()
    register(context.own)
    stage = stage_from(job.stage, weights, context) if job.stage else None
    if job.stage and stage is None:
        trained = yield from _attempt(job.stage, context, None)
        if isinstance(trained, Failure):
            for run in job.runs or (job.stage,):
                give(replace(trained, run=run.id))
            return
        stage, record = trained
        if job.stage in job.runs:
            give(record)
        give(Weights(job.stage.id, cast(BackboneDetector, stage).to_bytes()))
    for run in job.dependants:
        outcome = yield from _attempt(run, context, stage)
        give(outcome if isinstance(outcome, Failure) else outcome[1])


def _attempt(run: Run, context: Context, stage: Detector | None) -> Learning[tuple[Detector, Record] | Failure]:
    """Train and score a run, or say why that failed: a fault in one model must not cost the others their hours."""
    try:
        return (yield from evaluate(run, context, stage))
    except UnavailableError:
        raise
    except CollapseError as error:
        return Failure(run.id, f"{run.model} {error}; its settings do not suit these images")
    except ContractError as error:
        return Failure(run.id, f"{run.model} {error}")
    except (Exception, SystemExit) as error:  # some libraries leave the program where they cannot go on
        reason = one_line(f"unexpected {type(error).__name__}: {error}")
        return Failure(run.id, reason, printable(traceback.format_exc()))


def stage_from(run: Run, weights: bytes | None, context: Context) -> Detector | None:
    """Return the trained detector of a stage from its weights, or None where these are not there or not its own."""
    if weights is None:
        return None
    try:
        untrained = build(run.model, run.settings, run.seed, context.device)
        return cast(BackboneDetector, untrained).from_bytes(weights)  # as every stage is
    except ValueError:
        return None  # only time is lost: the same weights are trained again


def rebuild(run: Run, context: Context) -> Detector:
    """Return the trained detector of a finished run, for what its record does not hold.

    It begins from the stage's weights where these were kept, and is trained again from there: the same settings and
    seed give the same detector. Nothing is recorded.
    """
    prepare_process()
    stage, trained = stage_of(run), None
    if stage is not None:
        weights = Store(context.results_dir).weights(stage)
        trained = stage_from(stage, weights, context) or train_alone(evaluate(stage, context))[0]
        if stage.id == run.id:
            return trained
    return train_alone(evaluate(run, context, trained))[0]


def prepare_process() -> None:
    """Have this process compute with one thread and exactly, keep its memory, and leave restarts to the records.

    One thread is faster than threading one small network, and the result depends on nothing else.
    """
    torch.set_num_threads(1)
    threadpool_limits(limits=1)
    torch.backends.cudnn.allow_tf32 = False  # float32 is float32, in scores too
    warnings.simplefilter("ignore", RestartWarning)
    keep_memory()


def local(jobs: Iterable[Job], context: Context, n_jobs: int, give: Give) -> None:
    """Execute jobs on this machine, and give every outcome as it comes.

    On a CPU ``n_jobs`` runs go side by side, a process and a thread each, and results are the same for every
    ``n_jobs``. On a GPU this process trains the networks of many jobs as stacks. In a daemonic process, which may not
    have children, runs go one after another.

    Raises ``UnavailableError`` when something outside of the runs ends the call, such as a worker that was killed.
    Outcomes that were given before stay.
    """
    if n_jobs > 1 and not multiprocessing.current_process().daemon:
        _side_by_side(jobs, context, n_jobs, give)
        return
    learnings = (execute(job, context, _kept_weights(job, context), give) for job in jobs)
    for _ in train_together(learnings, 1 if context.device == "cpu" else _SIDE_BY_SIDE):
        pass


def _kept_weights(job: Job, context: Context) -> bytes | None:
    """Return the weights of a job's stage from an earlier call, None where the stage is to be trained."""
    if job.stage is None or job.stage in job.runs:
        return None
    return Store(context.results_dir).weights(job.stage)


class _Task(NamedTuple):
    """A part of a job for one worker, and the job that waits for the stage that it trains."""

    job: Job
    weights: bytes | None = None
    then: Job | None = None


def _tasks(job: Job, context: Context, weights: bytes | None) -> list[_Task]:
    """Cut a job into a task for each run; a stage that has to be trained comes alone, and the others wait for it."""
    if job.stage is None:
        return [_Task(job)]
    if stage_from(job.stage, weights, context) is None:
        return [_Task(job.stage_alone, then=replace(job, runs=job.dependants))]
    return [_Task(replace(job, runs=(run,)), weights) for run in job.dependants]


def _side_by_side(jobs: Iterable[Job], context: Context, n_jobs: int, give: Give) -> None:
    tasks: Iterator[_Task] = (task for job in jobs for task in _tasks(job, context, _kept_weights(job, context)))
    with Workers[_Task, list[Outcome]](_work, n_jobs) as workers:
        while True:
            for task in islice(tasks, workers.free):
                workers.hand_over(task, task.job, context, task.weights)
            if not workers.busy:
                return
            for task, outcomes in _results(workers):
                for outcome in outcomes:
                    give(outcome)
                    if task.then is not None and isinstance(outcome, Weights):
                        tasks = chain(_tasks(task.then, context, outcome.content), tasks)
                    elif task.then is not None and isinstance(outcome, Failure):
                        for run in task.then.runs:
                            give(replace(outcome, run=run.id))


def _results(workers: Workers[_Task, list[Outcome]]) -> Iterator[tuple[_Task, list[Outcome]]]:
    """Give results as workers do; a detector from outside that ends its process costs its own runs alone.

    Raises ``KilledError`` for another worker that was killed.
    """
    try:
        yield from workers.results()
    except KilledError as error:
        if not isinstance(error.task, _Task) or not all(MODELS[run.model].origin for run in error.task.job.runs):
            raise
        yield error.task, [Failure(run.id, ENDED) for run in error.task.job.runs]


def _work(job: Job, context: Context, weights: bytes | None) -> list[Outcome]:
    outcomes: list[Outcome] = []
    train_alone(execute(job, context, weights, outcomes.append))
    return outcomes
