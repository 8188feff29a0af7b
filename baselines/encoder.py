"""What the rivals have in common that learn an encoder from normal images and negatives, and reconstruct nothing."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lisae.backbone import Backbone
from lisae.backbone_detector import BackboneDetector
from lisae.images import Images
from lisae.reconstruction import check_varied


class Encoder(Backbone):
    """The backbone's encoder and one linear layer, without its tanh and without its decoder.

    Arguments, errors and initial weights are those of ``Backbone``; ``latent_dim`` is the width of the linear layer.
    """

    def __init__(self, image_shape: tuple[int, int, int], latent_dim: int, generator: torch.Generator) -> None:
        super().__init__(image_shape, latent_dim, generator)
        del self.decoder

    def code(self, features: Tensor) -> Tensor:
        """Return the answers of the linear layer, (n, latent_dim), to encoder features, (n, features)."""
        return self.latent(features)

    def forward(self, images: Tensor) -> Tensor:
        """Map images, (n, c, h, w) in [0, 1], to the answers of the linear layer, (n, latent_dim), float32."""
        return self.code(self.encoder(images)).float()


@dataclass(kw_only=True, eq=False, repr=False)
class EncoderDetector(BackboneDetector):
    """A detector that trains an ``Encoder`` on normal images and negatives, as many of each in a step.

    It has no latent layer in the sense of the paper, so that its width is none of those that are chosen by test AUC.
    The other arguments, the attributes and the errors are those of ``BackboneDetector``; a network is called collapsed
    where codes or scores are constant.
    """

    uses_negatives = True

    latent_dim: int = field(init=False)
    network_: Encoder = field(init=False)

    def reconstruct(self, X: ArrayLike) -> NDArray[np.float32]:
        """Raise ``NotImplementedError``: there is no decoder."""
        raise NotImplementedError(f"{type(self).__name__} has no decoder and reconstructs nothing: use anomaly_score.")

    def _network(self, generator: torch.Generator) -> Encoder:
        return Encoder(self.image_shape_, self.latent_dim_, generator)

    def _check_alive(self, normal: Images, scores: NDArray[np.float64]) -> None:
        check_varied(scores, self._some_codes(normal))
