"""Whole calls that are killed, starved or set up strangely: nothing finished is lost, and no number moves."""

import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.calls import Call, rows, wait_for_records

pytestmark = pytest.mark.faults

RUNS = 16
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(arguments: list[str], tmp_path: Path) -> Start:
    """Return the function that starts a call of Table 4 as a process group of its own."""

    def begin(*more: str, environment: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "benchmarks.reproduce", *arguments, "--table", "4", "--quiet", *more]
        variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **(environment or {})}
        with (tmp_path / "stderr").open("wb") as stderr:
            return subprocess.Popen(command, start_new_session=True, stderr=stderr, env=variables, **options)

    return begin


@pytest.fixture
def whole(call: Call, tmp_path: Path) -> Path:
    """Return the results of a quiet call."""
    assert call("--table", "4", "--quiet", "--results-dir", str(tmp_path / "whole")) == 0
    return tmp_path / "whole"


def files_of(results: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (results / "runs").glob("*.json")}


def assert_nothing_half_there(*folders: Path) -> None:
    """A kill may leave a temporary file, whose name begins with a dot, and nothing else that is not whole."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name[0] != "."]
    assert all(path.stat().st_size for path in files)


def test_twenty_kills_cost_only_time(start: Start, tmp_path: Path, whole: Path) -> None:
    """At random moments, from the start of Python to the last picture."""
    results = tmp_path / "results"
    moments, kept = random.Random(0), dict[str, bytes]()
    kills = 0
    for _ in range(40):
        process = start("--jobs", "2")
        try:
            process.wait(moments.uniform(1.5, 7))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        found = files_of(results)
        assert found | kept == found  # what was finished is as it was
        kept = found
        assert_nothing_half_there(results)
        if process.returncode == 0 and kills >= 20:
            break
        if process.returncode == 0:  # begin again, since nothing would be left to kill
            for path in (results / "runs").glob("*.json"):
                path.unlink()
            (results / "runs.csv").unlink()
            kept = {}
    assert kills >= 20
    assert start().wait(120) == 0
    assert rows(results) == rows(whole)
    print(f"measured: {kills} kills")


def test_kills_while_files_are_written(start: Start, tmp_path: Path, whole: Path) -> None:
    """The records are all there, and tables, pictures and ``runs.csv`` are made anew each time."""
    results, reports = tmp_path / "results", tmp_path / "reports"
    (results).mkdir()
    (whole / "runs").rename(results / "runs")
    moments = random.Random(1)
    for _ in range(15):
        process = start()
        started = time.monotonic()
        while not (results / "runs.csv").exists() and time.monotonic() < started + 60:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 1.2))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert_nothing_half_there(results, reports)
        (results / "runs.csv").unlink()
    assert start().wait(120) == 0
    assert rows(results) == rows(whole)
    assert (results / "table_4.csv").read_bytes() == (whole / "table_4.csv").read_bytes()


def test_fresh_under_kills_has_the_old_record_or_the_new_one(start: Start, tmp_path: Path, whole: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    for name in ("runs", "runs.csv"):
        (whole / name).rename(results / name)
    before = rows(results)
    for wait in (3, 5, 7, 9):
        process = start("--fresh", "--jobs", "2")
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert len(files_of(results)) == RUNS
    assert start().wait(120) == 0
    assert rows(results) == before


@pytest.mark.parametrize("variable", ["PYTHONHASHSEED=7", "OMP_NUM_THREADS=4", "OMP_NUM_THREADS=", "MKL_NUM_THREADS=4"])
def test_the_environment_moves_no_number(start: Start, tmp_path: Path, whole: Path, variable: str) -> None:
    assert start("--jobs", "2", environment=dict([variable.split("=")])).wait(240) == 0
    assert rows(tmp_path / "results") == rows(whole)


def test_another_working_directory_moves_no_number(start: Start, tmp_path: Path, whole: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert start(cwd=tmp_path / "elsewhere").wait(240) == 0
    assert rows(tmp_path / "results") == rows(whole)
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="this system cannot limit another process")
def test_memory_that_runs_out_gives_no_wrong_result(start: Start, tmp_path: Path, whole: Path) -> None:
    """Whether a training or a file meets the limit: what is there afterwards is right."""
    process = start()
    try:
        wait_for_records(2, tmp_path / "results", process)
        used = int(re.findall(r"VmData:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())[0]) * 1024
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (used + 2**20, resource.RLIM_INFINITY))
        status = process.wait(240)
    finally:
        process.kill()
        process.wait()
    error = (tmp_path / "stderr").read_text()
    assert status == 3
    assert "allocate memory" in error
    assert "Traceback" not in error
    kept = files_of(tmp_path / "results")
    assert len(kept) >= 2
    assert start().wait(240) == 0
    assert files_of(tmp_path / "results") | kept == files_of(tmp_path / "results")
    assert rows(tmp_path / "results") == rows(whole)
