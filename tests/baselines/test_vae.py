"""The VAE: its divergence, its noise, and what it learns."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from baselines.vae import VariationalAutoEncoder, VariationalBackbone, divergence
from lisae.backbone import as_float, image_tensor
from lisae.backbone_detector import squared_error
from lisae.stacks import train_alone
from tests.lisae.makers import as_batch, new_autoencoder
from tests.shapes import Shapes, auc


def new_vae(**changes: float) -> VariationalAutoEncoder:
    detector = new_autoencoder(VariationalAutoEncoder, **{"epochs": 50} | changes)
    assert isinstance(detector, VariationalAutoEncoder)
    return detector


@pytest.fixture(scope="module")
def vae(few: Shapes) -> VariationalAutoEncoder:
    return new_vae().fit(few.normal)


def spread(detector: VariationalAutoEncoder, few: Shapes) -> tuple[float, float]:
    """Means over images and coordinates: of the mean code squared, and of the code's variance."""
    with torch.no_grad():
        features = detector._features(few.normal)
        mean, log_variance = detector.network_.code(features), detector.network_.log_variance(features)
    return float(mean.square().mean()), float(log_variance.exp().mean())


def test_the_divergence_is_that_of_gaussians() -> None:
    """Against the integral of p log(p / q), coordinate by coordinate."""
    mean, log_variance = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(0))
    x = np.linspace(-30, 30, 20_001)

    def log_density(mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> NDArray[np.float64]:
        return -(((x - mean) / deviation) ** 2) / 2 - np.log(deviation * np.sqrt(2 * np.pi))

    p = log_density(mean.double().numpy()[..., None], np.exp(log_variance.double().numpy()[..., None] / 2))
    q = log_density(np.zeros(1), np.ones(1))
    integrals = (np.exp(p) * (p - q)).sum(axis=-1) * (x[1] - x[0])
    assert float(divergence(mean, log_variance)) == pytest.approx(integrals.sum() / 7, rel=1e-4)


def test_the_divergence_of_the_prior_is_zero() -> None:
    assert float(divergence(torch.zeros(3, 4), torch.zeros(3, 4))) == 0


def test_the_loss_is_the_error_of_a_drawn_code_and_the_divergence(vae: VariationalAutoEncoder, few: Shapes) -> None:
    objective = vae._objective(torch.Generator())
    drawn = objective.draw(10, torch.Generator().manual_seed(5))
    network, batch = vae.network_, as_batch(few.normal[:10])
    features = network.encoder(batch)
    mean, log_variance = network.latent(features), network.log_variance(features)
    noise = torch.randn(10, 16, generator=torch.Generator().manual_seed(5))
    answer = network.decoder(mean + noise * log_variance.exp().sqrt())
    expected = squared_error(batch, answer) + vae.kl_weight * divergence(mean, log_variance)
    torch.testing.assert_close(objective(batch, *drawn), expected)
    assert [id(p) for p in objective.trained()] == [id(p) for p in network.parameters()]


def test_the_score_is_the_error_of_the_mean_code(vae: VariationalAutoEncoder, few: Shapes) -> None:
    network, images = vae.network_, as_float(image_tensor(few.held_out, torch.device("cpu")))
    with torch.no_grad():
        answers = network.decoder(network.latent(network.encoder(images)))
        expected = (answers - images).flatten(1).norm(dim=1)
    np.testing.assert_allclose(vae.anomaly_score(few.held_out), expected.double().numpy(), rtol=1e-5)


def test_mean_codes_are_not_confined_by_a_tanh() -> None:
    network = VariationalBackbone((12, 12, 1), 4, torch.Generator().manual_seed(0))
    assert network.code(100 * torch.ones(1, network.features)).abs().max() > 1


def test_it_learns(vae: VariationalAutoEncoder, few: Shapes) -> None:
    assert vae.losses_[-1] < 0.5 * vae.losses_[0]
    assert vae.restarts_ == 0
    scores = vae.anomaly_score(few.held_out)
    assert len(np.unique(scores)) == len(few.held_out)
    to_mean = np.linalg.norm((few.held_out - few.normal.mean(axis=0)).reshape(len(scores), -1) / 255, axis=1)
    assert scores.mean() < 0.9 * to_mean.mean()  # the best constant, far better than an untrained network
    assert auc(vae, few.held_out, few.outliers) > 0.95


def test_the_codes_carry_the_image_and_not_only_the_prior(vae: VariationalAutoEncoder, few: Shapes) -> None:
    means, variance = spread(vae, few)
    assert means > 0.3
    assert variance < 0.7


def test_a_heavy_weight_draws_the_codes_to_the_prior(vae: VariationalAutoEncoder, few: Shapes) -> None:
    heavy = new_vae(kl_weight=100.0, epochs=20)
    heavy.image_shape_, heavy.network_ = vae.image_shape_, vae._network(torch.Generator().manual_seed(0))
    train_alone(heavy._minimise(few.normal, None, torch.Generator().manual_seed(0)))
    means, variance = spread(heavy, few)
    assert means < 0.1
    assert 0.7 < variance < 1.3


def test_the_weight_is_not_negative(few: Shapes) -> None:
    with pytest.raises(ValueError, match="kl_weight is a number, at least 0; got -1"):
        new_vae(kl_weight=-1.0).fit(few.normal)
