"""Shared by the speed suites: one thread, and one table, comparison and file for all that they measure."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_limits

from benchmarks.files import write_text
from benchmarks.speed.ratios import Row, faults, read, shown_in, table, updated, write

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "results" / "published" / "speed.csv"
DOCUMENT = ROOT / "docs" / "performance.md"
_ROWS = pytest.StashKey[list[Row]]()
_FAULTS = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that publishes the measurements."""
    parser.addoption(
        "--publish-speed",
        action="store_true",
        help="write the measurements to results/published and reports/published",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Prepare for the rows and the faults found in them."""
    config.stash[_ROWS] = []
    config.stash[_FAULTS] = []


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[Row], None]:
    """Return the function that takes a row, to be called once the computed results have been found right."""
    return request.config.stash[_ROWS].append


@pytest.fixture
def published(request: pytest.FixtureRequest) -> Path | None:
    """Return the folder above ``results`` and ``reports`` if measurements are to be published, or else None."""
    return ROOT if request.config.getoption("--publish-speed") else None


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Compare the rows with the committed ones, and publish them if asked to."""
    rows = session.config.stash[_ROWS]
    committed = read(COMMITTED)
    session.config.stash[_FAULTS] = faults(rows, committed)
    if session.config.stash[_FAULTS] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if rows and session.config.getoption("--publish-speed"):
        write(COMMITTED, updated(committed, rows))
        write_text(DOCUMENT, shown_in(DOCUMENT.read_text(encoding="utf-8"), read(COMMITTED)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table and the faults."""
    rows = config.stash[_ROWS]
    if rows:
        terminalreporter.section("speed")
        terminalreporter.write_line(table(rows).drop(columns="What").to_string(index=False))
    for fault in config.stash[_FAULTS]:
        terminalreporter.write_line(fault, red=True)
