"""The generated part of README.md says what the records do, and what they lack."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.engine.plan import Plan
from benchmarks.engine.profiles import has_latent_layer, load_profile
from benchmarks.engine.records import Record, Score, Store, read_record
from benchmarks.engine.search import all_trials
from benchmarks.errors import CallError
from benchmarks.paper.tables import table
from benchmarks.progress import duration
from benchmarks.registry import MODELS
from benchmarks.report.readme import BEGIN, END, main
from benchmarks.reproduce import command_line, request_of

LATENT = [name for name, one in MODELS.items() if has_latent_layer(one)]


def text_of(clone: Path) -> str:
    return (clone / "README.md").read_text(encoding="utf-8")


def part_of(clone: Path) -> str:
    return text_of(clone).partition(BEGIN)[2].partition(END)[0]


@pytest.fixture(scope="module")
def ten_kdes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with the records of KDE on CIFAR-10 alone."""
    root = tmp_path_factory.mktemp("clone")
    (root / "README.md").write_text(f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n")
    store = Store(root / "results" / "published")
    plan = Plan(replace(request_of(command_line().parse_args(["--all", "--offline"])), data_dir=root), store)
    for measurement in table("2").measurements:
        if measurement.model == "KDE" and measurement.task.dataset == "cifar10":
            run = plan.run(measurement, 0)
            scores = tuple(Score(outlier, 0.61, 9, (0.5,) * 101) for outlier in run.task.outliers)
            store.put(Record(run.id, run.identity(), scores, 9, 0, "fast", "a CPU", "float64", {}, "", 1.0, 1.0))
    assert main([], root) == 0
    return root


@pytest.fixture
def clone(ten_kdes: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(ten_kdes, tmp_path / "clone"))


def test_what_is_there_stands_beside_print_and_what_is_not_is_named(ten_kdes: Path) -> None:
    part = part_of(ten_kdes)
    assert "| best rival | - | - | - | - | .610 (.575) KDE |" in part
    assert "| best rival with the same negatives | - | - | - | - | - |" in part
    assert "| LIS-AE | missing (.977) | missing (.926) | missing (.946) | missing (.689) | missing (.815) |" in part
    assert "| LinSep-LIS-AE | missing | missing | missing | missing (.770) | missing (.886) |" in part
    assert "KDE on MNIST, Fashion-MNIST, 2-Class MNIST, SVHN;" in part


def test_how_it_was_made_is_told(ten_kdes: Path) -> None:
    (line,) = (line for line in part_of(ten_kdes).splitlines() if line.startswith("Profile"))
    assert line.startswith("Profile `fast`, seed 0, one latent width for each data set; a CPU (float64); ")
    assert "data: complete official sets." in line


def test_times_are_sums_over_the_runs_of_a_table(ten_kdes: Path) -> None:
    profile = load_profile("fast")
    lis, ae = (profile.seconds(model, "cifar10") for model in ("LIS-AE", "AE"))
    (line,) = (line for line in part_of(ten_kdes).splitlines() if line.startswith("| 4 |"))
    assert line.endswith(f"| 0 of 16 | {duration((14 * lis + 2 * ae) / 2)} | - | - |")
    (line,) = (line for line in part_of(ten_kdes).splitlines() if line.startswith("| 2 |"))
    slow = [profile.seconds(m, d) for m in ("AnoGAN", "AnoGAN-FM") for d in ("svhn", "cifar10")]
    assert f"| {duration(10 * sum(slow) / 2)} |" in line  # at the width chosen beforehand
    runs = {model: 10 + 10 * MODELS[model].detector.uses_negatives for model in LATENT}
    pairs = [(m, d) for m in runs for d in ("svhn", "cifar10")]
    widths = {(m, d): len(profile.latent_dims(MODELS[m], d)) - 1 for m, d in pairs}
    assert set(widths.values()) == {1, 2}  # one where the model collapses at the other
    wider = sum(widths[m, d] * runs[m] * profile.seconds(m, d) for m, d in pairs)
    assert line.endswith(f"| {duration(wider / 2)} |")


def test_seeds_of_searches_are_not_those_of_the_tables(clone: Path) -> None:
    store = Store(clone / "results" / "published")
    plan = Plan(replace(request_of(command_line().parse_args(["--search", "--offline"])), data_dir=clone), store)
    trials = [trial for trial in all_trials() if trial.measurement.task.validation][:30]
    for trial in trials:
        run = plan.trial(trial)
        assert run is not None
        scores = tuple(Score(outlier, 0.61, 9, (0.5,) * 101) for outlier in run.task.outliers)
        store.put(Record(run.id, run.identity(), scores, 9, 0, "fast", "a CPU", "float64", {}, "", 1.0, 1.0))
    assert {trial.seed for trial in trials} == {100}
    assert main(["--check"], clone) == 0


def test_what_stands_around_it_stays(ten_kdes: Path) -> None:
    text = text_of(ten_kdes)
    assert text.startswith(f"Before.\n{BEGIN}\n")
    assert text.endswith(f"{END}\nAfter.\n")
    assert "old" not in text


def test_the_figures_that_it_shows_are_the_published_ones(ten_kdes: Path) -> None:
    pictures = [line.rpartition("(")[2] for line in part_of(ten_kdes).splitlines() if line.startswith("![")]
    assert pictures == ["reports/published/figure_4.png)", "reports/published/figure_scatter.png)"]


def test_a_new_record_makes_it_stale(clone: Path) -> None:
    assert main(["--check"], clone) == 0
    store = Store(clone / "results" / "published")
    record = read_record(store.record_path(store.ids()[0]))
    store.put(replace(record, scores=tuple(replace(score, auc=score.auc + 0.05) for score in record.scores)))
    assert main(["--check"], clone) == 1


def test_a_readme_without_marks_is_left_alone(clone: Path) -> None:
    (clone / "README.md").write_text("No marks.\n")
    with pytest.raises(CallError, match="lacks the lines"):
        main([], clone)
    assert text_of(clone) == "No marks.\n"


def test_check_says_so_by_its_exit_status_and_writes_nothing(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stale = text_of(clone).replace(".610", ".611")
    (clone / "README.md").write_text(stale)
    assert main(["--check"], clone) == 1
    assert "is not what" in capsys.readouterr().err
    assert text_of(clone) == stale
    assert main([], clone) == 0
    assert main(["--check"], clone) == 0
