"""Detectors kept as bytes and in files."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from torch import nn

import lisae
from benchmarks.registry import MODELS
from lisae import BackboneDetector, Detector
from lisae.saving import MAY_DIFFER
from tests.contract.models import KEPT, of


@of(KEPT)
def test_bytes_hold_the_whole_detector(fitted: BackboneDetector, probe: NDArray[np.uint8]) -> None:
    loaded = clone(fitted).set_params(random_state=7, device="auto")
    assert loaded.from_bytes(fitted.to_bytes()) is loaded
    loaded.set_params(device="cpu")
    np.testing.assert_array_equal(loaded.anomaly_score(probe), fitted.anomaly_score(probe))
    for attribute in ("threshold_", "losses_", "restarts_", "image_shape_"):
        assert getattr(loaded, attribute) == getattr(fitted, attribute), attribute


def test_a_file_holds_the_whole_detector(fitted: Detector, probe: NDArray[np.uint8], tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    if hasattr(fitted, "forest_"):
        with pytest.raises(TypeError, match=f"{type(fitted).__name__} cannot be saved: forest_ is of class .*joblib"):
            fitted.save(path)
        assert not path.exists()
        return
    fitted.save(path)
    loaded = lisae.load(path, device="cpu")
    assert type(loaded) is type(fitted)
    np.testing.assert_array_equal(loaded.anomaly_score(probe), fitted.anomaly_score(probe))
    np.testing.assert_array_equal(loaded.predict(probe), fitted.predict(probe))
    assert learned(loaded) == learned(fitted)


def learned(detector: Detector) -> dict[str, str]:
    values = {name: value for name, value in vars(detector).items() if name.endswith("_")}
    return {name: "" if isinstance(value, nn.Module | Detector) else repr(value) for name, value in values.items()}


@of(KEPT)
def test_bytes_of_another_setting_are_refused(fitted: BackboneDetector) -> None:
    data = fitted.to_bytes()
    settings = {key: value for key, value in fitted.get_params().items() if key not in MAY_DIFFER}
    others: dict[Any, Any] = {None: [9, 9], "tanh": "relu", "float32": "bfloat16", "auto": "float32"}
    others |= {"l1": "none", "none": "l1", "cosine": "dot"}
    for key, value in settings.items():
        plain = isinstance(value, bool | int | float)
        another = others[value] if not plain else not value if isinstance(value, bool) else value + 1
        with pytest.raises(ValueError, match=re.escape(f"{key} is {value!r} there and {another!r} here")):
            clone(fitted).set_params(**{key: another}).from_bytes(data)


@of(KEPT)
def test_bytes_of_another_class_are_refused(fitted: BackboneDetector) -> None:
    data = fitted.to_bytes()
    for other in {MODELS[name].detector for name in KEPT} - {type(fitted)}:
        with pytest.raises(ValueError, match=f"class {type(fitted).__name__}, not {other.__name__}"):
            other().from_bytes(data)
