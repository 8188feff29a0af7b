"""The execution of jobs. A backend is the one seam at which jobs leave this process.

It is handed jobs, and hands each outcome to the caller, who alone writes files.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from typing import Protocol

from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Give, Outcome, Weights, execute, stage_from
from benchmarks.engine.ray_backend import on_ray
from benchmarks.engine.records import Store
from benchmarks.engine.run import Job
from benchmarks.errors import UnavailableError
from lisae.stacks import train_alone, train_together

# Jobs whose networks are trained as stacks on a GPU; how large a stack may be is worked out from the memory there is.
_SIDE_BY_SIDE = 128
_PARENT_SECONDS = 1.0  # from one look at whether the parent is alive to the next


class Backend(Protocol):
    """Execute jobs and give every outcome as it comes.

    Raises ``UnavailableError`` when something outside of the runs ends the call, such as a worker that was killed.
    Outcomes that were given before stay.
    """

    def __call__(self, jobs: Sequence[Job], context: Context, n_jobs: int, give: Give) -> None:
        """Take jobs, what each is told, how many go side by side, and what takes outcomes."""


def local(jobs: Sequence[Job], context: Context, n_jobs: int, give: Give) -> None:
    """Execute jobs on this machine.

    On a CPU ``n_jobs`` runs go side by side, a process and a thread each, and results are the same for every
    ``n_jobs``. On a GPU this process trains the networks of many jobs as stacks. Where the system has no processes
    side by side (no shared memory, or a daemonic process) runs go one after another in this one.
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


BACKENDS: Mapping[str, Backend] = {"local": local, "ray": on_ray}


def _kept_weights(job: Job, context: Context) -> bytes | None:
    """Return the weights of a job's stage from an earlier call, None where the stage is to be trained."""
    if job.stage is None or job.stage.id in context.todo:
        return None
    return Store(context.results_dir).weights(job.stage)


@dataclass(frozen=True, eq=False)
class _Task:
    """A part of a job for one worker, and what waits for the stage that it trains."""

    job: Job
    weights: bytes | None = None
    then: Job | None = None


def _tasks(job: Job, context: Context, weights: bytes | None) -> list[_Task]:
    """Cut a job into a task a run; the stage, if it has to be trained, comes alone and the others wait for it."""
    if job.stage is None:
        return [_Task(job)]
    if stage_from(job.stage, weights, context) is None:
        return [_Task(replace(job, runs=(job.stage,)), then=job)]
    return [_Task(replace(job, runs=(job.stage, run)), weights) for run in job.dependants if run.id in context.todo]


def _side_by_side(pool: ProcessPoolExecutor, jobs: Sequence[Job], context: Context, n_jobs: int, give: Give) -> None:
    tasks = deque(task for job in jobs for task in _tasks(job, context, _kept_weights(job, context)))
    running: dict[Future[list[Outcome]], _Task] = {}
    before = set(multiprocessing.active_children())
    try:
        while tasks or running:
            while tasks and len(running) < n_jobs:
                task = tasks.popleft()
                running[_submit(pool, task, context)] = task
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                for outcome in future.result():
                    give(outcome)
                    if task.then is not None and isinstance(outcome, Weights):
                        tasks.extendleft(_tasks(task.then, context, outcome.content))
                    elif task.then is not None and isinstance(outcome, Failure):
                        for run in task.then.dependants:
                            give(replace(outcome, run=run.id))
    except BrokenProcessPool as error:
        raise UnavailableError(
            "a worker process was killed, most often because memory ran out. What is finished is kept: "
            f"run the same command with fewer than {n_jobs} --jobs."
        ) from error
    except BaseException:  # nobody is left who would take what the workers give
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
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process when its parent is gone: nobody would take what it gives."""
    while os.getppid() == parent:
        time.sleep(_PARENT_SECONDS)
    os._exit(1)
