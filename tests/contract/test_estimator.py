"""The conventions of scikit-learn."""

import copy
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from lisae import Detector
from tests.contract.models import EITHER, METHODS, Given, brief, make, of
from tests.shapes import Shapes


def test_constructor_arguments_are_stored_untouched(given: Given, fitted: Detector) -> None:
    after = fitted.get_params()
    assert after.keys() == given.arguments.keys()
    for key, value in given.arguments.items():
        assert after[key] is value, key
    for key, names in given.inner.items():
        assert set(vars(given.arguments[key])) == names, f"fit changed the detector given as {key}"


@pytest.mark.usefixtures("unchecked")
def test_a_clone_is_not_fitted_and_learns_the_same_from_the_rows_it_uses(
    name: str, few: Shapes, probe: NDArray[np.uint8]
) -> None:
    X, y = few.labelled()
    first = brief(name).fit(X, y)
    copied = clone(first)
    given, cloned = first.get_params(), copied.get_params()
    assert {k: v for k, v in cloned.items() if not isinstance(v, Detector)} == {
        k: v for k, v in given.items() if not isinstance(v, Detector)
    }
    with pytest.raises(NotFittedError):
        copied.anomaly_score(probe)
    if first.uses_negatives:
        copied.fit(X, y)
    else:
        copied.fit(X[y == 1])
    np.testing.assert_array_equal(copied.anomaly_score(probe), first.anomaly_score(probe))
    assert copied.threshold_ == first.threshold_


@of(EITHER)
def test_the_last_step_of_a_pipeline(fitted: Detector, few: Shapes, probe: NDArray[np.uint8]) -> None:
    pipeline = make_pipeline(FunctionTransformer(lambda X: X[:, ::-1]), clone(fitted))
    X, y = few.labelled()
    np.testing.assert_array_equal(pipeline.fit_predict(X[:, ::-1], y), fitted.predict(X))
    np.testing.assert_array_equal(pipeline.predict(probe[:, ::-1]), fitted.predict(probe))
    np.testing.assert_array_equal(pipeline.score_samples(probe[:, ::-1]), fitted.score_samples(probe))
    np.testing.assert_array_equal(pipeline.decision_function(probe[:, ::-1]), fitted.decision_function(probe))


@pytest.mark.parametrize("method", METHODS)
def test_a_detector_must_be_fitted_first(name: str, method: str, few: Shapes) -> None:
    with pytest.raises(NotFittedError, match=f"{type(make(name)).__name__} instance is not fitted yet"):
        getattr(make(name), method)(few.held_out)


def test_a_fit_that_fails_leaves_no_detector(fitted: Detector, few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(self: Detector, *arguments: Any) -> NDArray[np.float64]:
        raise RuntimeError("broken off")

    monkeypatch.setattr(type(fitted), "_learn", break_off)
    again = copy.copy(fitted)
    with pytest.raises(RuntimeError, match="broken off"):
        again.fit(*few.labelled())
    with pytest.raises(NotFittedError):
        again.predict(few.held_out)
