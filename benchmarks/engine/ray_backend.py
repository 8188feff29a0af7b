"""The execution of jobs on a Ray cluster that exists: a task a run, the trained stage an argument of its dependants.

The tasks run the code of this call and return outcomes, as ``execute`` gives them; only the caller writes results.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol

import numpy as np

from benchmarks.data.negatives import STROKES
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Give, Outcome, Weights, stage_from
from benchmarks.engine.ray_cluster import RayCluster, cluster_address, connected, resource_of, silent_stdout
from benchmarks.engine.ray_node import (
    Brief,
    Reference,
    SharedFile,
    automatic_precision,
    code_digest,
    file_digest,
)
from benchmarks.engine.records import Record, Store
from benchmarks.engine.run import Job
from benchmarks.errors import UnavailableError

_WINDOW = 200  # open tasks at least: each costs the caller memory, and each look at them time
_LOOK_SECONDS = 5.0  # from one look at which nodes there are to the next
_PATIENCE = 120.0  # seconds without any node after which the call ends
_PIECE = 2**26  # bytes of a data set that travel as one object
_STACK = 128  # jobs of a task for a GPU at most


class Cluster(Protocol):
    """The part of Ray that this module needs."""

    def put(self, value: object) -> Reference:
        """Put a value into the object store."""

    def get(self, reference: Reference) -> Any:
        """Return a value. Raises the error that its task ended with."""

    def submit(self, jobs: Sequence[Job], brief: Brief, begun: Sequence[Reference | None]) -> Reference:
        """Have ``work`` called somewhere, with the values that ``begun`` refers to."""

    def wait(self, references: Sequence[Reference], seconds: float) -> Sequence[Reference]:
        """Return those that are there, after ``seconds`` at most if there are none."""

    def slots(self) -> int:
        """Return the number of tasks that the nodes alive can execute side by side.

        Raises ``UnavailableError`` when nobody is left who would know.
        """


def on_ray(jobs: Iterable[Job], context: Context, n_jobs: int, give: Give) -> None:
    """Execute jobs on the Ray cluster at RAY_ADDRESS, which decides how many go side by side, whatever ``n_jobs``.

    Raises ``CallError`` where there is no such cluster, and ``UnavailableError`` when it has had no node for two
    minutes, or a node would compute something else.
    """
    with connected(cluster_address(None)) as ray, silent_stdout():
        drive(RayCluster(ray, context.device), list(jobs), context, give, _PATIENCE)


def drive(cluster: Cluster, jobs: Sequence[Job], context: Context, give: Give, patience: float) -> None:
    """Submit the tasks of jobs, no more than a window of them at a time, and give their outcomes, records last.

    Raises ``UnavailableError`` when the cluster has no node that could execute one for ``patience`` seconds.
    """
    to_come = _submitted(cluster, jobs, _brief(cluster, jobs, context))
    running: dict[Reference, frozenset[str]] = {}
    slots, looked = cluster.slots(), time.monotonic()
    alive = looked
    while True:
        running.update(islice(to_come, max(0, max(_WINDOW, 2 * slots) - len(running))))
        if not running:
            return
        done = cluster.wait(list(running), _LOOK_SECONDS)
        for one in done:
            outcomes = _outcomes(cluster, one, running.pop(one))
            for outcome in sorted(outcomes, key=lambda outcome: isinstance(outcome, Record)):
                give(outcome)
        if time.monotonic() - looked >= _LOOK_SECONDS:
            slots, looked = cluster.slots(), time.monotonic()
        if done or slots:
            alive = time.monotonic()
        elif time.monotonic() - alive > patience:
            raise UnavailableError(
                f"the Ray cluster has had no node with a {resource_of(context.device)} for {patience:.0f} s, and "
                f"{len(running)} tasks wait. What is finished is kept: run the same command again once it has nodes."
            )


def _submitted(cluster: Cluster, jobs: Sequence[Job], brief: Brief) -> Iterator[tuple[Reference, frozenset[str]]]:
    """Submit one task each time that the next one is asked for; give it and the runs that it answers for."""

    def submit(jobs: Sequence[Job], *begun: Reference | None) -> tuple[Reference, frozenset[str]]:
        files = {name: brief.files[name] for name in _data_of(jobs)}
        own = frozenset(run.id for job in jobs for run in job.runs)
        return cluster.submit(jobs, replace(brief, files=files), begun), own

    if brief.context.device != "cpu":  # whole jobs, many a task, so that their networks are trained as stacks
        size = min(_STACK, -(-len(jobs) // max(1, cluster.slots())))
        for chunk in (jobs[start : start + size] for start in range(0, len(jobs), size)):
            yield submit(chunk, *(_kept_weights(cluster, job, brief.context) for job in chunk))
        return
    for job in jobs:
        if job.stage is None:
            yield submit([job], None)
            continue
        stage = _kept_weights(cluster, job, brief.context)
        if stage is None:
            stage, own = submit([job.stage_alone], None)
            yield stage, own
        for run in job.dependants:
            yield submit([replace(job, runs=(run,))], stage)


def _data_of(jobs: Iterable[Job]) -> list[str]:
    """Return the names of the data sets that jobs read from files."""
    runs = (run for job in jobs for run in (*job.runs, job.stage) if run)
    return sorted({name for run in runs for name in run.data} - {STROKES})


def _kept_weights(cluster: Cluster, job: Job, context: Context) -> Reference | None:
    """Put the weights of a job's stage from an earlier call into the store; None where it is to be trained."""
    if job.stage is None or job.stage in job.runs:
        return None
    content = Store(context.results_dir).weights(job.stage)
    if content is None or stage_from(job.stage, content, context) is None:
        return None
    return cluster.put([Weights(job.stage.id, content)])


def _outcomes(cluster: Cluster, task: Reference, todo: Iterable[str]) -> list[Outcome]:
    """Return the outcomes of a task, failures where it was lost. Raises the ``UnavailableError`` that it met."""
    try:
        outcomes = cluster.get(task)
    except Exception as error:  # Ray has many kinds; a task that is lost must not cost the others their hours
        first = (str(error).strip().splitlines() or [""])[0]
        reason = f"its task on the Ray cluster was lost, retries included: {type(error).__name__}: {first}"
        return [Failure(run, reason, str(error)) for run in todo]
    if isinstance(outcomes, UnavailableError):
        raise outcomes
    return outcomes


def _brief(cluster: Cluster, jobs: Sequence[Job], context: Context) -> Brief:
    """Put every data set that the jobs read into the object store, and resolve what depends on the hardware."""
    runs = [run for job in jobs for run in (*job.runs, job.stage) if run]
    files = {}
    for name in _data_of(jobs):
        path = context.data_dir / f"{name}.npz"
        try:
            digest = file_digest(path)
            with path.open("rb") as source:
                pieces = [cluster.put(np.frombuffer(one, np.uint8)) for one in iter(lambda: source.read(_PIECE), b"")]
        except OSError as error:
            raise UnavailableError(f"{path} cannot be read: {error.strerror}.") from error
        files[name] = SharedFile(digest, cluster.put(pieces))
    names = "".join(f"{name}{file.digest}" for name, file in files.items())
    return Brief(
        context,
        files,
        folder=hashlib.sha256(names.encode()).hexdigest()[:16],
        precision=automatic_precision(context.device) if any(_is_automatic(run.settings) for run in runs) else "",
        code=code_digest(),
    )


def _is_automatic(settings: Mapping[str, Any]) -> bool:
    return settings.get("precision") == "auto" or any(
        _is_automatic(value) for value in settings.values() if isinstance(value, dict)
    )
