"""Tables are the paper's, cell by cell, and their tasks keep to its protocol."""

import pytest

from benchmarks import paper
from benchmarks.artefacts import TABLES, Table, table
from benchmarks.errors import CallError
from benchmarks.tasks import SPLITS

BY_ID = {one.id: one for one in TABLES}


@pytest.mark.parametrize("one", TABLES, ids=lambda one: one.id)
def test_cells_are_those_printed_in_the_paper_s_order(one: Table) -> None:
    printed = [(cell.row, cell.column) for cell in paper.printed() if cell.table == one.id]
    assert [(cell.row, cell.column) for cell in one.cells] == printed


@pytest.mark.parametrize("one", TABLES, ids=lambda one: one.id)
def test_tasks_keep_to_the_protocol(one: Table) -> None:
    for cell in one.cells:
        (term,) = cell.terms
        task, setting = term.task, cell.row.split(" | ")[1]
        (positive,) = task.normal
        own = next(split for split in SPLITS if positive in split)
        other = next(split for split in SPLITS if positive not in split)
        outliers = tuple(c for c in own if c != positive)
        assert task.dataset == "cifar10"
        assert task.outliers == outliers
        negatives = task.negatives.classes if task.negatives else ()
        if setting == "None":
            assert (term.model, negatives) == ("AE", ())
        elif setting.startswith("Comb."):
            assert negatives == other
        elif setting.startswith("Sup."):
            assert negatives == outliers
        else:
            assert negatives == (int(setting.split()[1]),)
            assert negatives[0] in other
        # The paper: the model should not be tested on negatives, the upper bound apart.
        assert setting.startswith("Sup.") or not set(negatives) & set(task.outliers)


def test_a_column_is_one_outlier_class_and_the_average_all_four() -> None:
    cells = {(cell.row, cell.column): cell.terms[0].outliers for cell in BY_ID["A2"].cells}
    assert cells["Horse | Plane 0", "Frog"] == (6,)
    assert cells["Horse | Plane 0", "Avg."] == (5, 6, 8, 9)


def test_the_excerpts_are_views_of_the_appendix() -> None:
    for excerpt, whole in (("4", "A1"), ("5", "A3")):
        terms = {term for cell in BY_ID[whole].cells for term in cell.terms}
        assert {term for cell in BY_ID[excerpt].cells for term in cell.terms} < terms


def test_table_by_id() -> None:
    assert table("a1") is BY_ID["A1"]
    with pytest.raises(CallError, match=r"'A9' is no table made here: there are 4, 5, A1.*Did you mean"):
        table("A9")
