"""Where the reproduction cannot run, its one line says why."""

import subprocess
import sys

import pytest

WITHOUT_PANDAS = (
    "import importlib.util as u; find = u.find_spec; u.find_spec = lambda n: n != 'pandas' and find(n) or None"
)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("import sys; sys.platform = 'win32'", "error: the benchmark needs Linux or macOS"),
        (WITHOUT_PANDAS, "error: the reproduction needs pandas, which the library alone does not install: run pip"),
    ],
)
def test_what_is_missing_is_named_in_one_line(setting: str, said: str) -> None:
    code = f"{setting}; import benchmarks.reproduce"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(said)
    assert ended.stderr.count("\n") == 1
