"""Figures are the paper's, line by line, share their runs with its tables, and each is found in one file."""

import shutil
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from benchmarks.errors import CallError
from benchmarks.paper.tables import TABLES
from benchmarks.paper.tasks import SPLITS, Negatives
from benchmarks.report import figures
from benchmarks.report.figures import FIGURES, figure
from benchmarks.report.figures.base import Figure
from benchmarks.report.figures.reconstructions import Reconstructions
from benchmarks.report.figures.trade_off import TradeOff

TRADE_OFFS = [one for one in FIGURES if isinstance(one, TradeOff)]
LOW, HIGH = SPLITS
# Figure: data set, model beside AE, and each column of panes with the negatives of its first task (Appendix A.2).
VARIANTS = {
    "4": ("cifar10", "LIS-AE", {"": Negatives("cifar10", HIGH)}),
    "A1": (
        "cifar10",
        "LIS-AE",
        {", supervised": Negatives("cifar10", (1, 2, 3, 4)), ", SVHN as negatives": Negatives("svhn")},
    ),
    "A2": (
        "svhn",
        "LinSep-LIS-AE",
        {", supervised": Negatives("svhn", (1, 2, 3, 4)), ", unsupervised": Negatives("svhn", HIGH)},
    ),
    "A3": (
        "mnist",
        "LIS-AE",
        {", supervised": Negatives("mnist", (1, 2, 3, 4)), ", Omniglot as negatives": Negatives("omniglot")},
    ),
    "A4": (
        "fashion-mnist",
        "LIS-AE",
        {", supervised": Negatives("fashion-mnist", (1, 2, 3, 4)), ", Omniglot as negatives": Negatives("omniglot")},
    ),
}


def test_the_figures_of_the_paper_and_three_more() -> None:
    assert [one.id for one in FIGURES] == ["2", "3", *VARIANTS, "cross_section", "difference", "scatter", "widths"]


@pytest.mark.parametrize("one", TRADE_OFFS, ids=lambda one: one.id)
def test_panes_and_lines_of_a_trade_off(one: TradeOff) -> None:
    dataset, model, variants = VARIANTS[one.id]
    panes = [[f"tasks {tasks}{variant}" for variant in variants] for tasks in ("0-4", "5-9")]
    # Figure 4 has its two panes side by side, the others a variant a column.
    assert one.layout == (("tasks 0-4", "tasks 5-9"),) if one.id == "4" else [list(row) for row in one.layout] == panes
    for names, split in zip(panes, SPLITS, strict=True):
        for pane in names:
            lines = [line for line in one.lines if line.pane == pane]
            assert [(*line.measurement.task.normal, line.model) for line in lines] == [
                (positive, name) for positive in split for name in ("AE", model)
            ]
            assert {line.measurement.task.dataset for line in lines} == {dataset}
    assert len(one.lines) == 20 * len(variants)


@pytest.mark.parametrize("one", TRADE_OFFS, ids=lambda one: one.id)
def test_negatives_and_outliers_of_a_trade_off(one: TradeOff) -> None:
    _, model, variants = VARIANTS[one.id]
    for variant, negatives in variants.items():
        first = [line for line in one.lines if line.pane == f"tasks 0-4{variant}"][:2]
        assert [line.measurement.task.negatives for line in first] == [None, negatives]
        assert first[1].model == model
    for line in one.lines:
        (positive,) = line.measurement.task.normal
        own = LOW if positive in LOW else HIGH
        assert line.measurement.outliers == tuple(c for c in own if c != positive)


def test_figure_3_shows_car_and_digit_0() -> None:
    one = figure("3")
    assert isinstance(one, Reconstructions)
    assert [(line.pane, line.task, line.model) for line in one.lines] == [
        ("CIFAR-10", "Car", "AE"),
        ("CIFAR-10", "Car", "LIS-AE"),
        ("SVHN", "0", "AE"),
        ("SVHN", "0", "LIS-AE"),
    ]


def test_figures_need_no_run_that_a_table_does_not_need() -> None:
    cells = [cell for one in TABLES for cell in one.cells]
    tables = {(m.task, m.model) for cell in cells for m in cell.measurements}
    printed = {(m.task, m.model) for cell in cells if cell.printed_row for m in cell.measurements}
    figures = {(m.task, m.model) for one in FIGURES for m in one.measurements}
    assert printed <= figures <= tables  # the scatter shows every cell that has a printed number


def test_the_linear_case_needs_no_run_and_figure_2_reads_the_data_of_its_task() -> None:
    images, section = figure("2"), figure("cross_section")
    assert images.needs == section.needs == section.tasks == ()
    (task,) = images.tasks
    assert (task.dataset, task.normal, task.negatives) == ("mnist", (8,), Negatives("omniglot"))


def test_a_figure_of_a_new_kind_is_one_file(tmp_path: Path) -> None:
    source = Path(next(iter(figures.__path__)))
    package = tmp_path / "figures"
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "blank.py").write_text(
        "from benchmarks.report.figures.base import Figure\n"
        "from benchmarks.report.style import Page\n"
        "class Blank(Figure):\n    def draw(self, frame, note):\n        return Page(2, 1, self.title, note)\n"
        "FIGURES = (Blank('blank', 'Nothing'), Blank('5', 'Five'))\n"
    )
    spec = spec_from_file_location(
        "figures_and_one", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == spec.name]:
            del sys.modules[name]
    ids = [one.id for one in module.FIGURES]
    assert ids == [
        "2",
        "3",
        "4",
        "5",
        "A1",
        "A2",
        "A3",
        "A4",
        "blank",
        "cross_section",
        "difference",
        "scatter",
        "widths",
    ]
    assert module.figure("BLANK").title == "Nothing"


def test_figure_by_id() -> None:
    one: Figure = figure("a1")
    assert one.id == "A1"
    with pytest.raises(CallError, match=r"'scater' is no figure made here: there are 2, 3.*Did you mean scatter"):
        figure("scater")
