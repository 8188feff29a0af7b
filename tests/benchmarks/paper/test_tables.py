"""Tables are the paper's, cell by cell, and their tasks keep to its protocol."""

from dataclasses import replace

import pytest

from benchmarks.errors import CallError
from benchmarks.paper.printed import printed
from benchmarks.paper.tables import SAME_NEGATIVES, TABLES, Cell, Table, table
from benchmarks.paper.tasks import SPLITS, Negatives

BY_ID = {one.id: one for one in TABLES}


CLASS_TABLES = [one for one in TABLES if one.id in ("4", "5", "A1", "A2", "A3", "A4")]
SEEING = ["Classifier", "Deep-SAD", "HSC", "ExtraTrees"]  # what learns from the same negatives, and the paper lacks
SWEEPS = ["OC-SVM, label sweep", "OC-DSVDD, label sweep"]
BESIDE = {"OC-SVM, label sweep": "OC-SVM", "OC-SVM, consistent": "OC-SVM", "OC-DSVDD, label sweep": "OC-DSVDD"}
NORMALISED = {"KDE, normalised": "KDE-GCN", "IF, normalised": "IF-GCN", "OC-SVM, normalised": "OC-SVM-GCN"}
LACKING = {*NORMALISED, "RepNN (N=4), no sigmoid"}  # rows that the paper does not have


@pytest.mark.parametrize("one", TABLES, ids=lambda one: one.id)
def test_cells_are_those_printed_in_the_paper_s_order(one: Table) -> None:
    places = [place for table_id, *place in printed() if table_id == one.id]
    lacking = LACKING | {cell.row for cell in one.cells if cell.part} | ({"LinSep-LIS-AE"} if one.id == "1" else set())
    assert [[cell.row, cell.column] for cell in one.cells if cell.row not in {*BESIDE, *lacking}] == places
    for cell in one.cells:
        assert cell.column in one.columns
        assert cell.printed_row == ("" if cell.row in lacking else BESIDE.get(cell.row, cell.row))
        assert (one.printed(cell) is None) == (cell.row in lacking)


def test_rivals_are_normalised_where_images_are_coloured() -> None:
    for row, model in NORMALISED.items():
        assert row not in BY_ID["1"].rows
        for column in ("SVHN", "CIFAR-10"):
            plain = cell_of("2", row.removesuffix(", normalised"), column).measurements
            assert cell_of("2", row, column).measurements == tuple(replace(one, model=model) for one in plain)


@pytest.mark.parametrize(("table_id", "count"), [("1", 4), ("2", 8), ("3", 24)])
def test_rows_that_the_paper_lacks_come_last_and_have_no_printed_number(table_id: str, count: int) -> None:
    one = BY_ID[table_id]
    assert one.parts == {SAME_NEGATIVES: one.rows[-count:]}
    assert {one.printed(cell) for cell in one.cells if cell.part} == {None}
    assert table("4").parts == {}


def test_models_that_the_paper_lacks_have_the_very_tasks_of_lis_ae() -> None:
    for model in SEEING:
        alike = [("1", model, "LIS-AE"), ("2", model, "LIS-AE"), ("2", f"Sup. {model}", "Sup. LIS-AE")]
        alike += [("3", f"{model}, {row}", row) for row in BY_ID["3"].rows[1:7]]
        for table_id, row, of in alike:
            for column in BY_ID[table_id].columns:
                found = [cell for cell in BY_ID[table_id].cells if cell.column == column and cell.row in (row, of)]
                assert len(found) in (0, 2)
                for theirs, ours in zip(*(cell.measurements for cell in found), strict=True):
                    assert (ours.model, theirs.model) == (model, "LIS-AE")
                    assert (ours.task, ours.outliers) == (theirs.task, theirs.outliers)


@pytest.mark.parametrize("one", CLASS_TABLES, ids=lambda one: one.id)
def test_tasks_of_class_tables_keep_to_the_protocol(one: Table) -> None:
    for cell in one.cells:
        (measurement,) = cell.measurements
        task, setting = measurement.task, cell.row.split(" | ")[1]
        (positive,) = task.normal
        own = next(split for split in SPLITS if positive in split)
        other = next(split for split in SPLITS if positive not in split)
        outliers = tuple(c for c in own if c != positive)
        assert task.dataset == "cifar10"
        assert task.outliers == outliers
        negatives = task.negatives.classes if task.negatives else ()
        if setting == "None":
            assert (measurement.model, negatives) == ("AE", ())
        elif setting.startswith("Comb."):
            assert negatives == other
        elif setting.startswith("Sup."):
            assert negatives == outliers
        else:
            assert negatives == (int(setting.split()[1]),)
            assert negatives[0] in other
        # The paper: the model should not be tested on negatives, the upper bound apart.
        assert setting.startswith("Sup.") or not set(negatives) & set(task.outliers)


def cell_of(table_id: str, row: str, column: str) -> Cell:
    return next(cell for cell in BY_ID[table_id].cells if (cell.row, cell.column) == (row, column))


@pytest.mark.parametrize(
    ("column", "tasks", "outliers"), [("MNIST", 10, 9), ("Fashion-MNIST", 10, 8), ("2-Class MNIST", 5, 8)]
)
def test_every_model_of_table_1_has_the_same_tasks_and_outliers(column: str, tasks: int, outliers: int) -> None:
    cells = [cell for cell in BY_ID["1"].cells if cell.column == column]
    # The models of the paper, a label sweep and a length scale of OC-SVM, and four more rows of ours.
    assert len(cells) == 17 + len(SEEING)
    (common,) = {
        tuple((measurement.task.normal, measurement.outliers) for measurement in cell.measurements) for cell in cells
    }
    assert len(common) == tasks
    assert {len(classes) for _, classes in common} == {outliers}
    assert sorted(c for normal, _ in common for c in normal) == list(range(10))


def test_negatives_of_table_1() -> None:
    measurements = cell_of("1", "LIS-AE", "Fashion-MNIST").measurements
    assert [measurement.task.negatives for measurement in measurements] == [
        Negatives("fashion-mnist", ((c + 1) % 10,)) for c in range(10)
    ]
    assert all((measurement.task.normal[0] + 1) % 10 not in measurement.outliers for measurement in measurements)
    for column in ("MNIST", "2-Class MNIST"):
        assert {measurement.task.negatives for measurement in cell_of("1", "LIS-AE", column).measurements} == {
            Negatives("omniglot")
        }
    for cell in BY_ID["1"].cells:
        sees = cell.row in ("LIS-AE", "LinSep-LIS-AE", *SEEING)
        assert all((measurement.task.negatives is not None) == sees for measurement in cell.measurements)


def test_table_2_shares_its_runs_with_the_appendix() -> None:
    appendix = {(t.task, t.model) for one in CLASS_TABLES for cell in one.cells for t in cell.measurements}
    for row in ("AE", "LIS-AE", "LinSep-LIS-AE", "Sup. LIS-AE", "Sup. LinSep-LIS-AE"):
        measurements = cell_of("2", row, "CIFAR-10").measurements
        assert {(measurement.task, measurement.model) for measurement in measurements} <= appendix
        assert [len(measurement.outliers) for measurement in measurements] == [4] * 10
    swept = [cell for cell in BY_ID["2"].cells if any(one.extra for one in cell.measurements)]
    assert list(dict.fromkeys(cell.row for cell in swept)) == SWEEPS
    for cell in swept:
        alone = cell_of("2", cell.printed_row, cell.column).measurements
        assert cell.measurements == tuple(replace(one, extra="label sweep") for one in alone)


def test_table_3_tests_on_the_rest_of_the_split_with_the_negatives_it_names() -> None:
    for cell in BY_ID["3"].cells:
        for positive, measurement in enumerate(cell.measurements):
            own = next(split for split in SPLITS if positive in split)
            assert measurement.task.normal == (positive,)
            assert measurement.outliers == tuple(c for c in own if c != positive)
            assert measurement.model == (
                "AE" if cell.row == "None" else cell.row.partition(", ")[0] if cell.part else "LIS-AE"
            )
    expected = {
        ("None", "SVHN"): None,
        ("Omni", "Fashion"): Negatives("omniglot"),
        ("MNIST", "MNIST"): Negatives("mnist", (5, 6, 7, 8, 9)),
        ("Fashion", "MNIST"): Negatives("fashion-mnist"),
        ("SVHN", "CIFAR-10"): Negatives("svhn"),
        ("Same (Sup.)", "Fashion"): Negatives("fashion-mnist", (1, 2, 3, 4)),
    }
    assert {key: cell_of("3", *key).measurements[0].task.negatives for key in expected} == expected


def test_tables_2_and_3_agree_where_the_paper_prints_the_same_number() -> None:
    for row_2, row_3 in (("AE", "None"), ("LIS-AE", "CIFAR-10"), ("Sup. LIS-AE", "Same (Sup.)")):
        assert cell_of("2", row_2, "CIFAR-10").measurements == cell_of("3", row_3, "CIFAR-10").measurements
    assert cell_of("2", "LIS-AE", "SVHN").measurements == cell_of("3", "SVHN", "SVHN").measurements


def test_a_column_is_one_outlier_class_and_the_average_all_four() -> None:
    cells = {(cell.row, cell.column): cell.measurements[0].outliers for cell in BY_ID["A2"].cells}
    assert cells["Horse | Plane 0", "Frog"] == (6,)
    assert cells["Horse | Plane 0", "Avg."] == (5, 6, 8, 9)


def test_the_excerpts_are_views_of_the_appendix() -> None:
    for excerpt, whole in (("4", "A1"), ("5", "A3")):
        measurements = {measurement for cell in BY_ID[whole].cells for measurement in cell.measurements}
        assert {measurement for cell in BY_ID[excerpt].cells for measurement in cell.measurements} < measurements


def test_table_by_id() -> None:
    assert table("a1") is BY_ID["A1"]
    with pytest.raises(CallError, match=r"'A9' is no table made here: there are 1, 2, 3, 4, 5, A1.*Did you mean"):
        table("A9")
