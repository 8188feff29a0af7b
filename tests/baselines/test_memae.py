"""Mem-AE: its addressing, and that the memory lives."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from baselines.memae import MemoryAutoEncoder, MemoryBackbone, entropy
from lisae.backbone_detector import squared_error
from tests.lisae.makers import as_batch, new_autoencoder
from tests.shapes import Shapes, auc


def new_memae(**changes: Any) -> MemoryAutoEncoder:
    detector = new_autoencoder(MemoryAutoEncoder, **{"epochs": 50, "slots": 40} | changes)
    assert isinstance(detector, MemoryAutoEncoder)
    return detector


@pytest.fixture(scope="module")
def memae(few: Shapes) -> MemoryAutoEncoder:
    return new_memae().fit(few.normal)


def network(shrinkage: float, addressing: str = "cosine") -> tuple[MemoryBackbone, Tensor]:
    """A new network with 40 slots, and features for it."""
    generator = torch.Generator().manual_seed(0)
    new = MemoryBackbone((12, 12, 1), 16, 40, shrinkage, generator, addressing=addressing)
    return new, torch.randn(30, new.features, generator=generator)


@torch.no_grad()
def shares_of(detector: MemoryAutoEncoder, few: Shapes) -> Tensor:
    return detector.network_.address(detector._features(few.normal))


@pytest.mark.parametrize("addressing", ["cosine", "dot"])
def test_addresses_by_hand(addressing: str) -> None:
    """Softmax of cosines or dot products; shares under the threshold go, the others stay but for their sum."""
    new, features = network(1.0, addressing)
    queries = torch.tanh(new.latent(features)).detach().double().numpy()
    memory = new.memory.detach().double().numpy()
    closeness = queries @ memory.T
    if addressing == "cosine":
        closeness /= np.outer(np.linalg.norm(queries, axis=1), np.linalg.norm(memory, axis=1))
    shares = np.exp(closeness) / np.exp(closeness).sum(axis=1, keepdims=True)
    shares = np.where(shares > 1 / 40, shares, 0)
    shares /= shares.sum(axis=1, keepdims=True)
    computed = new.address(features).detach()
    np.testing.assert_allclose(computed.numpy(), shares, atol=1e-6)
    np.testing.assert_allclose(new.code(features).detach().numpy(), shares @ memory, atol=1e-6)


def test_without_shrinkage_every_slot_has_a_share() -> None:
    new, features = network(shrinkage=0.0)
    shares = new.address(features)
    assert (shares > 0).all()
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(30))


def test_where_no_slot_passes_the_threshold_the_mixture_is_zero() -> None:
    new, features = network(shrinkage=7.5)  # above e^2, which no share of a softmax of cosines reaches
    assert not new.address(features).any()
    assert not new.code(features).any()


def test_addresses_are_float32_in_any_arithmetic() -> None:
    new, features = network(shrinkage=1.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        shares = new.address(features)
    assert shares.dtype == torch.float32
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(30))


def test_another_addressing_is_refused(few: Shapes) -> None:
    with pytest.raises(ValueError, match="addressing is one of cosine, dot; got 'euclid'"):
        new_memae(addressing="euclid").fit(few.normal)


def test_trained_addresses_sum_to_one_and_are_sparse(memae: MemoryAutoEncoder, few: Shapes) -> None:
    shares = shares_of(memae, few)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(len(few.normal)))
    assert (shares > 0).float().mean() < 0.6


def test_every_image_asks_in_its_own_way(memae: MemoryAutoEncoder, few: Shapes) -> None:
    shares = shares_of(memae, few)
    assert len(torch.unique(shares, dim=0)) == len(few.normal)
    assert (shares > 0).any(dim=0).float().mean() > 0.5


def test_entropy_is_in_nats() -> None:
    shares = torch.tensor([[0.25, 0.25, 0.25, 0.25], [0.0, 1.0, 0.0, 0.0]])
    assert float(entropy(shares)) == pytest.approx(np.log(4) / 2, abs=1e-6)


def test_the_loss_is_the_error_and_the_weighted_entropy(memae: MemoryAutoEncoder, few: Shapes) -> None:
    heavy = new_memae(entropy_weight=3.0)
    heavy.network_ = memae.network_
    batch = as_batch(few.normal[[4, 0, 9]])
    shares = memae.network_.address(memae.network_.encoder(batch))
    objective = heavy._objective(torch.Generator())
    torch.testing.assert_close(objective(batch), squared_error(batch, memae.network_(batch)) + 3 * entropy(shares))
    assert any(parameter is memae.network_.memory for parameter in objective.trained())


def test_it_learns(memae: MemoryAutoEncoder, few: Shapes) -> None:
    assert memae.losses_[-1] < 0.5 * memae.losses_[0]
    assert memae.restarts_ == 0
    scores = memae.anomaly_score(few.held_out)
    assert len(np.unique(scores)) == len(few.held_out)
    to_mean = np.linalg.norm((few.held_out - few.normal.mean(axis=0)).reshape(len(scores), -1) / 255, axis=1)
    assert scores.mean() < 0.9 * to_mean.mean()  # the best constant, far better than an untrained network
    assert auc(memae, few.held_out, few.outliers) > 0.95
    assert memae._some_codes(few.normal).std(dim=0).max() > 0.05


def test_the_memory_is_trained(memae: MemoryAutoEncoder) -> None:
    new = memae._network(torch.Generator().manual_seed(0)).memory
    assert (memae.network_.memory - new).norm() > 0.1 * new.norm()


@pytest.mark.parametrize("changes", [{"slots": 1}, {"shrinkage": -0.5}])
def test_wrong_settings(few: Shapes, changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(changes))} is a .*number, at least"):
        new_memae(**changes).fit(few.normal)
