"""Detectors that train a backbone of their own, from its first weights on: the autoencoder and its rivals."""

import hashlib
import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from torch import Tensor

from lisae.backbone import PRECISIONS, Backbone, resolve_device, resolve_precision
from lisae.images import Images
from lisae.reconstruction import ReconstructionDetector, check_alive
from lisae.settings import Count, CountOrZero, Positive
from lisae.stacks import Learning
from lisae.training import CollapseError, Objective, UndertrainedError

log = logging.getLogger("lisae")

MAX_RESTARTS = 3

# Settings that change nothing once the weights are there.
_MAY_DIFFER = {"device", "n_jobs", "random_state"}


class RestartWarning(UserWarning):
    """A model learned nothing from one seed and is trained again from another."""


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
        latent_dim: width of the latent layer.
        epochs: passes over the normal images.
        batch_size: images in a step.
        learning_rate: peak of the one-cycle rate.
        min_steps: steps of a training, at least. Few images are passed over in more epochs, and in batches of an eighth
            of them, of 16 at least. 0 leaves epochs and batches as they are said.
        precision: ``float32``, ``bfloat16`` or ``auto`` (bfloat16 where the processor has it). Scores are float32.
        device: ``cpu``, ``cuda``, ``cuda:1`` and so on, ``mps``, ``auto`` (CUDA where there is one), or a torch.device.
        n_jobs: threads on a CPU, -1 for all processors; None: one for images up to some 60 x 60 pixels, and more for
            larger ones, as many as PyTorch has at most.
        contamination: share of the normal training images that ``predict`` calls anomalous.
        random_state: decides everything random.

    Attributes:
        network_: the trained backbone.
        losses_: mean training loss of each epoch.
        restarts_: how many times training began again after a collapse.

    ``fit`` warns of a restart with ``RestartWarning``, raises ``CollapseError`` when every restart collapsed too, and
    ``UndertrainedError`` at once where there were too few steps to learn anything.
    """

    # What ``fit`` learns beside the network, without the underscore.
    _learned_values: ClassVar[tuple[str, ...]] = ("image_shape", "threshold", "losses", "restarts")

    latent_dim: Count = 128
    epochs: Count = 12
    batch_size: Count = 128
    learning_rate: Positive = 2e-3
    min_steps: CountOrZero = 500
    precision: Annotated[str, PRECISIONS] = "auto"
    device: str | torch.device = "auto"
    n_jobs: int | None = None
    restarts_: int = field(init=False)

    def arithmetic(self) -> tuple[torch.device, torch.dtype]:
        """Return the device that the network computes on, and the type of its matrix products and convolutions."""
        device = resolve_device(self.device)
        return device, resolve_precision(self.precision, device)

    def to_bytes(self) -> bytes:
        """Return the weights, all else that ``fit`` learned, the class and the settings as one safetensors file."""
        learned = {name: getattr(self, f"{name}_") for name in self._learned_values}
        return pack(self.network_.state_dict(), self._description() | {"learned": learned})

    def from_bytes(self, data: bytes) -> Self:
        """Become fitted from the ``to_bytes`` of a detector of the same class and settings, instead of by ``fit``.

        Device and random state may differ.

        Raises:
            ValueError: for bytes of another class or with another setting, and for bytes that are not whole, foreign or
                changed; the message says what differs. The detector stays as it was.
        """
        weights, description = unpack(data)
        self._check_same(description)
        learned = description["learned"]
        new = clone(self)
        new.image_shape_ = tuple(learned["image_shape"])
        network = new._network(torch.Generator())
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(f"its weights do not fit the network of {type(self).__name__}: {error}") from error
        self.network_ = network.to(self.arithmetic()[0])
        for name in self._learned_values:
            setattr(self, f"{name}_", learned[name])
        self.image_shape_ = new.image_shape_
        return self

    def save(self, path: Path) -> None:
        """Write ``to_bytes`` to a file."""
        path.write_bytes(self.to_bytes())

    def load(self, path: Path) -> Self:
        """Become fitted from a file of ``save``, as by ``from_bytes`` and with its errors."""
        try:
            return self.from_bytes(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"{path} cannot be loaded into this {type(self).__name__}: {error}") from error

    def _description(self) -> dict[str, Any]:
        settings = {
            key: list(value) if isinstance(value, tuple) else value  # as JSON has it
            for key, value in self.get_params().items()
            if key not in _MAY_DIFFER
        }
        return {"class": type(self).__name__, "settings": settings}

    def _check_same(self, given: dict[str, Any]) -> None:
        """Raise ValueError if a description is of another class than this detector's, or of other settings."""
        own = self._description()
        if given["class"] != own["class"]:
            raise ValueError(f"it holds a detector of class {given['class']}, not {own['class']}")
        there, here = given["settings"], own["settings"]
        differences = [
            f"{key} is {there.get(key)!r} there and {here.get(key)!r} here"
            for key in sorted(there.keys() | here.keys())
            if key not in there or key not in here or there[key] != here[key]
        ]
        if differences:
            raise ValueError(f"it was written with other settings: {', '.join(differences)}")

    def _learn(self, normal: Images, negatives: Images | None, seed: int) -> Learning[NDArray[np.float64]]:
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

    def _network(self, generator: torch.Generator) -> Backbone:
        """Return the network before training, for images of ``image_shape_``."""
        return Backbone(self.image_shape_, self.latent_dim, generator)

    def _check_alive(self, normal: Images, scores: NDArray[np.float64]) -> None:
        """Raise ``CollapseError`` if the trained network learned nothing; ``scores`` are the normal images' own."""
        check_alive(normal, scores, self._some_codes(normal), sum(self.steps(len(normal)).values()))

    def _minimise(self, normal: Images, negatives: Images | None, generator: torch.Generator) -> Learning[list[float]]:
        """Train the network and return the mean loss of each epoch; ``generator`` draws everything random."""
        pools = [[images] for images in (normal, negatives) if images is not None]
        return self._train(self._objective(generator), pools, generator)

    def _objective(self, generator: torch.Generator) -> Objective:
        """Return the loss to minimise, a function of a batch of normal images and of one of negatives, if any."""
        return Reconstruction(self.network_)


def squared_error(images: Tensor, reconstructions: Tensor) -> Tensor:
    """Return the squared error summed over the pixels of an image, mean over the batch: (n, c, h, w) twice -> ()."""
    return (reconstructions.float() - images).square().sum() / len(images)


def pack(weights: Mapping[str, Tensor], description: Mapping[str, Any]) -> bytes:
    """Return weights and a description of plain values as the bytes of one safetensors file."""
    tensors = {name: weight.cpu().contiguous() for name, weight in weights.items()}
    text = json.dumps(description, sort_keys=True, default=lambda number: number.item())  # NumPy's numbers
    # One entry of metadata, since several have no fixed order: the same weights are the same bytes.
    return safetensors.torch.save(tensors, {"detector": f"{_digest(tensors, text)} {text}"})


def unpack(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the weights and the description in the bytes that ``pack`` returned.

    Raises:
        ValueError: for bytes that are no safetensors file, were not written by ``pack``, or were changed since.
    """
    try:
        tensors = safetensors.torch.load(data)
    except (safetensors.SafetensorError, KeyError) as error:  # KeyError: a type that PyTorch does not have
        raise ValueError(f"it is no whole safetensors file ({error})") from error
    # The format: the length of a JSON header in 8 bytes, the header, the tensors.
    metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {})
    if "detector" not in metadata:
        raise ValueError("it has no description of a detector")
    digest, _, text = metadata["detector"].partition(" ")
    if digest != _digest(tensors, text):
        raise ValueError("it was changed since it was written: its digest is another")
    return tensors, json.loads(text)


def _digest(tensors: Mapping[str, Tensor], description: str) -> str:
    digest = hashlib.sha256(description.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
