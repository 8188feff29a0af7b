"""The autoencoder: the paper's feature-extraction phase (Section 3.3), plain or with linear separation."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional

from lisae.backbone import Backbone, initialise
from lisae.backbone_detector import BackboneDetector, squared_error
from lisae.training import Objective


@dataclass(kw_only=True, eq=False, repr=False)
class AutoEncoder(BackboneDetector):
    """AE: the backbone trained to reconstruct normal images, and nothing else.

    Args:
        activation: of the latent layer, ``tanh`` or ``relu``.

    The other arguments, the loss, the attributes and the errors are those of ``BackboneDetector``.
    """

    activation: Annotated[str, ("tanh", "relu")] = "tanh"

    def _network(self, generator: torch.Generator) -> Backbone:
        return Backbone(self.image_shape_, self.latent_dim, generator, self.activation)


class LinearSeparation(Objective):
    """The squared error of normal images, and how far the codes' pre-activations are from being separable.

    Args:
        network: the backbone.
        classifier: the linear function that tells normal from negative.
        separation: weight of its binary cross-entropy.
    """

    def __init__(self, network: Backbone, classifier: nn.Linear, separation: float) -> None:
        super().__init__()
        self.network = network
        self.classifier = classifier
        self.separation = separation

    def forward(self, images: Tensor, negatives: Tensor) -> Tensor:
        """Map normal images and negatives, (n, c, h, w) and (m, c, h, w) in [0, 1], to the loss, ()."""
        preactivations = self.network.latent(self.network.encoder(torch.cat([images, negatives])))
        is_normal = torch.zeros(len(preactivations), device=images.device)
        is_normal[: len(images)] = 1
        logits = self.classifier(preactivations).squeeze(1).float()
        error = squared_error(images, self.network.decoder(torch.tanh(preactivations[: len(images)])))
        return error + self.separation * functional.binary_cross_entropy_with_logits(logits, is_normal)


@dataclass(kw_only=True, eq=False, repr=False)
class LinSepAutoEncoder(BackboneDetector):
    """The first phase of LinSep-LIS-AE: AE with a binary cross-entropy that separates normal from negative.

    The logit is a linear function of the latent layer's pre-activation, so that the encoder's features
    become linearly separable (Section 4.2, end). The classifier is dropped after training; negatives are not
    reconstructed.

    Args:
        separation: weight of the cross-entropy beside the squared error of an image.

    The other arguments and attributes are those of ``BackboneDetector``.
    """

    uses_negatives = True

    separation: float = 50.0

    def _objective(self, generator: torch.Generator) -> Objective:
        classifier = nn.Linear(self.latent_dim, 1, device="meta").to_empty(device="cpu")
        initialise(classifier, generator)
        return LinearSeparation(self.network_, classifier.to(self.arithmetic()[0]), self.separation)
