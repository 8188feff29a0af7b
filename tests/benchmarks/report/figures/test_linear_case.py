"""The pictures of the linear case show their points, and are the same for the same points."""

from io import BytesIO, StringIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray

from benchmarks.paper.section_4 import cross_section_points
from benchmarks.report.figures import figure
from benchmarks.report.figures.base import Figure
from benchmarks.report.style import styled

FIGURE_2, CROSS_SECTION = figure("2"), figure("cross_section")


def png(one: Figure, frame: pd.DataFrame) -> bytes:
    target = BytesIO()
    with styled():
        one.draw(frame, "How it was made.").figure.savefig(target, format="png")
    return target.getvalue()


def pixels(one: Figure, frame: pd.DataFrame) -> NDArray[np.float32]:
    return imread(BytesIO(png(one, frame)))[..., :3]


@pytest.fixture(scope="module")
def pictures() -> pd.DataFrame:
    """Three eights and two others of 4 x 4 pixels, all black."""
    digits = [8, 8, 8, 1, 3]
    places = pd.DataFrame([(row, column, digit) for row in "abcdef" for column, digit in enumerate(digits)])
    places.columns = pd.Index(["row", "column", "digit"])
    places[["latent_dim", "epochs"]] = [16, 10]
    places[["gamma", "beta", "learning_rate", "data_variant", "norm"]] = [10.0, 1.0, 0.01, "", 0.0]
    return pd.concat([places, pd.DataFrame(np.zeros((30, 16))).add_prefix("p")], axis=1)


@pytest.fixture(scope="module")
def section() -> pd.DataFrame:
    return cross_section_points((3.0, 8.0))


@pytest.mark.parametrize(("one", "name"), [(FIGURE_2, "pictures"), (CROSS_SECTION, "section")])
def test_the_csv_read_back_gives_the_same_picture(one: Figure, name: str, request: pytest.FixtureRequest) -> None:
    frame = request.getfixturevalue(name)
    assert png(one, pd.read_csv(StringIO(frame.to_csv(index=False)))) == png(one, frame)


def test_every_image_has_its_place_in_figure_2(pictures: pd.DataFrame) -> None:
    """Rows from top to bottom, columns to the right, whatever the order of the lines."""
    numbered = pictures.copy()
    numbered.loc[:, "p0":"p15"] = np.repeat(np.arange(30.0)[:, None], 16, axis=1)
    with styled():
        boxes = {
            float(axes.images[0].get_array().max()): axes.get_position()
            for axes in FIGURE_2.draw(numbered.sample(frac=1, random_state=0).sort_values("column"), "").figure.axes
        }
    left, bottom = (np.array([getattr(boxes[i], side) for i in range(30)]).reshape(6, 5) for side in ("x0", "y0"))
    np.testing.assert_allclose(left, np.tile(left[0], (6, 1)))
    np.testing.assert_allclose(bottom, np.tile(bottom[:, :1], 5))
    assert (np.diff(bottom[:, 0]) < 0).all()
    gaps = np.diff(left[0])
    assert gaps.min() > 0
    assert gaps.argmax() == 2  # the anomalies stand apart


def test_the_picture_is_of_the_images(pictures: pd.DataFrame) -> None:
    white = pictures.copy()
    white.loc[white["row"] == "f", "p0":"p15"] = 1.0
    changed = (pixels(FIGURE_2, white) != pixels(FIGURE_2, pictures)).any(axis=2)
    assert changed.sum() > 5 * 120**2


def test_zero_is_mid_grey_in_signed_rows_and_black_in_images(pictures: pd.DataFrame) -> None:
    with styled():
        drawn = [axes.images[0] for axes in FIGURE_2.draw(pictures, "").figure.axes]
    shades = [float(image.norm(0.0)) for image in drawn]
    assert shades == [0.0] * 5 + [0.5] * 15 + [0.0] * 10


@pytest.mark.parametrize(("variant", "told"), [("", "complete official sets"), ("mnist: a part", "mnist: a part")])
def test_figure_2_says_its_settings_and_data(pictures: pd.DataFrame, variant: str, told: str) -> None:
    with styled():
        page = FIGURE_2.draw(pictures.assign(data_variant=variant), "How.")
    texts = " ".join(text.get_text() for text in page.figure.texts).replace("\n", " ")
    assert f"Rank 16, gamma 10, beta 1, 10 epochs at a rate of 0.01; data: {told}. How." in texts


def test_every_curve_of_the_cross_section_has_its_line_and_name(section: pd.DataFrame) -> None:
    with styled():
        (axes,) = CROSS_SECTION.draw(section, "").figure.axes
    names = [line.get_label() for line in axes.lines]
    assert [str(name).partition(":")[0] for name in names] == [
        "normal samples",
        "negative samples",
        "linear AE",
        "linear LIS-AE, gamma 3",
        "linear LIS-AE, gamma 8",
    ]
    assert len({line.get_linestyle() for line in axes.lines[2:]}) == 3  # told apart without colour
    widest = [float(np.max(np.asarray(line.get_ydata()))) for line in axes.lines[2:]]
    assert widest == pytest.approx([1, 1 / 3, 1 / 8], rel=0.02)
