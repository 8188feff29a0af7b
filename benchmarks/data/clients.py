"""Run a package client: no prompt, no endless wait, nothing left behind."""

import errno
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from benchmarks.files import folder_size

LIMIT = 1800.0
"""Seconds a client may take in all: 139 MB over a slow line."""

IDLE = 180.0
"""Seconds a client may go without writing a byte: a network that swallows every packet is not waited for."""

_TICK = 0.1


class SourceError(Exception):
    """A source cannot give its set; the text is the reason."""


def run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    *,
    limit: float = LIMIT,
    idle: float = IDLE,
) -> None:
    """Run a client in ``folder``, where it also keeps whatever it writes.

    Its standard input is empty and it has no terminal, so that it cannot ask anything. It and its children
    are ended when it takes longer than ``limit`` seconds, writes nothing into ``folder`` for ``idle``
    seconds, or when this process is interrupted.

    Raises ``SourceError`` when it is not installed, is ended or fails, and ``OSError`` when what it says of
    its failure is that the disk is full.
    """
    program = shutil.which(command[0])
    if program is None:
        raise SourceError(f"{command[0]} is not installed")
    # A file and not a pipe: nobody has to read it for the client to go on.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [program, *command[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C", "CI": "1", **(environment or {})},
            start_new_session=True,
        )
        try:
            _wait(process, command[0], folder, limit, idle)
        finally:
            _end(process)
        if process.returncode != 0:
            complaint = _complaint(output)
            if any(sign in complaint for sign in ("ENOSPC", os.strerror(errno.ENOSPC))):
                raise OSError(errno.ENOSPC, complaint)
            raise SourceError(f"{command[0]} failed ({process.returncode}): {complaint}")


def _wait(process: subprocess.Popen[bytes], client: str, folder: Path, limit: float, idle: float) -> None:
    begun = moved = time.monotonic()
    size = folder_size(folder)
    while True:
        try:
            process.wait(_TICK)
            return
        except subprocess.TimeoutExpired:
            pass
        now = time.monotonic()
        if (size_now := folder_size(folder)) != size:
            size, moved = size_now, now
        if now - begun > limit:
            raise SourceError(f"{client} was ended after {limit:g} s")
        if now - moved > idle:
            raise SourceError(f"{client} was ended: nothing arrived for {idle:g} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()


def _complaint(output: IO[bytes]) -> str:
    """Return the client's own words about its failure: its lines marked as errors, or all."""
    output.seek(0)
    lines = output.read().decode("utf-8", "replace").splitlines()
    marks = ("npm error ", "npm ERR! ", "E: ")
    errors = [line[len(mark) :] for line in lines for mark in marks if line.startswith(mark)]
    return " ".join(" ".join(errors or lines).split()) or "it said nothing"
