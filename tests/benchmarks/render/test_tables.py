"""Tables as files: the numbers, the layout, and what stands where a number is missing."""

import csv
import math
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.image import imread
from scipy import stats

from benchmarks.artefacts import Table, Term, table
from benchmarks.render import write_table
from benchmarks.render.grid import make_grid
from benchmarks.render.text import latex, markdown
from benchmarks.render.tidy import tidy
from benchmarks.store import Record, Score

TABLE = table("4")


def auc(term: Term, outlier: int, seed: int) -> float:
    """Some AUC that differs from cell to cell and seed to seed."""
    negatives = term.task.negatives.classes if term.task.negatives else ()
    return (
        0.5 + (37 * term.task.normal[0] + 11 * sum(negatives) + 7 * outlier + 3 * len(negatives)) % 97 / 300 + seed / 50
    )


def lookup(term: Term, seed: int) -> Record:
    return Record(
        run="",
        identity={"variants": {"cifar10": ""}},
        scores=tuple(Score(o, auc(term, o, seed), 1, ()) for o in term.task.outliers),
        n_normal=1,
        restarts=0,
        profile="fast",
        device="a processor",
        precision="bfloat16",
        versions={},
        command="",
        fit_seconds=0,
        score_seconds=0,
    )


def at(frame: pd.DataFrame, row: str, column: str) -> pd.Series:
    (index,) = frame.index[(frame["row"] == row) & (frame["column"] == column)]
    return frame.loc[index]


def test_numbers_of_one_seed() -> None:
    frame = tidy(TABLE, lookup, [0])
    columns = ["row", "column", "paper", "mean", "std", "n_seeds", "ci_low", "ci_high", "delta", "data_variant"]
    assert list(frame.columns) == columns
    assert len(frame) == 80
    term = next(cell.terms[0] for cell in TABLE.cells if (cell.row, cell.column) == ("Deer | Ship 8", "Bird"))
    line = at(frame, "Deer | Ship 8", "Bird")
    assert (line["paper"], line["mean"], line["n_seeds"]) == (0.63, auc(term, 2, 0), 1)
    assert line["delta"] == pytest.approx(auc(term, 2, 0) - 0.63)
    assert math.isnan(line["std"])
    assert math.isnan(line["ci_low"])
    average = at(frame, "Deer | Ship 8", "Avg.")
    assert average["mean"] == pytest.approx(sum(auc(term, o, 0) for o in (0, 1, 2, 3)) / 4)


def test_spread_over_seeds() -> None:
    seeds = [0, 1, 4]
    line = at(tidy(TABLE, lookup, seeds), "Car | None", "Plane")
    term = next(cell.terms[0] for cell in TABLE.cells if (cell.row, cell.column) == ("Car | None", "Plane"))
    values = [auc(term, 0, seed) for seed in seeds]
    assert line["mean"] == pytest.approx(sum(values) / 3)
    assert line["std"] == pytest.approx(pd.Series(values).std())
    interval = stats.t.interval(0.95, 2, loc=line["mean"], scale=stats.sem(values))
    assert (line["ci_low"], line["ci_high"]) == pytest.approx(interval)
    assert line["n_seeds"] == 3


def test_a_seed_without_its_record_does_not_count() -> None:
    frame = tidy(TABLE, lambda term, seed: lookup(term, seed) if seed == 1 else None, [0, 1])
    assert set(frame["n_seeds"]) == {1}
    empty = tidy(TABLE, lambda term, seed: None, [0])
    assert empty["mean"].isna().all()
    assert (empty["n_seeds"] == 0).all()
    assert empty["paper"].notna().all()


def test_a_variant_of_the_data_is_told_with_the_number() -> None:
    frame = tidy(TABLE, lambda t, s: replace(lookup(t, s), identity={"variants": {"cifar10": "a part"}}), [0])
    assert set(frame["data_variant"]) == {"cifar10: a part"}
    assert set(tidy(TABLE, lookup, [0])["data_variant"]) == {""}


def test_markdown_is_laid_out_as_in_the_paper() -> None:
    text = markdown(make_grid(TABLE, tidy(TABLE, lookup, [0]), "How it was made."))
    lines = text.splitlines()
    assert lines[0].startswith("**Table 4. ")
    assert lines[2] == "| Positive Class | Negative Class | Plane | Car | Bird | Cat | Deer | Avg. |"
    assert len(lines[4:20]) == 16
    assert lines[4].startswith("| Car | None | .")
    assert lines[5].startswith("|  | Dog 5 | ")
    assert lines[12].startswith("| Deer | None | ")
    assert " (.32) | - | " in lines[4]
    assert lines[4].endswith("(.330) |")  # three decimals for an average
    assert text.endswith("How it was made.\n")


def test_ours_has_the_decimals_of_the_paper_s_number() -> None:
    frame = tidy(TABLE, lookup, [0, 1])
    entry = make_grid(TABLE, frame, "").groups[0][1][0][1]
    line = at(frame, "Car | None", "Plane")
    assert entry[0] is not None
    assert entry[0].ours == f"{line['mean']:.2f} ± {line['std']:.2f}".replace("0.", ".")
    assert entry[0].paper == ".32"
    assert entry[1] is None


def test_a_missing_number_is_called_missing() -> None:
    grid = make_grid(TABLE, tidy(TABLE, lambda term, seed: None, [0]), "")
    assert "| *missing* (.32) |" in markdown(grid)
    assert "missing (.32)" in latex(grid)


def test_latex_escapes_what_it_must() -> None:
    text = latex(make_grid(TABLE, tidy(TABLE, lookup, [0, 1]), "100 % of a_b & {c} #1 ~ ^ \\ $"))
    assert r"100 \% of a\_b \& \{c\} \#1 \textasciitilde{} \textasciicircum{} \textbackslash{} \$" in text
    assert r"$\pm$" in text
    assert text.count(r"\\") == 17  # the header and 16 rows
    assert text.count(r"\midrule") == 2


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_latex_compiles(tmp_path: Path) -> None:
    body = latex(make_grid(TABLE, tidy(TABLE, lookup, [0, 1]), "100 % of a_b & {c} #1 ~ ^ \\ $"))
    document = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}" + body + "\\end{document}"
    (tmp_path / "table.tex").write_text(document)
    subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"], cwd=tmp_path, check=True)


@pytest.mark.parametrize("name", ["4", "A1", "A2"])
def test_all_files_are_written(name: str, tmp_path: Path) -> None:
    one: Table = table(name)
    results, reports = tmp_path / "results", tmp_path / "reports"
    paths = write_table(one, lookup, seeds=[0], profile="fast", results_dir=results, reports_dir=reports)
    names = [f"table_{name}.{suffix}" for suffix in ("csv", "md", "tex", "png")]
    assert [path.name for path in paths] == names
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == sorted(names)
    with (results / f"table_{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["row"], row["column"]) for row in rows] == [(cell.row, cell.column) for cell in one.cells]
    assert (
        "trained on a processor, bfloat16; data: complete official sets" in (reports / f"table_{name}.md").read_text()
    )
    picture = imread(reports / f"table_{name}.png")
    assert picture.shape[1] > 1200
    assert picture[..., :3].std() > 0.05  # not a blank page
    # The same records give the same bytes.
    again = write_table(one, lookup, seeds=[0], profile="fast", results_dir=tmp_path / "b", reports_dir=tmp_path / "b")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]
