"""Labels, and the line that makes wrong ones right."""

from typing import Any

import numpy as np
import pytest

from lisae.labels import normal_rows


def test_labels_are_plus_and_minus_one() -> None:
    assert normal_rows(None, 3).tolist() == [True] * 3
    for y in ([1, -1, 1], np.array([1.0, -1.0, 1.0]), (1, -1, 1)):
        assert normal_rows(y, 3).tolist() == [True, False, True]


ZERO_ONE = r"If 1 is normal: y = numpy\.where\(y, 1, -1\)\. If 1 is anomalous: y = numpy\.where\(y, -1, 1\)\."


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, 0], rf"got 0\. {ZERO_ONE}"),
        ([False, True, True], rf"got False, True\. {ZERO_ONE}"),
        ([True, True, True], "got True"),
        (["ok", "bad", "ok"], r"got 'bad', 'ok'\. If 'bad' is normal: y = numpy\.where\(y == 'bad', 1, -1\)\."),
        ([3, 7, 3], r"got 3, 7\. If 3 is normal: y = numpy\.where\(y == 3, 1, -1\)\."),
        ([1, -1, 2], r"got 2\.$"),
    ],
)
def test_the_message_shows_the_line_that_makes_them(y: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        normal_rows(y, 3)


@pytest.mark.parametrize(("y", "shape"), [([1, -1], "2"), ([[1], [1], [-1]], "3 x 1"), (1, "of a single value")])
def test_one_label_an_image(y: Any, shape: str) -> None:
    with pytest.raises(ValueError, match=f"one label for each of the 3 images; got shape {shape}"):
        normal_rows(y, 3)
