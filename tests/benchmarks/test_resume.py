"""A call goes on from the records there are, and from no others: nothing finished is trained again or lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import pipeline
from benchmarks.errors import UnavailableError
from tests.benchmarks.calls import Call, cells_of, rows, wait_for_records


def test_killed_and_resumed_gives_what_one_go_gives(call: Call, arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.reproduce", *arguments, "--table", "4", "--quiet"]
    process = subprocess.Popen(command, start_new_session=True, text=True)
    try:
        wait_for_records(3, tmp_path / "results", process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "runs").glob("*.json")}
    assert 3 <= len(kept) < 16
    assert call("--table", "4", "--quiet") == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # nothing was trained twice
    assert call("--table", "4", "--quiet", "--results-dir", str(tmp_path / "whole")) == 0
    assert rows(tmp_path / "results") == rows(tmp_path / "whole")


def test_fresh_trains_again(call: Call, tmp_path: Path) -> None:
    assert call("--table", "4", "--models", "AE", "--quiet") == 0
    records = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "runs").glob("*.json")}
    first = rows(tmp_path / "results")
    assert len(records) == 2
    assert call("--table", "4", "--models", "AE", "--quiet", "--fresh") == 0
    assert all(path.stat().st_mtime_ns > written for path, written in records.items())
    assert rows(tmp_path / "results") == first


def test_records_alone_are_enough(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--table", "4", "--models", "AE", "--quiet") == 0
    first = (tmp_path / "results" / "table_4.csv").read_bytes()
    # No data, no network: the records say which variant they are of.
    assert call("--table", "4", "--models", "AE", "--quiet", "--data-dir", str(tmp_path / "none")) == 0
    assert (tmp_path / "results" / "table_4.csv").read_bytes() == first
    assert capsys.readouterr().err == ""


def test_a_figure_trains_what_its_table_lacks(call: Call, tmp_path: Path) -> None:
    assert call("--table", "A1", "--models", "AE", "--quiet") == 0
    records = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "runs").glob("*.json")}
    assert len(records) == 5
    assert call("--figure", "4", "--models", "AE", "--quiet") == 0
    assert len(list((tmp_path / "results" / "runs").glob("*.json"))) == 10
    assert {path: path.stat().st_mtime_ns for path in records} == records


def test_other_images_of_one_variant_are_trained_anew(call: Call, tmp_path: Path, data_dir: Path) -> None:
    """The name of a variant is not its content."""
    arrays = dict(np.load(data_dir / "cifar10.npz"))
    tables = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "cifar10.npz", **arrays)
        assert call("--table", "4", "--models", "AE", "--quiet", "--data-dir", str(tmp_path / name)) == 0
        tables.append((tmp_path / "results" / "table_4.csv").read_bytes())
        arrays["train_images"] = arrays["train_images"][:, ::-1]
        arrays["test_images"] = arrays["test_images"][:, :, ::-1]
    assert tables[0] != tables[1]
    assert len(list((tmp_path / "results" / "runs").glob("*.json"))) == 4


def test_data_that_arrive_are_what_the_records_name(
    call: Call, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known of the images when the call begins: it is planned for the official set, and they are waves."""
    folder = tmp_path / "arriving"
    folder.mkdir()

    def arrive(name: str, to: Path, **_: bool) -> None:
        (to / f"{name}.npz").symlink_to(data_dir / f"{name}.npz")

    monkeypatch.setattr(pipeline, "load", arrive)
    assert call("--table", "4", "--models", "AE", "--quiet", "--data-dir", str(folder)) == 0
    assert {row["data_variant"] for row in rows(tmp_path / "results")} == {"cifar10: drawn waves"}


def test_data_that_arrive_are_the_data_of_the_call(
    call: Call, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records are of one variant, no set is cached, and another set is fetched: one call is enough."""
    cached, arrived = tmp_path / "cached", tmp_path / "arrived"
    for folder in (cached, arrived):
        folder.mkdir()
    arrays = dict(np.load(data_dir / "cifar10.npz"))
    np.savez(cached / "cifar10.npz", **arrays)
    assert call("--table", "4", "--models", "AE", "--quiet", "--data-dir", str(cached)) == 0

    def arrive(name: str, folder: Path, **_: object) -> None:
        if not (folder / f"{name}.npz").exists():
            np.savez(folder / f"{name}.npz", **arrays | {"variant": "another"})

    monkeypatch.setattr(pipeline, "load", arrive)
    assert call("--table", "4", "--models", "AE,LIS-AE", "--quiet", "--data-dir", str(arrived)) == 0
    of_table = {row["data_variant"] for row in cells_of(tmp_path / "results" / "table_4.csv").values()}
    assert of_table == {"cifar10: another"}


def test_a_full_disk_keeps_what_is_done(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("--table", "4", "--models", "AE", "--quiet") == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    sync = os.fsync

    def full(descriptor: int) -> None:
        if os.fstat(descriptor).st_size:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr("benchmarks.files.os.fsync", full)
    assert call("--table", "4", "--quiet") == 3
    error = capsys.readouterr().err
    assert "could not be written: No space left on device" in error
    assert "free some space" in error
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_cut_csv_stops_the_call_before_anything_is_trained(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--table", "4", "--models", "AE", "--quiet") == 0
    path = tmp_path / "results" / "runs.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert call("--table", "4", "--quiet") == 2
    error = capsys.readouterr().err
    assert "runs.csv is cut" in error
    assert "Nothing was changed. Move " in error
    assert len(list((tmp_path / "results" / "runs").glob("*.json"))) == 2
    path.rename(path.with_suffix(".old"))
    assert call("--table", "4", "--models", "AE", "--quiet") == 0
    assert path.read_bytes() == whole


def test_a_killed_worker_leaves_the_rest_written(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("--table", "4", "--models", "AE", "--quiet") == 0

    def killed(*_: object) -> None:
        raise UnavailableError("a worker process was killed")

    monkeypatch.setattr(pipeline, "BACKENDS", {"local": killed})
    assert call("--table", "4", "--quiet") == 3
    error = capsys.readouterr().err
    assert "table 4 lacks Car | Dog 5 / Plane; " in error
    assert "Car | None" not in error
    assert "reason: a worker process was killed" in error
    text = (tmp_path / "reports" / "table_4.md").read_text()
    assert "missing (.67)" in text
    assert "missing (.32)" not in text
