"""The execution of jobs: train and score their runs, and hand every outcome to the caller, who alone writes files.

A backend is the one seam at which jobs leave this process.
"""

import ctypes
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import NamedTuple, cast

import torch
from threadpoolctl import threadpool_limits

from benchmarks.engine.evaluate import Context, build, evaluate
from benchmarks.engine.records import Record, Store
from benchmarks.engine.run import Job, Run, stage_of
from benchmarks.errors import UnavailableError, one_line, printable
from lisae import BackboneDetector, CollapseError, Detector
from lisae.stacks import Learning, train_alone, train_together

# Jobs whose networks are trained as stacks on a GPU; how large a stack may be is worked out from the memory there is.
_SIDE_BY_SIDE = 128
_PARENT_SECONDS = 1.0  # from one look at whether the parent is alive to the next


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
    """Have this process compute with one thread and exactly, and keep the memory of a training step for the next one.

    One thread is faster than threading one small network, and the result depends on nothing else. The C library of
    Linux gives large blocks back to the kernel when they are freed, and getting them again takes a fifth of a step.
    Blocks larger than any of a step's go back all the same: the holes that many jobs leave add up.
    """
    torch.set_num_threads(1)
    threadpool_limits(limits=1)
    torch.backends.cudnn.allow_tf32 = False  # float32 is float32, in scores too
    mallopt = None
    with suppress(OSError, TypeError):  # some systems have no library without a name
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-1, 512 * 2**20)  # M_TRIM_THRESHOLD of malloc.h
        mallopt(-3, 128 * 2**20)  # M_MMAP_THRESHOLD


def local(jobs: Iterable[Job], context: Context, n_jobs: int, give: Give) -> None:
    """Execute jobs on this machine, and give every outcome as it comes.

    On a CPU ``n_jobs`` runs go side by side, a process and a thread each, and results are the same for every
    ``n_jobs``. On a GPU this process trains the networks of many jobs as stacks. Where the system has no processes
    side by side (no shared memory, or a daemonic process) runs go one after another in this one.

    Raises ``UnavailableError`` when something outside of the runs ends the call, such as a worker that was killed.
    Outcomes that were given before stay.
    """
    if n_jobs > 1 and not multiprocessing.current_process().daemon:
        spawn = multiprocessing.get_context("spawn")  # a fork would inherit locks that other threads hold
        try:
            pool = ProcessPoolExecutor(n_jobs, spawn, _begin_worker, (os.getpid(),))
        except (OSError, ImportError):
            pass
        else:
            _side_by_side(pool, jobs, context, n_jobs, give)
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


def _side_by_side(pool: ProcessPoolExecutor, jobs: Iterable[Job], context: Context, n_jobs: int, give: Give) -> None:
    tasks: Iterator[_Task] = (task for job in jobs for task in _tasks(job, context, _kept_weights(job, context)))
    running: dict[Future[list[Outcome]], _Task] = {}
    before = set(multiprocessing.active_children())
    try:
        while True:
            for task in islice(tasks, n_jobs - len(running)):
                running[_submit(pool, task, context)] = task
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                for outcome in future.result():
                    give(outcome)
                    if task.then is not None and isinstance(outcome, Weights):
                        tasks = chain(_tasks(task.then, context, outcome.content), tasks)
                    elif task.then is not None and isinstance(outcome, Failure):
                        for run in task.then.runs:
                            give(replace(outcome, run=run.id))
    except BrokenProcessPool as error:
        raise UnavailableError(
            "a worker process was killed, most often because memory ran out. What is finished is kept: "
            f"run the same command with fewer than {n_jobs} --jobs."
        ) from error
    except BaseException:  # nobody is left who would take what the workers give
        # Half a message of a killed worker would be waited for without end while this process could write the rest.
        pool._result_queue._writer.close()  # type: ignore[attr-defined]
        for process in set(multiprocessing.active_children()) - before:
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, task: _Task, context: Context) -> "Future[list[Outcome]]":
    """Hand a task to the pool. A worker that this starts never hears of Ctrl-C, not even while it imports."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_work, task.job, context, task.weights)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _work(job: Job, context: Context, weights: bytes | None) -> list[Outcome]:
    outcomes: list[Outcome] = []
    train_alone(execute(job, context, weights, outcomes.append))
    return outcomes


def _begin_worker(parent: int) -> None:
    """Have this process end when its parent is gone: nobody would take what it gives."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_SECONDS)
        os._exit(1)

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=watch, daemon=True).start()
