"""The claims as data: every one can be decided, and speaks of cells that are there."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.claims.checks import CHECKS
from benchmarks.engine.run import changed, stage_of
from benchmarks.paper.claims import Claim, claims, common_keys, printed_number, select, studied
from benchmarks.paper.tables import AVERAGE, Cell, Table, table
from benchmarks.paper.tasks import CLASSES
from tests.benchmarks.claims.made_up import BY_ID, LIS, run_of

# What the paper says of its tables and figures: none of these may be left out.
DEMANDED = {
    "rivals-mnist", "rivals-fashion", "rivals-two-class", "rivals-svhn", "rivals-cifar10", "linsep-better",
    "supervised-lis", "supervised-linsep", "fashion-harms-mnist", "cifar10-harms-svhn", "other-negatives-help",
    "dog-helps-cat-more-than-plane", "horse-helps-deer-outliers", "horse-harms-car-outliers", "truck-contradicts-car",
    "linsep-mends-car-truck", "cifar10-easier-than-svhn", "width-matters-most", "tanh-over-relu", "same-weights",
    "curves-almost-all", "inner-autoencoder", "deep-normal-loss", "linsep-more-separable", "arbitrary-tilt",
    "foreign-not-reconstructed", "shaping-detects", "linsep-detects",
}  # fmt: skip


def test_no_claim_is_left_out_or_named_twice() -> None:
    assert len(BY_ID) == len(claims())
    assert set(BY_ID) >= DEMANDED
    assert len(BY_ID) >= 50


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim.id)
def test_every_claim_can_be_decided(claim: Claim) -> None:
    assert claim.section
    assert claim.direction in ("above", "below")
    if claim.kind == "check":
        assert claim.check in CHECKS
    else:
        assert claim.kind in ("mean", "every", "share")
        for case in claim.cases:
            sides = claim.sides(case)  # raises for a selection of no cell
            assert common_keys(sides) if claim.paired else len(sides) > 1
            assert claim.statistic


def is_a_range(claim: Claim) -> bool:
    return any(len(one.changes) > 1 for case in claim.cases for _, one in claim.sides(case))


@pytest.mark.parametrize(
    "claim", [c for c in claims() if c.kind != "check" and (c.measure != "auc" or is_a_range(c))], ids=lambda c: c.id
)
def test_what_has_no_variance_over_test_images_is_of_several_tasks(claim: Claim) -> None:
    """Of shares of points or outliers, and of ranges over a setting, nothing tells how far one task may be off."""
    for case in claim.cases:
        assert len(common_keys(claim.sides(case))) > 1


@pytest.mark.parametrize("claim", [c for c in claims() if c.paired and c.kind in ("mean", "every")], ids=lambda c: c.id)
def test_signs_of_a_difference_cancel(claim: Claim) -> None:
    if claim.minus:
        assert len(claim.plus) == len(claim.minus)


# ---- Selections


def test_a_selection_is_the_cells_of_the_table() -> None:
    (cell,) = (cell for cell in table("2").cells if (cell.row, cell.column) == ("LIS-AE", "CIFAR-10"))
    selection = select(LIS)
    assert selection.measurements(selection.cells) == list(cell.measurements)
    assert list(selection.cells) == [("cifar10", (c,)) for c in CLASSES]


def test_wildcards_of_rows_stand_for_rows_of_the_paper_alone() -> None:
    models = {one.model for one in select("1 / * / MNIST").measurements([("mnist", (4,))])}
    assert "KDE" in models
    assert not models & {"Classifier", "Deep-SAD", "HSC", "ExtraTrees"}
    assert {one.model for one in select("1 / HSC / MNIST").measurements([("mnist", (4,))])} == {"HSC"}


def test_a_selection_may_name_its_normal_classes() -> None:
    cells = select("2 / Classifier / CIFAR-10 / 1,4").cells
    assert list(cells) == [("cifar10", (1,)), ("cifar10", (4,))]
    whole = select("2 / Classifier / CIFAR-10")
    assert select("2 / Classifier / CIFAR-10 / 4").measurements([("cifar10", (4,))]) == whole.measurements(
        [("cifar10", (4,))]
    )


def test_a_selection_may_change_several_settings_at_once() -> None:
    text = "2 / LIS-AE / CIFAR-10 / 1 @ negatives.count=1000, negatives.contaminated=0.1"
    assert select(text).changes == ({"negatives.count": 1000, "negatives.contaminated": 0.1},)


def test_wildcards_pool_rows_of_one_task() -> None:
    cells = select("A[12] / * | * [0-9] / Avg.").cells
    assert set(cells) == {("cifar10", (c,)) for c in CLASSES}
    assert all(len(found) == 5 for found in cells.values())  # neither None, nor Comb., nor Sup.


@pytest.mark.parametrize("text", ["2 / LIS-AE / CIFAR-100", "6 / * / *", f"{LIS} @ epochs", f"{LIS} / 10"])
def test_a_selection_of_nothing_is_a_mistake(text: str) -> None:
    with pytest.raises(ValueError, match=r"no cell|no sweep"):
        select(text)


@pytest.mark.parametrize(
    ("table_id", "row", "column"),
    [
        ("2", "LIS-AE", "CIFAR-100"),
        ("2", "Ours", "CIFAR-10"),
        ("6", "LIS-AE", "CIFAR-10"),
        ("6", "Car | None", AVERAGE),
    ],
)
def test_a_cell_that_the_paper_lacks_has_no_printed_number(table_id: str, row: str, column: str) -> None:
    cell = Cell(row, column, (), row)
    assert np.isnan(printed_number(Table(table_id, "", ("Model",), (column,), (cell,)), cell))


def test_a_printed_average_is_that_of_its_row() -> None:
    # It is printed as .0531, a slip.
    (cell,) = (cell for cell in table("A4").cells if (cell.row, cell.column) == ("Horse | None", AVERAGE))
    assert printed_number(table("A4"), cell) == pytest.approx(0.5275)


# ---- The runs that the ledger alone needs


SWEPT = [(one, change) for one, change in studied() if not any(name.startswith("negatives.") for name in change)]
HARDER = [(one, change) for one, change in studied() if (one, change) not in SWEPT]


def test_sweeps_are_of_few_tasks_and_differ_in_one_setting() -> None:
    on = {measurement.task.dataset: set() for measurement, _ in SWEPT}
    for measurement, _ in SWEPT:
        on[measurement.task.dataset].add(measurement.task.normal)
    assert on == {"cifar10": {(1,), (4,)}, "svhn": {(c,) for c in CLASSES}}
    assert {(measurement.model, len(change)) for measurement, change in SWEPT} == {("LIS-AE", 1)}
    of_each = dict.fromkeys(("autoencoder.latent_dim", "beta", "gamma", "learning_rate"), 2 * 5)
    alone = {"autoencoder.activation": 2, "autoencoder.inner_weight": 10}
    assert Counter(name for _, change in SWEPT for name in change) == of_each | alone


def test_harder_negatives_are_the_same_for_lis_ae_and_what_it_is_set_beside() -> None:
    tasks = {("cifar10", (1,)), ("cifar10", (4,)), ("mnist", (4,)), ("fashion-mnist", (6,))}
    models = ("LIS-AE", "Classifier", "HSC")
    found = Counter((one.model, one.task.dataset, one.task.normal, *change.values()) for one, change in HARDER)
    expected = [(m, *t, *c) for m in models for t in tasks for c in ((50,), (1000,), (1000, 0.1))]
    assert found == Counter(expected)
    runs = [changed(run_of(one, 0), change) for one, change in HARDER]
    stages = {stage.id for run in runs if run is not None and (stage := stage_of(run)) is not None}
    assert (len({run.id for run in runs if run is not None}), len(stages)) == (36, 4 + 4)


def test_a_claim_that_is_not_the_paper_s_says_so_and_has_no_printed_value() -> None:
    own = [claim for claim in claims() if claim.section == "not in the paper"]
    assert len(own) == 19
    for claim in own:
        assert any(" / LIS-AE" in text or "LIS-AE /" in text or text.startswith("3 /") for text in claim.plus)
        cells = [
            cell for case in claim.cases for _, one in claim.sides(case) for cs in one.cells.values() for cell in cs
        ]
        assert any(np.isnan(cell.printed) for cell in cells)


def test_every_sweep_holds_the_value_of_the_profile_and_so_a_run_that_tables_have() -> None:
    base = {run_of(measurement, 0).id for measurement, _ in SWEPT}
    found = Counter(
        name
        for measurement, change in SWEPT
        for name in change
        if (run := changed(run_of(measurement, 0), change)) is not None and run.id in base
    )
    assert found == {"autoencoder.latent_dim": 2, "beta": 2, "gamma": 2, "learning_rate": 2}
