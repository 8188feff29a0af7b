"""The straight line through a series of times, and its plot."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.speed.growth import Series, publish


def test_a_line_explains_a_linear_series() -> None:
    series = Series([1, 2, 3, 4], [3.0, 5.0, 7.0, 9.0])
    assert series.r_squared == pytest.approx(1)
    assert series.largest_deviation == pytest.approx(0, abs=1e-9)


def test_a_line_explains_less_of_quadratic_growth() -> None:
    series = Series([1, 2, 3, 4], [1.0, 4.0, 9.0, 16.0])
    assert series.r_squared < 0.98
    assert series.largest_deviation > 0.1


def test_points_and_plot_are_published(tmp_path: Path) -> None:
    series = {name: Series([1, 2, 3, 4], [1.0, 2.1, 3.0, 4.0]) for name in ("images", "epochs", "classes", "seeds")}
    publish(series, "a note", tmp_path)
    frame = pd.read_csv(tmp_path / "results" / "published" / "speed_growth.csv")
    assert frame.groupby("quantity").size().tolist() == [4, 4, 4, 4]
    assert frame["seconds"].tolist()[:4] == [1.0, 2.1, 3.0, 4.0]
    assert (tmp_path / "reports" / "published" / "speed_growth.png").read_bytes().startswith(b"\x89PNG")
