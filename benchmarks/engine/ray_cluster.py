"""A connection to a Ray cluster that exists, as quiet as one to a file."""

import importlib.util
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from benchmarks.engine.execute import Outcome
from benchmarks.engine.ray_node import PACKAGES, Brief, Reference, work
from benchmarks.engine.run import Job
from benchmarks.errors import CallError, UnavailableError

_RETRIES = 3  # of a task whose node or worker is lost, or whose memory ran out
_HEAD_PATIENCE = 30.0  # seconds without an answer of the head; Ray itself ends this process after 60, in silence
_REACH_SECONDS = 10.0  # to reach the head


def cluster_address(given: str | None) -> str:
    """Return the address of the cluster, ``given`` or RAY_ADDRESS. Raises ``CallError`` for one that cannot be used."""
    if importlib.util.find_spec("ray") is None:
        raise CallError("--backend ray needs Ray, which is not installed: pip install -e '.[ray]'.")
    address = given or os.environ.get("RAY_ADDRESS", "")
    if not address:
        raise CallError(
            "--backend ray needs a cluster that exists: give its address with --address HOST:PORT or in "
            "RAY_ADDRESS. None is started here: 'ray start --head' does that."
        )
    host, _, port = address.rpartition(":")
    if "/" in host or not host or not port.isdecimal():
        raise CallError(
            f"the address of a Ray cluster is HOST:PORT, as 'ray start --head' prints it; got {address!r}. "
            "Make the call on a node of the cluster."
        )
    return address


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Connect this process to a cluster and give the module ``ray``. Raises ``CallError`` when there is no cluster."""
    os.environ.setdefault("RAY_task_oom_retries", str(_RETRIES))  # else a task that is too large is tried for ever
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its lines on stderr are for developers of Ray
    import ray  # noqa: PLC0415  # an extra

    root, before = Path(__file__).parents[2], signal.getsignal(signal.SIGTERM)
    try:
        _reach(address)  # Ray itself would try for minutes
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
        with _silence():
            ray.shutdown()


def _reach(address: str) -> None:
    """Raise OSError where nobody listens."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), _REACH_SECONDS).close()


@contextmanager
def silent_stdout() -> Iterator[None]:
    """Keep the lines about each worker that was lost, which Ray prints from a thread of its own, off stdout."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        yield


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


def resource_of(device: str) -> str:
    """Return the name that Ray has for a device."""
    return "CPU" if device == "cpu" else "GPU"


def _work(jobs: Sequence[Job], brief: Brief, *begun: Sequence[Outcome] | None) -> list[Outcome] | UnavailableError:
    import ray  # noqa: PLC0415

    return work(jobs, brief, ray.get, begun)


class RayCluster:
    """The cluster that this process is connected to."""

    def __init__(self, ray: Any, device: str) -> None:
        self._ray, self._resource = ray, resource_of(device)
        self._head: str = ray.get_runtime_context().gcs_address
        self._slots, self._answered = 0, time.monotonic()
        needs = {"num_cpus": 1} | ({} if device == "cpu" else {"num_gpus": 1})
        self._task = ray.remote(max_retries=_RETRIES, **needs)(_work)

    def put(self, value: object) -> Reference:
        """Put a value into the object store."""
        return self._ray.put(value)

    def get(self, reference: Reference) -> Any:
        """Return a value. Raises the error that its task ended with."""
        return self._ray.get(reference)

    def submit(self, jobs: Sequence[Job], brief: Brief, begun: Sequence[Reference | None]) -> Reference:
        """Have ``work`` called on a node, three times more where node, worker or memory is lost."""
        return self._task.remote(jobs, brief, *begun)

    def wait(self, references: Sequence[Reference], seconds: float) -> Sequence[Reference]:
        """Return the tasks that ended, after ``seconds`` at most if there are none."""
        return self._ray.wait(references, timeout=seconds)[0]

    def slots(self) -> int:
        """Return the number of tasks that the nodes alive can execute side by side.

        Raises ``UnavailableError`` when the head has not answered for half a minute.
        """
        try:
            _reach(self._head)
        except OSError as error:
            if time.monotonic() - self._answered > _HEAD_PATIENCE:
                raise UnavailableError(
                    f"the head of the Ray cluster at {self._head} is silent for {_HEAD_PATIENCE:.0f} s: {error}. "
                    "What is finished is kept: run the same command again once there is a cluster."
                ) from error
        else:
            nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
            self._slots, self._answered = int(sum(one.get(self._resource, 0) for one in nodes)), time.monotonic()
        return self._slots
