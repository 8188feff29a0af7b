"""The published files are what the code makes of the published records: ``pytest -m published``."""

import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks.engine.records import Store
from benchmarks.paper.printed import DEVIATIONS
from benchmarks.paper.tables import TABLES
from benchmarks.report import readme
from benchmarks.report.document import short, trimmed
from benchmarks.report.figures import FIGURES
from benchmarks.report.style import drawn_from
from benchmarks.reproduce import main

pytestmark = pytest.mark.published
ROOT = Path(__file__).parents[3]
RESULTS, REPORTS = ROOT / "results" / "published", ROOT / "reports" / "published"
OTHERS = {"speed.csv", "speed_growth.csv"}  # measured, not rendered
# How far from print a rival may end without a word, and what is sharper than the rest.
BAND, BAND_OF_CLASSES = 0.04, 0.1
BANDS = {("KDE", "MNIST"): 0.005, ("KDE", "Fashion-MNIST"): 0.005, ("IF", "MNIST"): 0.01, ("IF", "Fashion-MNIST"): 0.01}
BANDS |= {("AE", column): 0.02 for column in ("MNIST", "Fashion-MNIST", "2-Class MNIST")}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published records, rendered without data: nothing can be trained."""
    folder = tmp_path_factory.mktemp("rendered")
    shutil.copytree(RESULTS, folder / "results")
    for path in (folder / "results").glob("*.csv"):
        # Rows that no record holds are kept as they are; everything else is made anew.
        if path.name not in ("figure_2.csv", "figure_3.csv", "figure_cross_section.csv", "checks.csv", *OTHERS):
            path.unlink()
    folders = ["--results-dir", str(folder / "results"), "--reports-dir", str(folder / "reports")]
    status = main(
        ["--all", "--search", "--offline", "--jobs", "1", "--quiet", "--data-dir", str(folder / "none"), *folders]
    )
    assert status in (0, 3)  # 3 while some runs are not published yet, each named in the tables
    return folder


def test_every_csv_is_the_same_byte_for_byte(rendered: Path) -> None:
    names = {path.name for path in RESULTS.glob("*.csv")}
    assert {path.name for path in (rendered / "results").glob("*.csv")} == names
    differing = [name for name in names if (rendered / "results" / name).read_bytes() != (RESULTS / name).read_bytes()]
    assert differing == []


@pytest.mark.parametrize("suffix", ["md", "tex"])
def test_every_table_is_the_same(rendered: Path, suffix: str) -> None:
    names = {path.name for path in REPORTS.glob(f"table_*.{suffix}")}
    assert len(names) == 9
    assert [name for name in names if (rendered / "reports" / name).read_text() != (REPORTS / name).read_text()] == []


def test_every_model_from_outside_is_trained_again_by_continuous_integration() -> None:
    records = Store(RESULTS).records()
    entries = {record.identity["model"] for record in records if record.identity.get("origin")}
    words = (ROOT / ".ci" / "run").read_text().split()
    (models,) = [words[i + 3].split(",") for i, word in enumerate(words) if word == "--verify"]
    named = {words[i + 1].partition("=")[0] for i, word in enumerate(words) if word == "--model"}
    assert entries <= {*models} & named


def test_the_table_of_the_library_page_has_the_published_means() -> None:
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    published = pd.concat([pd.read_csv(RESULTS / f"table_{table}.csv") for table in (1, 2)])
    means = published.set_index(["row", "column"])["mean"]
    lines = [line for line in page.partition("## Why not a classifier")[2].splitlines() if line.startswith("|")]
    (_, *columns), _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert len(rows) == 5
    shown = pd.DataFrame([row[1:] for row in rows], [row[0] for row in rows], columns)
    for column in columns:
        expected = {row: short(means[row, column], 3) for row in shown.index}
        best = max(expected.values())
        assert {row: f"**{text}**" if text == best else text for row, text in expected.items()} == dict(shown[column])


def test_every_picture_is_drawn_from_its_csv() -> None:
    pictures = sorted(REPORTS.glob("*.png"))
    assert len(pictures) == len(TABLES) + len(FIGURES) + 2  # and those of speed and of the searches
    stale_ones = [
        path.name
        for path in pictures
        if not drawn_from(path, (RESULTS / f"{path.stem}.csv").read_text(encoding="utf-8"))
    ]
    assert stale_ones == []


def test_the_generated_part_of_the_readme_is_that_of_the_published_records() -> None:
    assert readme.main(["--check"]) == 0


def explained() -> dict[tuple[str, str, str], tuple[str, str, str]]:
    """Table, row and column of each line -> ours, paper and difference."""
    lines = re.findall(
        r"^\| (A?\d) \| ([^|]+) \| ([^|]+) \| (\S+) \| (\S+) \| (\S+) \| [^|]{40,} \|$",
        DEVIATIONS.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    return {(table, row, column): (ours, paper, delta) for table, row, column, ours, paper, delta in lines}


def numbers_of(line: Any) -> tuple[str, ...]:
    """Ours, the paper's and the difference, as the lines have them."""
    return tuple(map(trimmed, (f"{line.mean:.4f}", f"{line.paper:.4f}", f"{line.delta:+.4f}")))


def test_every_deviation_is_explained_and_nothing_else() -> None:
    beyond = {}
    for table in ("A1", "A2", "A3", "A4"):
        for line in pd.read_csv(RESULTS / f"table_{table}.csv").query("column == 'Avg.'").itertuples():
            if abs(line.delta) > BAND_OF_CLASSES:
                beyond[table, line.row.replace(" | ", " / "), line.column] = numbers_of(line)
    for table in ("1", "2"):
        for line in pd.read_csv(RESULTS / f"table_{table}.csv").itertuples():
            is_ours = "LIS-AE" in line.row
            falls_short = line.delta < 0 if is_ours else abs(line.delta) > BANDS.get((line.row, line.column), BAND)
            if pd.notna(line.mean) and falls_short:
                beyond[table, line.row, line.column] = numbers_of(line)
    assert explained() == beyond
