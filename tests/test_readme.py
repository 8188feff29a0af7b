"""The examples and links of the README work as they stand."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.reproduce import main
from lisae import AutoEncoder

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LIBRARY, *_ = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture
def waves() -> tuple[np.ndarray, np.ndarray]:
    """Small normal and other images: waves across and down."""
    random = np.random.default_rng(0)
    x = np.sin(np.linspace(0, 6, 16) + random.uniform(0, 6, (40, 1)))
    waves = np.rint(127 + 100 * x).astype(np.uint8)[:, None].repeat(16, axis=1)
    return waves, waves.transpose(0, 2, 1)


def test_the_library(waves: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    normal, other = waves
    names = {"normal": normal[:32], "negative": other[:32], "images": np.concatenate([normal[32:], other[32:]])}
    exec(LIBRARY, names)
    scores = names["detector"].anomaly_score(names["images"])  # type: ignore[attr-defined]
    assert scores[:8].max() < scores[8:].min()
    assert isinstance(names["detector"].autoencoder_, AutoEncoder)  # type: ignore[attr-defined]


def test_every_option_of_the_command_line_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help", "--backend"}
    assert options <= set(re.findall(r"--[a-z-]+", README))


def test_files_that_it_links_to_are_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
