"""Detectors that score an image by its reconstruction error (Section 3.4), and checks for a network that is dead."""

import copy
import logging
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from lisae.backbone import Backbone, as_float, autocast, image_tensor
from lisae.batches import steps_in_epoch
from lisae.detector import Detector
from lisae.errors import CollapseError, UndertrainedError
from lisae.images import Images
from lisae.memory import give_back, parts
from lisae.process import keep_memory, threads
from lisae.progress import Progress, followed
from lisae.stacks import Learning, free_memory, train_alone
from lisae.training import Objective, Training

log = logging.getLogger("lisae")

_BATCH = 512
_PIXELS = _BATCH * 32 * 32  # of the images that are computed at once
_SMALL_BATCH, _LARGE_BATCH = 16, 1024  # the least that a batch is made for few images, and the most for any number
_FEW_STEPS = 60  # a network that learned nothing in fewer is undertrained rather than dead


class ReconstructionDetector(Detector):
    """A detector whose score is the reconstruction error of a backbone.

    Attributes:
        network_: the trained backbone.
        losses_: mean training loss of each epoch.
    """

    network_: Backbone
    losses_: list[float]

    epochs: int
    batch_size: int
    learning_rate: float
    adam_beta2: float
    min_steps: int

    @abstractmethod
    def arithmetic(self) -> tuple[torch.device, torch.dtype]:
        """Return the device that the network computes on, and the type of its matrix products and convolutions."""

    @property
    def precision_(self) -> str:
        """The type of the network's matrix products and convolutions in training, ``float32`` or ``bfloat16``."""
        return str(self.arithmetic()[1]).removeprefix("torch.")

    @abstractmethod
    def _learn(self, normal: Images, negatives: Images | None, seed: int) -> Learning[NDArray[np.float64]]:
        """Learn as ``_fit`` does, yielding each training of a network."""

    def _fit(self, normal: Images, negatives: Images | None, seed: int) -> NDArray[np.float64]:
        return train_alone(self._learn(normal, negatives, seed))

    @contextmanager
    def _at_work(self, normal: Images) -> Iterator[None]:
        keep_memory()
        with threads(self._inherited("n_jobs"), normal.shape[1:]) as n:
            log.info("%s learns with %d threads", type(self).__name__, n)
            yield

    def _train(
        self,
        objective: Objective,
        pools: Iterable[Iterable[Images | Tensor]],
        generator: torch.Generator,
        **changes: Any,
    ) -> Learning[list[float]]:
        """Minimise an objective and return the mean loss of each epoch.

        Pools are images, or tensors on the device, as for ``Training``; ``changes`` are arguments of ``Training`` that
        differ from the detector's own settings.
        """
        device, dtype = self.arithmetic()
        pools = [tuple(pool) for pool in pools]
        arrays = [rows for pool in pools for rows in pool if isinstance(rows, np.ndarray)]
        settings = {name: getattr(self, name) for name in ("epochs", "batch_size", "learning_rate")}
        settings |= {"betas": (0.9, self.adam_beta2)} | changes
        tensors = [
            tuple(rows if isinstance(rows, Tensor) else _pooled(rows, device) for rows in pool) for pool in pools
        ]
        n = len(tensors[0][0])
        settings["epochs"], settings["batch_size"] = self._schedule(n, settings["epochs"], settings["batch_size"])
        settings |= {"generator": generator, "device": device, "dtype": dtype, "arrays": arrays}
        name = f"{type(self).__name__}{self._role}"
        with followed(name, getattr(self, "callback", None), verbose=getattr(self, "verbose", False)) as called:
            settings["follow"] = called and (lambda *state: called(Progress(name, *state)))
            trained = yield Training(objective, tensors, **settings)
        return trained.losses

    def steps(self, n: int) -> dict[str, int]:
        """Return the steps of the one training under the name ``training``."""
        return {"training": self._steps(n, self.epochs, self.batch_size)}

    def _steps(self, n: int, epochs: int, batch_size: int) -> int:
        """Return the steps of a training with ``n`` images in its first pool."""
        epochs, batch_size = self._schedule(n, epochs, batch_size)
        return epochs * steps_in_epoch(n, batch_size)

    def _schedule(self, n: int, epochs: int, batch_size: int) -> tuple[int, int]:
        """Return the epochs and the batch size of a training: of few images more epochs, and smaller batches.

        Raises ValueError for a batch of many more images than there are.
        """
        if batch_size > max(n, _LARGE_BATCH):
            raise ValueError(f"batch_size is {batch_size}, and there are {n} images: take at most {n}.")
        if self.min_steps == 0:
            return epochs, batch_size
        batch_size = min(batch_size, max(_SMALL_BATCH, n // 8))
        return max(epochs, -(-self.min_steps // steps_in_epoch(n, batch_size))), batch_size

    def reconstruct(self, X: Any) -> NDArray[np.float32]:
        """Reconstruct images as ``anomaly_score`` takes them -> (n, h, w, c), float in [0, 1].

        Raises:
            sklearn.exceptions.NotFittedError: before ``fit``.
            ValueError: for images that are wrong as in ``anomaly_score``.
        """
        check_is_fitted(self, "network_")
        return self._reconstruct(self._checked(X))

    def error_map(self, X: Any) -> NDArray[np.float32]:
        """Return the error of each pixel of images as ``anomaly_score`` takes them, (n, h, w): its norm over channels.

        For autoencoders and LIS-AE the norm of a map is the image's anomaly score.

        Raises what ``reconstruct`` raises.
        """
        images = self._checked(X)
        pixels = images / np.float32(255) if images.dtype == np.uint8 else images
        return np.linalg.norm(self._reconstruct(images) - pixels, axis=3).astype(np.float32)

    def _reconstruct(self, images: Images) -> NDArray[np.float32]:
        return self._apply(self.network_, images).float().permute(0, 2, 3, 1).cpu().numpy()

    def _untrained(self) -> nn.Module:
        assert self.stage is not None  # others make their own
        return copy.deepcopy(getattr(self, f"{self.stage.argument}_").network_)

    def _score(self, images: Tensor) -> Tensor:
        """Score float images on the device, (n, c, h, w) -> (n,); here by L(x)."""
        return reconstruction_error(images, self.network_(images))

    def _anomaly_score(self, images: Images) -> NDArray[np.float64]:
        return self._apply(self._score, images).cpu().double().numpy()

    def _features(self, images: Images) -> Tensor:
        """Return encoder features, (n, h, w, c) -> (n, features), on the device and in the arithmetic of training."""
        return self._apply(self.network_.encoder, images, self.arithmetic()[1])

    def _some_codes(self, images: Images) -> Tensor:
        """Return latent codes of the first images, enough to see if they differ: -> (at most 512, latent_dim)."""
        return self._apply(lambda batch: self.network_.code(self.network_.encoder(batch)), images[:_BATCH])

    def _apply(
        self, function: Callable[[Tensor], Tensor], images: Images, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """Apply ``function`` of float images (n, c, h, w) batch by batch, without gradients, and join its answers.

        Scores are computed in float32 also after training in bfloat16, whose pixels would move an AUC by about .001.
        """
        device, _ = self.arithmetic()
        answers: Tensor | None = None
        size = max(1, min(_BATCH, _PIXELS // (images.shape[1] * images.shape[2])))
        with torch.no_grad(), autocast(device, dtype), threads(self._inherited("n_jobs"), images.shape[1:]):
            for start in range(0, len(images), size):
                answer = function(as_float(image_tensor(images[start : start + size], device)))
                if answers is None:  # made whole at once: joining parts at the end would hold all features twice
                    answers = answer.new_empty(len(images), *answer.shape[1:])
                answers[start : start + size] = answer
                give_back(images)
        assert answers is not None  # as_images refuses an empty array
        return answers


def reconstruction_error(images: Tensor, reconstructions: Tensor) -> Tensor:
    """Return L(x) of Section 3.4, the norm of each image's residual over its pixels: (n, c, h, w) twice -> (n,)."""
    return (reconstructions.float() - images).flatten(1).norm(dim=1)


def check_alive(images: NDArray[Any], errors: NDArray[np.float64], codes: Tensor, steps: int | None = None) -> None:
    """Raise ``CollapseError`` if a trained network does no better than a constant.

    Args:
        images: the training images, (n, h, w, c), uint8 or float in [0, 1].
        errors: their reconstruction errors, (n,).
        codes: latent codes of some of them, (m, latent_dim).
        steps: the steps of its training; after few of them the error is an ``UndertrainedError``.

    The mean image, the best constant, has the data's variance as its mean squared error. A network that stays
    there learned nothing, even if its score happens to separate classes.
    """
    variance = variance_of(images)
    check_varied(errors, codes)
    squared_error = float(np.square(errors).mean())
    if squared_error > 0.95 * variance:
        reason = f"its squared error {squared_error:.4g} is not below the data's variance {variance:.4g}"
        if steps is not None and steps < _FEW_STEPS:
            raise UndertrainedError(
                f"is undertrained after {steps} step{'s' * (steps != 1)}, {reason}: some hundreds are needed, as "
                "min_steps=500 sees to"
            )
        raise CollapseError(f"the network stays at the mean image: {reason}")


def variance_of(images: Images) -> float:
    """Return the variance of images of the checked form over the data, summed over pixels in [0, 1]."""
    scale = np.float32(255 if images.dtype == np.uint8 else 1)
    mean: Any = sum((images[part] / scale).sum(axis=0, dtype=np.float64) for part in parts(images)) / len(images)
    return float(sum(np.square(images[part] / scale - mean).sum() for part in parts(images)) / len(images))


def _pooled(images: Images, device: torch.device) -> Tensor:
    """Return images as ``image_tensor`` does; those too large for the device stay on the CPU."""
    is_small = device.type == "cpu" or images.nbytes < free_memory(device) // 2
    return image_tensor(images, device if is_small else torch.device("cpu"))


def check_varied(errors: NDArray[np.float64], codes: Tensor) -> None:
    """Raise ``CollapseError`` for scores or codes that are not finite, or the same for every image."""
    if not np.isfinite(errors).all():
        raise CollapseError("the scores are not finite")
    if float(codes.float().std(dim=0).max()) < 1e-3:
        raise CollapseError("the latent layer is constant")
    if float(errors.std()) < 1e-6 * max(1.0, float(errors.mean())):
        raise CollapseError("the scores are constant")
