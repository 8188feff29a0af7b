"""scikit-learn's own checks of an estimator, and its tools on a detector."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator

from lisae import LISAE, AutoEncoder, CollapseError, LinSepAutoEncoder
from tests.lisae.makers import new_autoencoder
from tests.shapes import Shapes

BRIEF: dict[str, Any] = {"epochs": 1, "min_steps": 0, "batch_size": 16}


class _OfRows:
    """Rows of any width and range, as scikit-learn's checks have them: squashed to [0, 1], images of height 1.

    Labels of those checks are classes, which a detector of outliers does not look at; negatives are the rows mirrored.
    """

    def fit(self, X: Any, y: Any = None) -> Any:
        squashed = _squashed(X)
        if self.uses_negatives and isinstance(squashed, np.ndarray | pd.DataFrame):  # type: ignore[attr-defined]
            return super().fit(squashed, negatives=1 - squashed)  # type: ignore[misc]
        return super().fit(squashed)  # type: ignore[misc]

    def anomaly_score(self, X: Any) -> Any:
        return super().anomaly_score(_squashed(X))  # type: ignore[misc]


def _squashed(X: Any) -> Any:
    """Return rows in [0, 1], and what holds no finite numbers as it is: the detector says what is wrong."""
    if isinstance(X, list) or not hasattr(X, "ndim"):
        X = np.asarray(X)
    try:
        return 1 / (1 + np.exp(-X)) if np.isfinite(np.asarray(X)).all() else X
    except (TypeError, NotImplementedError):
        return X


class AutoEncoderOfRows(_OfRows, AutoEncoder):
    pass


class LISAEOfRows(_OfRows, LISAE):
    pass


ESTIMATORS = {
    "AutoEncoder": AutoEncoderOfRows(latent_dim=2, image_shape=(1, -1), random_state=0, **BRIEF),
    "LISAE": LISAEOfRows(AutoEncoder(latent_dim=2, **BRIEF), image_shape=(1, -1), random_state=0, **BRIEF),
}
FAILING = {
    "check_complex_data": "the message names the dtype and those that are taken, in other words",
    "check_dtype_object": "arrays of Python objects are no images: they are refused, also where all are numbers",
    "check_estimators_empty_data_messages": "the message says that there are no images, in other words",
    "check_fit2d_1sample": "the message says that two normal images are needed, in other words",
    "check_fit2d_predict1d": "the message tells the shape that images have, in other words",
    "check_outliers_fit_predict": "outliers among the training images are counted; see below",
    "check_outliers_train": "outliers among the training images are counted; see below",
    "check_positive_only_tag_during_fit": "the rows are squashed for these checks, so that none is negative",
    "check_fit_non_negative": "the rows are squashed for these checks, so that none is negative",
}


def checks() -> list[Any]:
    return [
        pytest.param(name, estimator, check, id=f"{name}-{check.func.__name__}")
        for name, made in ESTIMATORS.items()
        for estimator, check in estimator_checks_generator(made)
    ]


@pytest.mark.parametrize(("name", "estimator", "check"), checks())
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("unchecked")
def test_the_checks_of_scikit_learn(name: str, estimator: Any, check: Any) -> None:
    if check.func.__name__ in FAILING:
        with pytest.raises((AssertionError, ValueError, CollapseError)):
            check(estimator)
    else:
        check(estimator)


@pytest.mark.parametrize("name", ["check_outliers_fit_predict", "check_outliers_train"])
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("unchecked")
def test_outliers_are_counted_among_the_training_images_where_none_are_held_out(name: str) -> None:
    for given in ESTIMATORS.values():
        for estimator, check in estimator_checks_generator(clone(given).set_params(validation_fraction=0.0)):
            if check.func.__name__ == name:
                check(estimator)


def test_the_tags_are_honest() -> None:
    tags = get_tags(LISAE())
    assert tags.estimator_type == "outlier_detector"
    assert (tags.input_tags.two_d_array, tags.input_tags.three_d_array) == (True, True)
    assert (tags.input_tags.positive_only, tags.input_tags.allow_nan, tags.input_tags.sparse) == (True, False, False)


def test_settings_of_a_phase_one_that_is_none() -> None:
    detector = LISAE()
    assert detector.get_params()["autoencoder__latent_dim"] == AutoEncoder().latent_dim
    assert detector.autoencoder is None
    detector.set_params(autoencoder__latent_dim=7, gamma=3.0)
    assert isinstance(detector.autoencoder, AutoEncoder)
    assert (detector.autoencoder.latent_dim, detector.gamma) == (7, 3.0)
    assert clone(detector).get_params()["autoencoder__latent_dim"] == 7
    assert LISAE().set_params(autoencoder=None, autoencoder__epochs=2).autoencoder.epochs == 2  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="later"):
        LISAE().set_params(autoencoder__later=1)


def test_a_fitted_phase_one_survives_a_clone(autoencoder: AutoEncoder, grey: Shapes) -> None:
    detector = LISAE(autoencoder, gamma=6.0, random_state=0, **BRIEF).fit(*grey.labelled())
    copied = clone(detector)
    assert copied.autoencoder is autoencoder
    with pytest.raises(NotFittedError):
        copied.predict(grey.held_out)
    np.testing.assert_array_equal(
        copied.fit(*grey.labelled()).anomaly_score(grey.held_out), detector.anomaly_score(grey.held_out)
    )


def test_settings_of_a_fitted_phase_one_cannot_change(autoencoder: AutoEncoder) -> None:
    before = autoencoder.get_params()
    with pytest.raises(ValueError, match=r"autoencoder__latent_dim would change .* AutoEncoder that is fitted already"):
        LISAE(autoencoder).set_params(autoencoder__latent_dim=3)
    assert autoencoder.get_params() == before
    assert LISAE(autoencoder).set_params(autoencoder__device="cpu").autoencoder is autoencoder


def test_attributes_that_a_fitted_detector_has(autoencoder: AutoEncoder, grey: Shapes) -> None:
    assert autoencoder.n_features_in_ == 16 * 16
    difference = autoencoder.score_samples(grey.held_out) - autoencoder.offset_
    np.testing.assert_allclose(autoencoder.decision_function(grey.held_out), difference)
    for name in ("n_features_in_", "offset_"):
        assert not hasattr(AutoEncoder(), name)


@pytest.mark.usefixtures("unchecked")
def test_a_generator_decides_everything_random(few: Shapes) -> None:
    scores = [
        new_autoencoder(random_state=np.random.default_rng(seed), **BRIEF).fit(few.normal).anomaly_score(few.outliers)
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert (scores[0] != scores[2]).all()


@pytest.mark.usefixtures("unchecked")
def test_a_grid_over_the_latent_width_and_a_scaler(few: Shapes) -> None:
    X, y = few.labelled()
    rows = X.reshape(len(X), -1).astype(float)
    detector = LISAE(AutoEncoder(**BRIEF), image_shape=(12, 12), random_state=0, **BRIEF)
    pipeline = make_pipeline(MinMaxScaler(clip=True), detector)
    folds = StratifiedKFold(2, shuffle=True, random_state=0)
    search = GridSearchCV(pipeline, {"lisae__autoencoder__latent_dim": [2, 4]}, scoring="roc_auc", cv=folds)
    search.fit(rows, y)
    assert search.best_params_["lisae__autoencoder__latent_dim"] in (2, 4)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    chosen = pipeline.set_params(**search.best_params_)
    assert cross_val_score(chosen, rows, y, scoring="roc_auc", cv=folds).mean() == pytest.approx(search.best_score_)


@pytest.mark.usefixtures("unchecked")
def test_a_grid_over_a_phase_one_that_is_none(few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AutoEncoder, "min_steps", 0)
    X, y = few.labelled()
    grid = {"autoencoder__latent_dim": [2, 4], "autoencoder__epochs": [1], "autoencoder__min_steps": [0]}
    search = GridSearchCV(LISAE(random_state=0, **BRIEF), grid, scoring="roc_auc", cv=StratifiedKFold(2, shuffle=True))
    assert search.fit(X, y).best_estimator_.autoencoder_.latent_dim in (2, 4)


def test_a_phase_one_of_another_kind_is_given_by_its_own_class() -> None:
    with pytest.raises(ValueError, match="separation"):
        LISAE().set_params(autoencoder__separation=1.0)
    assert LISAE(LinSepAutoEncoder()).set_params(autoencoder__separation=1.0).autoencoder.separation == 1.0  # type: ignore[union-attr]
