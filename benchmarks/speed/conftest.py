"""The frame of the speed suites: one thread, and one table, comparison and file for what they all measured."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_limits

from benchmarks.speed.frame import Row, faults, read, table, updated, write

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "results" / "published" / "speed.csv"
_ROWS = pytest.StashKey[list[Row]]()
_FAULTS = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that makes what was measured the published figures."""
    parser.addoption(
        "--publish-speed",
        action="store_true",
        help="write what was measured to results/published and reports/published",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make room for the rows."""
    config.stash[_ROWS] = []
    config.stash[_FAULTS] = []


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[Row], None]:
    """Hand in a row, once what was computed has been found right."""
    return request.config.stash[_ROWS].append


@pytest.fixture
def published(request: pytest.FixtureRequest) -> Path | None:
    """The folder above ``results`` and ``reports`` where figures are to be published, None where they are not."""
    return ROOT if request.config.getoption("--publish-speed") else None


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Compare with what is committed, and publish if asked to."""
    rows = session.config.stash[_ROWS]
    committed = read(COMMITTED)
    session.config.stash[_FAULTS] = faults(rows, committed)
    if session.config.stash[_FAULTS] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if rows and session.config.getoption("--publish-speed"):
        write(COMMITTED, updated(committed, rows))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, and what is slower than it was."""
    rows = config.stash[_ROWS]
    if rows:
        terminalreporter.section("speed")
        terminalreporter.write_line(table(rows))
    for fault in config.stash[_FAULTS]:
        terminalreporter.write_line(fault, red=True)
