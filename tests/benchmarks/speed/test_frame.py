"""What the speed suites hand in, and what counts as a fault."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.speed.frame import Row, compared, faults, read, shown_in, table, updated, used, write

ROOT = Path(__file__).parents[3]


@pytest.fixture
def row() -> Row:
    return compared("a loop", "the same work", [1.0, 2.0, 4.0], [6.0, 10.0, 16.0], goal=4.5, aucs=(0.9, 0.8))


def test_the_ratio_is_the_median_of_neighbouring_rounds(row: Row) -> None:
    assert (row.ratio, row.low, row.high, row.rounds) == (5.0, 4.0, 6.0, 3)
    assert (row.ours_seconds, row.theirs_seconds) == (2.0, 10.0)


def test_memory_is_measured_against_what_is_allowed() -> None:
    assert used("a job", "its peak", 1024.0, 2048.0).ratio == 2.0
    assert used("a job", "its peak", 4096.0, 2048.0).misses_its_goal


def test_rows_come_back_from_the_file(tmp_path: Path, row: Row) -> None:
    rows = [row, used("a job", "its peak, MiB", 512.0, 2048.0)]
    write(tmp_path / "speed.csv", rows)
    assert read(tmp_path / "speed.csv") == rows


def test_no_file_is_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path / "speed.csv") == []


def test_publishing_leaves_what_was_not_measured(row: Row) -> None:
    other, again = replace(row, name="other"), replace(row, ratio=7.0)
    assert updated([row, other], [again]) == [again, other]


@pytest.mark.parametrize(("ratio", "found"), [(6.0, 0), (4.9, 1), (4.0, 1)])
def test_a_ratio_that_fell_by_more_than_a_quarter_is_a_fault(row: Row, ratio: float, found: int) -> None:
    committed, measured = replace(row, ratio=6.6, goal=None), replace(row, ratio=ratio, goal=None)
    assert len(faults([measured], [committed])) == found


def test_a_missed_goal_is_a_fault_unless_it_was_missed_before(row: Row) -> None:
    missed = replace(row, ratio=4.4)
    assert len(faults([missed], [row])) == len(faults([missed], [])) == 1
    assert faults([missed], [missed]) == []


def test_an_auc_behind_misses_the_goal(row: Row) -> None:
    assert replace(row, ours_auc=0.79).misses_its_goal
    assert not replace(row, ours_auc=0.8).misses_its_goal


def test_the_table_names_what_misses_its_goal(row: Row) -> None:
    lines = table([row, replace(row, name="slower", ratio=1.0)]).splitlines()
    assert ["MISSES" in line for line in lines] == [False, True]


def test_the_document_shows_what_is_published() -> None:
    document = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    rows = read(ROOT / "results" / "published" / "speed.csv")
    assert shown_in(document, rows) == document
    assert all(f"| {row.name} |" in document for row in rows)
