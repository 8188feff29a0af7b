"""A detector from outside has its rows in every table, and the paper prints nothing beside them."""

import pytest

from benchmarks.paper.own_rows import with_rows
from benchmarks.paper.tables import SAME_NEGATIVES, TABLES, table


def added(table_id: str, *, uses_negatives: bool) -> list[str]:
    before, after = table(table_id), with_rows(table(table_id), [("NN", uses_negatives)])
    assert [row for row in after.rows if row in before.rows] == before.rows
    return [row for row in after.rows if row not in before.rows]


@pytest.mark.parametrize(
    ("table_id", "unseeing", "seeing"),
    [
        ("1", ["NN"], ["NN"]),
        ("2", ["NN"], ["NN", "Sup. NN"]),
        (
            "3",
            ["NN, None"],
            [f"NN, {name}" for name in ("Omni", "MNIST", "Fashion", "SVHN", "CIFAR-10", "Same (Sup.)")],
        ),
    ],
)
def test_rows_of_tables_of_models(table_id: str, unseeing: list[str], seeing: list[str]) -> None:
    assert added(table_id, uses_negatives=False) == unseeing
    assert added(table_id, uses_negatives=True) == seeing


def test_tables_of_classes_have_those_that_learn_from_negatives() -> None:
    rows = added("4", uses_negatives=True)
    assert rows == [f"NN: {row}" for row in table("4").rows if not row.endswith("None")]
    assert added("4", uses_negatives=False) == []


@pytest.mark.parametrize("uses_negatives", [True, False])
def test_the_cells_are_those_of_a_model_that_knows_as_much(uses_negatives: bool) -> None:
    for one in TABLES:
        own = [cell for cell in with_rows(one, [("NN", uses_negatives)]).cells if cell not in one.cells]
        for cell in own:
            assert one.printed(cell) is None
            for measurement in cell.measurements:
                assert measurement.model == "NN"
                assert (measurement.task.negatives is not None) == uses_negatives
    cells = {(cell.row, cell.column): cell for cell in with_rows(table("1"), [("NN", uses_negatives)]).cells}
    like = "Classifier" if uses_negatives else "KDE"
    mine, theirs = (cells[row, "MNIST"].measurements for row in ("NN", like))
    assert [one.task for one in mine] == [one.task for one in theirs]


def test_rows_stand_above_and_below_the_line_of_text() -> None:
    both = with_rows(table("1"), [("Blind", False), ("Seeing", True)])
    place = both.rows.index(both.parts[SAME_NEGATIVES][0])
    assert both.rows.index("Blind") < place < both.rows.index("Seeing")
    assert both.parts[SAME_NEGATIVES][-1] == "Seeing"
