"""The contract that every detector keeps, and the checks of what it is handed."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

Images = NDArray[Any]  # (n, h, w, c), uint8 in 0..255 or float32 in [0, 1]


class Detector(OutlierMixin, BaseEstimator, ABC):
    """A one-class detector of images in scikit-learn's conventions.

    A subclass implements ``_fit`` and ``_anomaly_score`` on images of one checked form; everything that its
    users call is here. Constructor arguments are stored untouched and what is learned ends in an underscore.

    Attributes:
        uses_negatives: whether ``fit`` learns from the rows of ``X`` marked -1; where False they are left out.
        image_shape_: (h, w, c) of the training images.
        threshold_: the score above which ``predict`` answers -1: the ``1 - contamination`` quantile of the
            scores of the normal training images.
    """

    uses_negatives: ClassVar[bool] = False

    contamination: float
    random_state: int | np.random.RandomState | None
    image_shape_: tuple[int, int, int]
    threshold_: float

    @abstractmethod
    def _fit(self, normal: Images, negatives: Images | None, seed: int) -> NDArray[np.float64]:
        """Learn from images of the checked form and give the scores of the normal ones, (n,).

        ``seed`` decides everything random. ``negatives`` is None for a model that does not use them.
        """

    @abstractmethod
    def _anomaly_score(self, images: Images) -> NDArray[np.float64]:
        """Score images of the checked form, (n, h, w, c) -> (n,); higher is more anomalous."""

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn what is normal.

        Args:
            X: images (n, h, w), (n, h, w, c) or flat (n, features) with square images, uint8 or float in [0, 1].
            y: +1 for each normal row and -1 for each negative example, (n,); None: all rows are normal.

        Raises:
            ValueError: for a wrong shape, dtype, range or label, NaN, fewer than two normal images, or no
                negative example where the model needs them; the message names the value and the remedy.
        """
        return self._learned(self._fit(*self._begin(X, y)))

    def _begin(self, X: ArrayLike, y: ArrayLike | None) -> tuple[Images, Images | None, int]:
        """Check what ``fit`` was handed and give what ``_fit`` is."""
        if not 0 < self.contamination < 1:
            raise ValueError(f"contamination is a share between 0 and 1, both excluded; got {self.contamination}.")
        images = as_images(X)
        normal_rows = _normal_rows(y, len(images))
        normal, negatives = images[normal_rows], images[~normal_rows]
        if len(normal) < 2:
            raise ValueError(f"at least 2 normal images are needed to learn from; got {len(normal)}.")
        if self.uses_negatives and not len(negatives):
            raise ValueError(
                f"{type(self).__name__} learns from negative examples, and got none: "
                "add rows of X marked -1 in y, images of a similar domain that are not normal."
            )
        self.__dict__.pop("threshold_", None)  # learned last: a fit that fails leaves a detector that is not fitted
        self.image_shape_ = images.shape[1:]
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return normal, negatives if self.uses_negatives else None, seed

    def _learned(self, scores: NDArray[np.float64]) -> Self:
        """Take the scores of the normal training images, (n,), as ``_fit`` gave them: the detector is fitted."""
        self.threshold_ = float(np.quantile(scores, 1 - self.contamination))
        return self

    def fit_predict(self, X: ArrayLike, y: ArrayLike | None = None) -> NDArray[np.int64]:
        """``fit(X, y).predict(X)``."""
        return self.fit(X, y).predict(X)

    def anomaly_score(self, X: ArrayLike) -> NDArray[np.float64]:
        """Score images, (n,), higher is more anomalous; for autoencoders the reconstruction error L(x), Section 3.4.

        Raises:
            sklearn.exceptions.NotFittedError: before ``fit``.
            ValueError: for images that are not of the training images' shape, or wrong as in ``fit``.
        """
        return self._anomaly_score(self._checked(X))

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Negative anomaly score, (n,): higher is more normal, as scikit-learn's detectors have it."""
        return -self.anomaly_score(X)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """``threshold_ - anomaly_score``, (n,): below zero for what ``predict`` calls anomalous."""
        scores = self.anomaly_score(X)
        return self.threshold_ - scores

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """+1 for each image taken as normal, -1 for each anomalous one, (n,)."""
        return np.where(self.decision_function(X) < 0, -1, 1).astype(np.int64)

    def _checked(self, X: ArrayLike) -> Images:
        check_is_fitted(self, "threshold_")
        images = as_images(X)
        if images.shape[1:] != self.image_shape_:
            raise ValueError(
                f"the images are {_shape(images.shape[1:])}, the training images were {_shape(self.image_shape_)}: "
                "bring them to the same height, width and channels."
            )
        return images


def as_images(X: ArrayLike) -> Images:
    """Check ``X`` and give it as (n, h, w, c), uint8 or float32 in [0, 1].

    Raises ValueError for what is not images; the message names the value and the remedy.
    """
    array = np.asarray(X)
    if array.dtype != np.uint8 and not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"images are uint8 (0 to 255) or floating point (0 to 1); got dtype {array.dtype}. "
            "Integers that hold 0 to 255: X.astype(numpy.uint8)."
        )
    if not array.size:
        raise ValueError(f"no images: X has shape {_shape(array.shape)}.")
    array = _with_channels(array)
    if array.dtype != np.uint8:
        low, high = float(array.min()), float(array.max())
        if not np.isfinite([low, high]).all():
            raise ValueError("images hold NaN or infinite values: remove those images or fill the values in.")
        if low < 0 or high > 1:
            raise ValueError(
                f"floating-point images lie in [0, 1]; got values from {low:g} to {high:g}. "
                "Divide by 255, or pass uint8."
            )
    return array if array.dtype == np.uint8 else array.astype(np.float32, copy=False)


def as_rows(images: Images) -> NDArray[np.float32]:
    """Give images of the checked form as flat rows of pixels, (n, h, w, c) -> (n, h * w * c), float32 in [0, 1]."""
    rows = images.reshape(len(images), -1)
    return np.divide(rows, 255, dtype=np.float32) if rows.dtype == np.uint8 else rows


def _with_channels(array: NDArray[Any]) -> Images:
    if array.ndim == 4:
        return array
    if array.ndim == 3:
        return array[..., None]
    if array.ndim == 2:
        for channels in (1, 3):
            side = round((array.shape[1] / channels) ** 0.5)
            if side * side * channels == array.shape[1]:
                return array.reshape(len(array), side, side, channels)
        raise ValueError(
            f"flat rows of {array.shape[1]} features are neither a square grey nor a square colour image: "
            "reshape X to (n, h, w) or (n, h, w, c)."
        )
    raise ValueError(f"X is (n, h, w), (n, h, w, c) or (n, features); got shape {_shape(array.shape)}.")


def _normal_rows(y: ArrayLike | None, n: int) -> NDArray[np.bool_]:
    if y is None:
        return np.ones(n, dtype=bool)
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise ValueError(f"y has one label for each of the {n} images; got shape {_shape(labels.shape)}.")
    wrong = [repr(label) for label in np.unique(labels).tolist() if label not in (1, -1)]
    if wrong:
        raise ValueError(f"labels are +1 (normal) and -1 (negative example); got {', '.join(wrong[:5])}.")
    return labels == 1


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "of a single value"
