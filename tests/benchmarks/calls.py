"""What the tests of whole calls share: how they call, and how they read what was written."""

import csv
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

Call = Callable[..., int]
TIMES = {"fit_seconds", "score_seconds"}


def wait_for_records(count: int, results: Path, process: subprocess.Popen[str]) -> None:
    """Return once ``process`` has written so many records."""
    deadline = time.monotonic() + 120
    while len(list((results / "runs").glob("*.json"))) < count:
        assert time.monotonic() < deadline, f"fewer than {count} runs in two minutes"
        assert process.poll() is None, "it ended too early"
        time.sleep(0.01)


def rows(results: Path) -> list[dict[str, str]]:
    with (results / "runs.csv").open(newline="") as file:
        return [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(file)]


def cells_of(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    with path.open(newline="") as file:
        return {(line["row"], line["column"]): line for line in csv.DictReader(file)}
