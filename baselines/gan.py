"""A Wasserstein GAN of the shared backbone, with an encoder that inverts its generator."""

import numpy as np
import torch
from torch import Tensor, nn

from lisae.backbone import Backbone
from lisae.detector import Images, as_rows
from lisae.training import CollapseError


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
        """Draw codes, (n, latent_dim), uniform in [-1, 1], on the CPU and then moved to where the weights are."""
        uniform = torch.rand(n, self.latent.out_features, generator=generator)
        return uniform.mul_(2).sub_(1).to(self.latent.weight.device)

    def residual(self, images: Tensor, kappa: float) -> Tensor:
        """Mean squared error of G(E(x)) over pixels, and ``kappa`` times that over features: (n, c, h, w) -> (n,).

        The features are the critic's before its last layer, as in the authors' z_encoding_izif.py.
        """
        answers = self(images)
        residual = _mean_squares(answers, images)
        if kappa:
            features = self.critic[0]
            residual = residual + kappa * _mean_squares(features(answers), features(images))
        return residual


def gradient_penalty(critic: nn.Module, images: Tensor) -> Tensor:
    """Mean of (||gradient of the critic at an image|| - 1)^2: (n, c, h, w) -> () (arXiv:1704.00028, Eq. 3)."""
    images = images.detach().requires_grad_()
    gradients = torch.autograd.grad(critic(images).sum(), images, create_graph=True)[0]
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
    """Squared difference, mean over all axes but the first."""
    return (first.float() - second.float()).square().flatten(1).mean(dim=1)
