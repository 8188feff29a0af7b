"""Source that decides results does not change without a decision."""

import shutil
from pathlib import Path

import pytest

from benchmarks.engine import run
from benchmarks.engine.run import DECIDED_FOR, source_digest

ROOT = Path(run.__file__).parents[2]


def test_somebody_decided_whether_results_move() -> None:
    now = source_digest()
    assert now == DECIDED_FOR, (
        "the source that decides results changed. Either results change with it: raise RESULTS_VERSION in "
        "benchmarks/engine/run.py. Or they do not, and you have seen that they do not. In both cases write "
        f'DECIDED_FOR = "{now}" there, and say in the commit which of the two it is.'
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in ("lisae", "baselines", "benchmarks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("lisae/lisae.py", "self.gamma - errors", "self.gamma + errors"),
        ("lisae/backbone.py", "NEGATIVE_SLOPE = 0.2", "NEGATIVE_SLOPE = 0.1"),
        ("baselines/kde.py", "FOLDS = 5", "FOLDS = 4"),
        ("benchmarks/engine/evaluate.py", "np.linspace(0, 1, 101)", "np.linspace(0, 1, 11)"),
        ("benchmarks/data/negatives.py", "0.299", "0.3"),
    ],
)
def test_a_change_of_what_is_computed_is_seen(copied: Path, file: str, old: str, new: str) -> None:
    before = source_digest(copied)
    change(copied / file, old, new)
    assert source_digest(copied) != before


def test_a_new_rival_is_seen(copied: Path) -> None:
    before = source_digest(copied)
    (copied / "baselines" / "another.py").write_text("ANOTHER = 1\n")
    assert source_digest(copied) != before


def test_comments_docstrings_and_layout_are_not(copied: Path) -> None:
    before = source_digest(copied)
    path = copied / "baselines" / "kde.py"
    text = path.read_text()
    path.write_text(
        text.replace("FOLDS = 5", "FOLDS   =   5  # as many as they are").replace(
            '"""Log density', '"""The log density'
        )
    )
    assert path.read_text() != text
    assert source_digest(copied) == before


def test_the_rest_of_the_benchmark_decides_nothing(copied: Path) -> None:
    before = source_digest(copied)
    (copied / "benchmarks" / "pipeline.py").write_text("CHANGED = True\n")
    assert source_digest(copied) == before
