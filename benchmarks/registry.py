"""The paper's name of a model -> the detector that it is here.

To add a model: write a ``lisae.Detector`` in ``baselines/``, add a line here, and, where its defaults do not
suit a data set, a table of settings in ``benchmarks/settings/``.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.errors import CallError, unknown
from lisae import LISAE, AutoEncoder, Detector, LinSepLISAE


@dataclass(frozen=True)
class Model:
    """A row of the paper's tables.

    ``shares_stage`` says that the model begins from the very weights of AE on the same normal images, so that
    the two are trained as one job; the settings of that stage are AE's and cannot be changed for the model alone.
    """

    name: str
    detector: type[Detector]
    description: str
    shares_stage: bool = False


_MODELS = (
    Model("AE", AutoEncoder, "autoencoder, the feature-extraction phase (Section 3.3)"),
    Model("LIS-AE", LISAE, "AE with its latent layer shaped by negatives, Eq. (1)", shares_stage=True),
    Model("LinSep-LIS-AE", LinSepLISAE, "LIS-AE whose first phase separates negatives linearly (Section 4.2)"),
)
MODELS = {model.name: model for model in _MODELS}


def model(name: str) -> Model:
    """Give the model of a name as the paper prints it. Raises ``CallError`` for an unknown one."""
    if name not in MODELS:
        raise CallError(unknown("model", name, MODELS))
    return MODELS[name]


def build(name: str, settings: Mapping[str, Any], seed: int, device: str, stage: AutoEncoder | None = None) -> Detector:
    """Make an untrained detector of a model with the settings of a profile.

    ``stage`` is the fitted AE that a model which shares it begins from.
    """
    chosen = model(name)
    arguments = dict(settings)
    phase_one = arguments.pop("autoencoder", None)
    if issubclass(chosen.detector, LISAE):
        own_phase_one = chosen.detector.phase_one(**(phase_one or {}), device=device, random_state=seed)
        return chosen.detector(stage or own_phase_one, **arguments, random_state=seed)
    if "device" in inspect.signature(chosen.detector).parameters:
        arguments["device"] = device
    return chosen.detector(**arguments, random_state=seed)
