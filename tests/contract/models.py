"""The models that the contract is tested on: all of the registry, or those of one kind.

A model that is added to the registry is tested here without a line changed. Behaviour is tested on all models. Input
goes through the one ``fit`` and the one check of ``Detector``, and is tested on a model of either kind.
"""

from typing import Any, NamedTuple

import pytest
from torch import nn

from benchmarks.engine.evaluate import build
from benchmarks.engine.profiles import load_profile
from benchmarks.registry import MODELS
from lisae import BackboneDetector, Detector

SMOKE = load_profile("smoke")
CONTAMINATION = 0.125
METHODS = ("anomaly_score", "score_samples", "decision_function", "predict")

USERS = [name for name, model in MODELS.items() if model.detector.uses_negatives]
STAGED = [name for name, model in MODELS.items() if model.detector.stage is not None]
KEPT = [name for name, model in MODELS.items() if issubclass(model.detector, BackboneDetector)]
# One model that uses negatives, and one that does not.
EITHER = [USERS[0], next(name for name in MODELS if name not in USERS)]


class Given(NamedTuple):
    """A fitted detector, and its constructor arguments and theirs as they were before it was fitted."""

    detector: Detector
    arguments: dict[str, Any]
    inner: dict[str, set[str]]


def of(names: list[str]) -> pytest.MarkDecorator:
    """Run a test on these models alone."""
    return pytest.mark.parametrize("name", names, indirect=True, scope="session")


def make(name: str, seed: int = 0) -> Detector:
    settings = SMOKE.settings(MODELS[name], "mnist")
    return build(name, settings, seed, "cpu").set_params(contamination=CONTAMINATION)


def brief(name: str, seed: int = 0) -> Detector:
    """A detector whose trainings take two epochs; see ``unchecked``."""
    detector = make(name, seed)
    epochs = {key: 2 for key in detector.get_params() if key.endswith("epochs")}
    precision = {key: "float32" for key in detector.get_params() if key.endswith("precision")}
    return detector.set_params(**epochs, **precision)


def learns_by_gradient(detector: Detector) -> bool:
    return any(isinstance(value, nn.Module) for value in vars(detector).values())
