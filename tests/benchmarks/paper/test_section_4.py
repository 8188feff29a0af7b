"""Figure 2 on drawn shapes in the place of digits, and the cross-section of Section 4.2."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from benchmarks.paper.section_4 import cross_section_points, figure_2_points
from tests.shapes import Shapes

LABELS = np.array([1, 8, 8, 3, 8, 1, 8, 8])


@pytest.fixture(scope="module")
def pictures(grey: Shapes) -> pd.DataFrame:
    """Soft spots are eights, stripes are anything else."""
    test_images = np.where(LABELS[:, None, None, None] == 8, grey.held_out[:8], grey.faint_outliers[:8])
    train_images = np.concatenate([grey.normal, grey.outliers])
    train_labels = np.repeat([8, 1], [len(grey.normal), len(grey.outliers)])
    train, negatives, test = (images[..., 0] for images in (train_images, grey.negatives, test_images))
    arrays = (train, train_labels, negatives, test, LABELS)
    # There are fewer pixels and images than MNIST has.
    return figure_2_points(*arrays, latent_dim=6, epochs=40, seed=0, data_variant="mnist: drawn")


@pytest.fixture(scope="module")
def section() -> pd.DataFrame:
    return cross_section_points((8.0, 3.0))


def images(frame: pd.DataFrame, row: str) -> NDArray[np.float64]:
    return frame[frame["row"] == row].filter(regex=r"^p\d+$").to_numpy()


# Figure 2


def test_six_rows_of_the_first_four_eights_and_one_of_each_other_digit(pictures: pd.DataFrame, grey: Shapes) -> None:
    assert pictures["row"].to_list() == [row for row in "abcdef" for _ in range(6)]
    assert pictures["column"].to_list() == list(range(6)) * 6
    assert pictures["digit"].to_list() == [8, 8, 8, 8, 1, 3] * 6
    assert set(pictures["data_variant"]) == {"mnist: drawn"}
    assert list(pictures.columns[10:]) == [f"p{i}" for i in range(16 * 16)]
    shown = np.concatenate([grey.held_out[[1, 2, 4, 6]], grey.faint_outliers[[0, 3]]])
    np.testing.assert_allclose(images(pictures, "a"), shown.reshape(6, -1) / 255, atol=1e-4)


def test_the_settings_are_told_with_the_points(pictures: pd.DataFrame) -> None:
    told = pictures[["latent_dim", "gamma", "beta", "epochs", "learning_rate"]].drop_duplicates()
    assert told.to_numpy().tolist() == [[6, 10, 1, 40, 0.01]]


def test_linear_ae_makes_nothing_of_the_orthogonal_part(pictures: pd.DataFrame) -> None:
    assert (pictures.loc[pictures["row"] == "c", "norm"] == 0).all()
    assert not np.signbit(images(pictures, "c")).any()
    assert pictures.loc[pictures["row"] == "b", "norm"].min() > 0.1


def test_lisae_makes_more_of_the_orthogonal_part_of_anomalies(pictures: pd.DataFrame) -> None:
    norms = pictures[pictures["row"] == "d"].set_index("column")["norm"]
    assert norms.loc[4:].min() > 2 * norms.loc[:3].max()


def test_the_parts_of_an_image_add_up(pictures: pd.DataFrame) -> None:
    a, b, c, d, e, f = (images(pictures, row) for row in "abcdef")
    np.testing.assert_allclose(e + b, a, atol=2e-4)
    np.testing.assert_allclose(e + c, e, atol=2e-4)
    np.testing.assert_allclose(e + d, f, atol=2e-4)


def test_norms_are_those_of_the_pixels(pictures: pd.DataFrame) -> None:
    values = pictures.filter(regex=r"^p\d+$").to_numpy()
    np.testing.assert_allclose(pictures["norm"], np.linalg.norm(values, axis=1), atol=1e-4)


# The cross-section


def test_the_contour_of_linear_ae_is_a_circle(section: pd.DataFrame) -> None:
    circle = section[section["points"] == "linear AE"]
    np.testing.assert_allclose(np.hypot(circle["y"], circle["z"]), 1, atol=1e-3)
    assert circle[["gamma", "tilt"]].isna().all(axis=None)


def test_the_contour_of_lisae_is_that_circle_squashed_along_z(section: pd.DataFrame) -> None:
    ellipses = section[section["points"] == "linear LIS-AE"]
    assert list(ellipses["gamma"].unique()) == [3, 8]
    for gamma, ellipse in ellipses.groupby("gamma"):
        assert ellipse["y"].max() == pytest.approx(1, abs=0.01)
        assert ellipse["z"].max() == pytest.approx(1 / gamma, rel=0.02)
        squares = ellipse["y"] ** 2 + (1 + ellipse["tilt"] ** 2) * ellipse["z"] ** 2
        np.testing.assert_allclose(squares, 1, atol=0.02)


def test_negatives_lie_on_the_circle_and_contours_have_their_loss(section: pd.DataFrame) -> None:
    assert set(section.loc[section["points"] != "normal", "loss"]) == {1.0}
    negative = section[section["points"] == "negative"]
    assert negative[["y", "z"]].to_numpy().tolist() == [[0, 1], [0, -1]]


def test_normal_samples_have_the_variances_of_the_paper(section: pd.DataFrame) -> None:
    samples = section[section["points"] == "normal"]
    assert samples[["y", "z"]].var().to_list() == pytest.approx([0.2, 0.01], rel=0.25)
    np.testing.assert_allclose(samples["loss"], np.hypot(samples["y"], samples["z"]), atol=1e-3)
