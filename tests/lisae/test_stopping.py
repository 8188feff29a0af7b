"""Early stopping: a training ends when held-out images are reconstructed no better, with the weights of the best."""

from typing import Any

import numpy as np
import pytest
import torch

import lisae.backbone_detector
from lisae.stacks import shape_of, train_together
from lisae.stopping import Stopping
from lisae.training import train
from tests.lisae.makers import Fit, new_autoencoder, training, trainings_of
from tests.shapes import Shapes


class Told:
    """An error that takes given values one after another, and keeps the weight that each was told with."""

    def __init__(self, objective: Fit, errors: list[float]) -> None:
        self.objective, self.errors = objective, iter(errors)
        self.weights: list[torch.Tensor] = []

    def __call__(self) -> float:
        self.weights.append(self.objective.layer.weight.detach().clone())
        return next(self.errors)


@pytest.mark.parametrize(
    ("patience", "errors", "epochs", "best"),
    [
        (0.2, [3, 2, 1, 4, 4], 5, 2),  # two epochs of ten without a lower error
        (0.5, [3, 2, 2, 2, 2, 2, 2], 7, 1),  # as low is not lower
        (0.5, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 10, 9),
        (1.0, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 10, 0),
        (0.3, [5, float("nan"), 6, 7], 4, 0),
    ],
)
def test_a_training_ends_when_the_error_no_longer_falls(
    patience: float, errors: list[float], epochs: int, best: int
) -> None:
    objective = Fit(0)
    told = Told(objective, errors)
    stopping = Stopping(told, patience)
    (losses,) = train([training(objective=objective, epochs=10, stopping=stopping)])
    assert isinstance(losses, list)
    assert len(losses) == len(told.weights) == epochs
    assert stopping.best_step == (best + 1) * 4
    assert torch.equal(objective.layer.weight, told.weights[best])
    assert not torch.equal(objective.layer.weight, told.weights[best - 1])


def test_the_error_is_looked_at_fifty_times_at_most() -> None:
    objective = Fit(0)
    stopping = Stopping(Told(objective, [1.0 / n for n in range(1, 60)]), 1.0)
    train([training(objective=objective, epochs=130, stopping=stopping)])
    steps = [step for step, _ in stopping.errors]
    assert len(steps) <= 50
    assert steps[-1] == 130 * 4, "the last weights are always looked at"
    assert set(np.diff(steps)[:-1]) == {12}


def test_such_trainings_are_never_one_stack() -> None:
    alike = [training(stopping=Stopping(lambda: 0.0, 0.5)) for _ in range(2)]
    assert shape_of(alike[0]) != shape_of(alike[1])
    assert shape_of(training()) == shape_of(training(seed=1))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("settings", "is_watched"),
    [
        *[({"validation_fraction": 0.5}, True), ({}, False), ({"validation_fraction": 0.5, "patience": 0.0}, False)],
        ({"validation_fraction": 0.1}, False),
    ],
)
def test_held_out_images_are_watched(few: Shapes, settings: dict[str, Any], is_watched: bool) -> None:
    """With too few to hold any out of the detector itself, there are none to watch."""
    asked = trainings_of(new_autoencoder(**settings), few.normal)
    assert [one.stopping is not None for one in asked] == [is_watched] * len(asked)


@pytest.mark.usefixtures("unchecked")
def test_the_error_is_the_squared_error_of_held_out_images(few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []

    class Kept(Stopping):
        def put_back(self, weights: Any) -> None:
            super().put_back(weights)
            looks.extend(error for _, error in self.errors)

    monkeypatch.setattr(lisae.backbone_detector, "Stopping", Kept)
    detectors = [new_autoencoder(epochs=6, validation_fraction=0.5, random_state=seed) for seed in (0, 1)]
    for detector in train_together([one.fitting(few.normal) for one in detectors], width=2):
        scores = np.interp(np.linspace(0, 1, 25), np.linspace(0, 1, 1001), detector.score_quantiles_)
        assert np.square(scores).mean() == pytest.approx(min(looks), rel=0.1)
        assert len(looks) == 6
        looks.clear()
