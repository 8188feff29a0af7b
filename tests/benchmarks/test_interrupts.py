"""Ctrl-C ends a call at every moment in silence or in one line; a shell shows status 130 for either end."""

import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.reproduce import main
from tests.benchmarks.calls import Call, rows

ENDED = (130, -signal.SIGINT)  # the program's own status, and that of a process which the signal ended
MODULE = ["-m", "benchmarks.reproduce"]


def interrupted_after(module: str, command: list[str]) -> tuple[int, str]:
    """Start a program, interrupt it once it has imported a module; return its status and stderr without the trace."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.rpartition("|")[2].strip() == module:
            break
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    return process.returncode, "\n".join(line for line in error.splitlines() if not line.startswith("import time:"))


@pytest.mark.parametrize("module", ["numpy", "torch", "sklearn", "benchmarks.data", "pandas", "matplotlib"])
def test_while_modules_are_imported(module: str) -> None:
    status, error = interrupted_after(module, [sys.executable, "-X", "importtime", *MODULE, "--list"])
    assert status in ENDED
    assert error == ""


@pytest.mark.parametrize("seconds", [0.2, 0.6, 1.0, 1.5, 2.0, 3.0])
def test_some_time_after_the_start(arguments: list[str], seconds: float) -> None:
    """The clock begins once Python itself has started: what it prints before is not ours."""
    begun = "import sys; print(file=sys.stderr, flush=True); sys.argv[0] = ''; import runpy; "
    program = f"{begun}runpy.run_module('benchmarks.reproduce', run_name='__main__', alter_sys=True)"
    command = [sys.executable, "-c", program, *arguments, "--table", "4", "--models", "AE", "--seeds", "50"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    process.stderr.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode in ENDED, error
    assert "Traceback" not in error


class Interrupting:
    """An object whose end is interrupted, where Python drops every exception."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_that_is_dropped_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: object) -> int:
        Interrupting()
        time.sleep(20)
        return 0

    hook, begun = sys.unraisablehook, time.monotonic()
    monkeypatch.setattr("benchmarks.reproduce._answer", answer)
    assert main(["--list"]) == 130
    assert time.monotonic() - begun < 10
    assert sys.unraisablehook is hook


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
def test_in_training_what_is_done_is_kept(arguments: list[str], tmp_path: Path, numbers: list[int]) -> None:
    command = [sys.executable, *MODULE, *arguments, "--table", "4", "--jobs", "2", "--seeds", "20"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    records = tmp_path / "results" / "runs"
    deadline = time.monotonic() + 120
    while not list(records.glob("*.json")):
        assert time.monotonic() < deadline, "no run in two minutes"
        time.sleep(0.01)
    sent = time.monotonic()
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.05)
    _, error = process.communicate(timeout=60)
    assert "Traceback" not in error
    if len(numbers) == 1:
        assert process.returncode == 130
        assert "interrupted: finished runs are kept" in error
        assert rows(tmp_path / "results")
    else:
        assert process.returncode in ENDED
        assert time.monotonic() - sent < 10


def test_a_program_in_the_background_of_a_shell_is_not_interrupted() -> None:
    command = shlex.join([sys.executable, "-X", "importtime", *MODULE, "--list"])
    status, error = interrupted_after("numpy", ["bash", "-c", f"trap '' INT; exec {command}"])
    assert (status, error) == (0, "")


def test_a_call_leaves_the_handlers_of_its_caller(call: Call) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    assert main(["--list"]) == 0
    assert call("--table", "9") == 2
    assert [signal.getsignal(number) for number in numbers] == before
