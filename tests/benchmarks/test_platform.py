"""Where the benchmark cannot run, its first line says so."""

import subprocess
import sys


def test_windows_is_refused_in_one_line() -> None:
    code = "import sys; sys.platform = 'win32'; import benchmarks.reproduce"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: the benchmark needs Linux or macOS")
    assert ended.stderr.count("\n") == 1
