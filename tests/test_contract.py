"""The contract that every model of the registry keeps. A model that is added is tested here without a line changed.

Behaviour is tested on all models. Input goes through the one ``fit`` and the one check of ``Detector``, and is tested
on a model that uses negatives and one that does not.
"""

import copy
import re
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from benchmarks.engine.evaluate import build
from benchmarks.engine.profiles import load_profile
from benchmarks.registry import MODELS
from lisae import BackboneDetector, Detector
from lisae.stacks import train_together
from tests.shapes import Shapes, auc, shapes

SMOKE = load_profile("smoke")
CONTAMINATION = 0.125
METHODS = ("anomaly_score", "score_samples", "decision_function", "predict")

USERS = [name for name, model in MODELS.items() if model.detector.uses_negatives]
STAGED = [name for name, model in MODELS.items() if model.detector.stage is not None]
KEPT = [name for name, model in MODELS.items() if issubclass(model.detector, BackboneDetector)]
# One model that uses negatives, and one that does not.
EITHER = [USERS[0], next(name for name in MODELS if name not in USERS)]


def of(names: list[str]) -> pytest.MarkDecorator:
    """Run a test on these models alone."""
    return pytest.mark.parametrize("name", names, indirect=True, scope="module")


def make(name: str, seed: int = 0) -> Detector:
    settings = SMOKE.settings(MODELS[name], "mnist")
    return build(name, settings, seed, "cpu").set_params(contamination=CONTAMINATION)


def brief(name: str, seed: int = 0) -> Detector:
    """A detector whose trainings take two epochs; see ``unchecked``."""
    detector = make(name, seed)
    changes = {key: 2 for key in detector.get_params() if key.endswith("epochs")}
    return detector.set_params(
        **changes, **{key: "float32" for key in detector.get_params() if key.endswith("precision")}
    )


def learns_by_gradient(detector: Detector) -> bool:
    return any(isinstance(value, nn.Module) for value in vars(detector).values())


def convolves(detector: Detector) -> bool:
    modules = [value for value in vars(detector).values() if isinstance(value, nn.Module)]
    return any(isinstance(layer, nn.Conv2d) for module in modules for layer in module.modules())


@pytest.fixture(scope="module", params=list(MODELS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


class Given(NamedTuple):
    """A detector, and its constructor arguments and theirs as they were before it was fitted."""

    detector: Detector
    arguments: dict[str, Any]
    inner: dict[str, set[str]]


@pytest.fixture(scope="module")
def given(name: str) -> Given:
    detector = make(name)
    arguments = detector.get_params()
    return Given(detector, arguments, {k: set(vars(v)) for k, v in arguments.items() if isinstance(v, Detector)})


@pytest.fixture(scope="module")
def fitted(given: Given, few: Shapes) -> Detector:
    return given.detector.fit(*few.labelled())


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No check for a dead network, so that a training may be brief."""
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] in ("lisae", "baselines")]
    for module in modules:
        for check in ("check_alive", "check_varied", "check_samples"):
            if hasattr(module, check):
                monkeypatch.setattr(module, check, lambda *arguments: None)


@pytest.fixture(scope="module")
def probe(few: Shapes) -> NDArray[np.uint8]:
    """Images to score that no model was trained on."""
    return np.concatenate([few.held_out, few.faint_outliers, few.outliers])


# Scores


def test_scores_are_finite_float64_and_differ(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    scores = fitted.anomaly_score(probe)
    assert scores.dtype == np.float64
    assert scores.shape == (len(probe),)
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) > len(probe) / 2


def test_scores_do_not_depend_on_order_or_company(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    scores = fitted.anomaly_score(probe)
    order = np.random.default_rng(0).permutation(len(probe))
    np.testing.assert_allclose(fitted.anomaly_score(probe[order]), scores[order], rtol=1e-4)
    np.testing.assert_allclose(fitted.anomaly_score(probe[:1]), scores[:1], rtol=1e-4)
    np.testing.assert_allclose(fitted.anomaly_score(np.tile(probe, (5, 1, 1, 1)))[-7:], scores[-7:], rtol=1e-4)


def test_scoring_twice_gives_the_same(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(fitted.anomaly_score(probe), fitted.anomaly_score(probe))


def test_clear_outliers_score_higher_than_normal_images(fitted: Detector, few: Shapes) -> None:
    assert auc(fitted, few.held_out, few.outliers) > 0.9


def test_score_samples_is_the_negative_score(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(fitted.score_samples(probe), -fitted.anomaly_score(probe))


def test_predict_and_decision_function_cut_at_the_threshold(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    scores, predicted = fitted.anomaly_score(probe), fitted.predict(probe)
    np.testing.assert_array_equal(fitted.decision_function(probe), fitted.threshold_ - scores)
    assert predicted.shape == (len(probe),)
    assert set(predicted) == {1, -1}
    np.testing.assert_array_equal(predicted == -1, scores > fitted.threshold_)


def test_contamination_is_the_share_of_normal_training_images_called_anomalous(fitted: Detector, few: Shapes) -> None:
    assert np.mean(fitted.predict(few.normal) == -1) == pytest.approx(CONTAMINATION, abs=1.5 / len(few.normal))


# Images


@pytest.mark.parametrize("shape", [(12, 12), (144,)])
def test_grey_images_of_every_form_score_the_same(
    fitted: Detector, probe: NDArray[np.uint8], shape: tuple[int, ...]
) -> None:
    np.testing.assert_array_equal(fitted.anomaly_score(probe.reshape(-1, *shape)), fitted.anomaly_score(probe))


@of(EITHER)
@pytest.mark.parametrize("shape", [(12, 12), (144,)])
def test_grey_images_of_every_form_teach_the_same(
    name: str, fitted: Detector, few: Shapes, probe: NDArray[np.uint8], shape: tuple[int, ...]
) -> None:
    X, y = few.labelled()
    other = make(name).fit(X.reshape(-1, *shape), y)
    assert other.image_shape_ == fitted.image_shape_ == (12, 12, 1)
    np.testing.assert_array_equal(other.anomaly_score(probe), fitted.anomaly_score(probe))


def test_colour_images_may_be_flat(name: str) -> None:
    colour = shapes(channels=3, seed=4, normal=48, others=32, side=12)
    X, y = colour.labelled()
    detector = make(name).fit(X.reshape(len(X), -1), y)
    assert detector.image_shape_ == (12, 12, 3)
    flat = colour.outliers.reshape(len(colour.outliers), -1)
    np.testing.assert_array_equal(detector.anomaly_score(flat), detector.anomaly_score(colour.outliers))
    assert auc(detector, colour.held_out, colour.outliers) > 0.9


def test_uint8_and_float_images_score_the_same(fitted: Detector, probe: NDArray[np.uint8]) -> None:
    scores = fitted.anomaly_score(probe)
    for dtype in (np.float32, np.float64):
        np.testing.assert_allclose(fitted.anomaly_score((probe / 255).astype(dtype)), scores, rtol=1e-4)


@pytest.mark.usefixtures("unchecked")
def test_uint8_and_float_images_and_labels_teach_the_same(name: str, few: Shapes, probe: NDArray[np.uint8]) -> None:
    """Both may be read-only, and stay as they are."""
    X, y = few.labelled()
    learned = []
    for images, labels in ((X, y), ((X / 255).astype(np.float32), y.astype(np.float64))):
        before = images.copy()
        images.flags.writeable = labels.flags.writeable = False
        learned.append(brief(name).fit(images, labels).anomaly_score(probe))
        np.testing.assert_array_equal(images, before)
    np.testing.assert_allclose(*learned, rtol=1e-2)


def test_the_images_to_score_may_be_read_only(fitted: Detector, few: Shapes) -> None:
    for images in (few.held_out.copy(), few.held_out.astype(np.float32) / 255):
        images.flags.writeable = False
        np.testing.assert_allclose(fitted.anomaly_score(images), fitted.anomaly_score(few.held_out), rtol=1e-4)


def test_a_model_is_handed_negatives_only_if_it_uses_them(
    name: str, few: Shapes, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = make(name)
    handed: list[NDArray[Any] | None] = []

    def learn(self: Detector, normal: NDArray[Any], negatives: NDArray[Any] | None, seed: int) -> NDArray[np.float64]:
        handed.extend([normal, negatives])
        return np.zeros(len(normal))

    monkeypatch.setattr(type(detector), "_fit", learn)
    X, y = few.labelled()
    detector.fit(X, y)
    np.testing.assert_array_equal(handed[0], X[y == 1])
    if detector.uses_negatives:
        np.testing.assert_array_equal(handed[1], X[y == -1])
    else:
        assert handed[1] is None


@of(USERS)
def test_negatives_change_a_model_that_uses_them(
    name: str, fitted: Detector, few: Shapes, probe: NDArray[np.uint8]
) -> None:
    X, y = few.labelled()
    some = (y == 1) | (np.arange(len(y)) % 2 == 0)
    fewer = make(name).fit(X[some], y[some])
    assert not np.allclose(fewer.anomaly_score(probe), fitted.anomaly_score(probe), rtol=1e-4)


# scikit-learn


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


@pytest.mark.usefixtures("unchecked")
def test_another_random_state_changes_the_scores_of_a_random_model(
    name: str, few: Shapes, probe: NDArray[np.uint8]
) -> None:
    """That the same one gives the same scores is tested with the clone."""
    X, y = few.labelled()
    first, other = (brief(name, seed).fit(X, y) for seed in (0, 1))
    scores = first.anomaly_score(probe)
    if learns_by_gradient(first):
        random = True
    else:
        np.random.seed(2)  # noqa: NPY002 (what random_state=None draws from)
        unseeded = clone(first).set_params(random_state=None).fit(X, y).anomaly_score(probe)
        random = not np.array_equal(unseeded, scores)
    assert random == (not np.array_equal(other.anomaly_score(probe), scores))


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

    monkeypatch.setattr(type(fitted), "_fit", break_off)
    again = copy.copy(fitted)
    with pytest.raises(RuntimeError, match="broken off"):
        again.fit(*few.labelled())
    with pytest.raises(NotFittedError):
        again.predict(few.held_out)


# Answers beside the main score


def test_extra_scores_are_of_each_image_and_give_an_area(fitted: Detector, few: Shapes) -> None:
    normal, outliers = fitted.extra_scores(few.held_out), fitted.extra_scores(few.outliers)
    assert normal.keys() == outliers.keys()
    for name, answers in normal.items():
        assert answers.shape[-1] == len(few.held_out)
        assert 0.5 < fitted.extra_auc(name, answers, outliers[name]) <= 1
    with pytest.raises(ValueError, match="no extra scores named 'no such'"):
        fitted.extra_auc("no such", np.zeros(3), np.ones(3))


# The stage that a model begins from


@of(STAGED)
def test_a_stage_is_of_its_class(name: str, few: Shapes) -> None:
    stage = MODELS[name].detector.stage
    assert stage is not None
    another = next(model.detector for model in MODELS.values() if not issubclass(model.detector, stage.detector))
    detector = make(name).set_params(**{stage.argument: another()})
    with pytest.raises(ValueError, match=f"class {stage.detector.__name__}; got {another.__name__}"):
        detector.fit(*few.labelled())


# Detectors kept as bytes


@of(KEPT)
def test_bytes_hold_the_whole_detector(fitted: BackboneDetector, probe: NDArray[np.uint8]) -> None:
    loaded = clone(fitted).set_params(random_state=7, device="auto")
    assert loaded.from_bytes(fitted.to_bytes()) is loaded
    loaded.set_params(device="cpu")
    np.testing.assert_array_equal(loaded.anomaly_score(probe), fitted.anomaly_score(probe))
    for attribute in ("threshold_", "losses_", "restarts_", "image_shape_"):
        assert getattr(loaded, attribute) == getattr(fitted, attribute), attribute


@of(KEPT)
def test_bytes_of_another_setting_are_refused(fitted: BackboneDetector) -> None:
    data = fitted.to_bytes()
    settings = {key: value for key, value in fitted.get_params().items() if key not in ("device", "random_state")}
    others = {"tanh": "relu", "float32": "bfloat16", "auto": "float32"}
    for key, value in settings.items():
        another = others[value] if isinstance(value, str) else value / 2
        with pytest.raises(ValueError, match=re.escape(f"{key} is {value!r} there and {another!r} here")):
            clone(fitted).set_params(**{key: another}).from_bytes(data)


@of(KEPT)
def test_bytes_of_another_class_are_refused(fitted: BackboneDetector) -> None:
    data = fitted.to_bytes()
    for other in {MODELS[name].detector for name in KEPT} - {type(fitted)}:
        with pytest.raises(ValueError, match=f"class {type(fitted).__name__}, not {other.__name__}"):
            other().from_bytes(data)


# Wrong arguments: the message names the value and the remedy

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
    "int64": (lambda X: X.astype(np.int64), r"got dtype int64.*X\.astype\(numpy\.uint8\)"),
    "bool": (lambda X: X > 0, r"uint8 \(0 to 255\) or floating point \(0 to 1\); got dtype bool"),
    "strings": (lambda X: X.astype(str), r"uint8 \(0 to 255\) or floating point \(0 to 1\); got dtype <U"),
    "not scaled": (lambda X: X.astype(np.float32), r"values from 0 to 2\d\d.*Divide by 255, or pass uint8"),
    "centred": (lambda X: X / 255 - 0.5, r"values from -0\.5 to .*Divide by 255, or pass uint8"),
    "NaN": (_with_value(np.nan), "NaN or infinite values: remove those images or fill the values in"),
    "inf": (_with_value(np.inf), "NaN or infinite values: remove those images or fill the values in"),
    "minus inf": (_with_value(-np.inf), "NaN or infinite values: remove those images or fill the values in"),
    "no image": (lambda X: X[:0], r"no images: X has shape 0 x 12 x 12 x 1\."),
    "no square": (
        lambda X: X.reshape(len(X), -1)[:, :-1],
        r"143 features are neither a square.*reshape X to \(n, h, w\)",
    ),
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
    ("shape", "named"), [((8, 12), "8 x 12 x 1"), ((12, 12, 3), "12 x 12 x 3"), ((64,), "8 x 8 x 1")]
)
def test_images_of_another_shape_than_in_training(fitted: Detector, shape: tuple[int, ...], named: str) -> None:
    message = f"the images are {named}, the training images were 12 x 12 x 1: bring them to the same height"
    for method in METHODS:
        with pytest.raises(ValueError, match=message):
            getattr(fitted, method)(np.zeros((2, *shape), dtype=np.uint8))


@pytest.mark.parametrize("sides", [(10, 12), (12, 10)])
def test_sides_that_are_not_multiples_of_four(name: str, fitted: Detector, few: Shapes, sides: tuple[int, int]) -> None:
    X, y = few.labelled()
    cropped = X[:, : sides[0], : sides[1]]
    if convolves(fitted):
        with pytest.raises(ValueError, match=f"multiples of 4.*got {sides[0]} x {sides[1]}.*Pad or crop"):
            make(name).fit(cropped, y)
    else:
        assert make(name).fit(cropped, y).image_shape_ == (*sides, 1)


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


@of(USERS)
@pytest.mark.parametrize("all_marked", [True, False])
def test_no_negatives(name: str, few: Shapes, all_marked: bool) -> None:
    y = np.ones(len(few.normal), dtype=np.int64) if all_marked else None
    named = f"{MODELS[name].detector.__name__} learns from negative examples, and got none"
    with pytest.raises(ValueError, match=f"{named}: add rows of X marked -1 in y"):
        make(name).fit(few.normal, y)


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


# Stacks


@pytest.mark.usefixtures("unchecked")
def test_a_stack_scores_as_its_members_do_alone(name: str, few: Shapes, probe: NDArray[np.uint8]) -> None:
    """The stated tolerance: scores agree to 1 % after two epochs in float32; over many, rounding adds up."""

    singly, stacked = ([brief(name, seed) for seed in (0, 1)] for _ in range(2))
    X, y = few.labelled()
    rows = [slice(None), slice(20, None)]  # members may differ in what they learn from
    fittings = (one.fitting(X[own], y[own]) for one, own in zip(stacked, rows, strict=True))
    assert {id(one) for one in train_together(fittings, 2)} == {id(one) for one in stacked}
    for alone, beside, own in zip(singly, stacked, rows, strict=True):
        scores = alone.fit(X[own], y[own]).anomaly_score(probe)
        assert len(np.unique(scores)) > len(probe) / 2
        np.testing.assert_allclose(beside.anomaly_score(probe), scores, rtol=1e-2)
        assert beside.precision_ == ("float32" if learns_by_gradient(beside) else "float64")
