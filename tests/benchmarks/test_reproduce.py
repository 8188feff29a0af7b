"""The command line: what it takes, what it refuses, how it ends."""

import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from benchmarks.paper.tasks import Negatives, against, without_negatives
from benchmarks.reproduce import command_line, main, request_of
from tests.benchmarks.calls import Call


def test_list_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    out = capsys.readouterr().out
    for name in ("A4", "scatter", "LinSep-LIS-AE", "omniglot", "smoke", "fast"):
        assert f"  {name}" in out


def test_strokes_stand_in_for_omniglot_and_are_as_few_and_as_contaminated() -> None:
    request = request_of(command_line().parse_args(["--table", "1", "--negatives", "strokes"]))
    task = against("mnist", (4,), Negatives("omniglot", (7,), count=50, contaminated=0.1))
    assert request.task(task).negatives == Negatives("strokes", count=50, contaminated=0.1)
    assert request.task(without_negatives("mnist", 4)) == without_negatives("mnist", 4)


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
        (["--table", "4", "--device", "gpu"], "'gpu' is no device: there are auto, cpu, cuda"),
        (["--table", "4", "--jobs", "0"], "--jobs is at least 1 .*; got 0"),
        (["--table", "4", "--jobs", "-2"], "--jobs is at least 1 .*; got -2"),
        (["--table", "4", "--jobs", "2000000000"], "at most 1024; got 2000000000"),
        (["--table", "4", "--jobs", "two"], "--jobs: invalid int value: 'two'"),
        (["--tables", "4"], "unrecognized arguments: --tables 4"),
        (["--table", "4", "--backend", "rays"], "'rays' is no backend of this version: .* Did you mean ray"),
        (["--table", "4", "--seeds", "zero"], "--seeds is a count .* got 'zero'"),
        (["--table", "4", "--seeds", ","], "--seeds is a count such as 3, or a list"),
        (["--table", "4", "--seeds", "1,-1"], "--seeds is a count .* got '1,-1'"),
        (
            ["--table", "4", "--results-dir", "/dev/null/here"],
            "--results-dir '/dev/null/here' cannot be used: .*Not a directory",
        ),
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


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_where_there_is_none(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--table", "4", "--device", "cuda") == 2
    assert "PyTorch finds no CUDA device here" in capsys.readouterr().err


def test_a_wrong_settings_file(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('extends = "smoke"\n[models.AE]\nepoch = 3\n')
    assert call("--table", "4", "--profile", str(path)) == 2
    assert "in [models.AE], 'epoch' is no key" in capsys.readouterr().err


def test_dry_run_trains_and_writes_nothing(call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--table", "4", "--table", "A1", "--dry-run") == 0
    out = capsys.readouterr().out
    assert out.count("to do") == 40 + 1
    assert "40 runs, 40 to do: about " in out
    assert not (tmp_path / "results").exists()


def test_settings_are_printed_with_the_table_they_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--settings", "LIS-AE", "mnist", "--profile", "fast"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^gamma = 9.0 +# \[datasets.mnist.LIS-AE\]$", out, re.MULTILINE)
    assert re.search(r"^autoencoder.epochs = 12 +# \[shared\]$", out, re.MULTILINE)
    assert main(["--settings", "LISAE", "mnist"]) == 2
    assert main(["--settings", "AE", "mnst"]) == 2


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
