"""Classifier: normal images against negatives, by the binary cross-entropy, on the encoder of the backbone."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from baselines.encoder import Encoder, EncoderDetector
from lisae.images import Images
from lisae.training import Objective


class CrossEntropy(Objective):
    """The binary cross-entropy of the logit of being a negative, mean over normal images and negatives."""

    def __init__(self, network: Encoder) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, negatives: Tensor) -> Tensor:
        """Map normal images and negatives, (n, c, h, w) and (m, c, h, w) in [0, 1], to the loss, ()."""
        logits = self.network(torch.cat([images, negatives])).squeeze(1)
        signs = torch.ones_like(logits)
        signs[: len(images)] = -1
        return functional.softplus(-signs * logits).mean()


@dataclass(kw_only=True, eq=False, repr=False)
class BinaryClassifier(EncoderDetector):
    """Classifier: the encoder and a linear layer of one unit, scored by its logit of being a negative.

    It is what knows the same as LIS-AE and nothing of one-class detection: whatever LIS-AE is better at than this, it
    is not because of the negatives alone. As outlier exposure it is known as BCE (Ruff et al., arXiv:2006.00339).

    Arguments, attributes and errors are those of ``EncoderDetector``.
    """

    def _width(self, normal: Images) -> int:
        return 1

    def _objective(self, generator: torch.Generator) -> Objective:
        return CrossEntropy(self.network_)

    def _score(self, images: Tensor) -> Tensor:
        return self.network_(images).squeeze(1)
