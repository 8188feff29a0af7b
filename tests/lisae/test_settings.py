"""Settings are checked by their types before anything is learned."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from lisae import LISAE, AutoEncoder
from lisae.settings import Range, check_settings
from tests.lisae.makers import new_autoencoder, new_lisae
from tests.shapes import Shapes


@dataclass
class Switch:
    is_on: bool


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latent_dim": 16.0}, r"latent_dim is a whole number, at least 1, or 'auto'; got 16\.0\."),
        ({"latent_dim": True}, "latent_dim is a whole number, at least 1, or 'auto'; got True"),
        ({"latent_dim": "wide"}, "latent_dim is a whole number, at least 1, or 'auto'; got 'wide'"),
        ({"latent_dim": 0}, "latent_dim is a whole number, at least 1, or 'auto'; got 0"),
        ({"patience": 1.5}, r"patience is a number, at least 0 and at most 1; got 1\.5"),
        ({"epochs": 0}, "epochs is a whole number, at least 1; got 0"),
        ({"epochs": "12"}, "epochs is a whole number, at least 1; got '12'"),
        ({"batch_size": -2}, "batch_size is a whole number, at least 1; got -2"),
        ({"batch_size": 10**6}, "batch_size is 1000000, and there are 48 images: take at most 48"),
        ({"min_steps": -1}, "min_steps is a whole number, at least 0; got -1"),
        ({"learning_rate": 0}, "learning_rate is a number, above 0; got 0"),
        ({"learning_rate": float("nan")}, "learning_rate is a number, above 0; got nan"),
        ({"learning_rate": None}, "learning_rate is a number, above 0; got None"),
        ({"precision": "double"}, "precision is one of auto, float32, bfloat16; got 'double'"),
        ({"activation": "sigmoid"}, "activation is one of tanh, relu; got 'sigmoid'"),
        ({"device": "tpu"}, "the device is one of .* got 'tpu'"),
        ({"channel_factor": 0.0}, r"channel_factor is a number, above 0; got 0\.0"),
        ({"channel_factor": 0.01}, r"channel_factor 0\.01 leaves none of 16 channels"),
        ({"inner_weight": -1.0}, r"inner_weight is a number, at least 0; got -1\.0"),
        ({"n_jobs": 0}, "n_jobs is a number of threads, -1 for all processors or None to choose; got 0"),
        ({"size": -4}, "size are at least 1 pixel; got -4"),
    ],
)
def test_wrong_settings_of_an_autoencoder(few: Shapes, settings: dict[str, Any], message: str) -> None:
    for detector in (new_autoencoder(**settings), new_lisae(new_autoencoder(**settings))):
        with pytest.raises(ValueError, match=message):
            detector.fit(*few.labelled())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gamma": "x"}, "gamma is a number, above 0, or 'auto'; got 'x'"),
        ({"gamma": 0.0}, r"gamma is a number, above 0, or 'auto'; got 0\.0"),
        ({"beta": -1.0}, r"beta is a number, at least 0; got -1\.0"),
        ({"reading": "mean"}, "reading is one of absolute, rms, square, hinge; got 'mean'"),
        ({"batch_size": 5000}, "batch_size is 5000, and there are 48 images"),
    ],
)
def test_wrong_settings_of_lisae(
    few: Shapes, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], message: str
) -> None:
    phase_one = new_autoencoder(epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr("lisae.backbone_detector.check_alive", lambda *arguments: None)
        phase_one.fit(few.normal)
    with pytest.raises(ValueError, match=message):
        new_lisae(phase_one, **settings).fit(*few.labelled())


def test_numbers_may_be_of_any_kind() -> None:
    check_settings(AutoEncoder(latent_dim=np.int64(4), learning_rate=np.float32(0.1), epochs=np.uint8(3)))
    check_settings(LISAE(gamma=10))
    check_settings(LISAE(gamma="auto"))
    check_settings(Switch(np.bool_(True)))
    with pytest.raises(ValueError, match="is_on is True or False; got 1"):
        check_settings(Switch(1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("allowed", "inside", "outside"),
    [
        (Range(1), [1, 5.5], [0, float("inf"), float("nan")]),
        (Range(above=True), [1e-9], [0, -1]),
        (Range(high=1), [0, 1], [1.1]),
        (Range(2, or_zero=True), [0, 2], [1]),
        (Range(1, auto_of=int), [1, "auto"], [0, "autos"]),
        (Range(1), [1], ["auto"]),
    ],
)
def test_ranges(allowed: Range, inside: list[float], outside: list[float]) -> None:
    assert all(value in allowed for value in inside)
    assert not any(value in allowed for value in outside)
