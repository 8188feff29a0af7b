"""Detectors that score an image by its reconstruction error (Section 3.4), and checks for a network that is dead."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from lisae.backbone import Backbone, as_float, autocast, image_tensor
from lisae.detector import Detector
from lisae.images import Images
from lisae.stacks import Learning, train_alone
from lisae.training import CollapseError, Objective, Training, steps_in_epoch

_BATCH = 512


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

    def _fitting(self, normal: Images, negatives: Images | None) -> Learning[Self]:
        return self._learned((yield from self._learn(*self._begin(normal, negatives))))

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
        settings = {name: getattr(self, name) for name in ("epochs", "batch_size", "learning_rate")} | changes
        tensors = [
            tuple(rows if isinstance(rows, Tensor) else image_tensor(rows, device) for rows in pool) for pool in pools
        ]
        trained = yield Training(objective, tensors, generator=generator, device=device, dtype=dtype, **settings)
        return trained.losses

    def steps(self, n: int) -> dict[str, int]:
        """Return the steps of the one training under the name ``training``."""
        return {"training": self.epochs * steps_in_epoch(n, self.batch_size)}

    def reconstruct(self, X: Any) -> NDArray[np.float32]:
        """Reconstruct images as ``anomaly_score`` takes them -> (n, h, w, c), float in [0, 1].

        Raises:
            sklearn.exceptions.NotFittedError: before ``fit``.
            ValueError: for images that are wrong as in ``anomaly_score``.
        """
        check_is_fitted(self, "network_")
        reconstructions = self._apply(self.network_, self._checked(X))
        return reconstructions.float().permute(0, 2, 3, 1).cpu().numpy()

    def _score(self, images: Tensor) -> Tensor:
        """Score float images on the device, (n, c, h, w) -> (n,); here by L(x)."""
        return reconstruction_error(images, self.network_(images))

    def _anomaly_score(self, images: Images) -> NDArray[np.float64]:
        return self._apply(self._score, images).double().cpu().numpy()

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
        with torch.no_grad(), autocast(device, dtype):
            for start, batch in enumerate(image_tensor(images, device).split(_BATCH)):
                answer = function(as_float(batch))
                if answers is None:  # made whole at once: joining parts at the end would hold all features twice
                    answers = answer.new_empty(len(images), *answer.shape[1:])
                answers[start * _BATCH : start * _BATCH + len(batch)] = answer
        assert answers is not None  # as_images refuses an empty array
        return answers


def reconstruction_error(images: Tensor, reconstructions: Tensor) -> Tensor:
    """Return L(x) of Section 3.4, the norm of each image's residual over its pixels: (n, c, h, w) twice -> (n,)."""
    return (reconstructions.float() - images).flatten(1).norm(dim=1)


def check_alive(images: NDArray[Any], errors: NDArray[np.float64], codes: Tensor) -> None:
    """Raise ``CollapseError`` if a trained network does no better than a constant.

    Args:
        images: the training images, (n, h, w, c), uint8 or float in [0, 1].
        errors: their reconstruction errors, (n,).
        codes: latent codes of some of them, (m, latent_dim).

    The mean image, the best constant, has the data's variance as its mean squared error. A network that stays
    there learned nothing, even if its score happens to separate classes.
    """
    scale = 255 if images.dtype == np.uint8 else 1
    variance = float(np.var(images.reshape(len(images), -1) / np.float32(scale), axis=0, dtype=np.float64).sum())
    check_varied(errors, codes)
    squared_error = float(np.square(errors).mean())
    if squared_error > 0.95 * variance:
        raise CollapseError(
            f"the network stays at the mean image: its squared error {squared_error:.4g} "
            f"is not below the data's variance {variance:.4g}"
        )


def check_varied(errors: NDArray[np.float64], codes: Tensor) -> None:
    """Raise ``CollapseError`` for scores or codes that are not finite, or the same for every image."""
    if not np.isfinite(errors).all():
        raise CollapseError("the scores are not finite")
    if float(codes.float().std(dim=0).max()) < 1e-3:
        raise CollapseError("the latent layer is constant")
    if float(errors.std()) < 1e-6 * max(1.0, float(errors.mean())):
        raise CollapseError("the scores are constant")
