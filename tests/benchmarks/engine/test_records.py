"""Records are whole, rows are in a fixed order, and damage is named before anything is lost."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.data import DataIdentity
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Record, Score, Store, mean_auc
from benchmarks.engine.run import Run, id_of, make_run
from benchmarks.engine.runs_csv import COLUMNS
from benchmarks.errors import CallError
from benchmarks.paper.tasks import Negatives, against, with_classes, without_negatives

FAST = load_profile("fast")
CURVE = tuple(i / 100 for i in range(100, -1, -1))
RUN = make_run(with_classes("cifar10", 1, (5, 6)), "LIS-AE", 0, FAST, {"cifar10": DataIdentity("a part", "0123")})


def record_of(run: Run, auc: float = 0.1 + 0.2) -> Record:
    return Record(
        run=run.id,
        identity=json.loads(json.dumps(run.identity())),
        scores=tuple(Score(c, auc + c / 1000, 12, CURVE) for c in run.task.outliers),
        n_normal=10,
        restarts=1,
        profile="fast",
        device="a processor, of a kind",
        precision="float32",
        versions={"torch": "2"},
        command="python -m benchmarks.reproduce --table 4",
        fit_seconds=1.5,
        score_seconds=0.5,
        size=None,
        processor_seconds=1.25,
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "results")
    store.put(record_of(RUN))
    store.write_csv()
    return store


def test_a_record_comes_back_as_it_was(store: Store) -> None:
    assert store.has(RUN)
    assert store.get(RUN) == record_of(RUN)
    other = replace(RUN, seed=1)
    assert not store.has(other)
    assert store.get(other) is None
    record = record_of(RUN)
    ends = tuple(replace(one, detected=one.detected[95:]) for one in record.scores)
    assert list(store.records()) == [replace(record, scores=ends)]
    assert [one.detected_at_5 for one in ends] == [one.detected[95] for one in record.scores]


def test_the_first_records_name_the_one_further_auc_that_there_was(store: Store) -> None:
    path = store.record_path(RUN.id)
    fields = json.loads(path.read_text())
    for place, score in enumerate(fields["scores"]):
        del score["extra_aucs"]
        score["label_sweep_auc"] = None if place else 0.75
    del fields["digest"]
    path.write_text(json.dumps(fields))
    record = store.get(RUN)
    assert record is not None
    assert [score.extra_aucs for score in record.scores] == [{"label sweep": 0.75}, {}, {}, {}]
    assert mean_auc(record, (0,), "label sweep") == 0.75
    assert [row["model"] for row in record.rows()] == ["LIS-AE"] * 4 + ["LIS-AE, label sweep"]


def test_what_could_not_be_read_again_is_not_written(store: Store) -> None:
    before = store.record_path(RUN.id).read_bytes()
    record = record_of(RUN)
    for auc in (float("nan"), 1.5):
        with pytest.raises(ValueError, match=r"auc is 1\.5|not JSON compliant"):
            store.put(replace(record, scores=tuple(replace(score, auc=auc) for score in record.scores)))
    assert store.record_path(RUN.id).read_bytes() == before


def test_a_traceback_goes_when_its_run_succeeds(store: Store) -> None:
    path = store.put_failure(RUN.id, "Traceback of the run")
    assert path.read_text() == "Traceback of the run"
    store.put(record_of(RUN))
    assert not path.exists()


@pytest.mark.parametrize(
    ("negatives", "text"),
    [
        (Negatives("omniglot"), "omniglot: all"),
        (Negatives("omniglot", (3, 964)), "omniglot: 3 964"),
        (Negatives("mnist", (3, 5), count=50), "mnist: 3 5, 50 of them"),
        (Negatives("omniglot", count=1000, contaminated=0.1), "omniglot: all, 1000 of them, 10% normal"),
    ],
)
def test_negatives_are_told_in_words(store: Store, negatives: Negatives, text: str) -> None:
    run = make_run(against("mnist", (1,), negatives), "LIS-AE", 0, FAST, {})
    store.put(record_of(run))
    record = store.get(run)
    assert record is not None
    assert {row["negatives"] for row in record.rows()} == {text}


@pytest.mark.parametrize(
    "harder",
    [{"count": 0}, {"count": 1.5}, {"contaminated": 0.0}, {"contaminated": 1.5}, {"contaminated": "x"}, {"n": 1}],
)
def test_negatives_that_no_task_has_are_refused(store: Store, harder: dict[str, object]) -> None:
    """What is at its default is not written: the id is a hash of what is."""
    identity = json.loads(json.dumps(RUN.identity()))
    identity["task"]["negatives"] |= harder
    with pytest.raises(ValueError, match=r"negatives is .*, not null, or a table of dataset, classes, count"):
        store.put(replace(record_of(RUN), run=id_of(identity), identity=identity))


def test_the_average_is_the_plain_mean_over_outlier_classes() -> None:
    assert mean_auc(record_of(RUN, 0.5), (0, 4)) == pytest.approx((0.5 + 0.504) / 2)


def test_rows_say_everything_about_a_run(store: Store) -> None:
    with (store.root / "runs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["outlier"] for row in rows] == ["Plane", "Bird", "Cat", "Deer"]
    first = rows[0]
    assert float(first["auc"]) == 0.1 + 0.2  # every digit
    assert (first["model"], first["normal"], first["negatives"]) == ("LIS-AE", "Car", "cifar10: Dog Frog")
    assert (first["data_variant"], first["seed"], first["restarts"]) == ("cifar10: a part", "0", "1")
    assert json.loads(first["settings"])["gamma"] == 16
    assert json.loads(first["settings"])["limits"] == {"train": 0, "test": 0}
    assert first["device"] == "a processor, of a kind"
    assert [row["detected_at_5"] for row in rows] == ["0.05"] * 4


def test_rows_do_not_depend_on_the_order_of_writing(tmp_path: Path) -> None:
    runs = [replace(RUN, seed=seed) for seed in range(4)]
    runs.append(make_run(without_negatives("cifar10", 1), "AE", 0, FAST, {}))
    texts = []
    for name, order in (("a", runs), ("b", runs[::-1])):
        store = Store(tmp_path / name)
        for run in order:
            store.put(record_of(run))
        store.write_csv()
        texts.append((store.root / "runs.csv").read_bytes())
    assert texts[0] == texts[1]
    assert texts[0].count(b"\n") == 1 + 5 * 4


def test_a_damaged_record_is_named_and_kept(store: Store) -> None:
    path = store.record_path(RUN.id)
    whole = path.read_text()
    for damaged in (whole[: len(whole) // 2], "{}", "[]", whole.replace('"auc"', '"acu"')):
        path.write_text(damaged)
        with pytest.raises(CallError, match=rf"{path.name} is damaged.*Move it away"):
            store.get(RUN)
        assert path.read_text() == damaged


def test_a_whole_directory_passes_the_check_and_is_not_changed(store: Store, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}
    store.check()
    assert {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()} == before
    Store(tmp_path / "new").check()


def test_a_csv_of_before_detection_was_told_is_no_damage(store: Store) -> None:
    path = store.root / "runs.csv"
    whole = path.read_text()
    path.write_text("".join(f"{line.rpartition(',')[0]}\n" for line in whole.splitlines()))
    store.check()
    store.write_csv()
    assert path.read_text() == whole


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], r"is cut: row \d+ has \d+ of 21 fields"),
        (lambda text: text[:-1], "is cut: its last row does not end"),
        (lambda text: text[:40], "does not begin with the columns"),
        (lambda text: "", "does not begin with the columns"),
        (lambda text: text.replace(RUN.id, "0" * 16), "holds 1 runs of which there is no record, such as 0000"),
    ],
)
def test_a_damaged_csv_is_named_and_nothing_is_lost(store: Store, damage: object, message: str) -> None:
    path = store.root / "runs.csv"
    whole = path.read_text()
    path.write_text(damage(whole))  # type: ignore[operator]
    with pytest.raises(CallError, match=rf"{message}.*Nothing was changed. Move .*runs.csv away.* the 1 records"):
        store.check()
    assert path.read_text() == damage(whole)  # type: ignore[operator]
    path.unlink()
    store.write_csv()
    assert path.read_text() == whole


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CallError, match=r"results directory .*file/results cannot be written"):
        Store(tmp_path / "file" / "results").check()
