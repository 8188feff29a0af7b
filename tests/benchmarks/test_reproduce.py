"""The command line, from the call to the files and the exit status."""

import csv
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import pipeline
from benchmarks.errors import UnavailableError
from benchmarks.reproduce import main

Call = Callable[..., int]
TIMES = {"fit_seconds", "score_seconds"}


@pytest.fixture
def arguments(tmp_path: Path, data_dir: Path, profile_path: Path) -> list[str]:
    """What every call here says: the drawn images, the tiny profile, folders of its own."""
    return [
        *("--profile", str(profile_path), "--data-dir", str(data_dir), "--offline", "--jobs", "1"),
        *("--results-dir", str(tmp_path / "results"), "--reports-dir", str(tmp_path / "reports")),
    ]


@pytest.fixture
def call(arguments: list[str]) -> Call:
    return lambda *more: main([*arguments, *more])


def rows(results: Path) -> list[dict[str, str]]:
    with (results / "runs.csv").open(newline="") as file:
        return [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(file)]


def test_a_table_from_nothing(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--table", "4", "--models", "AE,LIS-AE") == 0
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {"results/runs.csv", "results/table_4.csv"} <= written
    assert {f"reports/table_4.{suffix}" for suffix in ("md", "png", "tex")} <= written
    assert len([path for path in written if path.startswith("results/runs/")]) == 16
    assert len(rows(tmp_path / "results")) == 16 * 4
    with (tmp_path / "results" / "table_4.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert all(cell["n_seeds"] == "1" and 0 <= float(cell["mean"]) <= 1 for cell in cells)
    assert {cell["data_variant"] for cell in cells} == {"cifar10: drawn waves"}
    # The average is the mean of the four AUCs of runs.csv.
    aucs = [float(r["auc"]) for r in rows(tmp_path / "results") if (r["normal"], r["negatives"]) == ("Deer", "")]
    (average,) = (float(c["mean"]) for c in cells if (c["row"], c["column"]) == ("Deer | None", "Avg."))
    assert average == pytest.approx(np.mean(aucs))
    error = capsys.readouterr().err
    assert "16 of 16 runs done" in error

    # Again: nothing is trained, the files are the same.
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert call("--table", "4", "--quiet") == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert capsys.readouterr().err == ""


def test_jobs_do_not_change_results(call: Call, tmp_path: Path) -> None:
    assert call("--table", "5", "--seeds", "7,") == 0
    assert call("--table", "5", "--seeds", "7,", "--jobs", "2", "--results-dir", str(tmp_path / "two")) == 0
    assert rows(tmp_path / "results") == rows(tmp_path / "two")
    # The AUCs differ from run to run, so that equal ones mean something.
    assert len({row["auc"] for row in rows(tmp_path / "two")}) > 8


def test_killed_and_resumed_gives_what_one_go_gives(call: Call, arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.reproduce", *arguments, "--table", "4", "--quiet"]
    process = subprocess.Popen(command, start_new_session=True)
    records = tmp_path / "results" / "runs"
    try:
        deadline = time.monotonic() + 120
        while len(list(records.glob("*.json"))) < 3:
            assert time.monotonic() < deadline, "no three runs in two minutes"
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    kept = {path: path.stat().st_mtime_ns for path in records.glob("*.json")}
    assert 3 <= len(kept) < 16
    assert call("--table", "4", "--quiet") == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # nothing was trained twice
    assert call("--table", "4", "--quiet", "--results-dir", str(tmp_path / "whole")) == 0
    assert rows(tmp_path / "results") == rows(tmp_path / "whole")


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_keeps_what_is_done(arguments: list[str], tmp_path: Path, signal_number: int) -> None:
    command = [sys.executable, "-m", "benchmarks.reproduce", *arguments, "--table", "4", "--jobs", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    records = tmp_path / "results" / "runs"
    deadline = time.monotonic() + 120
    while not list(records.glob("*.json")):
        assert time.monotonic() < deadline, "no run in two minutes"
        time.sleep(0.01)
    process.send_signal(signal_number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: finished runs are kept" in error
    assert "Traceback" not in error
    assert rows(tmp_path / "results")


def test_fresh_trains_again(call: Call, tmp_path: Path) -> None:
    assert call("--table", "4", "--models", "AE", "--quiet") == 0
    records = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "runs").glob("*.json")}
    first = rows(tmp_path / "results")
    assert len(records) == 2
    assert call("--table", "4", "--models", "AE", "--quiet", "--fresh") == 0
    assert all(path.stat().st_mtime_ns > written for path, written in records.items())
    assert rows(tmp_path / "results") == first


def test_dry_run_trains_and_writes_nothing(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--table", "4", "--table", "A1", "--dry-run") == 0
    out = capsys.readouterr().out
    assert out.count("to do") == 40 + 1
    assert "40 runs, 40 to do: about " in out
    assert not (tmp_path / "results").exists()


def test_list_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    out = capsys.readouterr().out
    for name in ("A4", "scatter", "LinSep-LIS-AE", "omniglot", "smoke", "fast"):
        assert f"  {name}" in out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--table", "9"], "'9' is no table made here: there are 1, 2, 3, 4, 5"),
        (["--figure", "9"], "'9' is no figure made here: there are 2, 3, 4, A1"),
        (["--figure", "scater"], "'scater' is no figure made here: .* Did you mean scatter"),
        (["--figure", "4", "--datasets", "mnist"], "nothing is left to make"),
        ([], "nothing was asked for"),
        (["--table", "4", "--models", "AE,LISAE"], "'LISAE' is no model: .* Did you mean LIS-AE"),
        (["--table", "4", "--datasets", "cifar"], "'cifar' is no data set: .* Did you mean cifar10"),
        (["--table", "4", "--datasets", "mnist"], "nothing is left to make"),
        (["--table", "4", "--profile", "fats"], "'fats' is no profile: .* Did you mean fast"),
        (["--table", "4", "--device", "gpu"], "the device is one of auto, cpu, cuda; got 'gpu'"),
        (["--table", "4", "--jobs", "0"], "--jobs is at least 1; got 0"),
        (["--table", "4", "--jobs", "-2"], "--jobs is at least 1; got -2"),
        (["--table", "4", "--backend", "ray"], "'ray' is no backend of this version: there are local"),
        (["--table", "4", "--seeds", "zero"], "--seeds is a count .* got 'zero'"),
        (["--table", "4", "--seeds", ","], "--seeds is a count such as 3, or a list"),
        (["--table", "4", "--seeds", "1,-1"], "--seeds is a count .* got '1,-1'"),
        (["--table", "4", "--results-dir", "/dev/null/here"], "results directory /dev/null/here cannot be written"),
    ],
)
def test_a_wrong_call(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert call(*more) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert re.search(message, error), error
    assert not (tmp_path / "results" / "runs.csv").exists()


@pytest.mark.parametrize(
    ("text", "seeds"), [("3", [0, 1, 2]), ("1", [0]), ("0", [0]), ("0,1,2", [0, 1, 2]), ("7,", [7]), ("5, 3,5", [5, 3])]
)
def test_seeds_are_a_count_or_a_list(
    call: Call, capsys: pytest.CaptureFixture[str], text: str, seeds: list[int]
) -> None:
    assert call("--table", "4", "--models", "AE", "--dry-run", "--seeds", text) == 0
    out = capsys.readouterr().out
    assert re.findall(r"AE: cifar10 1, seed (\d+)", out) == [str(seed) for seed in seeds]


@pytest.mark.parametrize("more", [["--jobs", "two"], ["--tables", "4"]])
def test_a_word_that_the_command_line_does_not_know(call: Call, more: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        call("--table", "4", *more)
    assert exit_.value.code == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_where_there_is_none(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--table", "4", "--device", "cuda") == 2
    assert "PyTorch finds no CUDA device here" in capsys.readouterr().err


def test_a_wrong_settings_file(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('extends = "smoke"\n[models.AE]\nepoch = 3\n')
    assert call("--table", "4", "--profile", str(path)) == 2
    assert "in [models.AE], 'epoch' is no key" in capsys.readouterr().err


def test_missing_data_leave_the_cells_empty_with_the_reason(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--table", "4", "--data-dir", str(tmp_path / "empty")) == 3
    error = capsys.readouterr().err
    assert "table 4 lacks Car | None / Plane; " in error
    assert "reason: cifar10 is not in" in error
    assert "--offline forbids fetching it" in error
    assert "Traceback" not in error
    assert "missing (.32)" in (tmp_path / "reports" / "table_4.md").read_text()


def test_a_model_that_stays_collapsed_is_a_failure(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str], data_dir: Path
) -> None:
    grey = dict(np.load(data_dir / "cifar10.npz"))
    grey["train_images"][:] = 128  # nothing to learn
    grey["train_images"][grey["train_labels"] == 9] = 0  # a set of equal images would be refused
    (tmp_path / "grey").mkdir()
    np.savez(tmp_path / "grey" / "cifar10.npz", **grey)
    assert call("--table", "4", "--models", "AE", "--data-dir", str(tmp_path / "grey"), "--quiet") == 3
    error = capsys.readouterr().err
    assert "table 4 lacks Car | None / Plane; Car | None / Bird" in error
    assert "AE collapsed from 4 seeds in a row" in error
    assert rows(tmp_path / "results") == []


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


def test_records_alone_are_enough(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--table", "4", "--models", "AE", "--quiet") == 0
    first = (tmp_path / "results" / "table_4.csv").read_bytes()
    # No data, no network: the records say which variant they are of.
    assert call("--table", "4", "--models", "AE", "--quiet", "--data-dir", str(tmp_path / "none")) == 0
    assert (tmp_path / "results" / "table_4.csv").read_bytes() == first
    assert capsys.readouterr().err == ""


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


@pytest.fixture
def call_grey(call: Call, grey_data_dir: Path) -> Call:
    return lambda *more: call("--data-dir", str(grey_data_dir), "--table", "1", "--datasets", "mnist", "--quiet", *more)


def cells_of(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    with path.open(newline="") as file:
        return {(line["row"], line["column"]): line for line in csv.DictReader(file)}


def test_a_table_of_models(call_grey: Call, tmp_path: Path) -> None:
    assert call_grey("--models", "KDE,OC-SVM,AE,LIS-AE") == 0
    cells = cells_of(tmp_path / "results" / "table_1.csv")
    for row in ("KDE", "OC-SVM", "OC-SVM, label sweep", "AE", "LIS-AE"):
        for column in ("MNIST", "2-Class MNIST"):
            assert 0 <= float(cells[row, column]["mean"]) <= 1
        assert cells[row, "Fashion-MNIST"]["mean"] == ""
    assert cells["OC-SVM", "MNIST"]["mean"] != cells["OC-SVM, label sweep", "MNIST"]["mean"]
    # Two widths were trained: oracle takes the better one, and the fixed one is 8.
    ae = cells["AE", "MNIST"]
    assert ae["latent_dim"] == "8"
    assert float(ae["oracle_mean"]) >= float(ae["mean"])
    assert (ae["oracle_latent_dim"] == "8") == (ae["oracle_mean"] == ae["mean"])
    assert cells["KDE", "MNIST"]["oracle_mean"] == ""
    models = [row["model"] for row in rows(tmp_path / "results")]
    assert models.count("OC-SVM, label sweep") == models.count("OC-SVM") == 10 * 9 + 5 * 8
    text = (tmp_path / "reports" / "table_1.md").read_text()
    assert "MNIST (mnist: drawn waves; omniglot: drawn waves): fixed width" in text
    assert "Missing for this reason: left out of this call by --models or --datasets (KDE / Fashion-MNIST; " in text


def test_without_omniglot_its_cells_are_empty_and_strokes_stand_in_when_asked(
    call_grey: Call, grey_data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "mnist.npz").symlink_to(grey_data_dir / "mnist.npz")
    alone = ["--models", "AE,LIS-AE", "--data-dir", str(tmp_path / "alone")]
    assert call_grey(*alone) == 3
    assert (
        "table 1 lacks LIS-AE / MNIST; LIS-AE / 2-Class MNIST\n  reason: omniglot is not in" in capsys.readouterr().err
    )
    cells = cells_of(tmp_path / "results" / "table_1.csv")
    assert cells["LIS-AE", "MNIST"]["mean"] == ""
    assert cells["AE", "MNIST"]["mean"] != ""
    assert "Missing for this reason: omniglot is not in" in (tmp_path / "reports" / "table_1.md").read_text()

    assert call_grey(*alone, "--negatives", "strokes") == 0
    cells = cells_of(tmp_path / "results" / "table_1.csv")
    assert cells["LIS-AE", "MNIST"]["data_variant"] == "mnist: drawn waves; strokes: drawn"
    assert cells["AE", "MNIST"]["data_variant"] == "mnist: drawn waves"
    assert "--negatives strokes" in rows(tmp_path / "results")[-1]["command"]


def test_a_figure_from_nothing_and_again_from_its_records(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--figure", "4") == 0
    assert len(list((tmp_path / "results" / "runs").glob("*.json"))) == 20
    assert {path.name for path in (tmp_path / "reports").iterdir()} == {"figure_4.png"}
    with (tmp_path / "results" / "figure_4.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 20 * 101
    assert {line["data_variant"] for line in lines} == {"cifar10: drawn waves"}
    assert "20 of 20 runs done" in capsys.readouterr().err
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    # Without data and network: records alone are enough.
    assert call("--figure", "4", "--quiet", "--data-dir", str(tmp_path / "none")) == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert all(" --figure 4 --profile " in row["command"] for row in rows(tmp_path / "results"))


def test_a_figure_trains_what_its_table_lacks(call: Call, tmp_path: Path) -> None:
    assert call("--table", "A1", "--models", "AE", "--quiet") == 0
    records = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "runs").glob("*.json")}
    assert len(records) == 5
    assert call("--figure", "4", "--models", "AE", "--quiet") == 0
    assert len(list((tmp_path / "results" / "runs").glob("*.json"))) == 10
    assert {path: path.stat().st_mtime_ns for path in records} == records


def test_lines_that_cannot_be_made_are_named_with_the_reason(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--figure", "A1", "--models", "AE", "--quiet") == 0
    assert call("--figure", "A1", "--quiet", "--data-dir", str(tmp_path / "empty")) == 3
    error = capsys.readouterr().err
    assert "figure A1 lacks tasks 0-4, supervised / Plane / LIS-AE; " in error
    assert "reason: cifar10 is not in" in error
    assert " / AE" not in error
    with (tmp_path / "results" / "figure_A1.csv").open(newline="") as file:
        assert {line["model"] for line in csv.DictReader(file)} == {"AE"}
    assert (tmp_path / "reports" / "figure_A1.png").is_file()


def test_a_backend_that_gives_no_outcome_is_a_failure(
    call: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every run that was to do ends with a record or a reason."""
    monkeypatch.setattr(pipeline, "BACKENDS", {"local": lambda *_: None})
    assert call("--table", "4", "--models", "AE", "--quiet") == 3
    assert "gave no outcome" in capsys.readouterr().err


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


def test_calls_off_the_main_thread(call: Call) -> None:
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(call("--table", "4", "--dry-run")))
    thread.start()
    thread.join()
    assert statuses == [0]


BROKEN = {"head": "2>&1 | head -1", "full": "2>/dev/full", "closed": "2>&-", "both": ">/dev/full 2>&1"}


@pytest.mark.parametrize("how", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_stream_costs_nothing(arguments: list[str], tmp_path: Path, how: str) -> None:
    words = [sys.executable, "-m", "benchmarks.reproduce", *arguments, "--table", "4", "--table", "5", "--figure", "4"]
    command = shlex.join([*words, "--models", "IF,KDE,AE"])
    script = f"set -o pipefail; {command} {how}"
    assert subprocess.run(["bash", "-c", script], check=False, timeout=120).returncode == 0
    assert {path.name for path in (tmp_path / "reports").glob("*.png")} == {
        "table_4.png",
        "table_5.png",
        "figure_4.png",
    }


def test_a_list_that_cannot_be_written_is_no_error() -> None:
    script = shlex.join([sys.executable, "-m", "benchmarks.reproduce", "--list"]) + " >/dev/full"
    assert subprocess.run(["bash", "-c", script], check=False, timeout=60).returncode == 0


def test_settings_are_printed_with_the_table_they_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--settings", "LIS-AE", "mnist", "--profile", "fast"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^gamma = 9.0 +# \[datasets.mnist.LIS-AE\]$", out, re.MULTILINE)
    assert re.search(r"^autoencoder.epochs = 12 +# \[shared\]$", out, re.MULTILINE)
    assert main(["--settings", "LISAE", "mnist"]) == 2
    assert main(["--settings", "AE", "mnst"]) == 2


def test_one_picture_that_fails_does_not_cost_the_rest(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("Cannot find font")

    monkeypatch.setattr(pipeline, "write_figure", broken)
    assert call("--figure", "4", "--table", "4", "--models", "AE", "--claims", "--quiet") == 3
    error = capsys.readouterr().err
    assert "figure 4 could not be made: OSError: Cannot find font" in error
    assert "free some space" not in error
    assert (tmp_path / "reports" / "table_4.png").is_file()
    assert (tmp_path / "results" / "claims.csv").is_file()
