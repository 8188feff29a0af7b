"""Damaged files of results: each is refused in words, or read as if it were whole; nothing else ever happens."""

import csv
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.engine.records import Store, read_record
from benchmarks.engine.run import digest_of, id_of
from benchmarks.errors import CallError

PUBLISHED = Path(__file__).parents[3] / "results" / "published"
PATHS = sorted((PUBLISHED / "runs").glob("*.json"))[::40]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
many = settings(max_examples=150, deadline=None, database=None)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the place of every value within a record, of curves the first and the last point only."""
    yield path
    keys = value if isinstance(value, dict) else (0, len(value) - 1) if isinstance(value, list) and value else ()
    for key in keys:
        yield from places(value[key], (*path, key))


@st.composite
def places_of_records(draw: st.DrawFn) -> tuple[Path, tuple[Any, ...]]:
    path = draw(st.sampled_from(PATHS))
    return path, draw(st.sampled_from(list(places(json.loads(path.read_text())))[1:]))


def replaced(fields: dict[str, Any], place: tuple[Any, ...], value: object) -> None:
    """Put another value into a place, or nothing for an ellipsis."""
    *way, last = place
    table: Any = fields
    for key in way:
        table = table[key]
    table[last] = value
    if value is ...:
        del table[last]


def mutated(content: bytes, random: random.Random) -> bytes:
    """Change, take out, double, cut or overwrite some bytes."""
    changed = bytearray(content)
    place = random.randrange(len(changed))
    end = place + random.choice((1, 1, 2, 8, 100))
    kind = random.randrange(6)
    if kind == 0:
        changed[place] ^= 1 << random.randrange(8)
    elif kind == 1:
        changed[place:end] = b""
    elif kind == 2:
        changed[place:place] = changed[place:end]
    elif kind == 3:
        changed[place:] = b""
    elif kind == 4:
        changed[place] = random.choice(b'0123456789.-,:"\r\n\0[]{} e')
    else:
        changed[place:end] = random.randbytes(end - place)
    return bytes(changed)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Some real records, and their ``runs.csv``."""
    store = Store(tmp_path_factory.mktemp("results"))
    (store.root / "runs").mkdir()
    for path in PATHS:
        shutil.copy(path, store.root / "runs")
    store.write_csv()
    return store


def outcome_of(act: Callable[[], object]) -> str:
    try:
        act()
    except CallError as error:
        return str(error)
    return ""


def test_every_mutation_of_a_record_is_refused_or_leaves_the_same_table(store: Store) -> None:
    source, table = random.Random(0), (store.root / "runs.csv").read_bytes()
    refused = 0
    for number in range(400):
        path = store.root / "runs" / PATHS[number % len(PATHS)].name
        whole = path.read_bytes()
        path.write_bytes(mutated(whole, source))
        reading = outcome_of(partial(read_record, path))
        writing = outcome_of(store.write_csv)
        path.write_bytes(whole)
        assert (store.root / "runs.csv").read_bytes() == table
        assert bool(reading) == bool(writing)
        refused += bool(writing)
        if writing:
            assert f"the record {path} is damaged" in writing
    assert refused > 390  # all but those that change the white space at the end, or nothing


@many
@given(places_of_records(), JUNK | st.just(...), st.booleans())
def test_any_value_is_read_or_refused_in_words(
    store: Store, damaged: tuple[Path, tuple[Any, ...]], value: object, sealed: bool
) -> None:
    """Without a digest, or with a right one, values that are possible are believed."""
    name = damaged[0].name
    fields = json.loads(damaged[0].read_text())
    if damaged[1] != ("digest",):
        del fields["digest"]
    replaced(fields, damaged[1], value)
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    if sealed:
        text = f'{text[:-1]},"digest":"{digest_of(text)}"}}'
    path = store.root / "runs" / name
    whole, table = path.read_bytes(), (store.root / "runs.csv").read_bytes()
    path.write_text(text)
    try:
        outcome_of(store.write_csv)
        outcome_of(partial(read_record, path))
        assert outcome_of(store.check) == ""
    finally:
        path.write_bytes(whole)
        (store.root / "runs.csv").write_bytes(table)


@many
@given(st.integers(0, 2**32))
def test_a_damaged_csv_is_refused_in_words_or_made_anew(store: Store, seed: int) -> None:
    path = store.root / "runs.csv"
    whole = path.read_bytes()
    try:
        path.write_bytes(mutated(whole, random.Random(seed)))
        if told := outcome_of(store.check):
            assert f"Move {path} away" in told
        store.write_csv()
        assert path.read_bytes() == whole
    finally:
        path.write_bytes(whole)


def test_a_folder_or_a_pipe_in_the_place_of_a_file(store: Store, tmp_path: Path) -> None:
    copied = Store(Path(shutil.copytree(store.root, tmp_path / "results")))
    for path in (copied.root / "runs.csv", copied.record_path(PATHS[0].stem)):
        path.unlink()
        path.mkdir()
        assert "is no file" in outcome_of(lambda: (copied.check(), copied.write_csv()))
        path.rmdir()
        os.mkfifo(path)
        assert "is no file" in outcome_of(lambda: (copied.check(), copied.write_csv()))
        path.unlink()


def changed(fields: dict[str, Any], **values: Any) -> dict[str, Any]:
    return fields | values


def first_score(fields: dict[str, Any], **values: Any) -> dict[str, Any]:
    first, *rest = fields["scores"]
    return fields | {"scores": [first | values, *rest]}


def renamed(fields: dict[str, Any], **values: Any) -> dict[str, Any]:
    """With another identity, and the id of it."""
    identity = fields["identity"] | values
    return fields | {"identity": identity, "run": id_of(identity)}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda fields: first_score(fields, auc=5.0), "auc is 5.0, not a number from 0 to 1"),
        (lambda fields: first_score(fields, auc=True), "auc is True"),
        (lambda fields: first_score(fields, auc=float("nan")), "NaN is no number"),
        (lambda fields: first_score(fields, n_outlier=0), "n_outlier is 0, not a whole number of at least 1"),
        (lambda fields: first_score(fields, detected=[0.5] * 100), "detected is .* not a list of 101 numbers"),
        (lambda fields: first_score(fields, detected=[0.5] * 100 + [1.01]), "detected is .* not a list of 101 numbers"),
        (lambda fields: first_score(fields, outlier=fields["identity"]["task"]["normal"][0]), "of other classes"),
        (lambda fields: changed(fields, scores=fields["scores"][1:]), "of other classes than the outliers"),
        (lambda fields: changed(fields, n_normal=-1), "n_normal is -1"),
        (lambda fields: changed(fields, fit_seconds=-0.5), "fit_seconds is -0.5"),
        (lambda fields: changed(fields, versions={"torch": 2}), "versions is {'torch': 2}, not a table of texts"),
        (lambda fields: changed(fields, surprise=1), "'surprise', which no record of this version has"),
        (lambda fields: {key: fields[key] for key in fields if key != "device"}, "has no device"),
        (lambda fields: changed(fields, identity=fields["identity"] | {"seed": 7}), "its identity is that of"),
        (lambda fields: renamed(fields, seed=7), "it is that of run"),
        (lambda fields: renamed(fields, task=fields["identity"]["task"] | {"dataset": "cats"}), "dataset is 'cats'"),
        (lambda fields: renamed(fields, task=fields["identity"]["task"] | {"normal": [99]}), "different classes of"),
    ],
)
def test_what_is_wrong_is_said(store: Store, tmp_path: Path, damage: Callable[..., Any], message: str) -> None:
    path = tmp_path / "runs" / PATHS[0].name
    path.parent.mkdir()
    fields = json.loads(PATHS[0].read_text())
    del fields["digest"]
    path.write_text(json.dumps(damage(fields)))
    with pytest.raises(CallError, match=rf"the record {path} is damaged \(.*{message}"):
        list(Store(tmp_path).records())


def test_text_that_no_file_can_hold_is_written_in_another_way(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    fields = json.loads(PATHS[0].read_text())
    del fields["digest"]
    device = 'a "GPU",\r\n\0 \ud800'
    (tmp_path / "runs" / PATHS[0].name).write_text(json.dumps(fields | {"device": device}))
    store = Store(tmp_path)
    store.write_csv()
    store.check()
    with (tmp_path / "runs.csv").open(newline="") as file:
        assert {row["device"] for row in csv.DictReader(file)} == {device.replace("\ud800", "\\ud800")}


@pytest.mark.parametrize("text", ["[" * 100_000, '{"run":' * 100_000, "", "null", '{"digest":"0"}', "9" * 5000])
def test_hostile_text_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "0.json").write_text(text)
    with pytest.raises(CallError, match="is damaged"):
        Store(tmp_path).write_csv()


def test_a_record_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    shutil.copy(PATHS[0], tmp_path / "runs" / PATHS[1].name)
    with pytest.raises(CallError, match=f"it is that of run {PATHS[0].stem}"):
        list(Store(tmp_path).records())


def test_every_published_record_is_whole() -> None:
    assert len(list(Store(PUBLISHED).records())) == len(list((PUBLISHED / "runs").iterdir()))
