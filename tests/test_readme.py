"""The examples and links of the README work as they stand."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.reproduce import main
from lisae.detector import Detector

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODEL = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[1]


@pytest.fixture
def waves() -> tuple[np.ndarray, np.ndarray]:
    """Small normal and other images: waves across and down."""
    random = np.random.default_rng(0)
    x = np.sin(np.linspace(0, 6, 16) + random.uniform(0, 6, (40, 1)))
    waves = np.rint(127 + 100 * x).astype(np.uint8)[:, None].repeat(16, axis=1)
    return waves, waves.transpose(0, 2, 1)


def test_adding_a_model_takes_under_twenty_lines(waves: tuple[np.ndarray, np.ndarray]) -> None:
    assert MODEL.count("\n") < 20
    normal, other = waves
    names: dict[str, type[Detector]] = {}
    exec(MODEL, names)
    detector = names["NearestNeighbour"](neighbours=2).fit(normal)  # type: ignore[call-arg]
    assert detector.anomaly_score(other).min() > detector.anomaly_score(normal).max()
    assert set(detector.predict(other)) == {-1}


def test_every_option_of_the_command_line_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help", "--backend"}
    assert options <= set(re.findall(r"--[a-z-]+", README))


def test_files_that_it_links_to_are_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
