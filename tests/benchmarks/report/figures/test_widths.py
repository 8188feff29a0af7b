"""The figure of AUC over latent width shows every model with a latent layer at every width there is."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.image import imread

from benchmarks.engine.records import Record, Score
from benchmarks.paper.tables import Measurement
from benchmarks.report.figures import figure, write_figure
from benchmarks.report.tidy import RecordLookup
from tests.benchmarks.report.records import record_with

WIDTHS = (16, 8, 32)  # the fixed one first


def look(measurement: Measurement, seed: int, latent_dim: int | None) -> Record | None:
    if latent_dim == 32 and measurement.model == "VAE":
        return None
    auc = 0.5 + (latent_dim or 0) / 100 + seed / 50
    return record_with(
        [Score(outlier, auc, 1, (1.0,) * 101, {"label sweep": 0.5}) for outlier in measurement.task.outliers],
        cifar10="",
    )


@pytest.fixture(scope="module", params=[(0,), (0, 1)])
def points(request: pytest.FixtureRequest) -> pd.DataFrame:
    seeds: Sequence[int] = request.param
    return figure("widths").points(RecordLookup(look, lambda measurement: WIDTHS, seeds))


def test_there_is_a_point_for_each_width_that_has_its_runs(points: pd.DataFrame) -> None:
    ae = points[(points["row"] == "AE") & (points["column"] == "MNIST")]
    assert ae["latent_dim"].to_list() == [8, 16, 32]
    assert ae["is_fixed"].to_list() == [False, True, False]
    assert (ae["mean"] - ae["latent_dim"] / 100).to_list() == pytest.approx(
        [0.5 + (ae["n_seeds"].iloc[0] - 1) / 100] * 3
    )
    assert set(points.loc[points["row"] == "VAE", "latent_dim"]) == {8, 16}


def test_models_without_a_latent_layer_have_none(points: pd.DataFrame) -> None:
    assert {"AE", "LIS-AE", "AnoGAN-FM", "Sup. LinSep-LIS-AE"} <= set(points["row"])
    assert not {"KDE", "IF", "OC-SVM"} & set(points["row"])


def test_it_is_drawn_with_and_without_points(points: pd.DataFrame, tmp_path: Path) -> None:
    nothing = pd.DataFrame([], columns=points.columns)  # its columns are of no type
    for name, frame in (("full", points), ("empty", nothing)):
        folder = tmp_path / name
        write_figure(figure("widths"), frame, "A note.", results_dir=folder, reports_dir=folder)
    full, empty = (imread(tmp_path / name / "figure_widths.png") for name in ("full", "empty"))
    assert full.shape == empty.shape
    assert (full != empty).mean() > 0.001
