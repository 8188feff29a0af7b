"""The method (Section 3.3, Algorithm 1): AE, then the latent layer shaped with negatives; plain, and with LinSep."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lisae import memory
from lisae.backbone import INNER_LAYERS, Backbone, initialise
from lisae.backbone_detector import BackboneDetector, squared_error
from lisae.conventions import Stage
from lisae.few import FEW, more_of, times_of
from lisae.images import Images
from lisae.progress import Callback
from lisae.reconstruction import ReconstructionDetector, check_varied, reconstruction_error, variance_of
from lisae.settings import (
    AUTO,
    Count,
    CountOrZero,
    DecayRate,
    NotNegative,
    NotNegativeOrAuto,
    Part,
    Positive,
    PositiveOrAuto,
)
from lisae.stacks import Learning
from lisae.training import Objective


@dataclass(kw_only=True, eq=False, repr=False)
class AutoEncoder(BackboneDetector):
    """AE: the backbone trained to reconstruct normal images, and nothing else.

    Args:
        activation: of the latent layer, ``tanh`` or ``relu``.
        channel_factor: channels of the convolutions, relative to those of ``Backbone``.
        inner_weight: weight of the error of the inner autoencoder, relative to the variance of its inputs, beside the
            squared error of the image. 0 is AE as in the paper's experiments, which found it not necessary (Section
            4.1, end).

    The other arguments, the loss, the attributes and the errors are those of ``BackboneDetector``.
    """

    ends_early = True

    validation_fraction: Part = 0.1
    activation: Annotated[str, ("tanh", "relu")] = "tanh"
    channel_factor: Positive = 1.0
    inner_weight: NotNegative = 0.0

    def _network(self, generator: torch.Generator) -> Backbone:
        return Backbone(self.image_shape_, self.latent_dim_, generator, self.activation, self.channel_factor)

    def _objective(self, generator: torch.Generator) -> Objective:
        if self.inner_weight == 0:
            return super()._objective(generator)
        return InnerReconstruction(self.network_, self.inner_weight)


class InnerReconstruction(Objective):
    """The squared error of an image, and the relative one of the inner autoencoder, whose input is the features.

    The inner autoencoder is the latent layer and the layer after it (Section 4.1, end): its output is to be as the
    encoder's features are. Its error is divided by the variance of the features over the batch. Undivided, it is made
    small by small features, which then are no more alike to the output than their mean is.

    Args:
        network: the backbone.
        weight: of the inner error.
    """

    def __init__(self, network: Backbone, weight: float) -> None:
        super().__init__()
        self.network = network
        self.weight = weight

    def forward(self, images: Tensor) -> Tensor:
        """Map images, (n, c, h, w) in [0, 1], to the loss, ()."""
        features = self.network.encoder(images)
        inner = self.network.decoder[:INNER_LAYERS](self.network.code(features))
        error = squared_error(images, self.network.decoder[INNER_LAYERS:](inner))
        features = features.float()
        return error + self.weight * squared_error(features, inner) / squared_error(features, features.mean(dim=0))


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
    ends_early = True

    validation_fraction: Part = 0.1
    separation: NotNegative = 50.0

    def _objective(self, generator: torch.Generator) -> Objective:
        classifier = nn.Linear(self.latent_dim_, 1, device="meta").to_empty(device="cpu")
        initialise(classifier, generator)
        return LinearSeparation(self.network_, classifier.to(self.arithmetic()[0]), self.separation)


# The means over a batch of the errors of normal images, e, and of the distances of those of negatives from gamma, d.
READINGS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "absolute": (lambda e: e.mean(), lambda d: d.abs().mean()),
    "rms": (lambda e: e.mean(), lambda d: d.square().mean().sqrt()),
    "square": (lambda e: e.square().mean(), lambda d: d.square().mean()),
    "hinge": (lambda e: e.mean(), lambda d: d.clamp(min=0).mean()),
}


# For ``gamma="auto"``, in root mean squared distances of the normal images from their mean image (docs/defaults.md).
GAMMA, GAMMA_OF_FEW = 1.5, 2.0


def auto_gamma(normal: Images) -> float:
    """Return gamma for normal images of the checked form, (n, h, w, c).

    It is 1.5 times the root mean squared distance of the images from their mean image, and twice that distance for
    fewer than a hundred grey images, of which new ones are reconstructed that much worse.
    """
    is_few = len(normal) < FEW and normal.shape[3] == 1
    return (GAMMA_OF_FEW if is_few else GAMMA) * math.sqrt(variance_of(normal))


class LatentShaping(Objective):
    """Eq. (1), as a function of the latent layer alone.

    Args:
        network: the backbone, frozen but for its latent layer.
        beta, gamma, reading: as for ``LISAE``.
    """

    def __init__(self, network: Backbone, beta: float, gamma: float, reading: str) -> None:
        super().__init__()
        self.network = network
        self.beta, self.gamma, self.reading = beta, gamma, reading

    def trained(self) -> list[nn.Parameter]:
        """Return the parameters of the latent layer."""
        return list(self.network.latent.parameters())

    def forward(self, features: Tensor, images: Tensor, other_features: Tensor, others: Tensor) -> Tensor:
        """Map features, (n, features), and images, (n, c, h, w), of normal images and of negatives to the loss, ()."""
        codes = self.network.code(torch.cat([features, other_features]))
        errors = reconstruction_error(torch.cat([images, others]), self.network.decoder(codes))
        distances = self.gamma - errors[len(images) :]
        mean_error, mean_distance = READINGS[self.reading]
        return mean_error(errors[: len(images)]) + self.beta * mean_distance(distances)


class LatentShapingOfImages(LatentShaping):
    """Eq. (1), with the features computed for each batch, for images whose features do not fit in memory."""

    def forward(self, images: Tensor, others: Tensor) -> Tensor:  # type: ignore[override]
        """Map normal images and negatives, (n, c, h, w) and (m, c, h, w) in [0, 1], to the loss, ()."""
        return super().forward(self.network.encoder(images), images, self.network.encoder(others), others)


@dataclass(kw_only=True, eq=False, repr=False)
class LISAE(ReconstructionDetector):
    """LIS-AE: an autoencoder whose latent layer is trained to reconstruct normal images and nothing else.

    Phase one is an ``AutoEncoder``. Phase two freezes all of it but the latent layer, begins from its very
    weights, and minimises Eq. (1),

        ||x+ - D(Z(E(x+)))|| + beta * || gamma - ||x- - D(Z(E(x-)))|| ||,

    whose inner norms are over the pixels of an image. The paper leaves open how a batch enters: see ``reading``. An
    epoch is one pass over the normal images, each step beside as many negative examples. The encoder is frozen, so its
    features are computed once, where they take no more than two gibibytes.

    Args:
        autoencoder: phase one. Fitted: its weights are where phase two begins, and it stays as it is (it must
            have seen the same normal images). Not fitted: a clone of it is fitted first. None: the defaults.
        beta: weight of the negative examples.
        gamma: reconstruction error that is enough for a negative example, as a norm over the pixels. ``auto``: as
            ``auto_gamma`` says, 1.5 times the distance of the normal images from their mean image, or twice.
        reading: of Eq. (1) for a batch. With the errors e of its normal images, and the distances d = gamma - error of
            its negatives: ``absolute`` is mean e + beta * mean |d|; ``rms`` takes the outer norm over the batch,
            mean e + beta * sqrt(mean d^2); ``square`` reads the norm sign as the squared norm, as the preprint says,
            mean e^2 + beta * mean d^2; ``hinge`` is satisfied by an error above gamma, as the prose says,
            mean e + beta * mean max(0, d).
        epochs: passes over the normal images in phase two.
        batch_size: normal images, and negative examples, in a step.
        learning_rate: peak of the one-cycle rate.
        adam_beta2: Adam's decay rate of squared gradients.
        min_steps: steps of phase two, at least, as for ``BackboneDetector``.
        min_images: normal images, and negatives, of phase two at least. Fewer are joined by copies of them that are
            moved by a pixel in 28, eight of each at most; in colour by a seventh of the shorter side, 24 of each, and
            where there are fewer than a hundred normal images in another light (``lisae.few``). 0: there are none.
        strokes: images of drawn strokes that join the negatives of phase two, for each of these (moved copies
            counted). ``auto``: two in grey images, up to twice ``min_images``, and in colour those that are missing
            from half of ``min_images``; none beside negatives that ``fit`` made itself, as for ``negatives="elastic"``.
        n_jobs: threads on a CPU, as for ``BackboneDetector``; None: as many as phase one is told.
        image_shape, size: as for ``Detector``; None: as phase one is told.
        verbose, callback: as for ``BackboneDetector``, also for a phase one that is not fitted.
        contamination, random_state: as for ``Detector``.
        validation_fraction: as for ``Detector``; a phase one that is not fitted has the same images held out. One that
            was fitted on the same images with the same fraction has had. Twins train a phase one of their own.

    Attributes:
        gamma_: the value of ``gamma``.
        autoencoder_: the fitted phase one, before latent shaping.
        network_: the backbone after latent shaping.
        losses_: mean loss of each epoch of phase two.
        restarts_: how many times phase one began again after a collapse.

    ``fit`` raises ``CollapseError`` when phase one collapsed, or latent shaping ended in a constant.
    """

    uses_negatives = True
    stage = Stage("autoencoder", AutoEncoder)

    autoencoder: BackboneDetector | None = field(default=None, kw_only=False)
    beta: NotNegative = 1.0
    gamma: PositiveOrAuto = AUTO
    reading: Annotated[str, tuple(READINGS)] = "absolute"
    epochs: Count = 5
    batch_size: Count = 128
    learning_rate: Positive = 1e-3
    adam_beta2: DecayRate = 0.999
    min_steps: CountOrZero = 250
    min_images: CountOrZero = 1000
    strokes: NotNegativeOrAuto = AUTO
    validation_fraction: Part = 0.1
    n_jobs: int | None = None
    verbose: bool = False
    callback: Callback | None = None
    gamma_: float = field(init=False)
    autoencoder_: BackboneDetector = field(init=False)
    restarts_: int = field(init=False)

    def arithmetic(self) -> tuple[torch.device, torch.dtype]:
        """Return the device and the type of phase one; only a fitted detector has them."""
        return self.autoencoder_.arithmetic()

    def steps(self, n: int) -> dict[str, int]:
        """Return the steps of phase two under the name ``training``."""
        return super().steps(n * times_of(n, self.min_images, getattr(self, "image_shape_", None)))

    def _learn(self, normal: Images, negatives: Images | None, seed: int) -> Learning[NDArray[np.float64]]:
        assert negatives is not None  # Detector.fit requires them
        self.autoencoder_ = yield from self._fitted_stage(normal, negatives, seed)
        self.restarts_ = self.autoencoder_.restarts_
        self.network_ = copy.deepcopy(self.autoencoder_.network_)
        self.network_.requires_grad_(False)
        self.network_.latent.requires_grad_(True)
        strokes = 0.0 if self.strokes == AUTO and self._negatives_are_made else self.strokes
        learned, negatives = more_of(normal, negatives, seed, least=self.min_images, strokes=strokes)
        n = len(learned) + len(negatives)
        is_cached = n * self.network_.features * self.arithmetic()[1].itemsize <= memory.FEATURES
        kind = LatentShaping if is_cached else LatentShapingOfImages
        pools: list[tuple[Images | Tensor, ...]] = [
            (self._features(images), images) if is_cached else (images,) for images in (learned, negatives)
        ]
        self.gamma_ = auto_gamma(normal) if isinstance(self.gamma, str) else float(self.gamma)
        objective = kind(self.network_, self.beta, self.gamma_, self.reading)
        self.losses_ = yield from self._train(objective, pools, torch.Generator().manual_seed(seed))
        errors = self._anomaly_score(normal)
        check_varied(errors, self._some_codes(normal))
        return errors


class LinSepLISAE(LISAE):
    """LinSep-LIS-AE: LIS-AE whose phase one also separates normal from negative examples linearly (Section 4.2).

    Phase one is a ``LinSepAutoEncoder``; everything else is ``LISAE``.
    """

    stage = Stage("autoencoder", LinSepAutoEncoder)
