"""HSC: outlier exposure with the hypersphere classifier (Ruff et al., arXiv:2006.00339; Liznerski et al., 2022)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from baselines.encoder import Encoder, EncoderDetector
from lisae.images import Images
from lisae.settings import Count
from lisae.training import Objective

# Added to a probability before its logarithm is taken, as the authors do.
_LEAST = 1e-9


class HypersphereCrossEntropy(Objective):
    """The binary cross-entropy where the probability of being normal is exp(-h), mean over both kinds of image."""

    def __init__(self, network: Encoder) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, negatives: Tensor) -> Tensor:
        """Map normal images and negatives, (n, c, h, w) and (m, c, h, w) in [0, 1], to the loss, ()."""
        radii = pseudo_huber(self.network(torch.cat([images, negatives])))
        normal, anomalous = radii[: len(images)], radii[len(images) :]
        return torch.cat([normal, -torch.log(_LEAST - torch.expm1(-anomalous))]).mean()


@dataclass(kw_only=True, eq=False, repr=False)
class HypersphereClassifier(EncoderDetector):
    """HSC: normal images are mapped close to the origin and negatives away from it, scored by the distance h.

    h is the pseudo-Huber norm of the code, sqrt(||z||^2 + 1) - 1, and exp(-h) the probability of being normal. The
    authors leave out biases, and have batch normalisation; the backbone has biases and no batch normalisation. Codes
    cannot end in one point, since negatives are kept away from it.

    Args:
        rep_dim: width of the code; the authors' 256.

    The other arguments, the attributes and the errors are those of ``EncoderDetector``.
    """

    rep_dim: Count = 256

    def _width(self, normal: Images) -> int:
        return self.rep_dim

    def _objective(self, generator: torch.Generator) -> Objective:
        return HypersphereCrossEntropy(self.network_)

    def _score(self, images: Tensor) -> Tensor:
        return pseudo_huber(self.network_(images))


def pseudo_huber(codes: Tensor) -> Tensor:
    """Return sqrt(||z||^2 + 1) - 1 of each code, (n, width) -> (n,), exact for small ones too."""
    squared = codes.square().sum(dim=1)
    return squared / ((squared + 1).sqrt() + 1)
