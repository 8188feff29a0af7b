"""Merging copies what is not there, checks it first, and overwrites nothing."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.engine.merge import merge
from benchmarks.engine.records import Store, read_record
from benchmarks.errors import CallError
from benchmarks.progress import Messages
from lisae.packing import pack

PATHS = sorted((Path(__file__).parents[3] / "results" / "published" / "runs").glob("*.json"))[:6]
A, B, C, *_ = (path.stem for path in PATHS)


def store_of(folder: Path, *run_ids: str) -> Store:
    (folder / "runs").mkdir(parents=True)
    for path in PATHS:
        if path.stem in run_ids:
            shutil.copy(path, folder / "runs")
    return Store(folder)


def files(store: Store) -> dict[str, bytes]:
    return {str(path.relative_to(store.root)): path.read_bytes() for path in store.root.rglob("*") if path.is_file()}


def test_what_is_not_there_is_copied_and_merging_again_changes_nothing(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    ours, theirs = store_of(tmp_path / "ours", A), store_of(tmp_path / "theirs", A, B, C)
    merge(theirs.root, ours, Messages())
    assert files(ours) == files(theirs)
    assert "2 records copied, 1 were here" in capsys.readouterr().err
    merge(theirs.root, ours, Messages())
    assert files(ours) == files(theirs)
    assert "0 records copied, 3 were here" in capsys.readouterr().err


def test_times_and_machines_may_differ_and_results_are_named(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    ours, theirs = store_of(tmp_path / "ours", A, B), store_of(tmp_path / "theirs", A, B)
    record = read_record(theirs.record_path(A))
    theirs.put(replace(record, fit_seconds=1.0, device="another", command="another"))
    record = read_record(theirs.record_path(B))
    theirs.put(replace(record, scores=tuple(replace(score, auc=0.5) for score in record.scores)))
    theirs.put_weights(B, pack({}, {}))
    before = files(ours)
    merge(theirs.root, ours, Messages())
    assert files(ours) == before
    error = capsys.readouterr().err
    assert f"1 records have other results than those here, which stay: {B}." in error
    assert A not in error


def test_weights_come_along_if_they_are_those_of_their_run(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    ours, theirs = store_of(tmp_path / "ours"), store_of(tmp_path / "theirs", A, B)
    theirs.put_weights(A, pack({}, {}))
    shutil.copy(theirs.weights_path(A), theirs.weights_path(B))
    merge(theirs.root, ours, Messages())
    assert ours.weights_path(A).read_bytes() == theirs.weights_path(A).read_bytes()
    assert not ours.weights_path(B).exists()
    assert f"{theirs.weights_path(B)} are not copied: they are those of {A}" in capsys.readouterr().err


def test_a_folder_with_a_damaged_record_is_refused_whole(tmp_path: Path) -> None:
    ours, theirs = store_of(tmp_path / "ours"), store_of(tmp_path / "theirs", A, B, C)
    path = theirs.record_path(C)
    path.write_text(path.read_text().replace('"auc":0.', '"auc":1.'))
    with pytest.raises(CallError, match=rf"{C}.json is damaged"):
        merge(theirs.root, ours, Messages())
    assert files(ours) == {}


def test_a_folder_without_records_is_no_results_folder(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="no results folder"):
        merge(tmp_path / "nowhere", Store(tmp_path), Messages())
