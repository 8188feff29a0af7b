"""Tables as files: the numbers, the layout, and what stands where a number is missing."""

import csv
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib import rcParams
from matplotlib.image import imread

from benchmarks.engine.records import Record, Score
from benchmarks.paper.tables import SAME_NEGATIVES, TABLES, Cell, Measurement, Table, table
from benchmarks.paper.tasks import Negatives, supervised, without_negatives
from benchmarks.report.document import written
from benchmarks.report.figures.comparison import Difference, Scatter
from benchmarks.report.style import drawn_from
from benchmarks.report.summary import standings
from benchmarks.report.tables import columns_of, draw_table, in_columns, side_by_side, write_table
from benchmarks.report.tidy import tidy
from tests.benchmarks.report.records import TABLE, a_part, at, lookup, nothing, record_of, record_with, svhn_is_a_part


def test_markdown_is_laid_out_as_in_the_paper() -> None:
    text = written(side_by_side(TABLE, tidy(TABLE, lookup()), ["How it was made."], "the command"), "md")
    lines = text.splitlines()
    assert lines[0].startswith("**Table 4. ")
    assert lines[2] == "| Positive Class | Negative Class | Plane | Car | Bird | Cat | Deer | Avg. |"
    assert len(lines[4:20]) == 16
    assert lines[4].startswith("| Car | None | .")
    assert lines[5].startswith("|  | Dog 5 | ")
    assert lines[12].startswith("| Deer | None | ")
    assert " (.32) | - | " in lines[4]
    assert lines[4].endswith("(.330) |")  # three decimals for an average
    assert text.endswith("How it was made.\n\n    the command\n")


def test_ours_has_the_decimals_of_the_paper_s_number() -> None:
    frame = tidy(TABLE, lookup(seeds=[0, 1]))
    plane, car = (column.places[0] for column in columns_of(TABLE, frame)[:2])
    line = at(frame, "Car | None", "Plane")
    assert plane.ours == f"{line['mean']:.2f} ± {line['std']:.2f}".replace("0.", ".")
    assert plane.paper == ".32"
    assert (car.ours, car.paper) == ("-", "")


def test_a_missing_number_is_called_missing() -> None:
    block = side_by_side(TABLE, tidy(TABLE, lookup(nothing)))
    assert "| missing (.32) |" in written(block, "md")
    assert "missing (.32)" in written(block, "tex")


def test_rows_that_the_paper_lacks_stand_under_a_line_of_their_own() -> None:
    one = table("2")
    frame = tidy(one, lookup())
    for block in (side_by_side(one, frame), in_columns(one, frame, {}, (), "")):
        (place,) = block.parts
        assert block.parts == {place: SAME_NEGATIVES}
        assert [row[0].text for row in block.rows[place - 1 : place + 2]] == [
            "Sup. LinSep-LIS-AE",
            "Classifier",
            "Deep-SAD",
        ]
    assert re.search(r"^\| Classifier \| \.\d{3} \| \.\d{3} \|$", written(side_by_side(one, frame), "md"), re.MULTILINE)
    classifier = in_columns(one, frame, {}, (), "").rows[place]
    assert [field.text for field in classifier[1::3]] == ["-", "-"]  # nothing is printed
    assert side_by_side(TABLE, tidy(TABLE, lookup())).parts == {}


def test_rivals_of_the_paper_and_those_with_the_same_negatives_have_a_best_of_their_own() -> None:
    """And no supervised bound is one, nor a model whose runs are not all there."""
    aucs = {"KDE": 0.7, "OC-SVM": 0.6, "HSC": 0.9, "ExtraTrees": 0.95, "LIS-AE": 0.8, "Classifier": 0.85}

    def look(measurement: Measurement, seed: int, latent_dim: int | None) -> Record | None:
        task, auc = measurement.task, aucs.get(measurement.model)
        supervised_only = measurement.model == "ExtraTrees" and task.negatives != Negatives("cifar10", task.outliers)
        scores = [Score(outlier, auc or 0.0, 1, (0.5,) * 101, {"label sweep": 0.1}) for outlier in task.outliers]
        return None if auc is None or supervised_only else record_with(scores, cifar10="")

    found = standings({"2": tidy(table("2"), lookup(look))})
    assert found["CIFAR-10"]["best rival"] == ".700 (.575) KDE"
    assert found["CIFAR-10"]["best rival with the same negatives"] == ".900 HSC"
    assert found["CIFAR-10"]["Sup. LIS-AE"] == ".800 (.838)"
    assert set(found["MNIST"].values()) == {"-"}


def test_a_line_of_text_is_a_row_of_the_picture() -> None:
    one, frame = table("2"), tidy(table("2"), lookup())
    page = draw_table(one, frame, "")
    (line,) = (text for text in page.figure.texts if text.get_text() == SAME_NEGATIVES)
    assert line.get_style() == "italic"
    places = {text.get_text(): text.get_position()[1] * page.height for text in page.figure.texts}
    step = places["Classifier"] - places["Deep-SAD"]
    assert line.get_position()[1] * page.height == pytest.approx(places["Classifier"] + step)
    assert places["Sup. LinSep-LIS-AE"] == pytest.approx(places["Classifier"] + 2 * step)
    (axes,) = page.figure.axes
    shown = {
        (round(text.get_position()[0] - 0.5), round(text.get_position()[1] - 0.5)): text.get_text()
        for text in axes.texts
    }
    place = one.rows.index("Classifier")
    assert [shown[0, row] == "" for row in (place - 1, place, place + 1)] == [False, True, False]


def test_latex_is_a_table_with_rules_between_groups() -> None:
    text = written(side_by_side(TABLE, tidy(TABLE, lookup(seeds=[0, 1])), ["How."], "the command"), "tex")
    assert text.startswith("% needs \\usepackage{booktabs,graphicx}\n\\begin{table}\n")
    assert r"\renewcommand{\thetable}{4}\caption{AUC of LIS-AE trained" in text
    assert r"$\pm$" in text
    assert len(re.findall(r" \\\\\n", text)) == 17  # the header and 16 rows
    assert text.count(r"\midrule") == 2
    assert "\nHow.\n" in text
    assert r"\texttt{the command}" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX engine is installed")
def test_latex_compiles_and_fits_on_a_page(tmp_path: Path) -> None:
    tables = [
        written(
            side_by_side(one, tidy(one, lookup(svhn_is_a_part, widths=[16])), ["100 % of a_b & {c} #1 ~ ^ \\ $"]), "tex"
        )
        for one in TABLES
    ]
    start = r"\documentclass[a4paper]{article}\usepackage[margin=2cm]{geometry}\usepackage{booktabs,graphicx}"
    start += r"\begin{document}"
    (tmp_path / "tables.tex").write_text(start + r"\clearpage ".join(tables) + r"\end{document}")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert "Overfull" not in log


@pytest.mark.parametrize("name", ["1", "2", "3", "4", "A1", "A2"])
def test_all_files_are_written(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one: Table = table(name)
    results, reports = tmp_path / "results", tmp_path / "reports"
    paths = write_table(one, lookup(), command="the command", reasons={}, results_dir=results, reports_dir=reports)
    names = [f"table_{name}.{suffix}" for suffix in ("csv", "md", "tex", "png")]
    assert [path.name for path in paths] == names
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == sorted(names)
    with (results / f"table_{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["row"], row["column"]) for row in rows] == [(cell.row, cell.column) for cell in one.cells]
    made = "trained on a processor (bfloat16); data: complete official sets"
    assert made in (reports / f"table_{name}.md").read_text()
    assert drawn_from(reports / f"table_{name}.png", (results / f"table_{name}.csv").read_text())
    picture = imread(reports / f"table_{name}.png")
    assert picture.shape[1] > 900
    assert picture[..., :3].std() > 0.05  # not a blank page
    # The same records give the same bytes, whatever the reader's own settings.
    for setting, value in {"font.weight": "bold", "text.usetex": True, "savefig.bbox": "tight"}.items():
        monkeypatch.setitem(rcParams, setting, value)
    again = write_table(
        one, lookup(), command="the command", reasons={}, results_dir=tmp_path / "b", reports_dir=tmp_path / "b"
    )
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_where_other_latent_widths_were_trained_is_said_too() -> None:
    def look(measurement: Measurement, seed: int, latent_dim: int | None) -> Record:
        record = record_of(measurement, seed)
        return replace(record, device="another processor") if latent_dim == 8 else record

    devices = {record.device for record in lookup(look, widths=(16, 8)).records(table("1"))}
    assert devices == {"a processor", "another processor"}
    assert {record.device for record in lookup(look, widths=(16, 8)).records(TABLE)} == {"a processor"}


def wider_is_better(measurement: Measurement, seed: int, latent_dim: int | None) -> Record | None:
    record = svhn_is_a_part(measurement, seed, None)
    assert record is not None
    gain = (latent_dim or 0) / 10_000
    return replace(record, scores=tuple(replace(score, auc=score.auc + gain) for score in record.scores))


def test_a_model_without_a_latent_layer_has_no_oracle() -> None:
    def widths(measurement: Measurement) -> tuple[int | None, ...]:
        return (16, 64) if measurement.model == "AE" else (None,)

    frame = tidy(table("1"), replace(lookup(wider_is_better), widths=widths))
    assert set(frame.loc[frame["oracle_mean"].notna(), "row"]) == {"AE"}
    lines = written(side_by_side(table("1"), frame), "md").splitlines()
    assert lines[4].startswith("| KDE | .")
    assert lines[4].split(" | ")[2] == "-"


def test_the_variant_of_the_data_is_in_the_head_of_the_column() -> None:
    block = side_by_side(table("2"), tidy(table("2"), lookup(wider_is_better, widths=[64, 128])))
    assert [(heading.group, heading.name) for heading in block.headings[1:]] == [
        ("SVHN (svhn: a part)", "fixed width"),
        ("SVHN (svhn: a part)", "oracle width"),
        ("CIFAR-10", "fixed width"),
        ("CIFAR-10", "oracle width"),
    ]
    header = next(line for line in written(block, "tex").splitlines() if "multicolumn" in line)
    assert re.findall(r"\\multicolumn\{2\}\{c\}\{(.*?)\}+ ", header) == [
        r"\shortstack[c]{\strut SVHN (svhn: a\\part)",
        "CIFAR-10",
    ]
    assert columns_of(TABLE, tidy(TABLE, lookup(a_part)))[0].group == "Plane (cifar10: a part)"


def unprinted() -> Table:
    """A table that the paper lacks: two rows, of which the second has a number that it prints."""
    alone = Measurement(without_negatives("cifar10", 1), "AE", (0,))
    shaped = Measurement(supervised("cifar10", 1), "LIS-AE", (0,))
    cells = (Cell("New", "Plane", (alone,), "New"), Cell("Newer", "Plane", (shaped,), "Newer"))
    return Table("B1", "Two models", ("Model",), ("Plane",), cells)


def test_a_table_that_is_not_the_paper_s(tmp_path: Path) -> None:
    one = unprinted()
    frame = tidy(one, lookup(seeds=[0, 1]))
    assert frame[["paper", "delta"]].isna().all(axis=None)
    assert frame["mean"].notna().all()
    paths = write_table(
        one, lookup(), command="it", reasons={}, results_dir=tmp_path / "results", reports_dir=tmp_path / "reports"
    )
    lines = paths[0].read_text().splitlines()
    assert lines[1].startswith("New,Plane,,0.")
    assert lines[1].split(",")[8] == ""
    text = paths[1].read_text()
    assert text.startswith("**Table B1. Two models.**")
    assert re.search(r"^\| New \| \.\d{3} \|$", text, flags=re.MULTILINE)
    assert re.search(r"^New & \.\d{3} ", paths[2].read_text(), flags=re.MULTILINE)
    assert "nan" not in text + paths[2].read_text()
    block = in_columns(one, frame, {}, (), "")
    assert [heading.name for heading in block.headings] == ["Model", "ours"]


def test_a_cell_without_a_printed_number_stands_beside_others(tmp_path: Path) -> None:
    more = Cell("Car | New", "Plane", TABLE.cells[0].measurements, "Car | New")
    one = replace(TABLE, cells=(*TABLE.cells, more))
    frame = tidy(one, lookup())
    last = in_columns(one, frame, {}, (), "").rows[-1]
    assert [field.text for field in last[:5]] == ["Car", "New", "-", last[3].text, "-"]
    assert float(last[3].text) == pytest.approx(frame["mean"].iloc[-1], abs=0.0005)
    assert side_by_side(one, frame).rows[-1][2].text == last[3].text


@pytest.mark.parametrize("kind", [Difference, Scatter])
def test_a_cell_without_a_printed_number_is_left_out_of_comparisons(kind: type[Difference] | type[Scatter]) -> None:
    figure = kind("comparison", "Both", (unprinted(), TABLE))
    assert set(figure.points(lookup())["table"]) == {"4"}
    assert [need.name for need in figure.needs] == ["cells of table 4"]
