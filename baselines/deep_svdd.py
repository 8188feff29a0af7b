"""OC-DSVDD: one-class Deep SVDD (Ruff et al., ICML 2018, PMLR 80:4393-4402) on the encoder of the backbone."""

import math
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from baselines.contrast import CONTRASTS, ContrastNormalised
from baselines.label_sweep import LabelSweep
from lisae.backbone import Backbone
from lisae.backbone_detector import BackboneDetector, Reconstruction
from lisae.images import Images
from lisae.reconstruction import check_alive, check_varied
from lisae.settings import Count, NotNegative, Positive
from lisae.stacks import Learning
from lisae.training import Objective

# Least distance of a coordinate of the centre from zero, which weights of zero would reach.
_MARGIN = 0.1
# Shares of the normal training images outside of the hypersphere, each twice the one before, as OC-SVM's length scales.
OUTSIDE = 2.0 ** np.arange(-10, 0)


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

    def begin_at(self, pixel: float) -> None:
        """Let the decoder begin at this pixel, in (0, 1), and not at one half.

        Pixels whose contrast is normalised lie close together, on MNIST close to zero: on the way there from one half
        the last sigmoid saturates, and nothing is learned any more.
        """
        last = self.decoder[-2]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        nn.init.constant_(last.bias, math.log(pixel / (1 - pixel)))

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
class DeepSVDD(ContrastNormalised, LabelSweep, BackboneDetector):
    """OC-DSVDD: an encoder that maps normal images close to one point, scored by the squared distance to it.

    The network is first trained to reconstruct, as AE is. The centre is then the mean code of the normal images,
    its coordinates at least .1 from zero, and encoder and latent layer minimise the mean squared distance to it
    (Equation 4 of Ruff et al.), both with Adam and a one-cycle rate.

    That score has no length scale. The paper varies one for this model as for OC-SVM "and uses a predicted class label"
    (Section 5.1). A label is +1 within some distance of the centre, so that the length scale is that distance, the
    radius: ``sweep_labels`` gives the labels at ten radii, those that leave ``OUTSIDE`` of the normal training images
    outside. The area under these labels is at most that of the score, whose curve they are points of.

    Args:
        contrast: as for ``ContrastNormalised``; the authors have ``l1`` on MNIST and CIFAR-10.
        epochs: passes over the normal images to minimise the distance.
        learning_rate: peak of the one-cycle rate while the distance is minimised.
        pretraining_epochs: passes over the normal images to learn to reconstruct them.
        pretraining_learning_rate: peak of the one-cycle rate in that.
        weight_decay: Adam's L2 penalty, in both; lambda of Ruff et al., .5e-6.

    The other arguments, the attributes and the errors are those of ``BackboneDetector`` and ``ContrastNormalised``.
    ``losses_`` are those of the one-class objective; ``squared_radii_`` are the ten squared radii. The decoder is that
    of pre-training, so that ``reconstruct`` only shows how far the codes have moved since. Both trainings are checked
    for collapse.
    """

    contrast: Annotated[str, CONTRASTS] = "l1"
    pretraining_epochs: Count = 12
    pretraining_learning_rate: Positive = 2e-3
    weight_decay: NotNegative = 0.5e-6
    learning_rate: Positive = 1e-4
    network_: HypersphereBackbone = field(init=False)
    squared_radii_: list[float] = field(init=False)

    def steps(self, n: int) -> dict[str, int]:
        """Return the steps of pre-training and of the one-class objective."""
        epochs = {"pre-training": self.pretraining_epochs, "one-class": self.epochs}
        return {name: self._steps(n, own, self.batch_size) for name, own in epochs.items()}

    def sweep_labels(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the class label of each image at each of ten radii, +1 inside and -1 outside, (10, n).

        Raises:
            sklearn.exceptions.NotFittedError: before ``fit``.
            ValueError: for images that are wrong as in ``anomaly_score``.
        """
        scores = self.anomaly_score(X)
        return np.where(scores > np.array(self.squared_radii_)[:, None], -1, 1)

    def _learn(self, normal: Images, negatives: Images | None, seed: int) -> Learning[NDArray[np.float64]]:
        scores = yield from super()._learn(normal, negatives, seed)
        self.squared_radii_ = np.quantile(scores, 1 - OUTSIDE).tolist()
        return scores

    def _network(self, generator: torch.Generator) -> HypersphereBackbone:
        return HypersphereBackbone(self.image_shape_, self.latent_dim_, generator)

    def _minimise(self, normal: Images, negatives: Images | None, generator: torch.Generator) -> Learning[list[float]]:
        network = self.network_
        if self.contrast != "none":
            network.begin_at(float(np.mean(normal, dtype=np.float64)))
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
