"""Settings are chosen on tasks that see no test image and no outlier."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.data import identify, load
from benchmarks.engine.evaluate import scored_images, training_images
from benchmarks.engine.profiles import Profile, load_profile
from benchmarks.engine.run import changed, make_run, stage_of
from benchmarks.engine.search import Search, searches
from benchmarks.paper.tasks import (
    Negatives,
    Task,
    against,
    other_split,
    supervised,
    validated,
    with_classes,
    without_negatives,
)

COMBINED = with_classes("cifar10", 3, (5, 6, 7, 8, 9))


def test_no_outlier_of_the_reported_task_is_in_the_one_that_settings_are_chosen_on() -> None:
    for normal in range(10):
        reported = with_classes("cifar10", normal, other_split(normal))
        chosen_on = validated(reported)
        assert reported.negatives is not None
        assert chosen_on.negatives is not None
        assert not set(chosen_on.outliers) & set(reported.outliers)
        assert set(chosen_on.outliers) | set(chosen_on.negatives.classes) == set(reported.negatives.classes)
        assert not set(chosen_on.outliers) & set(chosen_on.negatives.classes)
        assert (len(chosen_on.outliers), chosen_on.normal) == (2, reported.normal)


@pytest.mark.parametrize(
    "task",
    [
        without_negatives("cifar10", 3),
        with_classes("fashion-mnist", 3, (4,)),
        against("mnist", (3,), Negatives("omniglot")),
    ],
    ids=["no negatives", "one class", "another data set"],
)
def test_negatives_that_leave_nothing_to_choose_by_are_refused(task: Task) -> None:
    with pytest.raises(ValueError, match="negatives of more than 2 classes"):
        validated(task)


def test_the_images_of_a_choice_are_training_images_that_were_not_learned_from(tiny: Profile, data_dir: Path) -> None:
    identity = identify("cifar10", data_dir)
    assert identity is not None
    run = make_run(validated(COMBINED), "LIS-AE", 0, tiny, {"cifar10": identity})
    data = load("cifar10", data_dir, offline=True)
    of_class = {c: data.train_images[data.train_labels == c][:24] for c in range(10)}
    images, labels = training_images(run, data, data_dir, with_negatives=True)
    normal, *outliers = scored_images(run, data)
    kept_out = np.arange(4, 24, 5)
    np.testing.assert_array_equal(normal, of_class[3][kept_out])
    np.testing.assert_array_equal(images[labels == 1], np.delete(of_class[3], kept_out, axis=0))
    assert run.task.negatives is not None
    np.testing.assert_array_equal(
        images[labels == -1], np.concatenate([of_class[c] for c in run.task.negatives.classes])
    )
    for c, scored in zip(run.task.outliers, outliers, strict=True):
        np.testing.assert_array_equal(scored, of_class[c][: len(normal)])


def test_the_stage_of_a_choice_does_not_see_what_was_kept_out(tiny: Profile) -> None:
    run = make_run(validated(COMBINED), "LIS-AE", 0, tiny, {})
    stage, reported = stage_of(run), stage_of(make_run(COMBINED, "LIS-AE", 0, tiny, {}))
    assert stage is not None
    assert reported is not None
    assert (stage.model, stage.task.validation, stage.task.negatives) == ("AE", 0.2, None)
    assert stage.id != reported.id
    assert "validation" not in reported.identity()["task"]


def test_every_search_compares_settings_that_the_model_has() -> None:
    """Where no test image is seen, no seed is one that is reported either."""
    fast = load_profile("fast")
    for one in searches():
        is_blind = one.scored == "validation"
        assert not is_blind or not set(one.seeds) & {*fast.seeds, *load_profile("full").seeds}
        assert len({frozenset(change) for change in one.candidates}) == 1, (
            "each says all the settings that are compared"
        )
        ids = []
        for trial in (trial for change in one.candidates for trial in one.trials(change)):
            assert (trial.measurement.task.validation > 0) == is_blind
            run = changed(make_run(trial.measurement.task, one.model, trial.seed, fast, {}), trial.change)
            assert run is not None
            ids.append(run.id)
        assert len(set(ids)) == len(ids) == len(one.candidates) * len(one.normal) * len(one.seeds)


def test_a_search_on_test_images_has_the_reported_tasks() -> None:
    one = Search("steps", "LIS-AE", "mnist", "test", (0,), ({"epochs": (1, 2), "beta": 1.0},), (8,))
    assert one.candidates == [{"epochs": 1, "beta": 1.0}, {"epochs": 2, "beta": 1.0}]
    (trial,) = one.trials(one.candidates[1])
    assert trial.measurement.task == against("mnist", (8,), Negatives("omniglot"))
    assert trial.text == "epochs = 2, beta = 1.0"


def test_a_search_may_have_pairs_of_classes_and_the_supervised_tasks() -> None:
    pairs = Search("steps", "LIS-AE", "mnist", "test", (0,), ({},), ((0, 1), (8, 9)))
    tasks = [trial.measurement.task for trial in pairs.trials({})]
    assert tasks == [against("mnist", pair, Negatives("omniglot")) for pair in ((0, 1), (8, 9))]
    bound = Search("steps", "LIS-AE", "cifar10", "test", (0,), ({},), (3,), supervised=True)
    (trial,) = bound.trials({})
    assert trial.measurement.task == supervised("cifar10", 3)
    (plain,) = replace(bound, supervised=False).trials({})
    assert plain.measurement.task == COMBINED
