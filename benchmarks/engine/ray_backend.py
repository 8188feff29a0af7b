"""The execution of jobs on a Ray cluster that exists: a task a run, the trained stage an argument of its dependants.

The tasks run the code of this call and return outcomes, as ``execute`` gives them; only the caller writes results.
"""

import hashlib
import importlib.util
import logging
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from filelock import FileLock

from benchmarks.data.negatives import STROKES
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Give, Outcome, Weights, execute, stage_from
from benchmarks.engine.records import Record, Store
from benchmarks.engine.run import Job
from benchmarks.errors import CallError, UnavailableError
from benchmarks.files import written_whole
from lisae.device import resolve_device, resolve_precision
from lisae.stacks import train_together

_WINDOW = 200  # open tasks at least; each costs the caller memory, and a look at all of them time
_RETRIES = 3  # of a task whose node or worker is lost, or whose memory ran out
_LOOK_SECONDS = 5.0  # from one look at which nodes there are to the next
_PATIENCE = 120.0  # seconds without any node after which the call ends
_REACH_SECONDS = 10.0
_PIECE = 2**26  # bytes of a data set that travel as one object
_STACK = 128  # jobs of a chunk for a GPU at most
_PACKAGES = ("lisae", "baselines", "benchmarks")

Reference = Any  # to an object in the cluster's store; hashable


@dataclass(frozen=True)
class SharedFile:
    """A file in the object store: its SHA-256 (hexadecimal), and a reference to the references of its pieces."""

    digest: str
    pieces: Reference


@dataclass(frozen=True)
class Brief:
    """What tasks are told besides their jobs; ``context.todo`` names the runs that the task answers for.

    Attributes:
        context: as for every backend; ``data_dir`` is the caller's, and a node has a folder of its own.
        files: the data sets that the task reads.
        folder: the name of the folder that holds the data sets of this call on a node.
        precision: what ``precision = "auto"`` is for the caller; '' where no run says so.
    """

    context: Context
    files: Mapping[str, SharedFile]
    folder: str
    precision: str


class Cluster(Protocol):
    """The part of Ray that this module needs."""

    def put(self, value: object) -> Reference:
        """Put a value into the object store."""

    def get(self, reference: Reference) -> Any:
        """Return a value. Raises the error that the task ended with."""

    def submit(self, jobs: Sequence[Job], brief: Brief, begun: Sequence[Reference | None]) -> Reference:
        """Have ``work`` called with these arguments somewhere, ``begun`` replaced by what it refers to."""

    def wait(self, references: Sequence[Reference], seconds: float) -> Sequence[Reference]:
        """Return those that are finished, after ``seconds`` at most if there are none."""

    def slots(self) -> int:
        """Return how many tasks the nodes that are alive can execute side by side."""


def on_ray(jobs: Sequence[Job], context: Context, n_jobs: int, give: Give, *, patience: float = _PATIENCE) -> None:
    """Execute jobs on the Ray cluster at RAY_ADDRESS, which decides how many go side by side, whatever ``n_jobs``.

    Raises ``CallError`` where there is no such cluster, and ``UnavailableError`` when it has no node for ``patience``
    seconds or a node computes in another precision.
    """
    with connected(cluster_address(None)) as ray:
        drive(RayCluster(ray, context.device), jobs, context, give, patience)


def cluster_address(given: str | None) -> str:
    """Return the address of the cluster, ``given`` or RAY_ADDRESS. Raises ``CallError`` for one that cannot be used."""
    if importlib.util.find_spec("ray") is None:
        raise CallError("--backend ray needs Ray, which is not installed: pip install 'lisae[ray]'.")
    address = given or os.environ.get("RAY_ADDRESS", "")
    if not address:
        raise CallError(
            "--backend ray needs a cluster that exists: give its address with --address HOST:PORT or in RAY_ADDRESS, "
            "or 'auto' on one of its nodes. None is started: 'ray start --head' does that."
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
    brief = _brief(cluster, jobs, context)
    to_come = _submitted(cluster, jobs, brief)
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
                f"the Ray cluster has had no node with a {context.device.upper()} for {patience:.0f} s, and "
                f"{len(running)} tasks wait. What is finished is kept: run the same command again once it has nodes."
            )


def _submitted(cluster: Cluster, jobs: Sequence[Job], brief: Brief) -> Iterator[tuple[Reference, frozenset[str]]]:
    """Submit one task each time that the next one is asked for; give it and the runs that it answers for."""

    def submit(jobs: Sequence[Job], *begun: Reference | None) -> tuple[Reference, frozenset[str]]:
        runs = [run for job in jobs for run in job.runs]
        todo = brief.context.todo.intersection(run.id for run in runs)
        todo -= {job.stage.id for job, given in zip(jobs, begun, strict=True) if job.stage and given is not None}
        files = {name: brief.files[name] for run in runs for name in run.data if name in brief.files}
        own = replace(brief, context=replace(brief.context, todo=todo), files=files)
        return cluster.submit(jobs, own, begun), todo

    if brief.context.device != "cpu":
        size = min(_STACK, -(-len(jobs) // max(1, cluster.slots())))
        for start in range(0, len(jobs), size):
            chunk = jobs[start : start + size]
            yield submit(chunk, *(_kept_weights(cluster, job, brief.context) for job in chunk))
        return
    for job in jobs:
        if job.stage is None:
            yield submit([job], None)
            continue
        stage = _kept_weights(cluster, job, brief.context)
        if stage is None:
            stage, todo = submit([Job((job.stage,), job.stage)], None)
            yield stage, todo
        for run in job.dependants:
            if run.id in brief.context.todo:
                yield submit([Job((job.stage, run), job.stage)], stage)


def _kept_weights(cluster: Cluster, job: Job, context: Context) -> Reference | None:
    """Put the weights of a job's stage from an earlier call into the store; None where it is to be trained."""
    if job.stage is None or job.stage.id in context.todo:
        return None
    content = Store(context.results_dir).weights(job.stage)
    if stage_from(job.stage, content, context) is None:
        return None
    return cluster.put([Weights(job.stage.id, content)]) if content else None


def _outcomes(cluster: Cluster, task: Reference, todo: Iterable[str]) -> list[Outcome]:
    """Return the outcomes of a task, failures where it was lost. Raises the ``UnavailableError`` that it met."""
    try:
        outcomes = cluster.get(task)
    except Exception as error:  # of any kind that Ray has: a task that is lost must not cost the others their hours
        first = str(error).strip().splitlines()[0] if str(error).strip() else ""
        reason = f"its task on the Ray cluster was lost, after {_RETRIES} retries: {type(error).__name__}: {first}"
        return [Failure(run, reason, str(error)) for run in todo]
    if isinstance(outcomes, UnavailableError):
        raise outcomes
    return outcomes


# On a node


def work(
    jobs: Sequence[Job], brief: Brief, get: Callable[[Reference], Any], *begun: Sequence[Outcome] | None
) -> list[Outcome] | UnavailableError:
    """Execute jobs on a node and return their outcomes, or what keeps this node from executing any.

    Args:
        jobs: on a GPU they are trained side by side.
        brief: what they are told.
        get: returns the value of a reference.
        begun: for each job the outcomes of its stage where that is not to be trained, its weights or its failure.
    """
    outcomes: list[Outcome] = []
    try:
        _check_precision(brief)
        context = replace(brief.context, data_dir=_data_dir(brief, get))
        learnings = []
        for job, stage in zip(jobs, begun, strict=True):
            failed = [one for one in stage or () if isinstance(one, Failure)]
            content = next((one.content for one in stage or () if isinstance(one, Weights)), None)
            if failed:
                outcomes += [replace(failed[0], run=run.id) for run in job.dependants if run.id in context.todo]
            else:
                learnings.append(execute(job, context, content, outcomes.append))
        for _ in train_together(learnings, len(learnings) or 1):
            pass
    except UnavailableError as error:
        return UnavailableError(f"node {socket.gethostname()}: {error}")
    return outcomes


def _check_precision(brief: Brief) -> None:
    here = automatic_precision(brief.context.device) if brief.precision else ""
    if here != brief.precision:
        raise UnavailableError(
            f"precision = 'auto' is {here} on this node and {brief.precision} where the call was made, so that results "
            "would differ under one id. Name the precision in the settings, or use nodes with the same hardware."
        )


def automatic_precision(device: str) -> str:
    """Return what ``precision = "auto"`` is on this machine: float32 or bfloat16."""
    return str(resolve_precision("auto", resolve_device(device))).removeprefix("torch.")


def _data_dir(brief: Brief, get: Callable[[Reference], Any]) -> Path:
    """Return the folder of this node with the data sets of a task, each fetched from the object store once a node."""
    root = Path(tempfile.gettempdir()) / f"lisae-{os.getuid()}"
    folder = root / brief.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if root.stat().st_uid != os.getuid():
        raise UnavailableError(f"{root} belongs to somebody else: set TMPDIR to a folder of your own on the nodes.")
    for name, file in brief.files.items():
        place = folder / f"{name}.npz"
        if place in _placed and place.is_file():
            continue
        whole = root / f"{file.digest}.npz"
        with FileLock(root / f"{file.digest}.lock"):
            if not (whole.is_file() and _digest(whole) == file.digest):
                with written_whole(whole) as temporary:
                    with temporary.open("wb") as target:
                        for piece in get(file.pieces):
                            target.write(get(piece))
                    if _digest(temporary) != file.digest:
                        raise UnavailableError(f"{name} did not arrive whole: run the same command again.")
            with suppress(FileExistsError):
                place.symlink_to(whole)
        _placed.add(place)
    return folder


_placed: set[Path] = set()  # checked by this process


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# With the caller


def _brief(cluster: Cluster, jobs: Sequence[Job], context: Context) -> Brief:
    """Put every data set that the jobs read into the object store, and resolve what depends on the hardware."""
    runs = [run for job in jobs for run in job.runs if run.id in context.todo or run is job.stage]
    files = {}
    for name in sorted({name for run in runs for name in run.data} - {STROKES}):
        path = context.data_dir / f"{name}.npz"
        with path.open("rb") as source:
            pieces = [cluster.put(np.frombuffer(piece, np.uint8)) for piece in iter(lambda: source.read(_PIECE), b"")]
        files[name] = SharedFile(_digest(path), cluster.put(pieces))
    names = "".join(f"{name}{file.digest}" for name, file in files.items())
    is_automatic = any(_says_auto(run.settings) for run in runs)
    return Brief(
        context,
        files,
        folder=hashlib.sha256(names.encode()).hexdigest()[:16],
        precision=automatic_precision(context.device) if is_automatic else "",
    )


def _says_auto(settings: Mapping[str, Any]) -> bool:
    nested = (value for value in settings.values() if isinstance(value, dict))
    return settings.get("precision") == "auto" or any(map(_says_auto, nested))


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Connect this process to a cluster, quietly, and leave it again. Raises ``CallError`` when there is none."""
    # Without this a task that needs too much memory is tried for ever.
    os.environ.setdefault("RAY_task_oom_retries", str(_RETRIES))
    import ray  # noqa: PLC0415  # an extra

    root = Path(__file__).parents[2]
    before = signal.getsignal(signal.SIGTERM)
    try:
        if address != "auto":  # Ray itself would try for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), _REACH_SECONDS).close()
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"py_modules": [str(root / name) for name in _PACKAGES], "excludes": ["__pycache__"]},
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


def _work(jobs: Sequence[Job], brief: Brief, *begun: Sequence[Outcome] | None) -> list[Outcome] | UnavailableError:
    import ray  # noqa: PLC0415

    return work(jobs, brief, ray.get, *begun)


class RayCluster(Cluster):
    """A connected cluster."""

    def __init__(self, ray: Any, device: str) -> None:
        self._ray = ray
        self._resource = "CPU" if device == "cpu" else "GPU"
        needs = {"num_cpus": 1} if device == "cpu" else {"num_cpus": 1, "num_gpus": 1}
        self._work = ray.remote(max_retries=_RETRIES, **needs)(_work)
        self.put, self.get = ray.put, ray.get

    def submit(self, jobs: Sequence[Job], brief: Brief, begun: Sequence[Reference | None]) -> Reference:
        """See ``Cluster``."""
        return self._work.remote(jobs, brief, *begun)

    def wait(self, references: Sequence[Reference], seconds: float) -> Sequence[Reference]:
        """See ``Cluster``."""
        return self._ray.wait(references, timeout=seconds)[0]

    def slots(self) -> int:
        """See ``Cluster``."""
        return int(sum(node["Resources"].get(self._resource, 0) for node in self._ray.nodes() if node["Alive"]))
