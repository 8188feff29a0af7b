"""The measurements of the library's defaults: their tasks, their rules, and a file that is gone on with."""

import csv
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.beyond import defaults
from benchmarks.beyond.defaults import GAMMAS, MEASURES, Result, distance, main, mixup
from benchmarks.beyond.problems import TASKS, Problem, digits, problem_of
from lisae import LISAE, AutoEncoder
from lisae.lisae import GAMMA

GROUPS = tomllib.loads(TASKS.read_text())


def test_nothing_is_held_to_account_where_it_was_chosen() -> None:
    for dataset, classes in GROUPS["account"].items():
        assert not set(classes) & set(GROUPS["choice"].get(dataset, ()))
    assert not set(GROUPS["choice"]["cifar10"]) & {1, 4}, "car and deer are reported"
    assert sum(map(len, GROUPS["account"].values())) >= 8
    for group in ("photographs", "fewest", "few-gamma", "light"):
        for dataset, classes in GROUPS[group].items():
            assert not set(classes) & set(GROUPS["account"][dataset])
    for name in ("sample", "grey", "colour"):
        for dataset, classes in GROUPS[name].items():
            assert set(classes) <= set(GROUPS["choice"][dataset])


@pytest.fixture(scope="module")
def problem() -> Problem:
    return problem_of("digits", 9, 40, Path("not needed"))


def test_a_task_has_classes_of_its_own(problem: Problem) -> None:
    (train, labels), (test, test_labels) = digits()

    def classes(images: np.ndarray) -> set[int]:
        everything, every_label = np.concatenate([train, test]), np.concatenate([labels, test_labels])
        return {int(every_label[(everything == one).all(axis=(1, 2, 3))][0]) for one in images}

    assert (len(problem.normal), len(problem.held_out), len(problem.negatives)) == (36, 4, 40)
    assert classes(problem.all_normal) == classes(problem.scored[~problem.is_outlier]) == {9}
    assert classes(problem.negatives) == {0, 1, 2, 3}
    assert classes(problem.scored[problem.is_outlier]) == {4, 5, 6, 7, 8}
    assert not (set(map(bytes, train)) & set(map(bytes, problem.scored)))


def test_the_rule_of_the_library_is_one_of_those_compared(problem: Problem) -> None:
    rules = {way: rule(AutoEncoder(), problem) for way, rule in GAMMAS.items() if "held-out" not in way}
    assert rules["20"] == 20
    assert rules[f"{GAMMA} x distance"] == pytest.approx(GAMMA * rules["1 x distance"])
    rows = problem.normal.reshape(36, -1)
    assert distance(problem.normal) == pytest.approx(np.sqrt(rows.var(axis=0).sum()), rel=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_mixture_is_of_two_different_images(dtype: type[np.generic]) -> None:
    images = np.eye(4).reshape(4, 2, 2, 1) * (200 if dtype is np.uint8 else 1)
    mixed = mixup(images.astype(dtype))
    assert mixed.dtype == dtype
    shares = np.sort(mixed.reshape(4, 4) / images.max())
    assert np.allclose(shares.sum(axis=1), 1, atol=0.01)
    assert (shares[:, 2] >= 0.29).all()


@pytest.mark.usefixtures("unchecked")
def test_every_measure_names_its_ways(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    brief = {"min_steps": 0, "epochs": 1}
    monkeypatch.setattr(defaults, "AutoEncoder", lambda **settings: AutoEncoder(**brief | settings))
    monkeypatch.setattr(defaults, "LISAE", lambda stage=None, **settings: LISAE(stage, **brief | settings))
    counts = {
        "gamma": 6,
        "width": 8,
        "negatives": 6,
        "distances": 4,
        "few": 4,
        "strokes": 5,
        "moves": 4,
        "fewest": 6,
        "few-gamma": 3,
        "light": 3,
        "readings": 4,
        "stopping": 3,
        "defaults": 3,
    }
    for measure, expected in counts.items():
        results = list(MEASURES[measure](problem, 0))
        assert len({result.way for result in results}) == len(results) == expected
        assert all(0 <= result.auc <= 1 for result in results)


def test_a_call_goes_on_where_one_was_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def measure(problem: Problem, seed: int) -> Iterator[Result]:
        asked.append(len(problem.normal))
        yield Result("one way", 1.0, 0.5)
        if len(asked) == 2:
            raise KeyboardInterrupt
        yield Result("another way", 2.0, 0.75)

    monkeypatch.setitem(MEASURES, "gamma", measure)
    monkeypatch.setattr(defaults.tomllib, "loads", lambda text: {"choice": {"digits": [3, 8]}})
    file = tmp_path / "rows.csv"
    call = ["gamma", "--csv", str(file), "--data-dir", str(tmp_path), "--images", "20"]
    with pytest.raises(KeyboardInterrupt):
        main(call)
    main(call)
    main(call)
    assert len(asked) == 3, "the first task is not measured again, and none is once all are there"
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert [(row["normal"], row["way"], row["auc"]) for row in rows] == [
        (normal, way, auc) for normal in "38" for way, auc in (("one way", "0.5000"), ("another way", "0.7500"))
    ]


def test_the_page_says_what_was_measured() -> None:
    """The table of what is held to account, and how often new normal images exceed the threshold."""
    rows = pd.read_csv(Path(defaults.__file__).with_suffix(".csv")).query("measure == 'defaults'")
    page = (Path(__file__).parents[3] / "docs" / "defaults.md").read_text(encoding="utf-8")
    names = {"MNIST": "mnist", "Fashion-MNIST": "fashion-mnist", "CIFAR-10": "cifar10", "SVHN": "svhn"}
    names["digits, 8 x 8"] = "digits"
    found = rows.groupby(["dataset", "normal", "images", "way"]).auc.mean()
    _, _, *lines = page.partition("## Held to account")[2].strip().partition("\n\n")[2].splitlines()[:11]
    for label, *cells in ([cell.strip() for cell in line.strip("|").split("|")] for line in lines):
        dataset, _, normal = label.rpartition(" ")
        own = found if label == "mean" else found.loc[names[dataset], int(normal)]
        expected = own.groupby(["images", "way"]).mean()
        assert [float(cell) for cell in cells] == pytest.approx(list(expected), abs=0.00051), label
    alarms = rows.groupby(["images", "way"]).value.agg(["mean", "max"])
    table = page.partition("| normal images | scores |")[2].splitlines()[2:5]
    for line in table:
        images, _, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        told = [[float(number) for number in cell.split(", ")] for cell in cells]
        np.testing.assert_allclose(told, alarms.loc[int(images)], atol=0.00051)
