"""Whole calls with detectors from outside: their rows, wrong ones, given scores, finished records beside."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.engine.plan import Plan
from benchmarks.engine.records import Store, mean_auc, read_record
from benchmarks.report.leaderboard import write_leaderboard
from benchmarks.report.tidy import RecordLookup
from benchmarks.reproduce import command_line, main, request_of
from benchmarks.verify import sample
from tests.benchmarks.calls import Call, cells_of, rows
from tests.benchmarks.conftest import TEST
from tests.benchmarks.own.conftest import Write


@pytest.fixture
def table_1(call: Call, grey_data_dir: Path) -> Call:
    return lambda *more: call("--data-dir", str(grey_data_dir), "--table", "1", "--datasets", "mnist", "--quiet", *more)


def records(results: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((results / "runs").glob("*.json"))]


def test_a_row_of_its_own_trained_by_workers(table_1: Call, arguments: list[str], write: Write, tmp_path: Path) -> None:
    own = ["--model", f"Mine={write()}", "--models", "Mine,KDE", "--set", "Mine.power=1"]
    assert table_1(*own, "--jobs", "2") == 0
    cells = cells_of(tmp_path / "results" / "table_1.csv")
    for column in ("MNIST", "2-Class MNIST"):
        assert 0 <= float(cells["Mine", column]["mean"]) <= 1
        assert cells["Mine", column]["paper"] == cells["Mine", column]["delta"] == ""
    found = [one for one in records(tmp_path / "results") if one["identity"]["model"] == "Mine"]
    assert len(found) == 15
    assert {one["identity"]["settings"]["power"] for one in found} == {1.0}
    assert all(one["identity"]["origin"]["class"] == "MeanDistance" for one in found)
    assert all("--model Mine=" in one["command"] and "--set Mine.power=1" in one["command"] for one in found)
    assert all(one["size"] > 28 * 28 * 4 for one in found)
    assert {"numpy", "python"} <= found[0]["versions"].keys()
    (line,) = [one for one in (tmp_path / "reports" / "table_1.md").read_text().splitlines() if "| Mine |" in one]
    assert "(" not in line

    # Another file under the same name does not meet these records.
    other = ["--model", f"Mine={write('axis=0', 'axis=(0,)')}", "--dry-run", "--models", "Mine"]
    assert table_1(*other) == 0
    _leaderboard(arguments, tmp_path)


def _leaderboard(arguments: list[str], tmp_path: Path) -> None:
    """The page knows the model by its records alone."""
    request = request_of(command_line().parse_args([*arguments, "--table", "1"]))
    plan = Plan(request, Store(request.results_dir))
    (path,) = write_leaderboard(plan, RecordLookup(plan.record, plan.widths, request.seeds))
    text = path.read_text()
    (mine,) = [one for one in text.split("<tr>") if '<td class="label">Mine</td>' in one and "power = 1.0" in one][:1]
    assert "MeanDistance, " in mine
    assert ">no<" in mine
    assert "1 to 2" in text or "1 to 1" in text
    assert "KDE" in text


WRONG = {
    "Turned": ("return scores", "return -scores", "Turned scores normal images higher than plain outliers (AUC 0."),
    "Short": ("return scores", "return scores[1:]", "Short gave an array of shape 191 as the scores of 192 images"),
    "Nan": ("return scores", "return scores * np.nan", "Nan gave NaN or infinity as the score of 192 of 192 images"),
    "Flat": ("return scores", "return 0 * scores", "Flat gave all 192 drawn images the same score"),
    "Leaving": (
        "return scores",
        "return __import__('os')._exit(0)",
        "Leaving was tried on drawn images, and its process ended",
    ),
    "Raising": (
        "return scores",
        "raise ArithmeticError('too hard')",
        "unexpected ArithmeticError: too hard (traceback in",
    ),
}


def test_a_detector_that_breaks_the_contract_costs_its_own_rows_alone(
    table_1: Call, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {name: write(old, new, f"{name}.py") for name, (old, new, _) in WRONG.items()}
    own = [word for name, path in paths.items() for word in ("--model", f"{name}={path}")]
    assert table_1(*own, "--models", ",".join([*WRONG, "IF"])) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(WRONG)
    for name, (_, _, text) in WRONG.items():
        (line,) = [one for one in lines if f"lacks {name} / MNIST; {name} / 2-Class MNIST; reason: " in one]
        assert text in line
    cells = cells_of(tmp_path / "results" / "table_1.csv")
    assert cells["IF", "MNIST"]["mean"]
    assert {cells[name, "MNIST"]["mean"] for name in WRONG} == {""}


LEAVES_ONCE = """\
marker = __import__("pathlib").Path(__file__).with_suffix(".left")
        if len(images) == {n} and not marker.exists():
            marker.touch()
            __import__("os")._exit(0)
        return scores"""


def test_a_detector_that_ends_a_worker_costs_its_own_runs_alone(
    table_1: Call, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it does so on a data set, and not on the images that it was tried on."""
    path = write("return scores", LEAVES_ONCE.format(n=10 * 12), "later.py")  # twelve test images of a class
    assert table_1("--model", f"Later={path}", "--models", "Later,IF", "--jobs", "2") == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "reason: its process ended without an answer" in line
    found = [one["identity"]["model"] for one in records(tmp_path / "results")]
    assert (found.count("IF"), found.count("Later")) == (15, 14)


def test_a_detector_that_cannot_be_had_is_a_wrong_call(
    table_1: Call, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for own, text in {
        f"KDE={write()}": "error: KDE is a model of this package: name yours otherwise",
        str(write("import numpy as np", "import nothing_such", "wrong.py")): "cannot be loaded: ModuleNotFoundError",
    }.items():
        assert table_1("--model", own) == 2
        error = capsys.readouterr().err
        assert text in error
        assert error.count("\n") == 1
    assert table_1("--beside", str(tmp_path)) == 2
    assert table_1("--model", str(write()), "--beside", str(tmp_path)) == 2
    assert "there are no records in" in capsys.readouterr().err


def test_scores_computed_elsewhere_fill_a_row(
    table_1: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, labels = tmp_path / "Oracle", np.repeat(np.arange(10), TEST)
    folder.mkdir()
    for classes in [(c,) for c in range(10)] + [(c, c + 1) for c in range(0, 10, 2)]:
        right = (~np.isin(labels, classes)).astype(float)
        wrong = np.linspace(1, 0, len(labels))
        np.save(folder / f"mnist-{'+'.join(map(str, classes))}.npy", right if classes != (0,) else wrong)
    (folder / "mnist-8+9.npy").unlink()
    assert table_1("--scores", str(folder), "--models", "Oracle") == 3
    error = capsys.readouterr().err
    assert f"lacks Oracle / 2-Class MNIST; reason: Oracle has no scores for it: {folder} lacks mnist-8+9.npy" in error
    cells = cells_of(tmp_path / "results" / "table_1.csv")
    assert float(cells["Oracle", "MNIST"]["mean"]) == pytest.approx(0.9)  # nine at 1, and that of class 0 at 0
    assert all(one["size"] is None for one in records(tmp_path / "results"))


def test_beside_finished_records_only_what_is_new_is_trained(
    table_1: Call, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert table_1("--models", "IF,OC-SVM", "--results-dir", str(tmp_path / "theirs")) == 0
    missing = next(one for one in records(tmp_path / "theirs") if one["identity"]["model"] == "OC-SVM")
    column, of = ("MNIST", 9) if len(missing["identity"]["task"]["normal"]) == 1 else ("2-Class MNIST", 4)
    (tmp_path / "theirs" / "runs" / f"{missing['run']}.json").unlink()
    capsys.readouterr()
    assert table_1("--model", f"Mine={write()}", "--beside", str(tmp_path / "theirs")) == 0
    assert {row["model"] for row in rows(tmp_path / "results")} == {"Mine"}
    lines = capsys.readouterr().out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"Table 1, {column}: Mine ."))
    assert lines[start].endswith("of 2 (seed 0)")
    block = lines[start : lines.index("", start)]
    assert any("Mine is better than OC-SVM on " in line and f" of {of} tasks, " in line for line in block)
    assert any(line.startswith("    -      -  OC-SVM") for line in block)
    assert "No record of KDE; " in block[-1]
    # The cells of the others are filled from there too.
    cells = cells_of(tmp_path / "results" / "table_1.csv")
    assert cells["IF", "MNIST"]["mean"]
    assert cells["OC-SVM", column]["mean"] == cells["AE", "MNIST"]["mean"] == ""
    with (tmp_path / "results" / "beside.csv").open(newline="") as file:
        (line,) = [one for one in csv.DictReader(file) if (one["row"], one["column"]) == ("IF", "MNIST")]
    ours, theirs = (
        {tuple(one.identity["task"]["normal"]): mean_auc(one, one.identity["task"]["outliers"]) for one in found}
        for found in (_of("Mine", tmp_path / "results"), _of("IF", tmp_path / "theirs"))
    )
    assert float(line["difference"]) == pytest.approx(np.mean([ours[task] - theirs[task] for task in ours]))
    assert float(line["ci_low"]) < float(line["difference"]) < float(line["ci_high"])
    assert int(line["better_on"]) == sum(ours[task] > theirs[task] for task in ours)


def _of(model: str, results: Path) -> list[Any]:
    found = [read_record(path) for path in (results / "runs").glob("*.json")]
    return [one for one in found if one.identity["model"] == model and len(one.identity["task"]["normal"]) == 1]


SEEING = "    uses_negatives = True\n    power: float = 2.0\n"


def test_one_that_learns_from_negatives_is_in_the_tables_of_classes_and_in_figures(
    call: Call, write: Write, tmp_path: Path
) -> None:
    own = ["--model", f"Mine={write('    power: float = 2.0', SEEING)}", "--models", "Mine", "--quiet"]
    assert call("--table", "4", "--figure", "4", *own) == 0
    cells = cells_of(tmp_path / "results" / "table_4.csv")
    mine = {key: cell for key, cell in cells.items() if key[0].startswith("Mine: ")}
    assert len(mine) == 2 * 7 * 5
    assert all(cell["mean"] and not cell["paper"] for cell in mine.values())
    assert cells["Car | None", "Plane"]["paper"] == "0.32"
    with (tmp_path / "results" / "figure_4.csv").open(newline="") as file:
        assert {line["model"] for line in csv.DictReader(file)} == {"Mine"}
    assert (tmp_path / "reports" / "figure_4.png").is_file()


def test_the_list_has_the_models_of_the_call(write: Write, capsys: pytest.CaptureFixture[str], call: Call) -> None:
    assert call("--list", "--model", f"Mine={write()}") == 0
    assert "Mine            Distance to the mean image" in capsys.readouterr().out
    assert call("--settings", "Mine", "mnist", "--model", f"Mine={write()}", "--set", "Mine.power=3.5") == 0
    assert "power = 3.5  # [--set.Mine]" in capsys.readouterr().out


def test_a_sample_of_records_is_trained_again_and_compared(
    table_1: Call, grey_data_dir: Path, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = f"Mine={write()}"
    assert table_1("--model", own, "--models", "Mine,LIS-AE", "--set", "LIS-AE.epochs=1") == 0
    results = tmp_path / "results"

    def again(models: str, detector: str = own) -> tuple[int, str]:
        data = ["--data-dir", str(grey_data_dir), "--offline", "--device", "cpu"]
        status = main(["--verify", str(results), "--models", models, "--model", detector, *data])
        return status, "".join(capsys.readouterr())

    status, told = again("Mine,LIS-AE")
    assert status == 0, told
    assert (told.count("same     "), told.count("Mine on mnist"), told.count("LIS-AE on mnist")) == (6, 3, 3)

    record = read_record(Store(results).record_path(sample(results, ["Mine"])[0].run))
    better = tuple(replace(score, auc=0.5 * score.auc) for score in record.scores)
    Store(results).put(replace(record, scores=better))
    status, told = again("Mine")
    assert status == 3
    assert f"DIFFERS  {record.run}  Mine on mnist" in told
    status, told = again("Mine", f"Mine={write('axis=0', 'axis=(0,)')}")
    assert status == 3
    assert "the detector is another one: MeanDistance" in told
    status = main(["--verify", str(results), "--data-dir", str(grey_data_dir), "--offline", "--device", "cpu"])
    told, unknown = capsys.readouterr().out, "Mine is no model of this package: give it with --model"
    assert (status, told.count("same     "), told.count(unknown)) == (3, 6, 3)
    assert again("KDE") == (2, f"error: {results} has no record of KDE.\n")
