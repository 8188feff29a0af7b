"""Run tests of a copy of the project in a fork of a process that has imported the libraries, which takes longest."""

import multiprocessing
import os
import sys
import tempfile
from multiprocessing.reduction import DupFd
from pathlib import Path

import pytest

LIBRARIES = ["matplotlib.pyplot", "pandas", "pytest", "seaborn", "sklearn", "torch"]
LIMIT = 600  # seconds that the tests of one mutant may take
# A process that dies without an answer ends with less.
_ANSWERED = 100

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(LIBRARIES)


def tested(folder: Path, tests: str) -> tuple[int, str]:
    """Run tests in a copy; return pytest's exit status (1 is a test that failed) and the end of what it said.

    The status is negative where pytest gave none.
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # read when libraries are loaded, by the first process
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = _SERVER.Process(target=_test, args=(folder, tests, DupFd(output.fileno())))
        process.start()
        process.join(LIMIT)
        process.kill()
        process.join()
        output.seek(0)
        return (process.exitcode or 0) - _ANSWERED, output.read()[-1500:]


def _test(folder: Path, tests: str, output: DupFd) -> None:
    """Run tests in this process and end it."""
    file = output.detach()
    for stream in (1, 2):
        os.dup2(file, stream)
    os.chdir(folder)
    os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder)}
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]  # those of the project itself, not of the copy
    # What garbage collection finds, and what others do in a shared temporary folder, must not answer for the tests.
    with tempfile.TemporaryDirectory() as scratch:
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:unraisableexception", f"--basetemp={scratch}/tests"]
        status = pytest.main([*options, *tests.split()])
    sys.exit(_ANSWERED + status)
