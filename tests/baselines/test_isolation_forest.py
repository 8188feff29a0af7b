"""IF is scikit-learn's IsolationForest on flat pixels."""

import numpy as np
import pytest
from sklearn import ensemble
from sklearn.utils import check_random_state

from baselines.isolation_forest import IsolationForest
from lisae.images import as_rows
from tests.shapes import Shapes, auc


def test_the_defaults_are_the_authors() -> None:
    assert IsolationForest().get_params() | {"contamination": 0, "random_state": 0} == {
        "trees": 100,
        "max_samples": 256,
        "contrast": "none",
        "image_shape": None,
        "size": None,
        "contamination": 0,
        "random_state": 0,
        "validation_fraction": 0,
    }


def test_the_scores_are_those_of_scikit_learn(grey: Shapes) -> None:
    fitted = IsolationForest(trees=20, max_samples=64, random_state=3).fit(grey.normal)
    seed = check_random_state(3).randint(2**31 - 1)
    forest = ensemble.IsolationForest(n_estimators=20, max_samples=64, random_state=seed).fit(as_rows(grey.normal))
    np.testing.assert_allclose(fitted.score_samples(grey.outliers), forest.score_samples(as_rows(grey.outliers)))


def test_a_tree_sees_all_images_where_there_are_few(few: Shapes) -> None:
    assert IsolationForest(trees=2, random_state=0).fit(few.normal).forest_.max_samples_ == len(few.normal)


def test_it_finds_outliers(grey: Shapes) -> None:
    assert auc(IsolationForest(random_state=0).fit(grey.normal), grey.held_out, grey.outliers) > 0.95


@pytest.mark.parametrize("wrong", [{"trees": 0}, {"max_samples": 0}])
def test_wrong_settings(few: Shapes, wrong: dict[str, int]) -> None:
    (setting,) = wrong
    with pytest.raises(ValueError, match=f"{setting} is a whole number, at least 1; got 0"):
        IsolationForest(**wrong).fit(few.normal)
