"""The peak of a worker's memory, measured in a fresh process for each kind of job."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.data import load
from benchmarks.speed.ratios import Row, used

ALLOWED = 2048.0  # MiB


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's peak")
@pytest.mark.parametrize(
    "job",
    [
        ("AE", "cifar10"),
        ("LIS-AE", "cifar10"),
        ("LIS-AE", "mnist", "fashion-mnist"),
        ("LinSep-LIS-AE", "cifar10"),
        ("AnoGAN", "cifar10"),
        ("OC-SVM", "mnist"),
        ("KDE", "cifar10"),
        ("IF", "cifar10"),
    ],
    ids=" ".join,
)
def test_memory(report: Callable[[Row], None], job: tuple[str, ...]) -> None:
    """The job trains on all images of its task for three epochs."""
    for dataset in job[1:]:
        load(dataset)  # fetches it where it is not there, which a worker does not do
    command = [sys.executable, "-m", "benchmarks.speed.peak", *job]
    mebibytes = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    what = "peak of a worker, MiB; all images of a class"
    if job[2:]:
        what += f", all of {job[2]} as negatives"
    report(used(f"memory of {', '.join(job)}", what, mebibytes, ALLOWED))
