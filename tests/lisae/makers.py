"""Detectors with settings that suit the small images of the tests."""

from typing import Any

from lisae import LISAE, AutoEncoder

GAMMA = 6.0


def new_autoencoder(kind: type[AutoEncoder] = AutoEncoder, **changes: Any) -> AutoEncoder:
    settings: dict[str, Any] = {"latent_dim": 16, "epochs": 30, "batch_size": 16, "device": "cpu", "random_state": 0}
    return kind(**settings | changes)


def new_lisae(autoencoder: AutoEncoder, kind: type[LISAE] = LISAE, **changes: Any) -> LISAE:
    return kind(autoencoder, **{"gamma": GAMMA, "epochs": 12, "batch_size": 16, "random_state": 0} | changes)
