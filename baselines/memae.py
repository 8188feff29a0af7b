"""Mem-AE: the memory-augmented autoencoder (Gong et al., ICCV 2019, arXiv:1904.02639)."""

import math
from dataclasses import dataclass, field
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional

from lisae.backbone import Backbone, autocast
from lisae.backbone_detector import BackboneDetector, squared_error
from lisae.settings import NotNegative, Range
from lisae.training import Objective

ADDRESSINGS = ("cosine", "dot")
_EPSILON = 1e-12


class MemoryBackbone(Backbone):
    """The backbone whose decoder is given a mixture of learned slots in place of the code itself.

    Args:
        image_shape: (h, w, c).
        latent_dim: width of the latent layer and of a slot.
        slots: how many slots the memory has.
        shrinkage: share of a slot below which it is dropped from a mixture, in units of 1 / ``slots``.
        generator: draws the initial weights and slots.
        addressing: how query and slot are compared, ``cosine`` or ``dot``.

    Raises ValueError as ``Backbone`` does.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        latent_dim: int,
        slots: int,
        shrinkage: float,
        generator: torch.Generator,
        *,
        addressing: str,
    ) -> None:
        super().__init__(image_shape, latent_dim, generator)
        self.threshold = shrinkage / slots
        self.addressing = addressing
        bound = 1 / math.sqrt(latent_dim)
        self.memory = nn.Parameter(torch.empty(slots, latent_dim).uniform_(-bound, bound, generator=generator))

    def address(self, features: Tensor) -> Tensor:
        """Return the share of each slot, (n, slots), in the mixtures for encoder features, (n, features); Section 3.3.

        Softmax of the cosine of query and slot or of their dot product, hard shrinkage, and division by the sum: a row
        sums to one, or is zero throughout where no slot passes the threshold. The query is the backbone's code, tanh
        included.
        """
        query = super().code(features).float()
        with autocast(query.device, torch.float32):  # shares differ by little: bfloat16 would blur the threshold
            slots: Tensor = self.memory
            if self.addressing == "cosine":
                query, slots = functional.normalize(query, dim=1), functional.normalize(slots, dim=1)
            shares = torch.softmax(query @ slots.T, dim=1)
            above = shares - self.threshold
            kept = above.relu() * shares / (above.abs() + _EPSILON)
            return functional.normalize(kept, p=1, dim=1, eps=_EPSILON)

    def code(self, features: Tensor) -> Tensor:
        """Return the mixture of slots for the decoder, (n, latent_dim), of encoder features, (n, features)."""
        return self.address(features) @ self.memory


class SparseAddressing(Objective):
    """The squared error of a reconstruction, and ``entropy_weight`` times the entropy of its address."""

    def __init__(self, network: MemoryBackbone, entropy_weight: float) -> None:
        super().__init__()
        self.network = network
        self.entropy_weight = entropy_weight

    def forward(self, images: Tensor) -> Tensor:
        """Map images, (n, c, h, w) in [0, 1], to the loss, ()."""
        shares = self.network.address(self.network.encoder(images))
        error = squared_error(images, self.network.decoder(shares @ self.network.memory))
        return error + self.entropy_weight * entropy(shares)


@dataclass(kw_only=True, eq=False, repr=False)
class MemoryAutoEncoder(BackboneDetector):
    """Mem-AE: AE whose code is a query to a memory of normal codes, and whose decoder is given slots of it alone.

    The loss is that of AE plus ``entropy_weight`` times the entropy of an image's shares of the slots (Section 3.4
    of Gong et al.), averaged over the batch.

    Args:
        slots: how many slots the memory has; Gong et al. have 100 for MNIST and 500 for CIFAR-10.
        shrinkage: share of a slot below which it is dropped from a mixture, in units of 1 / ``slots``; Gong et al.
            take 1 to 3. Cosines lie in [-1, 1], so that no share is above e^2 / ``slots`` and few are above 2:
            from there on every slot may be dropped for every image, and the network stays at the mean image.
        entropy_weight: weight of the entropy; Gong et al. have 2e-4.
        addressing: how a query is compared with a slot: ``cosine``, as the paper of Gong et al. has it (Equation 5), or
            ``dot``, the dot product of their code (github.com/donggong1/memae-anomaly-detection).

    The other arguments, the attributes and the errors are those of ``BackboneDetector``; ``fit`` also raises ValueError
    for fewer than two slots, a negative ``shrinkage`` or another ``addressing``.
    """

    slots: Annotated[int, Range(2)] = 100
    shrinkage: NotNegative = 1.0
    entropy_weight: NotNegative = 2e-4
    addressing: Annotated[str, ADDRESSINGS] = "cosine"
    network_: MemoryBackbone = field(init=False)

    def _network(self, generator: torch.Generator) -> MemoryBackbone:
        return MemoryBackbone(
            self.image_shape_, self.latent_dim_, self.slots, self.shrinkage, generator, addressing=self.addressing
        )

    def _objective(self, generator: torch.Generator) -> Objective:
        return SparseAddressing(self.network_, self.entropy_weight)


def entropy(shares: Tensor) -> Tensor:
    """Return the entropy of each row of shares that sum to one, averaged over the rows: (n, slots) -> (), in nats."""
    return -(shares * (shares + _EPSILON).log()).sum() / len(shares)
