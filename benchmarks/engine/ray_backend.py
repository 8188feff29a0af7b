"""The execution of jobs on a Ray cluster that exists: a task a run, the trained stage an argument of its dependants.

The tasks run the code of this call and return outcomes, as ``execute`` gives them; only the caller writes results.
"""

import hashlib
import importlib.util
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.data.negatives import STROKES
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Give, Outcome, Weights, stage_from
from benchmarks.engine.node import (
    PACKAGES,
    Brief,
    Reference,
    SharedFile,
    automatic_precision,
    code_digest,
    file_digest,
    work,
)
from benchmarks.engine.records import Record, Store
from benchmarks.engine.run import Job
from benchmarks.errors import CallError, UnavailableError

_WINDOW = 200  # open tasks at least: each costs the caller memory, and each look at them time
_RETRIES = 3  # of a task whose node or worker is lost, or whose memory ran out
_LOOK_SECONDS = 5.0  # from one look at which nodes there are to the next
_PATIENCE = 120.0  # seconds without any node after which the call ends
_HEAD_PATIENCE = 40.0  # seconds without an answer of its head; Ray itself would end this process after 60, in silence
_REACH_SECONDS = 10.0  # to reach the head
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


def on_ray(jobs: Sequence[Job], context: Context, n_jobs: int, give: Give) -> None:
    """Execute jobs on the Ray cluster at RAY_ADDRESS, which decides how many go side by side, whatever ``n_jobs``.

    Raises ``CallError`` where there is no such cluster, and ``UnavailableError`` when it has had no node for two
    minutes, or a node would compute something else.
    """
    with connected(cluster_address(None)) as ray:
        drive(RayCluster(ray, context.device), jobs, context, give, _PATIENCE)


def cluster_address(given: str | None) -> str:
    """Return the address of the cluster, ``given`` or RAY_ADDRESS. Raises ``CallError`` for one that cannot be used."""
    if importlib.util.find_spec("ray") is None:
        raise CallError("--backend ray needs Ray, which is not installed: pip install 'lisae[ray]'.")
    address = given or os.environ.get("RAY_ADDRESS", "")
    if not address:
        raise CallError(
            "--backend ray needs a cluster that exists: give its address with --address HOST:PORT or in RAY_ADDRESS, "
            "or 'auto' on one of its nodes. None is started here: 'ray start --head' does that."
        )
    host, _, port = address.rpartition(":")
    if address != "auto" and ("/" in host or not host or not port.isdecimal()):
        raise CallError(
            f"the address of a Ray cluster is HOST:PORT, or 'auto' on one of its nodes; got {address!r}. "
            "Make the call on a node of the cluster."
        )
    return address


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
                f"the Ray cluster has had no node with a {_resource(context.device)} for {patience:.0f} s, and "
                f"{len(running)} tasks wait. What is finished is kept: run the same command again once it has nodes."
            )


def _submitted(cluster: Cluster, jobs: Sequence[Job], brief: Brief) -> Iterator[tuple[Reference, frozenset[str]]]:
    """Submit one task each time that the next one is asked for; give it and the runs that it answers for."""

    def submit(jobs: Sequence[Job], todo: Iterable[str], *begun: Reference | None) -> tuple[Reference, frozenset[str]]:
        own = brief.context.todo.intersection(todo)
        names = {name for job in jobs for run in job.runs if run.id in own or run is job.stage for name in run.data}
        files = {name: brief.files[name] for name in names & brief.files.keys()}
        return cluster.submit(jobs, replace(brief, context=replace(brief.context, todo=own), files=files), begun), own

    if brief.context.device != "cpu":  # whole jobs, many a task, so that their networks are trained as stacks
        size = min(_STACK, -(-len(jobs) // max(1, cluster.slots())))
        for chunk in (jobs[start : start + size] for start in range(0, len(jobs), size)):
            ids = [run.id for job in chunk for run in job.runs]
            yield submit(chunk, ids, *(_kept_weights(cluster, job, brief.context) for job in chunk))
        return
    for job in jobs:
        if job.stage is None:
            yield submit([job], [run.id for run in job.runs], None)
            continue
        stage = _kept_weights(cluster, job, brief.context)
        if stage is None:
            stage, todo = submit([Job((job.stage,), job.stage)], [job.stage.id], None)
            yield stage, todo
        for run in job.dependants:
            if run.id in brief.context.todo:
                yield submit([Job((job.stage, run), job.stage)], [run.id], stage)


def _kept_weights(cluster: Cluster, job: Job, context: Context) -> Reference | None:
    """Put the weights of a job's stage from an earlier call into the store; None where it is to be trained."""
    if job.stage is None or job.stage.id in context.todo:
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
    runs = [run for job in jobs for run in job.runs if run.id in context.todo or run is job.stage]
    files = {}
    for name in sorted({name for run in runs for name in run.data} - {STROKES}):
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


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Connect this process to a cluster and give the module ``ray``. Raises ``CallError`` when there is no cluster."""
    os.environ.setdefault("RAY_task_oom_retries", str(_RETRIES))  # else a task that is too large is tried for ever
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its lines on stderr are not for who makes the call
    import ray  # noqa: PLC0415  # an extra

    root, before = Path(__file__).parents[2], signal.getsignal(signal.SIGTERM)
    try:
        if address != "auto":  # Ray itself would try for minutes
            _reach(address)
        with _silence():
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"py_modules": [str(root / name) for name in PACKAGES], "excludes": ["__pycache__"]},
            )
    except (OSError, RuntimeError, ValueError, OverflowError) as error:
        raise CallError(
            f"no Ray cluster could be joined at {address}: {error}. Make the call on one of its nodes, with the same "
            "versions of Python and Ray."
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)  # Ray puts its own in place
    try:
        yield ray
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Raise OSError where nobody listens."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), _REACH_SECONDS).close()


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what the native part of Ray writes off stderr."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def _work(jobs: Sequence[Job], brief: Brief, *begun: Sequence[Outcome] | None) -> list[Outcome] | UnavailableError:
    import ray  # noqa: PLC0415

    return work(jobs, brief, ray.get, begun)


def _resource(device: str) -> str:
    return "CPU" if device == "cpu" else "GPU"


class RayCluster(Cluster):
    """The cluster that this process is connected to."""

    def __init__(self, ray: Any, device: str) -> None:
        self._ray, self._resource = ray, _resource(device)
        self._head: str = ray.get_runtime_context().gcs_address
        self._slots, self._answered = 0, time.monotonic()
        needs = {"num_cpus": 1} | ({} if device == "cpu" else {"num_gpus": 1})
        self._task = ray.remote(max_retries=_RETRIES, **needs)(_work)

    def put(self, value: object) -> Reference:
        """See ``Cluster``."""
        return self._ray.put(value)

    def get(self, reference: Reference) -> Any:
        """See ``Cluster``."""
        return self._ray.get(reference)

    def submit(self, jobs: Sequence[Job], brief: Brief, begun: Sequence[Reference | None]) -> Reference:
        """See ``Cluster``."""
        return self._task.remote(jobs, brief, *begun)

    def wait(self, references: Sequence[Reference], seconds: float) -> Sequence[Reference]:
        """See ``Cluster``."""
        return self._ray.wait(references, timeout=seconds)[0]

    def slots(self) -> int:
        """See ``Cluster``."""
        try:
            _reach(self._head)
        except OSError as error:
            if time.monotonic() - self._answered > _HEAD_PATIENCE:
                raise UnavailableError(
                    f"the head of the Ray cluster at {self._head} has not answered for {_HEAD_PATIENCE:.0f} s ({error}). "
                    "What is finished is kept: run the same command again once there is a cluster."
                ) from error
        else:
            nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
            self._slots, self._answered = int(sum(one.get(self._resource, 0) for one in nodes)), time.monotonic()
        return self._slots
