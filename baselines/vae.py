"""VAE: the variational autoencoder (Kingma and Welling, arXiv:1312.6114), scored by its reconstruction error."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lisae.backbone import Backbone, initialise
from lisae.backbone_detector import BackboneDetector, squared_error
from lisae.settings import NotNegative
from lisae.training import Objective


class VariationalBackbone(Backbone):
    """The backbone with a Gaussian for its code: the latent layer gives the mean, a second one the log variance.

    The mean has no tanh, since the prior that it is drawn to is a standard normal on all of R^latent_dim. A
    reconstruction is that of the mean code. Arguments and errors are those of ``Backbone``.
    """

    def __init__(self, image_shape: tuple[int, int, int], latent_dim: int, generator: torch.Generator) -> None:
        super().__init__(image_shape, latent_dim, generator)
        self.log_variance = nn.Linear(self.features, latent_dim, device="meta").to_empty(device="cpu")
        initialise(self.log_variance, generator)

    def code(self, features: Tensor) -> Tensor:
        """Return the mean of the code in R^latent_dim, (n, latent_dim), of encoder features, (n, features)."""
        return self.latent(features)


class EvidenceBound(Objective):
    """The squared error of a reconstruction from one drawn code, and ``kl_weight`` times the divergence."""

    def __init__(self, network: VariationalBackbone, kl_weight: float) -> None:
        super().__init__()
        self.network = network
        self.kl_weight = kl_weight

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Draw standard normal noise for the codes, (n, latent_dim)."""
        return (torch.randn(n, self.network.latent.out_features, generator=generator),)

    def forward(self, images: Tensor, noise: Tensor) -> Tensor:
        """Map images, (n, c, h, w) in [0, 1], and noise to the loss, ()."""
        features = self.network.encoder(images)
        mean, log_variance = self.network.code(features).float(), self.network.log_variance(features).float()
        codes = mean + noise * torch.exp(log_variance / 2)
        return squared_error(images, self.network.decoder(codes)) + self.kl_weight * divergence(mean, log_variance)


@dataclass(kw_only=True, eq=False, repr=False)
class VariationalAutoEncoder(BackboneDetector):
    """VAE: AE whose codes are drawn from a Gaussian for each image, kept near a standard normal.

    The loss is the squared error of a reconstruction from one drawn code, summed over the pixels, plus
    ``kl_weight`` times the Kullback-Leibler divergence of the codes' Gaussian from the prior, averaged over the
    batch: up to a factor and a constant the negative evidence lower bound for a Gaussian decoder of variance
    ``kl_weight / 2`` in each pixel. An image is scored by the reconstruction error of its mean code, as the paper
    does (Section 5.1), and not by An and Cho's reconstruction probability.

    Args:
        kl_weight: twice the variance of the decoder in a pixel in [0, 1]. A coordinate of the code that saves
            less squared error than about half of it is given up for the prior; at 1, a decoder that is wrong by
            .7 in a pixel, few are kept of a wide code.

    The other arguments, the attributes and the errors are those of ``BackboneDetector``; ``fit`` also raises ValueError
    for a negative ``kl_weight``.
    """

    kl_weight: NotNegative = 0.2
    network_: VariationalBackbone = field(init=False)

    def _network(self, generator: torch.Generator) -> VariationalBackbone:
        return VariationalBackbone(self.image_shape_, self.latent_dim_, generator)

    def _objective(self, generator: torch.Generator) -> Objective:
        return EvidenceBound(self.network_, self.kl_weight)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of diagonal Gaussians from N(0, I), averaged: (n, d) twice -> (), in nats.

    Appendix B of Kingma and Welling.
    """
    return (mean.square() + log_variance.exp() - log_variance - 1).sum() / (2 * len(mean))
