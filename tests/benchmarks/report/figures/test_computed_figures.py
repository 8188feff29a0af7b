"""Figures whose points are no records are made once, from the detectors of the records and from data sets."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from benchmarks.data import load
from benchmarks.engine.records import Store
from benchmarks.report.figures import reconstructions
from benchmarks.reproduce import main

Call = Callable[..., int]


@pytest.fixture
def call(tmp_path: Path, data_dir: Path, profile_path: Path) -> Call:
    """Call the command line with folders of its own; there is no SVHN in the data directory."""
    arguments = [
        *("--profile", str(profile_path), "--data-dir", str(data_dir), "--offline", "--jobs", "1", "--quiet"),
        *("--results-dir", str(tmp_path / "results"), "--reports-dir", str(tmp_path / "reports")),
    ]
    return lambda *more: main([*arguments, *more])


def read(tmp_path: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(tmp_path / "results" / f"figure_{name}.csv", dtype={"run": str})


def pixels(frame: pd.DataFrame) -> np.ndarray:
    return frame.filter(regex=r"^p\d+$").to_numpy()


def test_figure_3_holds_inputs_and_reconstructions(
    call: Call, tmp_path: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--figure", "3") == 3
    error = capsys.readouterr().err
    assert "figure 3 lacks SVHN / 0 / AE; SVHN / 0 / LIS-AE; reason: svhn is not in" in error
    frame = read(tmp_path, "3")
    assert set(frame["pane"]) == {"CIFAR-10"}
    inputs, ae, lis = (frame[frame["model"] == model] for model in ("Input", "AE", "LIS-AE"))
    assert inputs["class"].to_list() == ["Car"] * 4 + ["Plane", "Bird", "Cat", "Deer"]
    data = load("cifar10", data_dir)
    cars = data.test_images[data.test_labels == 1][:4]
    others = [data.test_images[data.test_labels == c][0] for c in (0, 2, 3, 4)]
    assert (pixels(inputs) == np.stack([*cars, *others]).reshape(8, -1)).all()
    # The columns of both models are the same images, and the errors are those of networks that learned something.
    for made in (ae, lis):
        assert made["column"].to_list() == list(range(8))
        residuals = np.linalg.norm((pixels(made)[:4] - pixels(inputs)[:4]) / 255, axis=1)
        variance = np.linalg.norm((pixels(inputs)[:4] - pixels(inputs)[:4].mean()) / 255, axis=1)
        assert residuals.mean() < variance.mean()
    assert (pixels(ae) != pixels(lis)).any()
    records = {record.run: record.identity["model"] for record in Store(tmp_path / "results").records()}
    assert {records[run] for run in frame["run"]} == {"AE", "LIS-AE"}
    picture = imread(tmp_path / "reports" / "figure_3.png")
    assert picture.shape[1] > 2100
    assert picture[..., :3].std() > 0.05


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[figures.2]\nepochs = 0", ["epochs in [figures.2]", "at least 1", "got 0"]),
        ("[figures.2]\nrank = 1", ["in [figures.2]", "'rank'", "latent_dim"]),
        ("[figures.4]\nepochs = 1", ["in [figures]", "'4'", "there are 2"]),
    ],
)
def test_wrong_settings_of_a_figure_end_any_call_at_its_start(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, parts: list[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'extends = "smoke"\n{text}\n')
    assert call("--table", "4", "--profile", str(path)) == 2
    error = capsys.readouterr().err
    for part in ("mine.toml", *parts):
        assert part in error


def test_kept_points_are_drawn_again_without_training_or_data(
    call: Call, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    data = tmp_path / "data" / "cifar10.npz"
    data.symlink_to(data_dir / "cifar10.npz")
    there = ["--data-dir", str(data.parent)]
    call("--figure", "3", *there)
    files = [tmp_path / "results" / "figure_3.csv", tmp_path / "reports" / "figure_3.png"]
    before = [path.read_bytes() for path in files]
    for path in (files[1], data):
        path.unlink()
    monkeypatch.setattr(reconstructions, "rebuild", lambda *_: pytest.fail("it was trained again"))
    call("--figure", "3", *there)
    assert [path.read_bytes() for path in files] == before


def test_a_damaged_file_of_points_is_made_anew(call: Call, tmp_path: Path) -> None:
    call("--figure", "3")
    path = tmp_path / "results" / "figure_3.csv"
    whole = path.read_bytes()
    for damaged in (b"", b"\x00\xff", whole[:5000], whole.replace(b"run", b"ran", 1)):
        path.write_bytes(damaged)
        call("--figure", "3")
        assert path.read_bytes() == whole


def test_points_of_other_runs_are_not_taken_for_these(call: Call, tmp_path: Path) -> None:
    call("--figure", "3")
    first = read(tmp_path, "3")
    call("--figure", "3", "--seeds", "1,")
    second = read(tmp_path, "3")
    assert not set(first["run"]) & set(second["run"])
    assert (pixels(first[first["model"] == "AE"]) != pixels(second[second["model"] == "AE"])).any()


def test_weights_that_are_gone_are_trained_again_to_the_same_picture(call: Call, tmp_path: Path) -> None:
    call("--figure", "3")
    path = tmp_path / "results" / "figure_3.csv"
    whole = path.read_bytes()
    path.unlink()
    for weights in (tmp_path / "results" / "weights").iterdir():
        weights.unlink()
    call("--figure", "3")
    assert path.read_bytes() == whole


def test_figure_2_is_made_from_data_sets_and_kept(call: Call, tmp_path: Path, grey_data_dir: Path) -> None:
    grey = ["--figure", "2", "--data-dir", str(grey_data_dir)]
    assert call(*grey) == 0
    assert not list((tmp_path / "results" / "runs").iterdir())
    frame = read(tmp_path, "2")
    assert set(frame["data_variant"]) == {"mnist: drawn waves; omniglot: drawn waves"}
    files = [tmp_path / "results" / "figure_2.csv", tmp_path / "reports" / "figure_2.png"]
    before = [path.read_bytes() for path in files]
    assert call(*grey) == 0
    assert [path.read_bytes() for path in files] == before
    assert call(*grey, "--seeds", "1,") == 0
    assert set(read(tmp_path, "2")["run"]) != set(frame["run"])


def test_figure_2_takes_strokes_where_these_are_asked_for(
    call: Call, tmp_path: Path, grey_data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "mnist.npz").symlink_to(grey_data_dir / "mnist.npz")
    alone = ["--figure", "2", "--data-dir", str(tmp_path / "alone")]
    assert call(*alone) == 3
    assert "figure 2 lacks its points; reason: omniglot is not in" in capsys.readouterr().err
    assert not (tmp_path / "results" / "figure_2.csv").exists()
    assert call(*alone, "--negatives", "strokes") == 0
    assert set(read(tmp_path, "2")["data_variant"]) == {"mnist: drawn waves; strokes: drawn"}


def test_the_cross_section_needs_no_data(call: Call, tmp_path: Path) -> None:
    assert call("--figure", "cross_section", "--data-dir", str(tmp_path / "none")) == 0
    assert {"normal", "negative", "linear AE", "linear LIS-AE"} == set(read(tmp_path, "cross_section")["points"])
    assert (tmp_path / "reports" / "figure_cross_section.png").is_file()
