"""Linear-AE: the autoencoder without its non-linearities, which is PCA found by gradient descent (Section 4.1)."""

import torch
from torch import Tensor, nn

from lisae.backbone import NEGATIVE_SLOPE, Backbone
from lisae.backbone_detector import BackboneDetector


class LinearBackbone(Backbone):
    """The backbone with every LeakyReLU, tanh and sigmoid left out: an affine map of rank ``latent_dim`` at most.

    Arguments and errors are those of ``Backbone``; reconstructions are not confined to [0, 1].
    """

    def __init__(self, image_shape: tuple[int, int, int], latent_dim: int, generator: torch.Generator) -> None:
        super().__init__(image_shape, latent_dim, generator)
        for block in (self.encoder, self.decoder):
            for i, layer in enumerate(block):
                if isinstance(layer, nn.LeakyReLU | nn.Sigmoid):
                    block[i] = nn.Identity()
        # The backbone's first weights make up for the variance that LeakyReLU removes. Nothing removes any here, and
        # training diverges from weights that large.
        gain = nn.init.calculate_gain("leaky_relu", NEGATIVE_SLOPE)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.div_(gain)

    def code(self, features: Tensor) -> Tensor:
        """Return the latent code in R^latent_dim, (n, latent_dim), of encoder features, (n, features)."""
        return self.latent(features)


class LinearAutoEncoder(BackboneDetector):
    """Linear-AE: AE with no non-linearity, so that the best it can do is PCA of the same rank.

    A linear autoencoder of least squared error spans the space of the leading principal components (Baldi and
    Hornik, Neural Networks 1989, 2(1), 53-58; Section 4.1 of the paper). Training, arguments,
    attributes and errors are those of ``BackboneDetector``; ``reconstruct`` gives values outside [0, 1] as they are.
    """

    def _network(self, generator: torch.Generator) -> LinearBackbone:
        return LinearBackbone(self.image_shape_, self.latent_dim_, generator)
