"""Figures made from records: their points are the records', and the pictures show them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import rcParams
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from sklearn.metrics import auc

from benchmarks.engine.records import Record, Score
from benchmarks.paper.tables import Measurement, table
from benchmarks.report.figures import figure, write_figure
from benchmarks.report.figures.comparison import Comparison, Difference, Scatter
from benchmarks.report.figures.trade_off import TradeOff
from benchmarks.report.style import tint
from benchmarks.report.tidy import RecordLookup, note, tidy
from tests.benchmarks.report.records import record_with

Lookup = Callable[[Measurement, int, int | None], Record | None]


def detected(measurement: Measurement, outlier: int, seed: int) -> tuple[float, ...]:
    """Some curve that falls from 1 to 0, differs between measurements, and is higher with negatives."""
    power = 1 + measurement.task.normal[0] / 4 + outlier / 20 + seed + (2 if measurement.task.negatives else 0)
    return tuple(1 - np.linspace(0, 1, 101) ** power)


def record_of(measurement: Measurement, seed: int, latent_dim: int | None = None) -> Record:
    scores = []
    for outlier in measurement.task.outliers:
        curve = detected(measurement, outlier, seed)
        scores.append(
            Score(outlier, float(auc(np.linspace(0, 1, 101), curve)), 1, curve, extra_aucs={"label sweep": 0.5})
        )
    dataset = measurement.task.dataset
    return record_with(scores, **{dataset: "a part" if dataset == "svhn" else ""})


def lookup(look: Lookup = record_of, seeds: Sequence[int] = (0,)) -> RecordLookup:
    return RecordLookup(look, lambda measurement: (None,), seeds)


def trade_off(name: str) -> TradeOff:
    one = figure(name)
    assert isinstance(one, TradeOff)
    return one


# One of each layout; the comparisons of few tables are drawn as those of many are.
DRAWN: list[TradeOff | Comparison] = [
    trade_off("4"),
    trade_off("A1"),
    Difference("difference", "A map", (table("4"),)),
    Scatter("scatter", "Some cells", (table("3"), table("4"))),
]


def line_of(frame: pd.DataFrame, pane: str, task: str, model: str, seed: str = "0") -> pd.DataFrame:
    return frame[
        (frame["pane"] == pane) & (frame["task"] == task) & (frame["model"] == model) & (frame["seed"] == seed)
    ]


@pytest.mark.parametrize("name", ["4", "A1", "A2", "A3", "A4"])
def test_the_points_of_a_trade_off_are_the_records(name: str) -> None:
    one = trade_off(name)
    frame = one.points(lookup())
    assert list(frame.columns) == [
        *("pane", "task", "model", "seed", "accuracy_normal", "accuracy_anomalies", "data_variant")
    ]
    assert len(frame) == 101 * len(one.lines)
    for line in one.lines:
        drawn = line_of(frame, line.pane, line.task, line.model)
        expected = np.mean([detected(line.measurement, outlier, 0) for outlier in line.measurement.outliers], axis=0)
        assert drawn["accuracy_anomalies"].to_numpy() == pytest.approx(expected, abs=1e-6)
        assert drawn["accuracy_normal"].to_numpy() == pytest.approx(np.arange(101) / 100)


def test_the_variant_of_the_data_is_told_with_the_points() -> None:
    assert set(trade_off("A2").points(lookup())["data_variant"]) == {"svhn: a part"}
    assert set(trade_off("A3").points(lookup())["data_variant"]) == {""}


def test_several_seeds_have_their_mean_beside_them() -> None:
    frame = trade_off("4").points(lookup(seeds=[0, 3]))
    assert set(frame["seed"]) == {"0", "3", "mean"}
    first, second, mean = (line_of(frame, "tasks 5-9", "Ship", "LIS-AE", seed) for seed in ("0", "3", "mean"))
    values = (first["accuracy_anomalies"].to_numpy() + second["accuracy_anomalies"].to_numpy()) / 2
    assert mean["accuracy_anomalies"].to_numpy() == pytest.approx(values, abs=1e-6)


def without_horse(measurement: Measurement, seed: int, latent_dim: int | None) -> Record | None:
    return None if measurement.task.normal == (7,) and measurement.task.negatives else record_of(measurement, seed)


def test_a_missing_record_leaves_its_line_out(tmp_path: Path) -> None:
    frame = trade_off("4").points(lookup(without_horse))
    assert len(frame) == 101 * 19
    assert not len(line_of(frame, "tasks 5-9", "Horse", "LIS-AE"))
    assert len(line_of(frame, "tasks 5-9", "Horse", "AE")) == 101
    text = note(figure("4"), lookup(without_horse), "the command", {"no room": ["tasks 5-9 / Horse / LIS-AE"]})
    assert "Missing for this reason: no room (tasks 5-9 / Horse / LIS-AE)." in text
    assert "command: the command." in text
    whole, lacking = (
        draw(tmp_path / name, trade_off("4"), look) for name, look in (("a", record_of), ("b", without_horse))
    )
    assert whole.shape == lacking.shape
    assert (whole != lacking).any()


@pytest.mark.parametrize("one", DRAWN[2:], ids=lambda one: one.id)
def test_the_points_of_a_comparison_are_those_of_the_tables(one: Comparison) -> None:
    frame = one.points(lookup(seeds=[0, 1]))
    columns = ["row", "column", "paper", "mean", "std", "n_seeds", "delta", "data_variant"]
    assert list(frame.columns) == ["table", *columns]
    assert list(dict.fromkeys(frame["table"])) == [each.id for each in one.tables]
    for each in one.tables:
        ours = frame[frame["table"] == each.id].reset_index(drop=True)
        printed = tidy(each, lookup(seeds=[0, 1])).dropna(subset=["paper"]).reset_index(drop=True)
        pd.testing.assert_frame_equal(ours[columns], printed[columns])
    assert frame["std"].notna().all()


def draw(folder: Path, one: TradeOff | Comparison, look: Lookup = record_of, seeds: Sequence[int] = (0,)) -> np.ndarray:
    _, png = write_figure(one, one.points(lookup(look, seeds)), "A note.", results_dir=folder, reports_dir=folder)
    return imread(png)


@pytest.mark.parametrize("one", DRAWN, ids=lambda one: one.id)
def test_files_of_a_figure(one: TradeOff | Comparison, tmp_path: Path) -> None:
    frame = one.points(lookup(seeds=[0, 1]))
    folders = {"results_dir": tmp_path / "results", "reports_dir": tmp_path / "reports"}
    paths = write_figure(one, frame, "A note.", **folders)
    names = [f"results/figure_{one.id}.csv", f"reports/figure_{one.id}.png"]
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == names
    read = pd.read_csv(paths[0], dtype=str, keep_default_na=False)  # some versions of pandas read the last bit wrongly
    assert read.replace("", "nan").equals(frame.astype(str).replace("", "nan"))
    # The same points give the same bytes.
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in write_figure(one, frame, "A note.", **folders)] == before


@pytest.mark.parametrize("one", DRAWN, ids=lambda one: one.id)
def test_a_picture_shows_its_points(one: TradeOff | Comparison, tmp_path: Path) -> None:
    full, empty = draw(tmp_path, one), draw(tmp_path, one, lambda *_: None)
    assert full[..., :3].std() > 0.05  # not a blank page
    colourful = [float(np.ptp(picture[..., :3], axis=2).mean()) for picture in (full, empty)]
    assert colourful[0] > 2 * colourful[1]


def test_axes_begin_at_a_half_where_every_line_is_far_up_there() -> None:
    frame = trade_off("A1").points(lookup())
    far_up = frame.assign(accuracy_anomalies=1 - frame["accuracy_normal"] ** 9)
    for values, low in ((frame, 0), (far_up, 0.5), (frame[:0], 0)):
        panes = trade_off("A1").draw(values, "").figure.axes
        assert len(panes) == 4
        assert {axes.get_xlim()[0] for axes in panes} == {axes.get_ylim()[0] for axes in panes} == {low}


def test_pictures_are_at_print_quality(tmp_path: Path) -> None:
    assert draw(tmp_path, trade_off("4")).shape[1] == pytest.approx(7.2 * 300, abs=1)


def test_tints_are_purple_where_ours_is_higher_and_orange_where_it_is_lower() -> None:
    for share in (0.05, 0.3, 0.9):
        higher, lower = to_rgb(tint(share)), to_rgb(tint(-share))
        assert higher[2] > higher[1]  # more blue than green
        assert lower[0] > lower[2]  # more red than blue
    assert tint(0.9) == tint(0.3)


@pytest.mark.parametrize("one", [DRAWN[0], *DRAWN[2:]], ids=lambda one: one.id)
def test_the_reader_s_own_settings_change_nothing(
    one: TradeOff | Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = draw(tmp_path, one)
    monkeypatch.setitem(rcParams, "font.size", 20)
    monkeypatch.setitem(rcParams, "font.weight", "bold")
    monkeypatch.setitem(rcParams, "lines.linestyle", ":")
    assert (draw(tmp_path, one) == before).all()
    assert rcParams["font.size"] == 20
