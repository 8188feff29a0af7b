"""The report: complete in each format, escaped, and readable without a network."""

import csv
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import reproduce
from benchmarks.claims.ledger import COLUMNS
from benchmarks.engine.plan import LEFT_OUT, Plan, Request
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Record, Score, Store
from benchmarks.paper.claims import claims
from benchmarks.paper.printed import errata
from benchmarks.paper.tables import TABLES, Measurement, table
from benchmarks.report.figures import FIGURES
from benchmarks.report.sections import PROSE, markdown_blocks, write_report
from benchmarks.report.sensitivity import rows, write_sensitivity
from benchmarks.report.summary import STANDINGS
from benchmarks.report.tidy import RecordLookup
from tests.benchmarks.report.page import Page
from tests.benchmarks.report.records import SEARCH_LOG

EVIL = "<script>alert(1)</script> & co_1 | 100% #{x}"
REASON = "svhn is not in {folder}, and --offline forbids fetching it"
FIGURE_LACKING = "3"


def fake_record(plan: Plan, measurement: Measurement, seed: int, width: int | None) -> Record | None:
    """A record of every run but those of SVHN, with AUCs that depend on the run."""
    if measurement.task.dataset == "svhn":
        return None
    run = plan.run(measurement, seed, width)
    random = np.random.default_rng(int(run.id, 16))
    scores = tuple(
        Score(o, float(random.uniform(0.5, 1)), 10, (0.5,) * 101, {"label sweep": 0.5}) for o in run.task.outliers
    )
    return Record(run.id, run.identity(), scores, 10, 0, "fast", EVIL, "float32", {"torch": "2"}, "c", 1.0, 1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on made-up records: SVHN is missing, and so is one figure."""
    folder = tmp_path_factory.mktemp("report")
    request = Request(
        tables=TABLES, figures=FIGURES, claims=True, report=True, profile=load_profile("fast"), seeds=(0, 1),
        models=None, datasets=None, strokes=False, device="cpu", jobs=1, data_dir=folder / "data", results_dir=folder,
        reports_dir=folder, offline=True, fresh=False, quiet=True,
    )  # fmt: skip
    plan = Plan(request, Store(folder))
    measurements = {measurement for one in TABLES for measurement in one.measurements}
    reasons = {
        plan.run(measurement, seed).id: request.without_folders(REASON.format(folder=request.data_dir))
        for measurement in measurements
        if measurement.task.dataset == "svhn"
        for seed in request.seeds
    }
    drawn = [figure.id for figure in FIGURES if figure.id != FIGURE_LACKING]
    for name in drawn:
        Image.new("RGB", (4, 3)).save(folder / f"figure_{name}.png")
    (folder / "search.csv").write_text(SEARCH_LOG.to_csv(index=False))
    write_sensitivity(folder / "search.csv", folder)
    (folder / "figure_cross_section.csv").write_text(
        "points,gamma,tilt,y,z,loss\nnormal,,,0,0,0\nlinear LIS-AE,2.0,1.75,1,0,1\nlinear LIS-AE,2.0,1.75,0,1,1\n"
    )
    with (folder / "claims.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for number, claim in enumerate(claims()):
            verdict = "not measured" if number else "confirmed"
            writer.writerow({"id": claim.id, "section": claim.section, "claim": claim.claim, "verdict": verdict})
    lookup = RecordLookup(
        lambda measurement, seed, width: fake_record(plan, measurement, seed, width), plan.widths, request.seeds
    )
    paths = write_report(plan, lookup, reasons, drawn)
    assert [path.name for path in paths] == ["appendix.md", "appendix.html", "appendix.tex"]
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page((folder / "appendix.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def markdown(folder: Path) -> str:
    return (folder / "appendix.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def latex(folder: Path) -> str:
    return (folder / "appendix.tex").read_text(encoding="utf-8")


def test_html_holds_every_table_with_all_its_rows(page: Page) -> None:
    for one in TABLES:
        rows = page.tables[f"table-{one.id}"]
        lines = [row for row in rows if len(row) == 1]  # a text across the table
        assert [text for (text,) in lines] == list(one.parts)
        rows = [row for row in rows if row not in lines]
        assert len(rows) == 2 + len(one.rows)
        ours = ["ours, fixed width", "diff.", "ours, oracle width"] if one.oracle else ["ours"]
        assert rows[1][len(one.row_header) :] == ["paper", *ours, "diff."] * len(one.columns)
        assert len({len(row) for row in rows[1:]}) == 1


def test_a_cell_is_paper_ours_and_difference(page: Page) -> None:
    rows = {tuple(row[:2]): row for row in page.tables["table-4"]}
    printed, ours, difference = rows["Car", "Dog 5"][-3:]
    assert printed == ".848"
    assert float(difference.replace("\N{MINUS SIGN}", "-")) == pytest.approx(float(ours[:4]) - 0.848, abs=0.0015)


def test_html_holds_every_figure(page: Page) -> None:
    drawn = {f"figure-{figure.id}" for figure in FIGURES} - {f"figure-{FIGURE_LACKING}"}
    assert set(page.pictures) == drawn | {"search"}
    assert f"figure-{FIGURE_LACKING}" in page.notes
    assert all(lookup.startswith("data:image/png;base64,iVBOR") for lookup in page.pictures.values())


def test_html_holds_every_claim(page: Page) -> None:
    assert [row[1] for row in page.tables["claims-ledger"][1:]] == [claim.claim for claim in claims()]
    assert f"1 confirmed, 0 not confirmed, 0 undecided, {len(claims()) - 1} not measured" in page.text


def test_html_holds_every_erratum_and_command(page: Page) -> None:
    assert [row[-1] for row in page.tables["slips"][1:]] == [one.text for one in errata()]
    commands = dict(page.tables["all-commands"][1:])
    assert commands["This report"] == "python -m benchmarks.reproduce --profile fast --seeds 0,1 --all"
    for kind, artefacts in (("table", TABLES), ("figure", FIGURES)):
        for one in artefacts:
            command = f"python -m benchmarks.reproduce --{kind} {one.id} --profile fast --seeds 0,1"
            assert commands[f"{kind.capitalize()} {one.id}"] == command
            assert command in page.notes[f"{kind}-{one.id}"]


def test_made_negatives_stand_class_by_class_with_their_mean(page: Page) -> None:
    head, *rows = page.tables["made-negatives"]
    assert len(rows) == 3 * 12
    for dataset in {row[0] for row in rows}:
        lines = {row[1]: row[2:] for row in rows if row[0] == dataset}
        aucs = np.array([lines[str(normal)] for normal in range(10)], dtype=float)
        assert np.array(lines["mean"], dtype=float) == pytest.approx(aucs.mean(axis=0), abs=0.001)
        assert lines["above AE"][0] == "-"
        above = np.array(lines["above AE"][1:], dtype=float)  # ties are rounded away
        assert (abs(above - (aucs[:, 1:] > aucs[:, :1]).sum(axis=0)) <= (aucs[:, 1:] == aucs[:, :1]).sum(axis=0)).all()
    assert head[2:4] == ["AE", "real"]


def test_searches_stand_with_every_combination(page: Page) -> None:
    assert [tuple(row) for row in page.tables["search-log"][1:]] == rows(SEARCH_LOG)
    assert "--search" in page.notes["search-log"]


def test_html_asks_for_nothing_from_a_network(page: Page) -> None:
    for tag, given in page.tags:
        assert tag not in ("link", "iframe", "object", "base")
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert (given.get(name) or "#").startswith(("#", "data:image/png;"))
    assert not re.search(r"https?:|url\(|@import", page.raw["style"])
    assert not re.search(r"https?:|fetch|import|XMLHttp", page.raw["script"])


def test_links_within_the_page_lead_somewhere(page: Page) -> None:
    ids = [given["id"] for _, given in page.tags if "id" in given]
    assert len(ids) == len(set(ids))
    targets = {str(given["href"]).removeprefix("#") for tag, given in page.tags if tag == "a"}
    assert len(targets) == len(PROSE["sections"]) + len(TABLES) + len(FIGURES)
    assert targets <= set(ids)


def test_a_malicious_string_is_text_in_every_format(page: Page, markdown: str, latex: str) -> None:
    assert [tag for tag, _ in page.tags].count("script") == 1  # the one that sorts
    assert page.tables["machines"][1][0] == EVIL
    assert r"\<script\>alert(1)\</script\> & co\_1 \| 100% #{x}" in markdown
    assert not re.search(r"(?<!\\)<", markdown)
    assert r"$<$script$>$alert(1)$<$/script$>$ \& co\_1 \textbar{} 100\% \#\{x\}" in latex


def test_missing_cells_carry_their_reason(page: Page, markdown: str, latex: str) -> None:
    reason = REASON.format(folder="<data-dir>")
    missing = [row for row in page.tables["table-2"] if any("missing" in text for text in row)]
    n = len(table("2").cells)
    assert len(missing) == n // 2
    assert all(re.fullmatch(r"missing \[1\]", text) for row in missing for text in row if "missing" in text)
    assert f"[1] Missing, {n // 2} of {n}: {reason}" in page.notes["table-2"]
    assert "Missing" not in page.notes["table-1"]
    assert r"missing \[1\]" in markdown
    assert "missing {[}1]" in latex
    assert "Missing" in page.notes[f"figure-{FIGURE_LACKING}"]


def test_no_format_names_a_folder_of_this_machine(folder: Path, markdown: str, latex: str, page: Page) -> None:
    for text in (markdown, latex, page.text):
        assert str(folder) not in text
    assert "](figure_4.png)" in markdown
    assert r"{figure_4.png}" in latex


def test_markdown_tables_are_rectangular(markdown: str) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", markdown, flags=re.MULTILINE)
    assert len(tables) >= len(TABLES) + 6
    for text in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines()}) == 1
        assert set(text.splitlines()[1]) <= set("|-: ")


def test_latex_tables_are_rectangular_and_ascii(latex: str) -> None:
    assert latex.isascii()
    tables = re.findall(r"\\begin\{longtable\}(.*?)\\end\{longtable\}", latex, flags=re.DOTALL)
    assert len(tables) >= len(TABLES) + 6
    for text in tables:
        body = text.split(r"\endfoot")[1].strip().splitlines()
        body = [line for line in body if not line.startswith((r"\addlinespace", r"\midrule", r"\multicolumn"))]
        assert all(line.endswith(r" \\") for line in body)
        assert len({len(re.findall(r"(?<!\\)&", line)) for line in body}) == 1


def test_a_file_of_markdown_is_set_as_text_and_table(tmp_path: Path) -> None:
    path = tmp_path / "some.md"
    path.write_text(
        "# Title\n\nWhat **was** tried.\n\n| table | why |\n|---|---|\n| 1 | a `b` |\n\n- one\n- two\n  lines\n"
    )
    prose, table_, points = markdown_blocks(path, "Some")
    assert prose.text == "What was tried."
    assert [[field.text for field in row] for row in table_.rows] == [["1", "a b"]]
    assert points.texts == ("one", "two lines")


def test_all_ends_in_the_report(
    tmp_path: Path,
    data_dir: Path,
    profile_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(reproduce, "TABLES", (table("4"),))
    monkeypatch.setattr(reproduce, "FIGURES", ())
    monkeypatch.chdir(profile_path.parent)
    arguments = ["--all", "--profile", profile_path.name, "--data-dir", str(data_dir), "--offline", "--jobs", "1"]
    arguments += ["--models", "AE", "--results-dir", str(tmp_path), "--reports-dir", str(tmp_path / "reports")]
    assert reproduce.main(arguments) == 0
    assert f"report: {tmp_path / 'reports' / 'appendix.md'}, " in capsys.readouterr().err
    found = Page((tmp_path / "reports" / "appendix.html").read_text(encoding="utf-8"))
    assert "10 of 80 measured" in found.text
    assert f"[1] Missing, 70 of 80: {LEFT_OUT}" in found.notes["table-4"]
    assert "cifar10: drawn waves" in found.text


def test_the_first_screen_names_the_best_rival_and_what_is_missing(page: Page) -> None:
    rows = {row[0]: row[1:] for row in page.tables["headline"]}
    assert rows["Data set"] == ["AE", "LIS-AE", "LinSep-LIS-AE", "best rival", "with the same negatives"]
    assert rows["SVHN"] == ["missing (.570)", "missing (.689)", "missing (.770)", "-", "-"]
    rivals = {row[0] for row in page.tables["table-2"][2:] if row[0] not in STANDINGS}
    assert re.fullmatch(r"\.\d{3}", rows["MNIST"][2])  # the paper prints none
    assert any(rows["CIFAR-10"][3].endswith(f" {rival}") for rival in rivals)
    assert rows["CIFAR-10"][4].partition(" ")[2] in ("Classifier", "Deep-SAD", "HSC", "ExtraTrees")


def test_a_line_parts_the_classes_of_a_table(folder: Path) -> None:
    begins = re.findall(r'<tr class="begins"><td[^>]*>(\w+)<', (folder / "appendix.html").read_text(encoding="utf-8"))
    assert begins.count("Deer") == 4  # Tables 4, 5, A1 and A3
    assert begins.count("Car") == 2  # the first class of Tables 4 and 5


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX engine is installed")
def test_latex_compiles(folder: Path, tmp_path: Path) -> None:
    for path in [folder / "appendix.tex", *folder.glob("*.png")]:
        shutil.copy(path, tmp_path)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "appendix.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert "Overfull" not in log
