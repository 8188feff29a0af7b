"""What a model learns from: images and labels in every form, negatives, its stage, its seed, a stack."""

import contextlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone

from benchmarks.registry import MODELS
from lisae import Detector
from lisae.stacks import Learning, train_stack, train_together
from tests.contract.models import EITHER, STAGED, USERS, brief, learns_by_gradient, make, of
from tests.shapes import Shapes, auc, shapes


@of(EITHER)
@pytest.mark.parametrize("form", [((12, 12), None), ((144,), (12, 12)), ((1, 12, 12), (1, 12, 12))])
def test_grey_images_of_every_form_teach_the_same(
    name: str,
    fitted: Detector,
    few: Shapes,
    probe: NDArray[np.uint8],
    form: tuple[tuple[int, ...], tuple[int, ...] | None],
) -> None:
    shape, stated = form
    X, y = few.labelled()
    other = make(name).set_params(image_shape=stated).fit(X.reshape(-1, *shape), y)
    assert other.image_shape_ == fitted.image_shape_ == (12, 12, 1)
    np.testing.assert_array_equal(other.anomaly_score(probe), fitted.anomaly_score(probe))


@of(USERS)
@pytest.mark.usefixtures("unchecked")
def test_negatives_may_stand_beside_normal_images(name: str, few: Shapes, probe: NDArray[np.uint8]) -> None:
    X, y = few.labelled()
    marked, beside = brief(name).fit(X, y), brief(name).fit(X[y == 1], negatives=X[y == -1])
    np.testing.assert_array_equal(beside.anomaly_score(probe), marked.anomaly_score(probe))


def test_colour_images_may_be_flat(name: str) -> None:
    colour = shapes(channels=3, seed=4, normal=48, others=32, side=12)
    X, y = colour.labelled()
    detector = make(name).set_params(image_shape=(12, 12, 3)).fit(X.reshape(len(X), -1), y)
    assert detector.image_shape_ == (12, 12, 3)
    flat = colour.outliers.reshape(len(colour.outliers), -1)
    np.testing.assert_array_equal(detector.anomaly_score(flat), detector.anomaly_score(colour.outliers))
    assert auc(detector, colour.held_out, colour.outliers) > 0.9


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


def test_a_model_is_handed_negatives_only_if_it_uses_them(
    name: str, few: Shapes, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = make(name)
    handed: list[NDArray[Any] | None] = []

    def learn(self: Detector, normal: NDArray[Any], negatives: NDArray[Any] | None, seed: int) -> Learning[Any]:
        handed.extend([normal, negatives])
        yield from ()
        return np.zeros(len(normal))

    monkeypatch.setattr(type(detector), "_learn", learn)
    X, y = few.labelled()
    detector.fit(X, y)
    made_ready, *_ = detector._begin(X[y == 1], X[y == -1])
    assert handed[0] is not None
    np.testing.assert_array_equal(handed[0], made_ready)
    if getattr(detector, "contrast", "none") == "none":
        np.testing.assert_array_equal(handed[0], X[y == 1])
    if detector.uses_negatives:
        np.testing.assert_array_equal(handed[1], X[y == -1])
    else:
        assert handed[1] is None


@pytest.mark.usefixtures("unchecked")
def test_steps_are_those_of_the_trainings(name: str, few: Shapes) -> None:
    """The trainings of a stage, which are the first, are left out."""
    detector = brief(name)
    learning, taken, answer = detector.fitting(*few.labelled()), [], None
    with contextlib.suppress(StopIteration):
        while True:
            training = learning.send(answer)  # type: ignore[arg-type]
            taken += [training.epochs * training.steps // every for _, every in training.players]
            (answer,) = train_stack([training])
    own = list(detector.steps(len(few.normal)).values())
    assert taken[len(taken) - len(own) :] == own
    assert (len(taken) > len(own)) == (detector.stage is not None)


@of(USERS)
def test_negatives_change_a_model_that_uses_them(
    name: str, fitted: Detector, few: Shapes, probe: NDArray[np.uint8]
) -> None:
    X, y = few.labelled()
    some = (y == 1) | (np.arange(len(y)) % 2 == 0)
    fewer = make(name).fit(X[some], y[some])
    assert not np.allclose(fewer.anomaly_score(probe), fitted.anomaly_score(probe), rtol=1e-4)


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


@of(STAGED)
def test_a_stage_is_of_its_class(name: str, few: Shapes) -> None:
    stage = MODELS[name].detector.stage
    assert stage is not None
    another = next(model.detector for model in MODELS.values() if not issubclass(model.detector, stage.detector))
    detector = make(name).set_params(**{stage.argument: another()})
    with pytest.raises(ValueError, match=f"class {stage.detector.__name__}; got {another.__name__}"):
        detector.fit(*few.labelled())


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
