"""Every model of the registry, fitted once for all tests of the contract."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.registry import MODELS
from lisae import Detector
from tests.contract.models import Given, make
from tests.shapes import Shapes


@pytest.fixture(scope="session", params=list(MODELS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def already() -> dict[str, Given]:
    """The models that are fitted already, since tests of some models alone come in between."""
    return {}


@pytest.fixture(scope="session")
def given(name: str, already: dict[str, Given], few: Shapes) -> Given:
    if name not in already:
        detector = make(name)
        arguments = detector.get_params()
        inner = {key: set(vars(value)) for key, value in arguments.items() if isinstance(value, Detector)}
        already[name] = Given(detector.fit(*few.labelled()), arguments, inner)
    return already[name]


@pytest.fixture(scope="session")
def fitted(given: Given) -> Detector:
    return given.detector


@pytest.fixture(scope="session")
def probe(few: Shapes) -> NDArray[np.uint8]:
    """Images to score that no model was trained on."""
    return np.concatenate([few.held_out, few.faint_outliers, few.outliers])
