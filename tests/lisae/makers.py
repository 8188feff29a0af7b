"""Detectors with settings that suit the small images of the tests."""

from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import lisae.backbone_detector
from lisae import LISAE, AutoEncoder, BackboneDetector, CollapseError
from lisae.backbone import image_tensor
from lisae.reconstruction import ReconstructionDetector
from lisae.stacks import Trained
from lisae.training import Training

GAMMA = 6.0

AnyDetector = TypeVar("AnyDetector", bound=BackboneDetector)


def new_autoencoder(kind: type[AnyDetector] = AutoEncoder, **changes: Any) -> AnyDetector:  # type: ignore[assignment]
    settings: dict[str, Any] = {"latent_dim": 16, "epochs": 30, "batch_size": 16, "device": "cpu", "random_state": 0}
    return kind(**settings | changes)


def new_lisae(autoencoder: BackboneDetector, kind: type[LISAE] = LISAE, **changes: Any) -> LISAE:
    return kind(autoencoder, **{"gamma": GAMMA, "epochs": 12, "batch_size": 16, "random_state": 0} | changes)


def collapse(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call the first ``times`` trainings from now on collapsed, and all others alive."""
    calls: list[int] = []

    def check(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) <= times:
            raise CollapseError("called collapsed")

    monkeypatch.setattr(lisae.backbone_detector, "check_alive", check)


def trainings_of(detector: ReconstructionDetector, *fit_arguments: NDArray[np.generic]) -> list[Training]:
    """Return the trainings that a fit asks for, none of them carried out."""
    learning, asked = detector.fitting(*fit_arguments), []
    answer = None
    while True:
        try:
            asked.append(learning.send(answer))  # type: ignore[arg-type]
        except StopIteration:
            return asked
        answer = Trained([0.0], 0.0)


def as_batch(images: NDArray[np.uint8]) -> torch.Tensor:
    """Images (n, h, w, c), bytes, as an objective is handed them: (n, c, h, w) in [0, 1]."""
    return image_tensor(images, torch.device("cpu")).float() / 255
