"""The networks of AnoGAN: the gradient penalty, the losses, the noise and the check for samples that are all alike."""

import pytest
import torch
from torch import Tensor, nn

import baselines.gan
from baselines.gan import Adversarial, CriticLoss, GeneratorLoss, check_samples, gradient_penalty
from lisae import CollapseError
from tests.lisae.makers import as_batch
from tests.shapes import Shapes


@pytest.fixture
def critic() -> nn.Module:
    return Adversarial((12, 12, 1), 4, torch.Generator().manual_seed(3)).double().critic


def uniform(n: int) -> Tensor:
    """Images without a pixel at zero, where a critic without biases has a kink."""
    return torch.rand(n, 1, 12, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_the_penalty_is_that_of_finite_differences(critic: nn.Module) -> None:
    images, step = uniform(2), 1e-6
    gradients = torch.zeros(2, 144, dtype=torch.float64)
    with torch.no_grad():
        for pixel in range(144):
            change = torch.zeros(144, dtype=torch.float64)
            change[pixel] = step
            change = change.reshape(1, 1, 12, 12)
            gradients[:, pixel] = (critic(images + change) - critic(images - change))[:, 0] / (2 * step)
    expected = (gradients.norm(dim=1) - 1).square().mean()
    assert float(gradient_penalty(critic, images).detach()) == pytest.approx(float(expected), rel=1e-4)


def test_the_penalty_has_the_gradient_of_finite_differences(critic: nn.Module) -> None:
    images, step = uniform(2), 1e-6
    weight = critic[0][2].weight
    gradient = torch.autograd.grad(gradient_penalty(critic, images), weight)[0]
    for place in [(0, 0, 0, 0), (5, 3, 1, 2), (31, 15, 3, 3)]:
        penalties = []
        for sign in (1, -1):
            with torch.no_grad():
                weight[place] += sign * step
            penalties.append(float(gradient_penalty(critic, images).detach()))
            with torch.no_grad():
                weight[place] -= sign * step
        difference = (penalties[0] - penalties[1]) / (2 * step)
        assert float(gradient[place]) == pytest.approx(difference, rel=1e-4, abs=1e-8)


def test_a_critic_of_slope_one_is_not_penalised(few: Shapes) -> None:
    images = as_batch(few.normal[:5])
    for slope, expected in [(1.0, 0.0), (3.0, 4.0), (0.0, 1.0)]:
        linear = nn.Sequential(nn.Flatten(), nn.Linear(144, 1))
        with torch.no_grad():
            linear[1].weight.zero_()[0, 17] = slope
        assert float(gradient_penalty(linear, images).detach()) == pytest.approx(expected, abs=1e-6)


def test_the_losses_of_generator_and_critic_by_hand(few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    network, real = Adversarial((12, 12, 1), 8, torch.Generator().manual_seed(0)), as_batch(few.normal[[4, 0, 9]])
    critic, generator = CriticLoss(network, 3.0), GeneratorLoss(network)
    noise, share = critic.draw(3, torch.Generator().manual_seed(5))
    assert torch.equal(noise, network.noise(3, torch.Generator().manual_seed(5)))
    assert share.shape == (3, 1, 1, 1)
    assert ((share > 0) & (share < 1)).all()
    assert float(share.std()) > 0.01
    mixtures = []
    monkeypatch.setattr(
        baselines.gan, "gradient_penalty", lambda critic, images: mixtures.append(images) or torch.tensor(2.0)
    )
    with torch.no_grad():
        fake = network.decoder(noise)
        verdicts = network.critic(fake).mean(), network.critic(real).mean()
        expected = verdicts[0] - verdicts[1] + 3 * 2
    assert float(critic(real, noise, share).detach()) == pytest.approx(float(expected), rel=1e-5)
    torch.testing.assert_close(mixtures[0], real + share * (fake - real))
    assert float(generator(real, noise).detach()) == pytest.approx(-float(verdicts[0]), rel=1e-5)


def test_noise_fills_the_range_of_a_code() -> None:
    network = Adversarial((12, 12, 1), 4, torch.Generator().manual_seed(0))
    noise = network.noise(1000, torch.Generator().manual_seed(0))
    assert noise.shape == (1000, 4)
    assert -1 <= float(noise.min()) < -0.98
    assert 0.98 < float(noise.max()) <= 1
    torch.testing.assert_close(noise.std(dim=0), torch.full((4,), 3**-0.5), rtol=0.05, atol=0)


def test_a_generator_of_one_image_is_a_collapse(few: Shapes) -> None:
    rng = torch.Generator().manual_seed(0)
    same = as_batch(few.normal[:1]).expand(64, -1, -1, -1)
    check_samples(few.normal, as_batch(few.held_out))
    for samples in (same, same + 0.01 * torch.rand(same.shape, generator=rng), same * torch.nan):
        with pytest.raises(CollapseError, match="the generator makes one image"):
            check_samples(few.normal, samples)
