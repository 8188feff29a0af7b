"""ExtraTrees is scikit-learn's ExtraTreesClassifier on flat pixels."""

import numpy as np
import pytest
from sklearn import ensemble
from sklearn.utils import check_random_state

from baselines.extra_trees import ExtraTrees
from lisae.images import as_rows
from tests.shapes import Shapes, auc


def test_the_score_is_scikit_learn_s_probability_of_the_negatives(few: Shapes) -> None:
    X, y = few.labelled()
    fitted = ExtraTrees(trees=20, min_samples_leaf=3, random_state=3).fit(X, y)
    seed = check_random_state(3).randint(2**31 - 1)
    forest = ensemble.ExtraTreesClassifier(20, min_samples_leaf=3, class_weight="balanced", random_state=seed)
    forest.fit(
        np.concatenate([as_rows(X[y == 1]), as_rows(X[y == -1])]), np.repeat([0, 1], [sum(y == 1), sum(y == -1)])
    )
    np.testing.assert_array_equal(fitted.anomaly_score(few.outliers), forest.predict_proba(as_rows(few.outliers))[:, 1])


def test_trees_draw_images_only_where_there_are_more(few: Shapes) -> None:
    X, y = few.labelled()
    assert not ExtraTrees(trees=2, max_samples=len(X), random_state=0).fit(X, y).forest_.bootstrap
    drawn = ExtraTrees(trees=2, max_samples=len(X) - 1, random_state=0).fit(X, y).forest_
    assert (drawn.bootstrap, drawn.max_samples) == (True, len(X) - 1)


def test_normal_images_and_negatives_weigh_the_same(few: Shapes) -> None:
    """So that stumps, which see the share of each kind, score the negatives high even where they are few."""
    X = np.concatenate([few.normal, few.negatives[:4]])
    y = np.repeat([1, -1], [len(few.normal), 4])
    fitted = ExtraTrees(trees=50, min_samples_leaf=2, random_state=0).fit(X, y)
    assert np.median(fitted.anomaly_score(few.negatives)) > 0.3


def test_it_finds_outliers_and_scores_are_told_apart(few: Shapes) -> None:
    fitted = ExtraTrees(random_state=0).fit(*few.labelled())
    assert auc(fitted, few.held_out, few.outliers) > 0.95
    assert len(np.unique(fitted.anomaly_score(few.normal))) > len(few.normal) / 2


@pytest.mark.parametrize("setting", ["trees", "min_samples_leaf", "max_samples"])
def test_wrong_settings(few: Shapes, setting: str) -> None:
    with pytest.raises(ValueError, match=f"{setting} is a whole number, at least 1; got 0"):
        ExtraTrees(**{setting: 0}).fit(*few.labelled())
