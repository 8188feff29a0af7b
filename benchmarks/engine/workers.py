"""Processes side by side that execute tasks, each with a pipe of its own.

A pipe that only one worker writes to ends with this worker, so a worker that is killed half-way through a message is
noticed. Nothing here needs shared memory or semaphores.
"""

import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Generic, TypeVar

from benchmarks.errors import UnavailableError

_PARENT_SECONDS = 1.0  # from one look at whether the parent is alive to the next
_STOP_SECONDS = 10.0  # that a worker has to end in once there is nothing left to do

Task = TypeVar("Task")
Result = TypeVar("Result")


class KilledError(UnavailableError):
    """A worker was killed, or left, while it had a task; the others go on."""

    def __init__(self, text: str, task: object) -> None:
        super().__init__(text)
        self.task = task


class Workers(Generic[Task, Result]):
    """At most ``size`` processes that call ``function``, which they import by its name; a context manager.

    A worker starts with the first task that no other worker is free for. At the end of the block workers stop; where
    an exception ends it, they are killed at once. They never hear of Ctrl-C, and end when this process is gone.
    """

    def __init__(self, function: Callable[..., Result], size: int) -> None:
        self._function = function
        self._size = size
        self._processes: dict[Connection, SpawnProcess] = {}  # by this end of their pipes, as all that follows
        self._running: dict[Connection, Task] = {}
        self._first: dict[Connection, bytes] = {}  # tasks for workers that are starting and do not read yet

    @property
    def busy(self) -> int:
        """The number of tasks that were handed over and have not ended."""
        return len(self._running)

    @property
    def free(self) -> int:
        """The number of tasks that can be handed over now."""
        return self._size - self.busy

    def hand_over(self, task: Task, *arguments: object) -> None:
        """Have a free worker call the function with ``arguments``; ``results`` gives ``task`` with what it returns.

        Raises ``UnavailableError`` where no worker can be started, and ``KilledError`` where the free one was killed.
        """
        message = pickle.dumps(arguments)
        pipe = next((pipe for pipe in self._processes if pipe not in self._running), None)
        if pipe is None:
            pipe = self._start()
            self._first[pipe] = message
        else:
            try:
                pipe.send_bytes(message)
            except OSError as error:
                raise self._killed(pipe) from error
        self._running[pipe] = task

    def results(self) -> Iterator[tuple[Task, Result]]:
        """Wait for the workers, and give the tasks that have ended, which may be none, with their results.

        Raises what the function raised, with the traceback of the worker as a note, and ``KilledError`` when a worker
        was killed; the results of the others can still be waited for then.
        """
        ready = wait(list(self._processes))
        for pipe in [pipe for pipe in self._processes if pipe in ready]:
            try:
                message = pipe.recv_bytes()
                if pipe in self._first:
                    pipe.send_bytes(self._first.pop(pipe))
                    continue
            except (EOFError, OSError) as error:
                raise self._killed(pipe) from error
            task = self._running.pop(pipe)
            result, raised = pickle.loads(message)
            if raised is not None:
                raise raised
            yield task, result

    def __enter__(self) -> "Workers[Task, Result]":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                for pipe in self._processes:
                    pipe.close()
                for process in self._processes.values():
                    process.join(_STOP_SECONDS)
        finally:
            for process in self._processes.values():
                process.kill()
            for pipe, process in self._processes.items():
                process.join()
                pipe.close()

    def _start(self) -> Connection:
        """Start a worker, which never hears of Ctrl-C, not even while it imports; return this end of its pipe."""
        spawn = multiprocessing.get_context("spawn")  # a fork would inherit locks that other threads hold
        resource_tracker.ensure_running()  # it would be started with the first worker, and lets Ctrl-C through again
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            ours, theirs = spawn.Pipe()
            with theirs:  # it is closed here at the end, so that the worker alone holds it
                process = spawn.Process(target=_serve, args=(theirs, self._function, os.getpid()))
                process.start()
                self._processes[ours] = process
            return ours
        except OSError as error:
            raise UnavailableError(
                f"a worker process cannot be started: {error.strerror}. What is finished is kept: "
                f"run the same command with fewer than {self._size} --jobs."
            ) from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _killed(self, pipe: Connection) -> KilledError:
        """Forget a worker whose end of the pipe is closed, as a worker that lives keeps it open; return the error."""
        process = self._processes.pop(pipe)
        self._first.pop(pipe, None)
        task = self._running.pop(pipe, None)
        process.kill()
        process.join()
        pipe.close()
        return KilledError(
            "a worker process was killed, most often because memory ran out. What is finished is kept: "
            f"run the same command with fewer than {self._size} --jobs.",
            task,
        )


def _serve(pipe: Connection, function: Callable[..., object], parent: int) -> None:
    """Say that this worker has begun with an empty message, and answer every message until the pipe ends."""
    _begin_worker(parent)
    os.set_inheritable(pipe.fileno(), False)  # a program that the function starts would keep it open after a kill
    with suppress(EOFError, OSError):
        pipe.send_bytes(b"")
        while True:
            answer = _answer(function, pipe.recv_bytes())
            pipe.send_bytes(answer)


def _answer(function: Callable[..., object], message: bytes) -> bytes:
    """Return the pickle of a result and None, or of None and the error that was raised instead."""
    try:
        return pickle.dumps((function(*pickle.loads(message)), None))
    except BaseException as error:
        error.add_note(traceback.format_exc())
        try:
            answer = pickle.dumps((None, error))
            pickle.loads(answer)
        except Exception:  # a class of its own may not be made again from what it keeps
            answer = pickle.dumps((None, RuntimeError("\n".join([repr(error), *error.__notes__]))))
        return answer


def _begin_worker(parent: int) -> None:
    """Have this process end when its parent is gone: nobody would take what it gives."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_SECONDS)
        os._exit(1)

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=watch, daemon=True).start()
