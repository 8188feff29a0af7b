"""Detectors that train a backbone of their own, from its first weights on: the autoencoder and its rivals."""

import logging
import warnings
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lisae.backbone import PRECISIONS, Backbone, resolve_device, resolve_precision
from lisae.errors import CollapseError, RestartWarning, UndertrainedError
from lisae.images import Images
from lisae.progress import Callback
from lisae.reconstruction import ReconstructionDetector, check_alive
from lisae.settings import AUTO, Count, CountOrAuto, CountOrZero, DecayRate, Positive, Range
from lisae.stacks import Learning
from lisae.stopping import Stopping
from lisae.training import Objective
from lisae.width import latent_width

log = logging.getLogger("lisae")

MAX_RESTARTS = 3
_LOOKED_AT = 256  # held-out images whose error may end a training, at most


class Reconstruction(Objective):
    """The squared error of an image, summed over its pixels, mean over the batch."""

    def __init__(self, network: Backbone) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Map images, (n, c, h, w) in [0, 1], to the loss, ()."""
        return squared_error(images, self.network(images))


@dataclass(kw_only=True, eq=False, repr=False)
class BackboneDetector(ReconstructionDetector):
    """A detector that trains a backbone of its own; here to reconstruct normal images, and nothing else.

    The loss is the squared error summed over the pixels of an image, averaged over the batch. A network that
    collapses is trained again from a seed derived from the first, at most three times. A subclass may have another
    network, another loss, or several trainings.

    Args:
        latent_dim: width of the latent layer; ``auto``: as ``width.latent_width`` says, by the normal images.
        epochs: passes over the normal images.
        batch_size: images in a step.
        learning_rate: peak of the one-cycle rate.
        adam_beta2: Adam's decay rate of squared gradients (Kingma and Ba, arXiv:1412.6980). Its usual .999 remembers a
            thousand steps, which is more than a short training has.
        min_steps: steps of a training, at least. Few images are passed over in more epochs, and in batches of an eighth
            of them, of 16 at least. 0 leaves epochs and batches as they are said.
        patience: where ``ends_early``, the training ends when the error of held-out images fell in none of this share
            of the steps, and the weights are those that it was lowest with. 0: all steps, and the last weights, as
            also where none are held out but from twins.
        precision: ``float32``, ``bfloat16`` or ``auto`` (bfloat16 where the processor has it). Scores are float32.
        device: ``cpu``, ``cuda``, ``cuda:1`` and so on, ``mps``, ``auto`` (CUDA where there is one), or a torch.device.
        n_jobs: threads on a CPU, -1 for all processors; None: one for images up to some 60 x 60 pixels, and more for
            larger ones, as many as PyTorch has at most.
        verbose: show the steps of each training on the terminal, with the time left.
        callback: called after each step of a training with its ``Progress``.
        contamination, validation_fraction, random_state: as for ``Detector``.

    Attributes:
        ends_early: whether the error of held-out images may end the training.
        latent_dim_: the width of the latent layer.
        network_: the trained backbone.
        losses_: mean training loss of each epoch.
        restarts_: how many times training began again after a collapse.

    ``fit`` warns of a restart with ``RestartWarning``, raises ``CollapseError`` when every restart collapsed too, and
    ``UndertrainedError`` at once where there were too few steps to learn anything.
    """

    ends_early: ClassVar[bool] = False

    latent_dim: CountOrAuto = AUTO
    epochs: Count = 12
    batch_size: Count = 64
    learning_rate: Positive = 2e-3
    adam_beta2: DecayRate = 0.999
    min_steps: CountOrZero = 500
    patience: Annotated[float, Range(high=1)] = 0.25
    precision: Annotated[str, PRECISIONS] = "auto"
    device: str | torch.device = "auto"
    n_jobs: int | None = None
    verbose: bool = False
    callback: Callback | None = None
    latent_dim_: int = field(init=False)
    restarts_: int = field(init=False)

    def arithmetic(self) -> tuple[torch.device, torch.dtype]:
        """Return the device that the network computes on, and the type of its matrix products and convolutions."""
        device = resolve_device(self.device)
        return device, resolve_precision(self.precision, device)

    def _learn(self, normal: Images, negatives: Images | None, seed: int) -> Learning[NDArray[np.float64]]:
        self.latent_dim_ = self._width(normal)
        for restarts in range(MAX_RESTARTS + 1):
            derived = int(np.random.SeedSequence([seed, restarts]).generate_state(1)[0]) if restarts else seed
            generator = torch.Generator().manual_seed(derived)
            try:
                self.network_ = self._network(generator).to(self.arithmetic()[0])
                self.losses_ = yield from self._minimise(normal, negatives, generator)
                scores = self._anomaly_score(normal)
                self._check_alive(normal, scores)
                self.restarts_ = restarts
                return scores
            except UndertrainedError:
                raise
            except CollapseError as error:
                log.info("collapsed with seed %d: %s", derived, error)
                last = error
                if restarts < MAX_RESTARTS:
                    text = f"{type(self).__name__} learned nothing ({error}) and is trained again from another seed"
                    warnings.warn(f"{text}, restart {restarts + 1} of {MAX_RESTARTS}.", RestartWarning, stacklevel=2)
        raise CollapseError(
            f"collapsed from {MAX_RESTARTS + 1} seeds in a row, at last because {last}; "
            f"a lower learning_rate than {self.learning_rate} may help"
        ) from last

    def _untrained(self) -> Backbone:
        return self._network(torch.Generator())

    def _width(self, normal: Images) -> int:
        """Return the width of the latent layer for these images."""
        return latent_width(normal) if isinstance(self.latent_dim, str) else int(self.latent_dim)

    def _network(self, generator: torch.Generator) -> Backbone:
        """Return the network before training, for images of ``image_shape_``."""
        return Backbone(self.image_shape_, self.latent_dim_, generator)

    def _check_alive(self, normal: Images, scores: NDArray[np.float64]) -> None:
        """Raise ``CollapseError`` if the trained network learned nothing; ``scores`` are the normal images' own."""
        check_alive(normal, scores, self._some_codes(normal), sum(self.steps(len(normal)).values()))

    def _minimise(self, normal: Images, negatives: Images | None, generator: torch.Generator) -> Learning[list[float]]:
        """Train the network and return the mean loss of each epoch; ``generator`` draws everything random."""
        pools = [[images] for images in (normal, negatives) if images is not None]
        return self._train(self._objective(generator), pools, generator, stopping=self._stopping())

    def _stopping(self) -> Stopping | None:
        """Return what ends the training early by the squared error of held-out images; None for nothing."""
        if not self.ends_early or not self.patience:
            return None
        own = [images for images, twin in self._held_out if twin is None]
        if not own:
            return None
        some = self._taken(own[0][:: -(-len(own[0]) // _LOOKED_AT)])
        return Stopping(lambda: float(np.square(self._anomaly_score(some)).mean()), self.patience)

    def _objective(self, generator: torch.Generator) -> Objective:
        """Return the loss to minimise, a function of a batch of normal images and of one of negatives, if any."""
        return Reconstruction(self.network_)


def squared_error(images: Tensor, reconstructions: Tensor) -> Tensor:
    """Return the squared error summed over the pixels of an image, mean over the batch: (n, c, h, w) twice -> ()."""
    return (reconstructions.float() - images).square().sum() / len(images)
