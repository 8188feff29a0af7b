"""The rows of the speed suites: their file, their table, and the faults found in them."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.engine.evaluate import device_name, versions
from benchmarks.speed.ratios import Row, compared, faults, read, shown_in, table, updated, used, write

ROOT = Path(__file__).parents[3]
AUC = "AUC, ours and theirs"


@pytest.fixture
def row() -> Row:
    return compared("a loop", "the same work", [1.0, 2.0, 4.0], [6.0, 10.0, 16.0], goal=4.5, aucs=(0.9, 0.8))


def test_the_ratio_is_the_median_of_neighbouring_rounds(row: Row) -> None:
    assert (row.ratio, row.low, row.high, row.rounds) == (5.0, 4.0, 6.0, 3)
    assert (row.ours_seconds, row.theirs_seconds) == (2.0, 10.0)


def test_rounds_without_a_neighbour_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        compared("a loop", "the same work", [1.0, 2.0], [6.0])


def test_memory_is_measured_against_what_is_allowed() -> None:
    assert used("a job", "its peak", 1024.0, 2048.0).ratio == 2.0
    assert used("a job", "its peak", 4096.0, 2048.0).is_behind == {"Goal": True, AUC: False}


def test_a_row_names_the_machine_it_comes_from(row: Row) -> None:
    assert row.machine.startswith(f"{device_name('cpu')}, ")
    assert f"; torch {versions(['torch'])['torch']}; " in row.versions


def test_rows_come_back_from_the_file(tmp_path: Path, row: Row) -> None:
    rows = [row, used("a job", "its peak, MiB", 512.0, 2048.0)]
    write(tmp_path / "speed.csv", rows)
    found = pd.DataFrame(read(tmp_path / "speed.csv"))
    pd.testing.assert_frame_equal(found, pd.DataFrame(rows), check_dtype=False)


def test_the_published_file_is_written_as_it_is(tmp_path: Path) -> None:
    published = ROOT / "results" / "published" / "speed.csv"
    write(tmp_path / "speed.csv", read(published))
    assert (tmp_path / "speed.csv").read_bytes() == published.read_bytes()


def test_the_file_has_four_digits(tmp_path: Path, row: Row) -> None:
    write(tmp_path / "speed.csv", [replace(row, ratio=1.23456)])
    assert ",1.235," in (tmp_path / "speed.csv").read_text()


def test_no_file_is_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path / "speed.csv") == []


def test_publishing_leaves_what_was_not_measured(row: Row) -> None:
    other, again, new = replace(row, name="other"), replace(row, ratio=7.0), replace(row, name="new")
    assert updated([row, other], [new, again]) == [again, other, new]


@pytest.mark.parametrize(("ratio", "found"), [(6.0, 0), (5.0, 0), (4.9, 1), (4.0, 1)])
def test_a_ratio_that_fell_by_more_than_a_quarter_is_a_fault(row: Row, ratio: float, found: int) -> None:
    committed, measured = replace(row, ratio=6.6, goal=1.0), replace(row, ratio=ratio, goal=1.0)
    assert len(faults([measured], [committed])) == found


# A verdict: its column, the cell that shows it, and the values that bring it about.
VERDICTS = [("Goal", "4.5 (missed)", {"ratio": 4.4}), (AUC, "0.7900, 0.8000 (ours is lower)", {"ours_auc": 0.79})]


@pytest.mark.parametrize(("column", "cell", "values"), VERDICTS)
def test_a_verdict_stands_in_its_own_column(row: Row, column: str, cell: str, values: dict[str, float]) -> None:
    good, bad = table([row, replace(row, **values)]).to_dict("records")
    assert (good["Goal"], good[AUC]) == ("4.5", "0.9000, 0.8000")
    assert bad[column] == cell
    assert not any("(" in text for other, text in bad.items() if other in {"Goal", AUC} - {column})


@pytest.mark.parametrize(("column", "cell", "values"), VERDICTS)
def test_a_verdict_is_a_fault_unless_it_was_the_same_before(
    row: Row, column: str, cell: str, values: dict[str, float]
) -> None:
    bad = replace(row, **values)
    (fault,) = faults([bad], [row])
    assert cell in fault
    assert faults([bad], []) == [fault]
    assert faults([bad], [bad]) == []
    (other,) = (others for name, _, others in VERDICTS if name != column)
    (fault,) = faults([replace(bad, **other)], [replace(row, **other)])
    assert cell in fault


@pytest.mark.parametrize("values", [{"ratio": 4.5}, {"ours_auc": 0.8}])
def test_reaching_a_goal_exactly_is_enough(row: Row, values: dict[str, float]) -> None:
    assert not any(replace(row, **values).is_behind.values())


def test_cells_without_a_value_are_empty() -> None:
    cells = used("a job", "its peak", 1024.0, 2048.0).cells
    assert cells["Ours"] == "1024 MiB"
    assert cells["Ratio (rounds)"] == "2"
    assert cells["Theirs"] == cells[AUC] == ""


def test_the_document_shows_what_is_published() -> None:
    document = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    rows = read(ROOT / "results" / "published" / "speed.csv")
    assert shown_in(document, rows) == document
    assert all(f"| {row.name} |" in document for row in rows)
