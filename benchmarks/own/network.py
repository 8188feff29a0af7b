"""The adapter for a plain PyTorch module and a function that scores images by it."""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lisae.backbone import PRECISIONS, resolve_device, resolve_precision
from lisae.images import Images
from lisae.reconstruction import ReconstructionDetector
from lisae.settings import Count, CountOrZero, DecayRate, Positive
from lisae.stacks import Learning
from lisae.training import Objective


class MeanScore(Objective):
    """The mean score of normal images."""

    def __init__(self, detector: "NetworkDetector") -> None:
        super().__init__()
        self.network = detector.network_
        self._of = [detector]  # in a list, so that it is no part of the module

    def forward(self, images: Tensor) -> Tensor:
        """Map images, (n, c, h, w) in [0, 1], to the loss, ()."""
        return self._of[0].loss(self.network, images)


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkDetector(ReconstructionDetector):
    """Adapter for a PyTorch module: a subclass gives ``network`` and ``score``, and the module is trained here.

    It learns to give normal images a low score, by Adam with a one-cycle rate; another ``loss`` may be given.

    Args:
        epochs: passes over the normal images.
        batch_size: images in a step.
        learning_rate: peak of the one-cycle rate.
        adam_beta2: Adam's decay rate of squared gradients.
        min_steps: steps of a training, at least; few images are passed over in more epochs. 0 for the epochs alone.
        precision: ``float32``, ``bfloat16`` or ``auto`` (bfloat16 where the processor has it).
        device: ``cpu``, ``cuda`` or ``auto``.
        n_jobs: threads on a CPU, -1 for all processors; None: as many as suit the images.
        contamination: share of the normal training images that ``predict`` calls anomalous.
        random_state: decides everything random.

    Attributes:
        network_: the trained module.
        losses_: mean training loss of each epoch.
    """

    epochs: Count = 12
    batch_size: Count = 128
    learning_rate: Positive = 2e-3
    adam_beta2: DecayRate = 0.999
    min_steps: CountOrZero = 500
    precision: Annotated[str, PRECISIONS] = "float32"
    device: str = "auto"
    n_jobs: int | None = None
    network_: nn.Module = field(init=False)  # type: ignore[assignment]  # no backbone

    @abstractmethod
    def network(self, channels: int, height: int, width: int) -> nn.Module:
        """Return the module, not trained; PyTorch's own random numbers are seeded by ``random_state`` meanwhile."""

    @abstractmethod
    def score(self, network: nn.Module, images: Tensor) -> Tensor:
        """Score float images in [0, 1], (n, c, h, w) -> (n,), higher is more anomalous."""

    def loss(self, network: nn.Module, images: Tensor) -> Tensor:
        """Return what is minimised over a batch of normal images, (): here their mean score."""
        return self.score(network, images).mean()

    def arithmetic(self) -> tuple[torch.device, torch.dtype]:
        """Return the device that the network computes on, and the type of its matrix products and convolutions."""
        device = resolve_device(self.device)
        return device, resolve_precision(self.precision, device)

    def _untrained(self) -> nn.Module:
        height, width, channels = self.image_shape_
        return self.network(channels, height, width)

    def _learn(self, normal: Images, negatives: Images | None, seed: int) -> Learning[NDArray[np.float64]]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network_ = self._untrained().to(self.arithmetic()[0])
        generator = torch.Generator().manual_seed(seed)
        self.losses_ = yield from self._train(MeanScore(self), [(normal,)], generator)
        self.network_.eval()
        return self._anomaly_score(normal)

    def _score(self, images: Tensor) -> Tensor:
        return self.score(self.network_, images)
