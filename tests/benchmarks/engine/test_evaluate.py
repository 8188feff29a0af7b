"""A run is trained on what its task names, from whichever data set that comes, and its record says how."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from baselines.label_sweep import label_sweep_auc
from baselines.ocsvm import OCSVM
from benchmarks.data import DataIdentity, identify, load
from benchmarks.data.negatives import STROKES, STROKES_VARIANT, augmented, contaminated, some, strokes, to_shape
from benchmarks.engine.evaluate import Context, build, device_name, evaluate, negatives_of, training_images, versions
from benchmarks.engine.profiles import Profile, load_profile
from benchmarks.engine.run import Run, make_run
from benchmarks.errors import CallError
from benchmarks.paper.tasks import Negatives, Task, against, without_negatives
from benchmarks.registry import MODELS
from lisae import LISAE, BackboneDetector, __version__
from lisae.stacks import train_alone

SHAPE = (28, 28)


@pytest.fixture
def context(tmp_path: Path, grey_data_dir: Path) -> Context:
    return Context(tmp_path, grey_data_dir, "cpu", "the command", "tiny")


@pytest.fixture
def grey_run(tiny: Profile, grey_data_dir: Path) -> Callable[..., Run]:
    """Make runs on the drawn digits."""
    data = {name: identity for name in ("mnist", "omniglot") if (identity := identify(name, grey_data_dir))}
    data[STROKES] = DataIdentity(STROKES_VARIANT)

    def make(task: Task, model: str = "LIS-AE", seed: int = 0) -> Run:
        return make_run(task, model, seed, tiny, data)

    return make


def images_of(name: str, folder: Path, *classes: int) -> NDArray[np.uint8]:
    data = load(name, folder, offline=True)
    return np.concatenate([data.train_images[data.train_labels == c][:24] for c in classes])


def test_omniglot_is_augmented_to_the_shape_of_the_digits(
    grey_run: Callable[..., Run], tiny: Profile, grey_data_dir: Path
) -> None:
    run = grey_run(against("mnist", (3,), Negatives("omniglot")))
    drawings = load("omniglot", grey_data_dir, offline=True).train_images
    expected = augmented(drawings, SHAPE, 0, **tiny.preparation("omniglot"))
    assert run.limits["train"] == 24  # a whole set counts as ten classes: all 300 drawings here
    np.testing.assert_array_equal(negatives_of(run, SHAPE, grey_data_dir), expected)


def test_the_seed_of_a_run_draws_its_augmentation(grey_run: Callable[..., Run], grey_data_dir: Path) -> None:
    task = against("mnist", (3,), Negatives("omniglot"))
    first, second = (negatives_of(grey_run(task, seed=seed), SHAPE, grey_data_dir) for seed in (0, 1))
    assert first.shape == second.shape
    assert (first != second).any()


@pytest.mark.parametrize("classes", [(3,), (3, 7), (7, 3)])
def test_classes_of_another_data_set_are_those_that_the_task_names(
    grey_run: Callable[..., Run], grey_data_dir: Path, classes: tuple[int, ...]
) -> None:
    """Class by class, each limited on its own; other classes are other negatives and another run."""
    run = grey_run(against("mnist", (1,), Negatives("omniglot", classes)))
    prepared = augmented(images_of("omniglot", grey_data_dir, *classes), SHAPE, 0, **run.preparation)
    np.testing.assert_array_equal(negatives_of(run, SHAPE, grey_data_dir), prepared)
    assert run.id != grey_run(against("mnist", (1,), Negatives("omniglot"))).id


def test_classes_of_a_data_set_that_is_only_resampled(grey_data_dir: Path, tiny: Profile, tmp_path: Path) -> None:
    """The drawn digits stand for Fashion-MNIST here: a set that needs no augmentation."""
    (tmp_path / "fashion-mnist.npz").symlink_to(grey_data_dir / "mnist.npz")
    run = make_run(against("mnist", (1,), Negatives("fashion-mnist", (3, 5))), "LIS-AE", 0, tiny, {})
    expected = to_shape(images_of("mnist", grey_data_dir, 3, 5), SHAPE)
    np.testing.assert_array_equal(negatives_of(run, SHAPE, tmp_path), expected)


def test_negatives_of_the_same_data_set_without_classes_are_all_of_it(
    grey_run: Callable[..., Run], grey_data_dir: Path
) -> None:
    run = grey_run(Task("mnist", (3,), (5,), Negatives("mnist")))
    whole = replace(run, limits={"train": 0, "test": 0})
    everything = load("mnist", grey_data_dir, offline=True).train_images
    np.testing.assert_array_equal(negatives_of(whole, SHAPE, grey_data_dir), everything)


def test_strokes_need_no_data(grey_run: Callable[..., Run], context: Context) -> None:
    run = grey_run(against("mnist", (3,), Negatives("strokes")))
    np.testing.assert_array_equal(
        negatives_of(run, SHAPE, context.data_dir),
        strokes(np.empty((0, *SHAPE), np.uint8), SHAPE, 0, **run.preparation),
    )


def test_negatives_and_normal_images_are_marked_and_scored_apart(
    grey_run: Callable[..., Run], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[NDArray[Any]] = []
    fitting = LISAE.fitting

    def spied(self: LISAE, X: NDArray[Any], y: NDArray[np.int64]) -> Any:
        seen.extend([X, y])
        return fitting(self, X, y)

    monkeypatch.setattr(LISAE, "fitting", spied)
    monkeypatch.setattr(BackboneDetector, "_check_alive", lambda *_: None)
    run = grey_run(against("mnist", (3,), Negatives("strokes")))
    _, record = train_alone(evaluate(run, context))
    X, y = seen
    np.testing.assert_array_equal(X[y == 1], images_of("mnist", context.data_dir, 3))
    assert len(X[y == -1]) == 100
    assert [score.outlier for score in record.scores] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert record.rows()[0]["negatives"] == "strokes: all"
    assert "strokes: drawn" in record.rows()[0]["data_variant"]


def test_few_negatives_are_drawn_from_all_by_the_seed(grey_run: Callable[..., Run], grey_data_dir: Path) -> None:
    data, task = load("mnist", grey_data_dir, offline=True), against("mnist", (3,), Negatives("omniglot", count=20))
    images, labels = training_images(grey_run(task), data, grey_data_dir, with_negatives=True)
    whole = negatives_of(grey_run(task), SHAPE, grey_data_dir)
    np.testing.assert_array_equal(images[labels == 1], images_of("mnist", grey_data_dir, 3))
    np.testing.assert_array_equal(images[labels == -1], some(whole, 20, 0))
    alone, _ = training_images(grey_run(task), data, grey_data_dir, with_negatives=False)
    np.testing.assert_array_equal(alone, images[labels == 1])
    many = grey_run(against("mnist", (3,), Negatives("omniglot", count=1000)))
    assert many.limits["train"] == 24
    assert (training_images(many, data, grey_data_dir, with_negatives=True)[1] == -1).sum() == 24
    unlimited = replace(many, limits={"train": 0, "test": 0})
    assert (training_images(unlimited, data, grey_data_dir, with_negatives=True)[1] == -1).sum() == len(whole) == 300


def test_normal_images_among_the_negatives_are_normal_for_no_model(
    grey_run: Callable[..., Run], grey_data_dir: Path
) -> None:
    """Also not for AE, from which LIS-AE begins, and which is never shown a negative."""
    data = load("mnist", grey_data_dir, offline=True)
    task = against("mnist", (3,), Negatives("omniglot", count=20, contaminated=0.25))
    images, labels = training_images(grey_run(task), data, grey_data_dir, with_negatives=True)
    clean = some(negatives_of(grey_run(task), SHAPE, grey_data_dir), 20, 0)
    normal, mixed = contaminated(images_of("mnist", grey_data_dir, 3), clean, 0.25, 0)
    np.testing.assert_array_equal(images[labels == 1], normal)
    np.testing.assert_array_equal(images[labels == -1], mixed)
    assert (len(normal), len(mixed)) == (24 - 5, 20)
    alone, of_alone = training_images(grey_run(task, "AE"), data, grey_data_dir, with_negatives=False)
    np.testing.assert_array_equal(alone, normal)
    assert list(of_alone) == [1] * len(normal)


def test_how_negatives_were_made_is_part_of_the_run(grey_run: Callable[..., Run], tiny: Profile) -> None:
    run = grey_run(against("mnist", (3,), Negatives("omniglot")))
    assert run.identity()["preparation"] == tiny.preparation("omniglot")
    assert replace(run, preparation=run.preparation | {"blur": 7.0}).id != run.id
    assert "preparation" not in grey_run(against("mnist", (3,), Negatives("mnist", (5,)))).identity()


def test_a_model_that_needs_negatives_says_so_before_anything_is_trained(grey_run: Callable[..., Run]) -> None:
    with pytest.raises(CallError, match="LIS-AE learns from negatives, and the task of mnist 3 has none"):
        grey_run(without_negatives("mnist", 3))


def test_the_label_sweep_of_oc_svm_is_in_its_record(grey_run: Callable[..., Run], context: Context) -> None:
    detector, record = train_alone(evaluate(grey_run(without_negatives("mnist", 3), "OC-SVM"), context))
    assert isinstance(detector, OCSVM)
    data = load("mnist", context.data_dir, offline=True)
    labels = {c: detector.sweep_labels(data.test_images[data.test_labels == c][:12]) for c in (3, 7)}
    (score,) = (score for score in record.scores if score.outlier == 7)
    assert score.extra_aucs == {"label sweep": label_sweep_auc(labels[3], labels[7])}
    rows = record.rows()
    assert [row["model"] for row in rows] == ["OC-SVM"] * 9 + ["OC-SVM, label sweep"] * 9
    assert [row["auc"] for row in rows[9:]] == [s.extra_aucs["label sweep"] for s in record.scores]


def test_a_record_says_where_and_in_what_it_was_made(
    grey_run: Callable[..., Run], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, record = train_alone(evaluate(grey_run(without_negatives("mnist", 3), "KDE"), context))
    assert record.precision == "float64"
    assert record.device == device_name("cpu")
    assert record.versions == {"lisae": __version__} | versions(["torch", "numpy", "scikit-learn"])
    assert (record.profile, record.command, record.restarts) == ("tiny", "the command", 0)
    assert json.loads(json.dumps(record.identity)) == json.loads(
        json.dumps(grey_run(without_negatives("mnist", 3), "KDE").identity())
    )
    assert [score.extra_aucs for score in record.scores] == [{}] * 9


@pytest.mark.parametrize("model", ["AE", "LIS-AE", "LinSep-LIS-AE"])
def test_every_normal_image_is_learned_from(model: str) -> None:
    detector = build(model, load_profile("smoke").settings(MODELS[model], "mnist"), 0, "cpu")
    stage = [getattr(detector, detector.stage.argument)] if detector.stage else []
    assert [one.validation_fraction for one in (detector, *stage)] == [0.0] * (1 + len(stage))
    assert [getattr(detector, name, 0) for name in ("min_images", "strokes")] == [0, 0], "and from no other image"
