import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults


def test_mutated_files_are_read_or_refused(tmp_path: Path) -> None:
    """Of a process of its own: the fuzzer shrinks the catalogue, replaces the clients and limits its memory."""
    command = [sys.executable, "-m", "tests.faults.fuzz_readers", "--seconds", "30", "--seed", "1000000"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, "--keep", tmp_path], cwd=root, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 fell" in done.stdout
    for target in ("npz", "idx_of_npm", "idx_of_debian", "strips_of_npm", "mat", "drawings"):
        assert f"{target}: read" in done.stdout  # mutations that change pixels alone, or nothing
        assert f"{target}: refused" in done.stdout
