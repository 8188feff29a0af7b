"""OC-DSVDD: one-class Deep SVDD (Ruff et al., ICML 2018, PMLR 80:4393-4402) on the encoder of the backbone."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lisae.backbone import Backbone
from lisae.backbone_detector import BackboneDetector, Reconstruction
from lisae.detector import Images
from lisae.reconstruction import check_alive, check_varied
from lisae.settings import Count, Positive
from lisae.stacks import Learning
from lisae.training import Objective

# Least distance of a coordinate of the centre from zero, which weights of zero would reach.
_MARGIN = 0.1


class HypersphereBackbone(Backbone):
    """The backbone with a latent layer and encoder that have no bias, no tanh at the end, and a centre.

    With biases, or an activation that saturates, one code for every image would be the best answer to the one-class
    objective (Propositions 2 and 3 of Ruff et al.). The decoder, which pre-training alone needs, is unchanged.
    Arguments and errors are those of ``Backbone``.

    Attributes:
        centre: the centre of the hypersphere, (latent_dim,).
    """

    centre: Tensor

    def __init__(self, image_shape: tuple[int, int, int], latent_dim: int, generator: torch.Generator) -> None:
        super().__init__(image_shape, latent_dim, generator)
        for layer in (*self.encoder, self.latent):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.register_parameter("bias", None)
        self.register_buffer("centre", torch.zeros(latent_dim))

    def code(self, features: Tensor) -> Tensor:
        """Return the latent code in R^latent_dim, (n, latent_dim), of encoder features, (n, features)."""
        return self.latent(features)

    def distance(self, images: Tensor) -> Tensor:
        """Return the squared distance of the images' codes to the centre, (n, c, h, w) -> (n,)."""
        return (self.code(self.encoder(images)).float() - self.centre).square().sum(dim=1)


class OneClass(Objective):
    """The mean squared distance of the codes to the centre (Equation 4 of Ruff et al.)."""

    def __init__(self, network: HypersphereBackbone) -> None:
        super().__init__()
        self.network = network

    def trained(self) -> list[nn.Parameter]:
        """Return the parameters of encoder and latent layer."""
        return [*self.network.encoder.parameters(), *self.network.latent.parameters()]

    def forward(self, images: Tensor) -> Tensor:
        """Map images, (n, c, h, w) in [0, 1], to the loss, ()."""
        return self.network.distance(images).mean()


@dataclass(kw_only=True, eq=False, repr=False)
class DeepSVDD(BackboneDetector):
    """OC-DSVDD: an encoder that maps normal images close to one point, scored by the squared distance to it.

    The network is first trained to reconstruct, as AE is. The centre is then the mean code of the normal images,
    its coordinates at least .1 from zero, and encoder and latent layer minimise the mean squared distance to it
    (Equation 4 of Ruff et al.), both with Adam and a one-cycle rate. Images are taken as they are, without the
    contrast normalisation that the authors put before, as for every other model here.

    Args:
        epochs: passes over the normal images to minimise the distance.
        learning_rate: peak of the one-cycle rate while the distance is minimised.
        pretraining_epochs: passes over the normal images to learn to reconstruct them.
        pretraining_learning_rate: peak of the one-cycle rate in that.
        weight_decay: Adam's L2 penalty, in both; lambda of Ruff et al., .5e-6.

    The other arguments, the attributes and the errors are those of ``BackboneDetector``. ``losses_`` are those of the
    one-class objective. The decoder is that of pre-training, so that ``reconstruct`` only shows how far the codes
    have moved since. Both trainings are checked for collapse.
    """

    pretraining_epochs: Count = 12
    pretraining_learning_rate: Positive = 2e-3
    weight_decay: float = 0.5e-6
    learning_rate: Positive = 1e-4
    network_: HypersphereBackbone = field(init=False)

    def _network(self, generator: torch.Generator) -> HypersphereBackbone:
        return HypersphereBackbone(self.image_shape_, self.latent_dim, generator)

    def _minimise(self, normal: Images, negatives: Images | None, generator: torch.Generator) -> Learning[list[float]]:
        network = self.network_
        yield from self._train(
            Reconstruction(network),
            [[normal]],
            generator,
            epochs=self.pretraining_epochs,
            learning_rate=self.pretraining_learning_rate,
            weight_decay=self.weight_decay,
        )
        errors = self._apply(super()._score, normal)
        check_alive(normal, errors.double().cpu().numpy(), self._some_codes(normal))
        codes = self._apply(lambda batch: network.code(network.encoder(batch)), normal)
        network.centre.copy_(away_from_zero(codes.mean(dim=0)))
        pools = [[images] for images in (normal, negatives) if images is not None]
        objective = self._objective(generator)
        return (yield from self._train(objective, pools, generator, weight_decay=self.weight_decay))

    def _objective(self, generator: torch.Generator) -> Objective:
        return OneClass(self.network_)

    def _check_alive(self, normal: Images, scores: NDArray[np.float64]) -> None:
        check_varied(scores, self._some_codes(normal))

    def _score(self, images: Tensor) -> Tensor:
        return self.network_.distance(images)


def away_from_zero(centre: Tensor) -> Tensor:
    """Move coordinates nearer to zero than .1 to .1, or to -.1 where they are negative; same shape."""
    return torch.where(centre.abs() < _MARGIN, torch.where(centre < 0, -_MARGIN, _MARGIN), centre)
