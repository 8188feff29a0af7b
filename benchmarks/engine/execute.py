"""Training and scoring the runs of a job, in this process or in workers side by side."""

import ctypes
import os
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace

import joblib
import torch
from joblib.externals.loky.process_executor import TerminatedWorkerError

from benchmarks.engine.evaluate import Context, evaluating
from benchmarks.engine.records import Store
from benchmarks.engine.run import Job, Run, stage_of
from benchmarks.errors import UnavailableError
from benchmarks.files import write_text, written_whole
from benchmarks.registry import build
from lisae import BackboneDetector, CollapseError, Detector
from lisae.stacks import Learning, train_alone, train_together

# Jobs whose networks are trained as stacks on a GPU; how large a stack may be is worked out from the memory there is.
_SIDE_BY_SIDE = 128

# Of malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


@dataclass(frozen=True)
class Failure:
    """A run that gave no result, and why, in one line."""

    run: str
    reason: str


def execute(jobs: list[Job], context: Context, n_jobs: int) -> Iterator[list[Failure]]:
    """Run jobs and give the failures of each as it ends.

    On a CPU ``n_jobs`` go side by side, a process and a thread each, and results are the same for every ``n_jobs``.
    On a GPU one process trains the networks of many jobs as stacks. Records are written run by run, so that what is
    finished survives whatever happens to this process.

    Raises ``UnavailableError`` when a record cannot be written or a worker was killed.
    """
    if n_jobs == 1:
        yield from train_together(
            (running(job, context) for job in jobs), 1 if context.device == "cpu" else _SIDE_BY_SIDE
        )
        return
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered", pre_dispatch="all", batch_size=1)
    try:
        yield from parallel(joblib.delayed(run_job)(job, context, os.getpid()) for job in jobs)
    except TerminatedWorkerError as error:
        raise UnavailableError(
            "a worker process was killed, most often because memory ran out. What is finished is kept: "
            f"run the same command with fewer than {n_jobs} --jobs."
        ) from error


def run_job(job: Job, context: Context, parent: int | None = None) -> list[Failure]:
    """``running`` to its end, alone in this process."""
    return train_alone(running(job, context, parent))


def running(job: Job, context: Context, parent: int | None = None) -> Learning[list[Failure]]:
    """Train and score the runs of a job that are still to do, and write their records; yields what is to be trained.

    Args:
        job: its runs, the stage's own first.
        context: what every job of the call is told.
        parent: the process that asked; when it is gone, the rest of the job is left for the next call.
    """
    # One thread a process: faster than threading one small network, and the result depends on nothing else.
    torch.set_num_threads(1)
    _keep_memory()
    store = Store(context.results_dir)
    failures: list[Failure] = []
    stage: Detector | None = None
    for run in job.runs:
        if parent is not None and os.getppid() != parent:
            break
        if run is not job.stage and run.id not in context.todo:
            continue
        try:
            if run is job.stage:
                stage = yield from _stage(run, store, context)
            elif job.stage is not None and stage is None:
                failures.append(Failure(run.id, failures[0].reason))
            else:
                _, record = yield from evaluating(run, context, stage)
                store.put(record)
        except UnavailableError:
            raise
        except CollapseError as error:
            failures.append(Failure(run.id, f"{run.model} {error}; its settings do not suit these images"))
        except Exception as error:  # a fault in one model must not cost the others their hours
            path = context.results_dir / "failures" / f"{run.id}.txt"
            write_text(path, traceback.format_exc())
            failures.append(Failure(run.id, f"unexpected {type(error).__name__}: {error} (traceback in {path})"))
    return failures


def _keep_memory() -> None:
    """Have the C library of Linux keep the memory of a step for the next one.

    It gives large blocks back to the kernel when they are freed, and getting them again takes a fifth of a step. What
    is larger than any of a step's goes back all the same: a worker's many jobs leave holes that would add up.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, 512 * 2**20)
        mallopt(_MMAP_THRESHOLD, 128 * 2**20)


def rebuilt(run: Run, context: Context) -> Detector:
    """The trained detector of a finished run, for what its record does not hold.

    It begins from the stage's weights where these were kept, and is trained again from there: the same settings and
    seed give the same detector. No record is written.
    """
    torch.set_num_threads(1)
    context = replace(context, todo=frozenset())
    begins_from = stage_of(run)
    if begins_from is None:
        return train_alone(evaluating(run, context))[0]
    stage = train_alone(_stage(begins_from, Store(context.results_dir), context))
    return stage if begins_from.id == run.id else train_alone(evaluating(run, context, stage))[0]


def _stage(run: Run, store: Store, context: Context) -> Learning[Detector]:
    """The trained detector that the job's other runs begin from: as it was kept, or trained."""
    path = store.weights_path(run)
    if run.id not in context.todo and path.is_file():
        kept = build(run.model, run.settings, run.seed, context.device)
        assert isinstance(kept, BackboneDetector)
        try:
            return kept.load(path)
        except ValueError:
            pass  # a damaged file is only time lost: the same weights are trained again
    detector, record = yield from evaluating(run, context)
    assert isinstance(detector, BackboneDetector)
    with written_whole(path) as temporary:
        detector.save(temporary)
    if run.id in context.todo:
        store.put(record)
    return detector
