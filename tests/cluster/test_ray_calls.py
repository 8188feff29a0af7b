"""Whole calls with --backend ray that are killed, ended, or lose the head of their cluster: tox -e ray."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.engine.records import Record, Store
from tests.cluster.small import ROOT, Nodes, tell, timeless

pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("default"),  # Ray and what it starts leave files and processes to be closed
]


@pytest.fixture
def command(tmp_path: Path, data_dir: Path, tiny_path: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "benchmarks.reproduce", "--table", "4", "--models", "AE,LIS-AE", "--quiet"),
        *("--profile", str(tiny_path), "--data-dir", str(data_dir), "--offline"),
        *("--results-dir", str(tmp_path / "results"), "--reports-dir", str(tmp_path / "reports")),
    ]


def start(command: list[str], cwd: Path) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=cwd, env=environment, stderr=subprocess.PIPE, text=True)


def wait_for_records(folder: Path, count: int, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 120
    while len(list(folder.glob("*.json"))) < count:
        assert time.monotonic() < deadline, "no record in two minutes"
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def records_of(results: Path) -> dict[str, Record]:
    return timeless(list(Store(results).records()))


def test_a_killed_call_goes_on_where_it_was_in_another_working_directory(command: list[str], tmp_path: Path) -> None:
    with start([*command, "--backend", "ray"], tmp_path) as process:
        wait_for_records(tmp_path / "results" / "runs", 2, process)
        process.kill()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "runs").glob("*.json")}
    (tmp_path / "elsewhere").mkdir()
    begun = time.monotonic()
    address = os.environ.pop("RAY_ADDRESS")  # restored by the fixture
    with start([*command, "--backend", "ray", "--address", address], tmp_path / "elsewhere") as process:
        _, error = process.communicate(timeout=200)
    tell(f"killed with {len(kept)} records; the rest of 16 in {time.monotonic() - begun:.1f} s")
    assert (process.returncode, error) == (0, "")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    with start([*command, "--jobs", "1", "--results-dir", str(tmp_path / "local")], tmp_path) as process:
        process.communicate(timeout=200)
    assert len(records_of(tmp_path / "results")) == 16
    assert records_of(tmp_path / "results") == records_of(tmp_path / "local")


def test_a_terminated_call_says_so_and_nothing_else(command: list[str], tmp_path: Path) -> None:
    with start([*command, "--backend", "ray", "--seeds", "5"], tmp_path) as process:
        wait_for_records(tmp_path / "results" / "runs", 1, process)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=60)
    tell(f"SIGTERM: ended after {time.monotonic() - begun:.1f} s")
    assert process.returncode == 130
    assert error.splitlines() == ["interrupted: finished runs are kept, and the same command goes on from here."]


CLEAR = '''
"""A detector in a file."""
from dataclasses import dataclass
from lisae import Detector, as_rows


@dataclass(kw_only=True, eq=False, repr=False)
class Contrast(Detector):
    """Deviation of the pixels, which learns nothing."""

    uses_negatives = True

    def _fit(self, normal, negatives, seed):
        return self._anomaly_score(normal)

    def _anomaly_score(self, images):
        return as_rows(images).std(axis=1).astype(float)
'''


def test_a_detector_of_your_own_travels_to_the_nodes(command: list[str], tmp_path: Path) -> None:
    own = ["--models", "Clear", "--model", f"Clear={tmp_path / 'clear.py'}", "--figure", "4"]
    (tmp_path / "clear.py").write_text(CLEAR)
    for where, more in {"ray": ["--backend", "ray"], "here": ["--jobs", "1"]}.items():
        with start([*command, *own, *more, "--results-dir", str(tmp_path / where)], tmp_path) as process:
            _, error = process.communicate(timeout=200)
        assert (process.returncode, error) == (0, "")
    assert len(records_of(tmp_path / "ray")) == 22
    assert records_of(tmp_path / "ray") == records_of(tmp_path / "here")


def test_a_head_that_is_lost_ends_the_call(command: list[str], tmp_path: Path, cluster: Nodes) -> None:
    """The last test: the cluster is of no use afterwards."""
    with start([*command, "--backend", "ray", "--seeds", "50"], tmp_path) as process:
        wait_for_records(tmp_path / "results" / "runs", 1, process)
        begun = time.monotonic()
        cluster.lose_head()
        _, error = process.communicate(timeout=150)
    tell(f"head killed: ended after {time.monotonic() - begun:.1f} s")
    assert process.returncode == 3, error
    assert "the head of the Ray cluster at" in error
    assert "Traceback" not in error
