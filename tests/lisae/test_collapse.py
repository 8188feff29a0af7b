"""The check for a dead network, and training again from another seed."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from torch import Tensor, nn

import lisae.backbone
import lisae.backbone_detector
import lisae.memory
from lisae import BackboneDetector, CollapseError, RestartWarning, UndertrainedError
from lisae.backbone_detector import MAX_RESTARTS
from lisae.reconstruction import check_alive, check_varied, variance_of
from lisae.stacks import Learning
from tests.lisae.makers import collapse, new_autoencoder
from tests.shapes import Shapes

VARIED = torch.linspace(-1, 1, 30).reshape(10, 3)


def to_mean(images: NDArray[Any]) -> NDArray[np.float64]:
    """The errors of a network that always answers with the mean image."""
    pixels = images.reshape(len(images), -1).astype(np.float64) / (255 if images.dtype == np.uint8 else 1)
    return np.linalg.norm(pixels - pixels.mean(axis=0), axis=1)


@pytest.fixture(params=["uint8", "float32"])
def images(request: pytest.FixtureRequest, colour: Shapes) -> NDArray[Any]:
    return colour.normal if request.param == "uint8" else (colour.normal / 255).astype(np.float32)


def test_a_network_better_than_the_mean_image_is_alive(images: NDArray[Any]) -> None:
    check_alive(images, np.sqrt(0.94) * to_mean(images), VARIED)


@pytest.mark.parametrize("share", [0.96, 1, 3])
def test_a_network_at_the_mean_image_is_not(images: NDArray[Any], share: float) -> None:
    with pytest.raises(CollapseError, match=r"stays at the mean image: its squared error [\d.]+ is not below the data"):
        check_alive(images, np.sqrt(share) * to_mean(images), VARIED)


@pytest.mark.parametrize(
    ("errors", "codes", "message"),
    [
        ([0.1, np.nan], VARIED, "the scores are not finite"),
        ([0.1, np.inf], VARIED, "the scores are not finite"),
        ([0.1, 0.2], VARIED[:1].expand(10, 3), "the latent layer is constant"),
        ([0.1, 0.2], VARIED * 1e-4, "the latent layer is constant"),
        ([0.1, 0.2], (VARIED * 1e-4).bfloat16(), "the latent layer is constant"),
        ([0.1, 0.1], VARIED, "the scores are constant"),
        ([1e4, 1e4 + 1e-4], VARIED, "the scores are constant"),
    ],
)
def test_what_is_constant_or_not_finite_is_dead(grey: Shapes, errors: list[float], codes: Tensor, message: str) -> None:
    with pytest.raises(CollapseError, match=message):
        check_varied(np.array(errors), codes)
    with pytest.raises(CollapseError, match=message):
        check_alive(grey.normal[:2], np.array(errors), codes)


@pytest.mark.parametrize(("steps", "error"), [(None, CollapseError), (600, CollapseError), (24, UndertrainedError)])
def test_after_few_steps_a_network_is_undertrained(grey: Shapes, steps: int | None, error: type[CollapseError]) -> None:
    with pytest.raises(CollapseError) as raised:
        check_alive(grey.normal, to_mean(grey.normal), VARIED, steps)
    assert type(raised.value) is error
    told = f"is undertrained after {steps} steps, .*: some hundreds are needed, as min_steps=500 sees to"
    assert bool(re.search(told, str(raised.value))) == (error is UndertrainedError)


def test_the_variance_is_that_of_the_pixels(images: NDArray[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    expected = np.square(to_mean(images)).mean()
    assert variance_of(images) == pytest.approx(expected)
    monkeypatch.setattr(lisae.memory, "_PART", 5000)
    assert variance_of(images) == pytest.approx(expected)


def test_one_latent_unit_that_varies_is_enough() -> None:
    codes = torch.zeros(10, 3)
    codes[:, 1] = torch.linspace(-0.1, 0.1, 10)
    check_varied(np.array([0.1, 0.2]), codes)


# Restarts


@dataclass(kw_only=True, eq=False, repr=False)
class Failing(BackboneDetector):
    """A detector that trains nothing and notes the seed of each attempt, of which the first ``failures`` fail."""

    failures: int
    error: type[Exception] = CollapseError
    seeds_: list[int] = field(init=False, default_factory=list)

    def _minimise(self, normal: Any, negatives: Any, generator: torch.Generator) -> Learning[list[float]]:
        self.seeds_.append(generator.initial_seed())
        if len(self.seeds_) <= self.failures:
            raise self.error(f"reason {len(self.seeds_)}")
        return [1.0]
        yield

    def _check_alive(self, normal: Any, scores: Any) -> None:
        pass


def seeds_tried(few: Shapes, failures: int, random_state: int = 7) -> list[int]:
    detector = Failing(failures=failures, random_state=random_state, device="cpu").fit(few.normal)
    assert detector.restarts_ == failures
    return detector.seeds_


@pytest.mark.parametrize("failures", range(MAX_RESTARTS + 1))
def test_each_attempt_has_a_seed_of_its_own(few: Shapes, failures: int) -> None:
    tried = seeds_tried(few, failures)
    assert len(set(tried)) == len(tried) == failures + 1
    assert all(0 <= seed < 2**32 for seed in tried)
    assert tried == seeds_tried(few, MAX_RESTARTS)[: failures + 1]


def test_derived_seeds_depend_on_the_seed(few: Shapes) -> None:
    assert not set(seeds_tried(few, MAX_RESTARTS, 7)) & set(seeds_tried(few, MAX_RESTARTS, 8))


@pytest.mark.parametrize(
    ("error", "message", "attempts"),
    [
        (
            CollapseError,
            "collapsed from 4 seeds in a row, at last because reason 4; a lower learning_rate than 0.002 may help",
            MAX_RESTARTS + 1,
        ),
        (UndertrainedError, "reason 1", 1),
        (ValueError, "reason 1", 1),
    ],
)
def test_what_stays_collapsed_is_an_error_that_says_why_and_another_error_is_not_tried_again(
    few: Shapes, error: type[Exception], message: str, attempts: int
) -> None:
    detector = Failing(failures=9, error=error, device="cpu")
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        detector.fit(few.normal)
    assert len(detector.seeds_) == attempts


def test_a_collapse_is_trained_again_from_another_seed(few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = []
    for times in (0, 1, 1, 3):
        collapse(times, monkeypatch)
        fitted.append(new_autoencoder(epochs=2).fit(few.normal))
    assert [detector.restarts_ for detector in fitted] == [0, 1, 1, 3]
    assert all(len(detector.losses_) == 2 for detector in fitted)
    scores = [detector.anomaly_score(few.held_out) for detector in fitted]
    np.testing.assert_array_equal(scores[1], scores[2])
    assert not np.allclose(scores[0], scores[1])
    assert not np.allclose(scores[1], scores[3])


def test_restarts_are_told(few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    collapse(1, monkeypatch)
    text = r"AutoEncoder learned nothing \(called collapsed\) and is trained again from another seed, restart 1 of 3"
    with pytest.warns(RestartWarning, match=text):
        new_autoencoder(epochs=2).fit(few.normal)


def test_one_that_stays_collapsed_is_an_error(few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    collapse(4, monkeypatch)
    detector = new_autoencoder(epochs=2)
    with pytest.raises(CollapseError, match="collapsed from 4 seeds in a row, at last because called collapsed"):
        detector.fit(few.normal)
    with pytest.raises(NotFittedError):
        detector.anomaly_score(few.held_out)


def test_a_second_fit_that_collapses_leaves_nothing_of_the_first(few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    collapse(0, monkeypatch)
    detector = new_autoencoder(epochs=2).fit(few.normal)
    collapse(4, monkeypatch)
    with pytest.raises(CollapseError):
        detector.fit(few.normal)
    with pytest.raises(NotFittedError):
        detector.reconstruct(few.held_out)


@pytest.fixture
def default_initialisation(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start layers from the weights that PyTorch gives them by default."""

    def default(module: nn.Module, generator: torch.Generator) -> None:
        for layer in module.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                layer.reset_parameters()

    monkeypatch.setattr(lisae.backbone, "initialise", default)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.usefixtures("default_initialisation")
def test_a_real_collapse_is_detected(few: Shapes, caplog: pytest.LogCaptureFixture) -> None:
    """The same training is alive from the backbone's own initialisation: see the next test."""
    with (
        caplog.at_level(logging.INFO, "lisae"),
        pytest.raises(CollapseError, match=r"mean image|latent layer"),
    ):
        new_autoencoder(epochs=25).fit(few.normal)
    assert caplog.text.count("collapsed with seed") == 4


def test_the_backbones_initialisation_does_not_collapse(few: Shapes) -> None:
    assert new_autoencoder(epochs=25).fit(few.normal).restarts_ == 0


def test_a_learning_rate_that_kills_the_network_is_a_collapse(few: Shapes) -> None:
    with pytest.raises(CollapseError, match="collapsed from 4 seeds in a row"):
        new_autoencoder(epochs=25, learning_rate=10.0).fit(few.normal)
