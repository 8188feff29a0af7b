"""Small data sets of drawn waves, and a profile that learns them in a second."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.reproduce import main
from tests.benchmarks.calls import Call

TRAIN, TEST = 30, 15  # images of a class

PROFILE = """
extends = "smoke"
seeds = [0]

[limits]
train = 24
test = 12

[latent_dim]
mnist = { fixed = 8, grid = [4, 8] }
cifar10 = { fixed = 8, grid = [8] }

[models.AE]
epochs = 12
batch_size = 8
learning_rate = 5e-3
precision = "float32"

[models.LIS-AE]
epochs = 2
gamma = 15.0

[models.LinSep-LIS-AE]
epochs = 2
gamma = 15.0

[datasets.mnist.AE]
batch_size = 8

[datasets.mnist.LIS-AE]
epochs = 2

[negatives.strokes]
count = 100
"""


def drawn(labels: NDArray[np.int64], seed: int) -> NDArray[np.uint8]:
    """Waves around mid-grey: their direction and colour say the class, and their height and phase vary."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    angles = (np.pi * labels / 40)[:, None, None]
    phases, heights = random.uniform(0, 2 * np.pi, angles.shape), random.uniform(0.2, 0.5, (*angles.shape, 1))
    waves = np.sin(5 * (np.cos(angles) * x + np.sin(angles) * y) + phases)
    colours = 0.6 + 0.4 * np.cos(2 * angles + np.array([0, 2, 4]))
    images = 0.5 + heights * waves[..., None] * colours[:, :, None]
    return np.clip(255 * images, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a drawn ``cifar10``; its variant says that it is none of the real ones."""
    folder = tmp_path_factory.mktemp("data")
    save(folder / "cifar10.npz", drawn)
    return folder


@pytest.fixture(scope="session")
def grey_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a drawn ``mnist`` and ``omniglot``."""
    folder = tmp_path_factory.mktemp("grey")
    save(folder / "mnist.npz", lambda labels, seed: drawn(labels, seed)[:, :28, :28, 0])
    save(
        folder / "omniglot.npz",
        lambda labels, seed: drawn(labels, seed)[:, :21, :21, 1].repeat(5, axis=1).repeat(5, axis=2),
        first_label=1,
    )
    return folder


def save(path: Path, draw: Callable[[NDArray[np.int64], int], NDArray[np.uint8]], first_label: int = 0) -> None:
    train_labels, test_labels = (np.repeat(np.arange(10), n) for n in (TRAIN, TEST))
    np.savez(
        path,
        train_images=draw(train_labels, 0),
        train_labels=train_labels + first_label,
        test_images=draw(test_labels, 1),
        test_labels=test_labels + first_label,
        variant="drawn waves",
    )


@pytest.fixture(scope="session")
def profile_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A settings file sized for the drawn images."""
    path = tmp_path_factory.mktemp("settings") / "tiny.toml"
    path.write_text(PROFILE)
    return path


@pytest.fixture
def arguments(tmp_path: Path, data_dir: Path, profile_path: Path) -> list[str]:
    """What every call here says: the drawn images, the tiny profile, folders of its own."""
    return [
        *("--profile", str(profile_path), "--data-dir", str(data_dir), "--offline", "--jobs", "1"),
        *("--results-dir", str(tmp_path / "results"), "--reports-dir", str(tmp_path / "reports")),
    ]


@pytest.fixture
def call(arguments: list[str]) -> Call:
    return lambda *more: main([*arguments, *more])
