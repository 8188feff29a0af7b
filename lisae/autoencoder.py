"""The autoencoder: the paper's feature-extraction phase (Section 3.3), plain or with linear separation."""

import json
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from lisae.backbone import Backbone, initialise
from lisae.collapse import check_alive, with_restarts
from lisae.detector import Images
from lisae.device import resolve_device, resolve_precision
from lisae.reconstruction import ReconstructionDetector
from lisae.stacks import Learning
from lisae.training import Objective


class Reconstruction(Objective):
    """The squared error of an image, summed over its pixels, mean over the batch."""

    def __init__(self, network: Backbone) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Images, (n, c, h, w) in [0, 1] -> ()."""
        return squared_error(images, self.network(images))


class AutoEncoder(ReconstructionDetector):
    """AE: the backbone trained to reconstruct normal images, and nothing else.

    The loss is the squared error summed over the pixels of an image, averaged over the batch. A network that
    collapses is trained again from a seed derived from the first, at most three times.

    Args:
        latent_dim: width of the latent layer.
        activation: of the latent layer, ``tanh`` or ``relu``.
        epochs: passes over the normal images.
        batch_size: images in a step.
        learning_rate: peak of the one-cycle rate.
        precision: ``float32``, ``bfloat16`` or ``auto`` (bfloat16 where the processor has it).
        device: ``cpu``, ``cuda`` or ``auto``.
        contamination: share of the normal training images that ``predict`` calls anomalous.
        random_state: decides everything random.

    Attributes:
        network_: the trained backbone.
        losses_: mean training loss of each epoch.
        restarts_: how many times training began again after a collapse.

    ``fit`` raises ``CollapseError`` when every restart collapsed as well.
    """

    restarts_: int

    def __init__(
        self,
        *,
        latent_dim: int = 128,
        activation: str = "tanh",
        epochs: int = 12,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        precision: str = "float32",
        device: str = "auto",
        contamination: float = 0.05,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.latent_dim = latent_dim
        self.activation = activation
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.precision = precision
        self.device = device
        self.contamination = contamination
        self.random_state = random_state

    def arithmetic(self) -> tuple[torch.device, torch.dtype]:
        """Where the network computes, and the type of its matrix products and convolutions."""
        device = resolve_device(self.device)
        return device, resolve_precision(self.precision, device)

    def save(self, path: Path) -> None:
        """Write weights and all that ``fit`` learned to one safetensors file."""
        learned = {
            "image_shape": self.image_shape_,
            "threshold": self.threshold_,
            "losses": self.losses_,
            "restarts": self.restarts_,
        }
        weights = {name: weight.contiguous() for name, weight in self.network_.state_dict().items()}
        save_file(weights, path, {"learned": json.dumps(learned)})

    def load(self, path: Path) -> Self:
        """Take over what ``save`` wrote from a detector of the same settings, instead of ``fit``.

        Raises ValueError for a file that is not whole or was written with other settings.
        """
        device, _ = self.arithmetic()
        try:
            with safe_open(path, "pt", str(device)) as file:
                learned = json.loads(file.metadata()["learned"])
                weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            self.image_shape_ = tuple(learned["image_shape"])
            network = self._network(torch.Generator()).to(device)
            network.load_state_dict(weights)
        except (SafetensorError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} does not hold the weights of this {type(self).__name__}: {error}") from error
        self.network_ = network
        self.threshold_, self.losses_, self.restarts_ = (
            learned["threshold"],
            learned["losses"],
            learned["restarts"],
        )
        return self

    def _learn(self, normal: Images, negatives: Images | None, seed: int) -> Learning[NDArray[np.float64]]:
        def attempt(seed: int) -> Learning[NDArray[np.float64]]:
            generator = torch.Generator().manual_seed(seed)
            device, _ = self.arithmetic()
            self.network_ = self._network(generator).to(device)
            self.losses_ = yield from self._minimise(normal, negatives, generator)
            scores = self._anomaly_score(normal)
            self._check_alive(normal, scores)
            return scores

        scores, self.restarts_ = yield from with_restarts(attempt, seed)
        return scores

    def _network(self, generator: torch.Generator) -> Backbone:
        """The network before training, for images of ``image_shape_``."""
        return Backbone(self.image_shape_, self.latent_dim, generator, self.activation)

    def _check_alive(self, normal: Images, scores: NDArray[np.float64]) -> None:
        """Raise ``CollapseError`` if the trained network learned nothing; ``scores`` are the normal images' own."""
        check_alive(normal, scores, self._some_codes(normal))

    def _minimise(self, normal: Images, negatives: Images | None, generator: torch.Generator) -> Learning[list[float]]:
        """Train the network and give the mean loss of each epoch."""
        pools = [[images] for images in (normal, negatives) if images is not None]
        return (yield from self._train(self._objective(generator), pools, generator))

    def _objective(self, generator: torch.Generator) -> Objective:
        """What the network is trained to minimise, of a batch of normal images and one of negatives, if any."""
        return Reconstruction(self.network_)


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
        """Normal images and negatives, (n, c, h, w) and (m, c, h, w) in [0, 1] -> ()."""
        preactivations = self.network.latent(self.network.encoder(torch.cat([images, negatives])))
        is_normal = torch.zeros(len(preactivations), device=images.device)
        is_normal[: len(images)] = 1
        logits = self.classifier(preactivations).squeeze(1).float()
        error = squared_error(images, self.network.decoder(torch.tanh(preactivations[: len(images)])))
        return error + self.separation * functional.binary_cross_entropy_with_logits(logits, is_normal)


class LinSepAutoEncoder(AutoEncoder):
    """The first phase of LinSep-LIS-AE: AE with a binary cross-entropy that separates normal from negative.

    The logit is a linear function of the latent layer's pre-activation, so that what enters the latent layer
    becomes linearly separable (Section 4.2, end). The classifier is dropped after training; negatives are not
    reconstructed.

    Args:
        separation: weight of the cross-entropy beside the squared error of an image.

    The other arguments and attributes are those of ``AutoEncoder``.
    """

    uses_negatives = True

    def __init__(
        self,
        *,
        separation: float = 50.0,
        latent_dim: int = 128,
        epochs: int = 12,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        precision: str = "float32",
        device: str = "auto",
        contamination: float = 0.05,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(
            latent_dim=latent_dim,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            precision=precision,
            device=device,
            contamination=contamination,
            random_state=random_state,
        )
        self.separation = separation

    def _objective(self, generator: torch.Generator) -> Objective:
        classifier = nn.Linear(self.latent_dim, 1, device="meta").to_empty(device="cpu")
        initialise(classifier, generator)
        return LinearSeparation(self.network_, classifier.to(self.arithmetic()[0]), self.separation)


def squared_error(images: Tensor, reconstructions: Tensor) -> Tensor:
    """Squared error summed over the pixels of an image, mean over the batch: (n, c, h, w) twice -> ()."""
    return (reconstructions.float() - images).square().sum() / len(images)
