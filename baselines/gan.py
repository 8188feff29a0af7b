"""A Wasserstein GAN of the shared backbone, with an encoder that inverts its generator."""

import numpy as np
import torch
from torch import Tensor, nn

from lisae.backbone import Backbone, autocast
from lisae.errors import CollapseError
from lisae.images import Images, as_rows
from lisae.training import Objective


class Adversarial(Backbone):
    """The backbone with a critic: its decoder is the generator G, its encoder and latent layer are E.

    Noise is uniform in [-1, 1], which is where the tanh of the latent layer puts a code: every z that G was
    trained on can be reached by E, and no other. The critic is the encoder of a second backbone and a linear
    layer to one number; there is no batch normalisation, as the gradient penalty demands.

    Args and errors are those of ``Backbone``.
    """

    def __init__(self, image_shape: tuple[int, int, int], latent_dim: int, generator: torch.Generator) -> None:
        super().__init__(image_shape, latent_dim, generator)
        half = Backbone(image_shape, 1, generator)
        self.critic = nn.Sequential(half.encoder, half.latent)

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw codes, (n, latent_dim), uniform in [-1, 1], on the CPU."""
        return torch.rand(n, self.latent.out_features, generator=generator).mul_(2).sub_(1)

    def residual(self, images: Tensor, kappa: float) -> Tensor:
        """Return the mean squared error of G(E(x)) over pixels plus ``kappa`` times that over features, -> (n,).

        Images are (n, c, h, w) in [0, 1]. The features are the critic's before its last layer, as in the authors'
        z_encoding_izif.py.
        """
        answers = self(images)
        residual = _mean_squares(answers, images)
        if kappa:
            features = self.critic[0]
            residual = residual + kappa * _mean_squares(features(answers), features(images))
        return residual


class CriticLoss(Objective):
    """The critic's loss: its verdict on samples, less that on images, plus the gradient penalty.

    Args:
        network: the generator and the critic.
        penalty: weight of the gradient penalty.
    """

    def __init__(self, network: Adversarial, penalty: float) -> None:
        super().__init__()
        self.network = network
        self.penalty = penalty

    def trained(self) -> list[nn.Parameter]:
        """Return the parameters of the critic."""
        return list(self.network.critic.parameters())

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Draw noise, (n, latent_dim), and the share of the sample in each mixture, (n, 1, 1, 1)."""
        return self.network.noise(n, generator), torch.rand(n, 1, 1, 1, generator=generator)

    def forward(self, real: Tensor, noise: Tensor, share: Tensor) -> Tensor:
        """Map images, (n, c, h, w) in [0, 1], and the numbers of ``draw`` to the loss, ()."""
        with torch.no_grad():
            fake = self.network.decoder(noise).float()
        verdicts = self.network.critic(torch.cat([fake, real])).float()
        gain = verdicts[len(fake) :].mean() - verdicts[: len(fake)].mean()
        # Float32, since the penalty is a small difference from 1 and is differentiated again.
        with autocast(real.device, torch.float32):
            return self.penalty * gradient_penalty(self.network.critic, torch.lerp(real, fake, share)) - gain


class GeneratorLoss(Objective):
    """The generator's loss: the critic's verdict on its samples, negative."""

    def __init__(self, network: Adversarial) -> None:
        super().__init__()
        self.network = network

    def trained(self) -> list[nn.Parameter]:
        """Return the parameters of the generator."""
        return list(self.network.decoder.parameters())

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Draw noise, (n, latent_dim)."""
        return (self.network.noise(n, generator),)

    def forward(self, images: Tensor, noise: Tensor) -> Tensor:
        """Map noise to the loss, (); the images are not used."""
        return -self.network.critic(self.network.decoder(noise)).float().mean()


class Inversion(Objective):
    """The encoder's loss, izi_f: ``Adversarial.residual``, averaged over the batch."""

    def __init__(self, network: Adversarial, feature_weight: float) -> None:
        super().__init__()
        self.network = network
        self.feature_weight = feature_weight

    def trained(self) -> list[nn.Parameter]:
        """Return the parameters of the encoder and the latent layer."""
        return [*self.network.encoder.parameters(), *self.network.latent.parameters()]

    def forward(self, images: Tensor) -> Tensor:
        """Map images, (n, c, h, w) in [0, 1], to the loss, ()."""
        return self.network.residual(images, self.feature_weight).mean()


def gradient_penalty(critic: nn.Module, images: Tensor) -> Tensor:
    """Return the mean of (||gradient of the critic at x|| - 1)^2: (n, c, h, w) -> () (arXiv:1704.00028, Eq. 3)."""
    gradients = torch.func.grad(lambda images: critic(images).sum())(images.detach())
    return (gradients.flatten(1).norm(dim=1) - 1).square().mean()


def check_samples(images: Images, samples: Tensor) -> None:
    """Raise ``CollapseError`` for samples, (m, c, h, w), with next to none of the variance of images, (n, h, w, c)."""
    variance = float(as_rows(images).var(axis=0, dtype=np.float64).sum())
    sampled = float(samples.flatten(1).double().var(dim=0).sum())
    if not sampled > 0.05 * variance:  # NaN too
        raise CollapseError(
            f"the generator makes one image: the variance of its samples is {sampled:.4g}, of the images {variance:.4g}"
        )


def _mean_squares(first: Tensor, second: Tensor) -> Tensor:
    """Return the squared difference, mean over all axes but the first."""
    return (first.float() - second.float()).square().flatten(1).mean(dim=1)
