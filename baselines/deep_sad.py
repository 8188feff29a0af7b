"""Deep-SAD: Deep SVDD with labelled anomalies (Ruff et al., ICLR 2020, arXiv:1906.02694); here these are negatives."""

from dataclasses import dataclass, field
from typing import Annotated

import torch
from torch import Tensor

from baselines.contrast import CONTRASTS
from baselines.deep_svdd import DeepSVDD, HypersphereBackbone, OneClass
from lisae.images import Images
from lisae.settings import Count, Positive
from lisae.training import Objective

# Added to a squared distance before its inverse is taken, as the authors do.
_LEAST = 1e-6


class SemiSupervised(OneClass):
    """The squared distance of normal codes to the centre, and ``eta`` times its inverse for negatives (their Eq. 7)."""

    def __init__(self, network: HypersphereBackbone, eta: float) -> None:
        super().__init__(network)
        self.eta = eta

    def forward(self, images: Tensor, negatives: Tensor) -> Tensor:  # type: ignore[override]
        """Map normal images and negatives, (n, c, h, w) and (m, c, h, w) in [0, 1], to the loss, ()."""
        distances = self.network.distance(torch.cat([images, negatives]))
        normal, anomalous = distances[: len(images)], distances[len(images) :]
        return torch.cat([normal, self.eta / (anomalous + _LEAST)]).mean()


@dataclass(kw_only=True, eq=False, repr=False)
class DeepSAD(DeepSVDD):
    """Deep-SAD: Deep SVDD that also maps negatives far from the centre, scored by the squared distance to it.

    The network, its pre-training and the centre are those of ``DeepSVDD``: both come from normal images alone, while
    the authors take labelled anomalies too, of which they have few; negatives are often more than normal images, and
    the centre would be theirs. Each step has as many negatives as normal images.

    Args:
        rep_dim: width of the code, of which ``latent_dim`` is the name in ``DeepSVDD``. The default, and that of
            ``learning_rate``, is of the authors' study of outlier exposure, with many negatives (arXiv:2006.00339).
        eta: weight of the negatives; the authors' 1.

    The other arguments, the attributes and the errors are those of ``DeepSVDD``.
    """

    uses_negatives = True

    contrast: Annotated[str, CONTRASTS] = "none"  # its authors only scale images to [0, 1]
    latent_dim: int = field(init=False)
    rep_dim: Count = 256
    eta: Positive = 1.0
    learning_rate: Positive = 1e-3

    def _width(self, normal: Images) -> int:
        return self.rep_dim

    def _objective(self, generator: torch.Generator) -> Objective:
        return SemiSupervised(self.network_, self.eta)
