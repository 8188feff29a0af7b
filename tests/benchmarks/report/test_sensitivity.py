"""The log of the searches is read as a sceptical reader would: a line joins what differs in one setting alone."""

from pathlib import Path

import pytest

from benchmarks.report.document import DASH
from benchmarks.report.sensitivity import Pane, draw, panes, rows, write_sensitivity
from benchmarks.report.style import drawn_from
from tests.benchmarks.report.records import SEARCH_LOG

INTERVAL = "\N{MINUS SIGN}.004 to +.024"


def test_a_line_has_what_differs_in_one_setting_alone() -> None:
    assert panes(SEARCH_LOG) == [
        Pane("shaping", "beta", 1.0, (), {"": {1.0: 0.9, 3.0: 0.88}}),
        Pane(
            "shaping",
            "gamma",
            20.0,
            ("reading",),
            {"absolute": {16.0: 0.89, 20.0: 0.9}, "rms": {16.0: 0.91, 20.0: 0.92}},
        ),
    ]


def test_the_picture_is_of_this_log(tmp_path: Path) -> None:
    path = tmp_path / "search.csv"
    path.write_text(SEARCH_LOG.to_csv(index=False))
    (picture,) = write_sensitivity(path, tmp_path / "reports")
    assert picture == tmp_path / "reports" / "search.png"
    assert drawn_from(picture, path.read_text())
    assert not drawn_from(picture, path.read_text() + "\n")


def test_no_axis_goes_beyond_an_auc_of_one() -> None:
    """And all span the same range."""
    near_one = Pane("easy", "gamma", 9.0, (), {"": {7.0: 0.98, 9.0: 0.99}})
    wide = Pane("hard", "gamma", 20.0, (), {"": {16.0: 0.7, 20.0: 0.8}})
    limits = [axes.get_ylim() for axes in draw([near_one, wide]).figure.axes]
    assert [top for _, top in limits] == pytest.approx([1, 0.815])
    assert {round(top - bottom, 6) for bottom, top in limits} == {0.13}


def test_a_setting_of_phase_one_is_told_from_that_of_phase_two() -> None:
    lines = {"12, rms": {5: 0.7, 10: 0.8}, "24, rms": {5: 0.7, 10: 0.8}}
    (axes,) = draw([Pane("long", "epochs", 5, ("autoencoder.epochs", "reading"), lines)]).figure.axes
    legend = axes.get_legend()
    assert axes.get_xlabel() == "epochs"
    assert legend is not None
    assert legend.get_title().get_text() == "epochs of phase one, reading"
    assert [text.get_text() for text in legend.get_texts()] == list(lines)


def test_a_log_without_two_values_of_a_setting_has_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "search.csv"
    path.write_text(SEARCH_LOG.head(1).to_csv(index=False))
    assert write_sensitivity(path, tmp_path / "reports") == []
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("place", "row"),
    [
        (0, ("shaping", "gamma = 20.0, reading = absolute", ".9000", "profile", INTERVAL, "12.3", "10 of 10")),
        (3, ("shaping", "gamma = 20.0, reading = rms", ".9200", "+.0100", INTERVAL, "12.3", "10 of 10")),
        (4, ("shaping", "gamma = 25.0, reading = rms", DASH, "+.0100", INTERVAL, "12.3", "10 of 10")),
    ],
)
def test_a_row_of_the_report(place: int, row: tuple[str, ...]) -> None:
    assert rows(SEARCH_LOG)[place] == row
