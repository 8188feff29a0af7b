"""The area under labels that are given at several length scales, and the models that have one."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from baselines.deep_svdd import DeepSVDD
from baselines.label_sweep import LabelSweep, label_sweep_auc
from baselines.ocsvm import OCSVM
from tests.lisae.makers import new_autoencoder
from tests.shapes import Shapes


@pytest.mark.parametrize(
    "model", [OCSVM(), new_autoencoder(DeepSVDD, epochs=5, pretraining_epochs=40)], ids=["OC-SVM", "OC-DSVDD"]
)
def test_the_labels_are_an_answer_beside_the_score(model: LabelSweep, few: Shapes) -> None:
    fitted = model.fit(few.normal)
    normal, outliers = (fitted.extra_scores(images) for images in (few.held_out, few.outliers))
    assert list(normal) == ["label sweep"]
    np.testing.assert_array_equal(normal["label sweep"], fitted.sweep_labels(few.held_out))
    area = fitted.extra_auc("label sweep", normal["label sweep"], outliers["label sweep"])
    assert area == label_sweep_auc(normal["label sweep"], outliers["label sweep"])


def test_labels_of_thresholds_give_the_auc_of_the_score() -> None:
    """For labels that come from one score, the area is its AUC, in any order of the rows."""
    rng = np.random.default_rng(0)
    normal, outliers = rng.normal(0, 1, 40), rng.normal(1, 1, 30)
    thresholds = rng.permutation(np.concatenate([normal, outliers]))[:, None]
    area = label_sweep_auc(np.where(normal > thresholds, -1, 1), np.where(outliers > thresholds, -1, 1))
    assert area == pytest.approx(roc_auc_score(np.repeat([0, 1], [40, 30]), np.concatenate([normal, outliers])))


def test_one_point_gives_two_straight_lines() -> None:
    normal, outliers = np.array([[1, 1, 1, -1]]), np.array([[-1, -1, -1, 1]])
    assert label_sweep_auc(normal, outliers) == pytest.approx(0.25 * 0.75 / 2 + 0.75 * (0.75 + 1) / 2)


def test_labels_that_are_all_alike_say_nothing() -> None:
    assert label_sweep_auc(np.full((2, 5), -1), np.full((2, 3), -1)) == 0.5
