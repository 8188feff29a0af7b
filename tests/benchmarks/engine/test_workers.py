"""Workers give what their tasks return, and whatever becomes of one of them, nobody waits for it."""

import multiprocessing
import os
import resource
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from benchmarks.engine import workers as module
from benchmarks.engine.workers import Workers
from benchmarks.errors import UnavailableError

KILLED = r"a worker process was killed.*fewer than 2 --jobs"


@pytest.fixture(autouse=True)
def nobody_waits_without_end() -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise TimeoutError("nothing happened for 30 seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    assert not multiprocessing.active_children()


def all_results(workers: Workers[str, object]) -> dict[str, object]:
    results = {}
    while workers.busy:
        results |= dict(workers.results())
    return results


def result_of(function: Callable[..., object], *arguments: object) -> object:
    with Workers[str, object](function, 2) as workers:
        workers.hand_over("task", *arguments)
        return all_results(workers)["task"]


def test_each_result_comes_with_its_task() -> None:
    with Workers[str, object](pow, 2) as workers:
        workers.hand_over("nine", 3, 2)
        assert (workers.free, workers.busy) == (1, 1)
        workers.hand_over("eight", 2, 3)
        assert (workers.free, workers.busy) == (0, 2)
        assert all_results(workers) == {"nine": 9, "eight": 8}
        assert (workers.free, workers.busy) == (2, 0)


def test_a_worker_starts_with_a_task_that_no_other_is_free_for() -> None:
    with Workers[str, object](os.getpid, 8) as workers:
        pids = set()
        for _ in range(3):
            workers.hand_over("task")
            pids |= set(all_results(workers).values())
        assert len(pids) == len(multiprocessing.active_children()) == 1


def test_tasks_and_results_may_be_larger_than_a_pipe_holds() -> None:
    """Also a task for a worker that is only starting."""
    large = os.urandom(2**24)
    with Workers[str, object](bytes, 2) as workers:
        for task in ("first", "second"):
            workers.hand_over(task, large)
        assert all_results(workers) == {"first": large, "second": large}
        workers.hand_over("third", large)
        assert all_results(workers) == {"third": large}


def test_neither_semaphores_nor_shared_memory_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise FileNotFoundError("/dev/shm")

    monkeypatch.setattr("_multiprocessing.SemLock", refused)
    assert result_of(pow, 3, 2) == 9


class StrangeError(Exception):
    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")


def fail(kind: str) -> None:
    raise {
        "no data": UnavailableError("no data"),
        "exit": SystemExit(3),
        "strange": StrangeError("it failed", "strangely"),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        ("no data", UnavailableError, "no data"),
        ("exit", SystemExit, "3"),
        ("strange", RuntimeError, "StrangeError.*it failed: strangely"),  # it cannot be made again from its text
    ],
)
def test_an_error_is_raised_here_with_its_traceback(kind: str, error: type[BaseException], text: str) -> None:
    with pytest.raises(error, match=text) as raised:
        result_of(fail, kind)
    assert "in fail" in "".join([str(raised.value), *getattr(raised.value, "__notes__", ())])


def make_a_function() -> Callable[[], None]:
    return lambda: None


def test_a_result_that_cannot_be_sent_is_an_error() -> None:
    with pytest.raises(Exception, match="pickle"):
        result_of(make_a_function)


def interrupt_itself() -> str:
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        return "it was interrupted"
    return "it goes on"


def test_a_worker_does_not_hear_of_an_interrupt() -> None:
    with Workers[str, object](interrupt_itself, 2) as workers:
        workers.hand_over("task")
        time.sleep(0.02)
        for process in multiprocessing.active_children():
            os.kill(process.pid or 0, signal.SIGINT)  # while it starts
        assert all_results(workers) == {"task": "it goes on"}


def behave(manner: str) -> str:
    if manner == "sleep":
        time.sleep(600)
    if manner == "leave a program behind":
        subprocess.Popen(["sleep", "60"], close_fds=False)
    if manner == "leave a thread behind":
        threading.Thread(target=time.sleep, args=(600,)).start()
    if manner == "be killed while it sends":
        Connection.send_bytes = send_a_part  # type: ignore[method-assign, assignment]
    elif manner in ("be killed", "leave a program behind"):
        os.kill(os.getpid(), signal.SIGKILL)
    return manner


def send_a_part(pipe: Connection, message: bytes) -> None:
    """Send the length of a message of a megabyte and its first bytes, as ``Connection.send_bytes`` begins."""
    os.write(pipe.fileno(), struct.pack("!i", 2**20) + bytes(1000))
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("manner", ["be killed", "be killed while it sends", "leave a program behind"])
def test_a_killed_worker_ends_the_call_and_what_was_given_before_stays(manner: str) -> None:
    """Another worker, which started later and has inherited what there was to inherit, lives on meanwhile."""
    given = {}

    def call() -> None:
        with Workers[str, object](behave, 2) as workers:
            workers.hand_over("first", "work")
            given.update(all_results(workers))
            workers.hand_over("killed", manner)
            workers.hand_over("busy", "sleep")
            given.update(all_results(workers))

    with pytest.raises(UnavailableError, match=KILLED):
        call()
    assert given == {"first": "work"}


@pytest.mark.faults
@pytest.mark.parametrize("moment", [0, 0.2, 0.4, 0.6, 0.8, 1.0])
@pytest.mark.parametrize(("number", "error"), [(signal.SIGKILL, UnavailableError), (signal.SIGINT, KeyboardInterrupt)])
def test_a_fault_while_half_a_gibibyte_is_sent(number: int, error: type[BaseException], moment: float) -> None:
    """Some part of the message is there when the worker is killed, or this process interrupted."""

    def call() -> None:
        with Workers[str, object](bytes, 2) as workers:
            workers.hand_over("small", 1)
            all_results(workers)
            (worker,) = multiprocessing.active_children()
            target = worker.pid if number == signal.SIGKILL else os.getpid()
            threading.Timer(moment, os.kill, (target, number)).start()
            while True:
                workers.hand_over("large", 2**29)
                all_results(workers)

    with pytest.raises(error):
        call()


@pytest.mark.parametrize("task", ["a task for it", "nothing for it"])
def test_an_idle_worker_that_is_killed_ends_the_call(task: str) -> None:
    def call() -> None:
        with Workers[str, object](behave, 2) as workers:
            workers.hand_over("first", "work")
            (idle,) = multiprocessing.active_children()
            workers.hand_over("busy", "sleep")
            while workers.busy > 1:
                list(workers.results())
            idle.kill()
            if task == "a task for it":
                idle.join()
                workers.hand_over("second", "work")
            all_results(workers)

    with pytest.raises(UnavailableError, match=KILLED):
        call()


def test_a_worker_that_is_killed_as_it_starts_ends_the_call() -> None:
    def call() -> None:
        with Workers[str, object](behave, 2) as workers:
            workers.hand_over("first", "work")
            for process in multiprocessing.active_children():
                process.kill()
            all_results(workers)

    with pytest.raises(UnavailableError, match=KILLED):
        call()


def test_an_error_in_the_block_kills_the_workers() -> None:
    def call() -> None:
        with Workers[str, object](behave, 2) as workers:
            workers.hand_over("busy", "sleep")
            list(workers.results())  # it has begun
            raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        call()
    assert time.monotonic() - begun < module._STOP_SECONDS


def test_a_worker_that_does_not_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STOP_SECONDS", 0.5)
    assert result_of(behave, "leave a thread behind")


def test_a_worker_that_cannot_start_is_one_clear_message() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Workers[str, object](behave, 2) as workers:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        try:
            with pytest.raises(
                UnavailableError, match=r"cannot be started: Too many open files\..*fewer than 2 --jobs"
            ):
                workers.hand_over("task", "work")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)


SLEEPER = """
import os, time
from benchmarks.engine.workers import Workers

def work(seconds):
    time.sleep(seconds)
    return os.getpid()

if __name__ == "__main__":
    with Workers(work, 2) as workers:
        workers.hand_over("sleeps", 0)
        workers.hand_over("idle", 0)
        pids = {}
        while workers.busy:
            pids |= dict(workers.results())
        workers.hand_over("sleeps", 600)
        print(*pids.values(), flush=True)
        time.sleep(600)
"""


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER)
    root = str(Path(__file__).parents[3])
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": root}
    )
    assert parent.stdout is not None
    with parent.stdout as said:
        pids = [int(word) for word in said.readline().split()]
    assert len(pids) == 2
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in pids):
        time.sleep(0.1)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
