"""Wrong arguments: the message names the value and the remedy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.registry import MODELS
from lisae import CollapseError, Detector
from tests.contract.models import EITHER, METHODS, USERS, brief, make, of
from tests.shapes import Shapes

Change = Callable[[NDArray[Any]], NDArray[Any]]


def _with_value(value: float) -> Change:
    def change(X: NDArray[Any]) -> NDArray[Any]:
        floats = X / 255
        floats[3, 2, 1] = value
        return floats

    return change


WRONG_IMAGES: dict[str, tuple[Change, str]] = {
    "one axis": (lambda X: X.reshape(-1), r"X is \(n, h, w\).*\(n, features\); got shape \d+\.$"),
    "five axes": (lambda X: X[..., None], r"X is \(n, h, w\).*\(n, features\); got shape \d+ x 12 x 12 x 1 x 1\.$"),
    "16 bits": (lambda X: X.astype(np.uint16) * 257, r"got uint16 values from 0 to 6\d+\. .*perhaps X / 65535"),
    "strings": (lambda X: X.astype(str), r"uint8 \(0 to 255\) or floating point \(0 to 1\), .*; got dtype <U"),
    "not scaled": (lambda X: X.astype(np.float32), r"values from 0 to 2\d\d.*Divide by 255, or pass uint8"),
    "centred": (lambda X: X / 255 - 0.5, r"values from -0\.5 to .*Undo what centred"),
    "NaN": (_with_value(np.nan), "NaN or infinite values: remove those images or fill the values in"),
    "inf": (_with_value(np.inf), "NaN or infinite values: remove those images or fill the values in"),
    "minus inf": (_with_value(-np.inf), "NaN or infinite values: remove those images or fill the values in"),
    "masked": (lambda X: np.ma.masked_less(X, 9), r"masked values: fill them in, as X\.filled\(0\)"),
    "no image": (lambda X: X[:0], r"no images: X has shape 0 x 12 x 12 x 1\."),
    "no square": (lambda X: X.reshape(len(X), -1)[:, :-1], r"flat rows of 143 features are no"),
    "channels first": (lambda X: X[:, None, :, :, 0], r"channels first: put them last, X\.transpose\(0, 2, 3, 1\)"),
}


@of(EITHER)
@pytest.mark.parametrize("wrong", WRONG_IMAGES)
def test_wrong_images(name: str, fitted: Detector, few: Shapes, wrong: str) -> None:
    change, message = WRONG_IMAGES[wrong]
    X, y = few.labelled()
    with pytest.raises(ValueError, match=message):
        make(name).fit(change(X), y[: len(change(X))])
    for method in METHODS:
        with pytest.raises(ValueError, match=message):
            getattr(fitted, method)(change(few.outliers))


@of(EITHER)
@pytest.mark.parametrize(
    ("shape", "named"), [((8, 12), "8 x 12 x 1"), ((12, 12, 3), "12 x 12 x 3"), ((11, 12, 1), "11 x 12 x 1")]
)
def test_images_of_another_shape_than_in_training(fitted: Detector, shape: tuple[int, ...], named: str) -> None:
    message = f"the images are {named}, the training images were 12 x 12 x 1: bring them to the same height"
    for method in METHODS:
        with pytest.raises(ValueError, match=message):
            getattr(fitted, method)(np.zeros((2, *shape), dtype=np.uint8))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("sides", [(10, 11)])
def test_sides_that_are_not_multiples_of_four(name: str, few: Shapes, sides: tuple[int, int]) -> None:
    X, y = few.labelled()
    cropped = X[:, : sides[0], : sides[1]]
    detector = brief(name).fit(cropped, y)
    assert detector.image_shape_ == (*sides, 1)
    assert np.isfinite(detector.anomaly_score(cropped)).all()


@of(EITHER)
@pytest.mark.parametrize("count", [0, 1])
def test_too_few_normal_images(name: str, few: Shapes, count: int) -> None:
    X = np.concatenate([few.normal[:count], few.negatives])
    y = np.repeat([1, -1], [count, len(few.negatives)])
    with pytest.raises(ValueError, match=f"at least 2 normal images are needed to learn from; got {count}"):
        make(name).fit(X, y)


@of(EITHER)
def test_a_single_training_image(name: str, few: Shapes) -> None:
    with pytest.raises(ValueError, match="at least 2 normal images are needed to learn from; got 1"):
        make(name).fit(few.normal[:1])


@of(EITHER)
def test_normal_images_that_are_all_equal(name: str, few: Shapes) -> None:
    X = np.concatenate([np.repeat(few.normal[:1], 40, axis=0), few.negatives])
    with pytest.raises(CollapseError, match="normal images that are all equal; got 40"):
        make(name).fit(X, np.repeat([1, -1], [40, len(few.negatives)]))


@of(USERS)
@pytest.mark.parametrize("all_marked", [True, False])
def test_no_negatives(name: str, few: Shapes, all_marked: bool) -> None:
    y = np.ones(len(few.normal), dtype=np.int64) if all_marked else None
    named = f"{MODELS[name].detector.__name__} learns from negative examples, and got none"
    with pytest.raises(ValueError, match=f"{named}: add rows of X marked -1 in y"):
        make(name).fit(few.normal, y)


@of(USERS[:1])
def test_negatives_of_another_shape_and_negatives_beside_labels(name: str, few: Shapes) -> None:
    X, y = few.labelled()
    with pytest.raises(ValueError, match=r"the negatives are 8 x 12 x 1, the normal images 12 x 12 x 1: .*size="):
        make(name).fit(X, negatives=X[:, 2:10])
    with pytest.raises(ValueError, match=r"both y and negatives.*: pass fit\(X, y\) or fit\(normal, neg"):
        make(name).fit(X, y, negatives=X)


@of(EITHER)
@pytest.mark.parametrize("value", [0, 2, 0.5, np.nan, "normal"])
def test_labels_that_are_neither_plus_nor_minus_one(name: str, few: Shapes, value: float | str) -> None:
    X, y = few.labelled()
    labels: NDArray[Any] = y.astype(type(value))
    labels[5] = value
    with pytest.raises(ValueError, match=rf"labels are \+1 \(normal\) and -1 \(negative example\); got .*{value}'?\."):
        make(name).fit(X, labels)


@of(EITHER)
@pytest.mark.parametrize(("change", "named"), [(lambda y: y[:-1], r"79"), (lambda y: y[:, None], r"80 x 1")])
def test_one_label_for_each_image(name: str, few: Shapes, change: Change, named: str) -> None:
    X, y = few.labelled()
    with pytest.raises(ValueError, match=f"y has one label for each of the 80 images; got shape {named}"):
        make(name).fit(X, change(y))


@of(EITHER)
@pytest.mark.parametrize("value", [0, 1, -0.1, 5, float("nan")])
def test_contamination_is_a_share(name: str, few: Shapes, value: float) -> None:
    with pytest.raises(ValueError, match=f"a share between 0 and 1, both excluded; got {value}"):
        make(name).set_params(contamination=value).fit(*few.labelled())
