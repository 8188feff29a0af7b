"""The peak of a process is its own."""

import subprocess
import sys
from pathlib import Path

import pytest

TAKE = """
import numpy as np
from benchmarks.speed.resident import peak_mebibytes
before = peak_mebibytes()
taken = np.ones((256, 1024, 1024), np.uint8)
del taken
print(peak_mebibytes() - before, before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's peak")
def test_the_peak_outlives_what_was_taken_and_begins_anew_in_a_new_process() -> None:
    root = Path(__file__).parents[3]
    ran = subprocess.run([sys.executable, "-c", TAKE], check=True, capture_output=True, text=True, cwd=root)
    grown, before = map(float, ran.stdout.split())
    assert grown == pytest.approx(256, rel=0.1)
    assert before < 100
