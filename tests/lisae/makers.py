"""Detectors with settings that suit the small images of the tests, and trainings that take no time."""

from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import lisae.backbone_detector
from lisae import LISAE, AutoEncoder, BackboneDetector, CollapseError
from lisae.backbone import image_tensor
from lisae.reconstruction import ReconstructionDetector
from lisae.stacks import Trained
from lisae.training import Objective, Training

CPU = torch.device("cpu")
GAMMA = 6.0

AnyDetector = TypeVar("AnyDetector", bound=BackboneDetector)


def new_autoencoder(kind: type[AnyDetector] = AutoEncoder, **changes: Any) -> AnyDetector:  # type: ignore[assignment]
    settings: dict[str, Any] = {"latent_dim": 16, "epochs": 30, "batch_size": 16, "min_steps": 0}
    settings["validation_fraction"] = 0.0
    return kind(**settings | {"precision": "float32", "device": "cpu", "random_state": 0} | changes)


def new_lisae(autoencoder: BackboneDetector, kind: type[LISAE] = LISAE, **changes: Any) -> LISAE:
    settings: dict[str, Any] = {"gamma": GAMMA, "epochs": 12, "batch_size": 16, "min_steps": 0, "min_images": 0}
    settings |= {"strokes": 0.0, "random_state": 0}
    settings["validation_fraction"] = 0.0
    return kind(autoencoder, **settings | changes)


def collapse(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call the first ``times`` trainings from now on collapsed, and all others alive."""
    calls: list[int] = []

    def check(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) <= times:
            raise CollapseError("called collapsed")

    monkeypatch.setattr(lisae.backbone_detector, "check_alive", check)


def trainings_of(
    detector: ReconstructionDetector, *fit_arguments: NDArray[np.generic], negatives: Any = None
) -> list[Training]:
    """Return the trainings that a fit asks for, none of them carried out."""
    learning, asked = detector.fitting(*fit_arguments, negatives=negatives), []
    answer = None
    while True:
        try:
            asked.append(learning.send(answer))  # type: ignore[arg-type]
        except StopIteration:
            return asked
        answer = Trained([0.0], 0.0)


def as_batch(images: NDArray[np.uint8]) -> Tensor:
    """Images (n, h, w, c), bytes, as an objective is handed them: (n, c, h, w) in [0, 1]."""
    return image_tensor(images, CPU).float() / 255


class Fit(Objective):
    """The squared error of a small network of a code, with noise on its input, and a layer that stays."""

    def __init__(self, seed: int, noise: float = 0.0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.layer, self.fixed = nn.Linear(3, 4), nn.Linear(4, 2)
        for weight in self.parameters():
            nn.init.normal_(weight, generator=generator)
        self.register_buffer("centre", torch.full((2,), float(seed)))
        self.noise = noise

    def trained(self) -> list[nn.Parameter]:
        return list(self.layer.parameters())

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        return (torch.randn(n, 3, generator=generator),)

    def forward(self, x: Tensor, y: Tensor, noise: Tensor) -> Tensor:
        answer = self.fixed(torch.tanh(self.layer(x + self.noise * noise)))
        return (answer - y - self.centre).square().mean()


class Against(Fit):
    """A second loss of the same network."""

    def __init__(self, other: Fit) -> None:
        Objective.__init__(self)
        self.layer, self.fixed = other.layer, other.fixed
        self.register_buffer("centre", torch.ones(2))
        self.noise = 0.5

    def trained(self) -> list[nn.Parameter]:
        return list(self.fixed.parameters())


def training(seed: int = 0, n: int = 32, opponent: bool = False, **changes: Any) -> Training:
    objective = changes.pop("objective", None) or Fit(seed)
    rows = torch.randn(n, 5, generator=torch.Generator().manual_seed(100 + seed))
    settings: dict[str, Any] = {
        "epochs": 3,
        "batch_size": 8,
        "learning_rate": 0.05,
        "generator": torch.Generator().manual_seed(seed),
        "device": CPU,
        "dtype": torch.float32,
        "pools": [(rows[:, :3], rows[:, 3:])],
    }
    if opponent:
        settings |= {"opponent": Against(objective), "every": 2}
    return Training(objective, **settings | changes)


def weights(detector: AutoEncoder | LISAE) -> dict[str, Tensor]:
    return {name: weight.clone() for name, weight in detector.network_.state_dict().items()}


def assert_same_weights(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, weight in first.items():
        assert torch.equal(weight, second[name]), name
