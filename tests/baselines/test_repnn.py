"""Sig-RepNN: its staircase, and that the network lives in spite of it."""

from typing import Any

import numpy as np
import pytest
import torch

from baselines.repnn import ReplicatorBackbone, ReplicatorNetwork, staircase
from tests.lisae.makers import as_batch, new_autoencoder
from tests.shapes import Shapes, auc

STEEPNESS = ReplicatorNetwork().steepness


def new_repnn(**changes: Any) -> ReplicatorNetwork:
    detector = new_autoencoder(ReplicatorNetwork, **changes)
    assert isinstance(detector, ReplicatorNetwork)
    return detector


def new_network(*, squash: bool = True) -> ReplicatorBackbone:
    return ReplicatorBackbone((12, 12, 1), 6, 4, 10.0, torch.Generator().manual_seed(0), squash=squash)


@pytest.fixture(scope="module")
def repnn(few: Shapes) -> ReplicatorNetwork:
    return new_repnn().fit(few.normal)


def test_four_levels_on_the_plateaus() -> None:
    plateaus = torch.tensor([0.0, 0.1, 0.375, 0.625, 0.9, 1.0])
    levels = torch.tensor([0, 0, 1 / 3, 2 / 3, 1, 1])
    torch.testing.assert_close(staircase(plateaus, 4, STEEPNESS), levels, atol=1e-3, rtol=0)


def test_steps_are_at_quarters_half_way_up() -> None:
    steps = torch.tensor([1 / 4, 2 / 4, 3 / 4])
    torch.testing.assert_close(staircase(steps, 4, STEEPNESS), torch.tensor([1 / 6, 3 / 6, 5 / 6]), atol=1e-3, rtol=0)


@pytest.mark.parametrize("levels", [2, 3, 5])
def test_other_numbers_of_levels(levels: int) -> None:
    t = (torch.arange(levels) + 0.5) / levels
    torch.testing.assert_close(staircase(t, levels, 200.0), torch.arange(levels) / (levels - 1))


def test_it_rises_throughout() -> None:
    assert (staircase(torch.linspace(0.2, 0.8, 200), 4, STEEPNESS).diff() > 0).all()


@pytest.mark.parametrize("squash", [True, False])
def test_the_code_is_the_staircase_of_the_sigmoid_or_without_it(squash: bool) -> None:
    network = new_network(squash=squash)
    features = torch.randn(5, network.features, generator=torch.Generator().manual_seed(1))
    t = network.latent(features).detach().double().numpy()
    t = 1 / (1 + np.exp(-t)) if squash else t
    expected = 0.5 + sum(np.tanh(10 * (t - j / 4)) for j in (1, 2, 3)) / 6
    np.testing.assert_allclose(network.code(features).detach().numpy(), expected, atol=1e-5)


def test_codes_are_float32_in_any_arithmetic() -> None:
    network = new_network()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert network.code(torch.randn(5, network.features)).dtype == torch.float32


def test_trained_codes_take_all_four_levels_and_little_else(repnn: ReplicatorNetwork, few: Shapes) -> None:
    codes = repnn._some_codes(few.normal)
    nearest = (3 * codes).round()
    assert ((codes - nearest / 3).abs() < 0.05).float().mean() > 0.6
    assert (torch.bincount(nearest.long().flatten(), minlength=4) > 0.02 * nearest.numel()).all()


def test_it_learns(repnn: ReplicatorNetwork, few: Shapes) -> None:
    assert repnn.losses_[-1] < 0.5 * repnn.losses_[0]
    assert repnn.restarts_ == 0
    scores = repnn.anomaly_score(few.held_out)
    assert len(np.unique(scores)) == len(few.held_out)
    to_mean = np.linalg.norm((few.held_out - few.normal.mean(axis=0)).reshape(len(scores), -1) / 255, axis=1)
    assert scores.mean() < 0.9 * to_mean.mean()  # the best constant, far better than an untrained network
    assert auc(repnn, few.held_out, few.outliers) > 0.95
    assert repnn._some_codes(few.normal).std(dim=0).max() > 0.05


def test_the_encoder_is_trained_through_the_staircase(repnn: ReplicatorNetwork, few: Shapes) -> None:
    loss = repnn._objective(torch.Generator())(as_batch(few.normal))
    (gradient,) = torch.autograd.grad(loss, repnn.network_.encoder[0].weight)
    assert gradient.abs().max() > 1e-3


@pytest.mark.parametrize("changes", [{"levels": 1}, {"steepness": 0.0}])
def test_wrong_settings(few: Shapes, changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(changes))} is a .*number, "):
        new_repnn(**changes).fit(few.normal)
