"""One call, from nothing to its files, and what becomes of all that cannot be made."""

import csv
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from benchmarks import pipeline, reproduce
from benchmarks.engine.records import Store
from benchmarks.paper.tables import table
from benchmarks.reproduce import main
from lisae import AutoEncoder
from tests.benchmarks.calls import Call, cells_of, rows


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


@pytest.fixture
def call_grey(call: Call, grey_data_dir: Path) -> Call:
    return lambda *more: call("--data-dir", str(grey_data_dir), "--table", "1", "--datasets", "mnist", "--quiet", *more)


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
    assert "MNIST (mnist: drawn waves; omniglot: drawn waves)" in text
    assert "Missing for this reason: left out of this call by --models or --datasets (KDE / Fashion-MNIST; " in text


def test_widths_that_are_missing_are_one_part(
    call_grey: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call_grey("--models", "AE,KDE") == 0
    store = Store(tmp_path / "results")
    for record in list(store.records()):
        if record.identity["settings"].get("latent_dim") == 4:
            store.record_path(record.run).unlink()
    (store.root / "runs.csv").unlink()
    assert call_grey("--models", "AE,KDE", "--data-dir", str(tmp_path / "empty")) == 3
    assert "error: table 1 lacks other latent widths; reason: mnist is not in" in capsys.readouterr().err
    assert cells_of(store.root / "table_1.csv")["AE", "MNIST"]["oracle_mean"] == ""


def test_without_omniglot_its_cells_are_empty_and_strokes_stand_in_when_asked(
    call_grey: Call, grey_data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "mnist.npz").symlink_to(grey_data_dir / "mnist.npz")
    alone = ["--models", "AE,LIS-AE", "--data-dir", str(tmp_path / "alone")]
    assert call_grey(*alone) == 3
    assert "table 1 lacks LIS-AE / MNIST; LIS-AE / 2-Class MNIST; reason: omniglot is not in" in capsys.readouterr().err
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


def test_a_model_that_cannot_learn_is_a_failure(
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
    assert "AE learns nothing from normal images that are all equal" in error
    assert rows(tmp_path / "results") == []


def test_a_backend_that_gives_no_outcome_is_a_failure(
    call: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every run that was to do ends with a record or a reason."""
    monkeypatch.setattr(pipeline, "BACKENDS", {"local": lambda *_: None})
    assert call("--table", "4", "--models", "AE", "--quiet") == 3
    assert "gave no outcome" in capsys.readouterr().err


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


def test_one_computation_that_fails_does_not_cost_the_rest(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("no room for a check")

    monkeypatch.setattr(pipeline.checks.Check, "keep", broken)
    assert call("--table", "4", "--models", "AE", "--claims", "--quiet") == 3
    assert "checks.csv could not be made: MemoryError: no room for a check" in capsys.readouterr().err
    assert (tmp_path / "reports" / "table_4.png").is_file()
    assert "not measured" in (tmp_path / "results" / "claims.csv").read_text()


def test_a_daemonic_process_trains_by_itself(arguments: list[str], tmp_path: Path) -> None:
    """It may start no processes of its own; nothing trained with status 0 would be taken for a result."""
    words = [*arguments, "--table", "4", "--models", "AE", "--jobs", "2", "--quiet"]
    process = multiprocessing.get_context("spawn").Process(target=main, args=(words,), daemon=True)
    process.start()
    process.join(timeout=120)
    assert len({row["run"] for row in rows(tmp_path / "results")}) == 2


HOSTILE = "<script>alert(1)</script> | \x1b[31m \u202e end\n# head"


def test_a_hostile_reason_is_text_wherever_it_is_told(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise SystemExit(HOSTILE)

    monkeypatch.setattr(AutoEncoder, "_learn", broken)
    monkeypatch.setattr(reproduce, "TABLES", (table("4"),))
    monkeypatch.setattr(reproduce, "FIGURES", ())
    assert call("--all", "--models", "AE", "--quiet") == 3
    error = capsys.readouterr().err
    files = {path.name: path.read_text() for path in tmp_path.rglob("*.*") if path.suffix != ".png" and path.is_file()}
    assert {"table_4.md", "table_4.csv", "appendix.md", "appendix.html", "appendix.tex"} <= files.keys()
    for name, text in {"stderr": error, **files}.items():
        assert not {"\x1b", "\u202e"} & set(text), name
        assert name.endswith(".txt") or "\n# head" not in text  # a traceback has lines
        assert "<script>alert" not in text or name in ("stderr", "claims.csv") or name.endswith(".txt")
    assert "unexpected SystemExit: <script>alert(1)</script> | [31m end # head" in error
    assert r"\<script\>alert(1)\</script\> \|" in files["table_4.md"]
    assert "&lt;script&gt;alert(1)" in files["appendix.html"]
