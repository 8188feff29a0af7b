"""The README's section on your own detector works as it stands, on small data and in folders of its own."""

import re
from pathlib import Path

import pytest

from benchmarks import check
from benchmarks.reproduce import main

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Your own detector\n")[2].partition("\n## ")[0]


def test_your_own_detector(
    grey_data_dir: Path,
    profile_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (text,) = re.findall(r"```python\n(.*?)```", SECTION, flags=re.DOTALL)
    assert text.count("\n") < 20
    monkeypatch.chdir(tmp_path)
    Path("my_detector.py").write_text(text)
    commands = [line.split() for line in re.findall(r"^    python -m (.*)$", SECTION, flags=re.MULTILINE)]
    assert [words[0] for words in commands] == ["benchmarks.check", "benchmarks.reproduce"]
    assert check.main(commands[0][1:]) == 0
    assert "BROKEN" not in capsys.readouterr().out
    small = ["--profile", str(profile_path), "--data-dir", str(grey_data_dir), "--datasets", "mnist"]
    small += ["--offline", "--jobs", "1", "--quiet", "--set", "NN.neighbours=3"]
    assert main([*commands[1][1:], *small]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^Table 1, MNIST: NN \.\d+, rank 1 of 1 \(seed 0\)$", out, flags=re.MULTILINE)
    assert "No record of KDE; " in out  # those that are published are of other images
    assert re.search(r"^\| NN \| \.\d+ ", Path("reports/local/table_1.md").read_text(), flags=re.MULTILINE)
