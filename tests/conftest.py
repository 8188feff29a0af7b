"""One thread for every test, and small images that a network can learn."""

import signal
import sys

import pytest
import torch

from tests.shapes import Shapes, shapes


def pytest_configure(config: pytest.Config) -> None:
    """Many tests let a network collapse; that restarts are told has a test of its own."""
    config.addinivalue_line("filterwarnings", "ignore::lisae.RestartWarning")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def grey() -> Shapes:
    return shapes(channels=1, seed=0)


@pytest.fixture(scope="session")
def colour() -> Shapes:
    return shapes(channels=3, seed=0)


@pytest.fixture(scope="session")
def few() -> Shapes:
    """Fewer and smaller images than ``grey``, where only the outliers in full contrast need be found."""
    return shapes(channels=1, seed=4, normal=48, others=32, side=12)


@pytest.fixture(scope="session", autouse=True)
def interrupts_interrupt() -> None:
    """A shell hands SIGINT down as ignored to what it runs in the background: take it as at a terminal."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No check for a dead network, so that a training may be brief."""
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] in ("lisae", "baselines")]
    for module in modules:
        for check in ("check_alive", "check_varied", "check_samples"):
            if hasattr(module, check):
                monkeypatch.setattr(module, check, lambda *arguments: None)
