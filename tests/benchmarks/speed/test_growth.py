"""The straight line through a series of times, and its plot."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.report.style import drawn_from
from benchmarks.speed.growth import draw, publish, with_lines


def points(seconds: Sequence[float], quantity: str = "images") -> pd.DataFrame:
    return pd.DataFrame({"quantity": quantity, "amount": [1, 2, 3, 4], "seconds": seconds})


def test_a_line_explains_a_linear_series() -> None:
    lines = with_lines(points([3.0, 5.0, 7.0, 9.0]))
    assert lines["fitted"].tolist() == pytest.approx([3, 5, 7, 9])
    assert lines["r_squared"].tolist() == pytest.approx([1] * 4)
    assert lines["largest_deviation"].tolist() == pytest.approx([0] * 4, abs=1e-9)


def test_a_line_explains_less_of_quadratic_growth() -> None:
    lines = with_lines(points([1.0, 4.0, 9.0, 16.0]))  # the line is 5 x - 5
    assert lines["fitted"].tolist() == pytest.approx([0, 5, 10, 15], abs=1e-9)
    assert lines["r_squared"].iloc[0] == pytest.approx(np.corrcoef(lines["amount"], lines["seconds"])[0, 1] ** 2)


def test_the_largest_deviation_is_relative_to_the_line() -> None:
    lines = with_lines(points([11.0, 19.0, 29.0, 41.0]))  # the line is 10 x
    assert lines["largest_deviation"].tolist() == pytest.approx([0.1] * 4)


def test_every_quantity_has_its_own_line_and_pane() -> None:
    lines = with_lines(pd.concat([points([1.0, 2.0, 3.0, 4.0]), points([5.0, 1.0, 1.0, 5.0], "classes")]))
    assert lines["r_squared"].round(6).tolist() == [1] * 4 + [0] * 4
    linear, flat = draw(lines, "a note").figure.axes
    assert (linear.get_xlabel(), flat.get_xlabel()) == ("images", "classes")
    (drawn,) = flat.lines
    assert np.asarray(drawn.get_ydata()) == pytest.approx(3)


def test_points_and_plot_are_published(tmp_path: Path) -> None:
    quantities = ("images", "epochs", "classes", "seeds")
    publish(with_lines(pd.concat(points([1.0, 2.1, 3.0, 4.0], name) for name in quantities)), "a note", tmp_path)
    path = tmp_path / "results" / "published" / "speed_growth.csv"
    frame = pd.read_csv(path)
    assert frame["quantity"].unique().tolist() == list(quantities)
    assert frame["seconds"].tolist() == [1.0, 2.1, 3.0, 4.0] * 4
    assert drawn_from(tmp_path / "reports" / "published" / "speed_growth.png", path.read_text())


def test_the_published_plot_is_drawn_from_the_published_points() -> None:
    root = Path(__file__).parents[3]
    text = (root / "results" / "published" / "speed_growth.csv").read_text()
    assert drawn_from(root / "reports" / "published" / "speed_growth.png", text)
