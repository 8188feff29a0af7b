"""The contract that every detector keeps."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from lisae.images import Images, as_images, shape_text
from lisae.labels import normal_rows
from lisae.stacks import Learning
from lisae.training import CollapseError


class Stage(NamedTuple):
    """The trained detector that another one begins from.

    Attributes:
        argument: the constructor argument that takes it.
        detector: its class.
    """

    argument: str
    detector: "type[Detector]"


@dataclass(kw_only=True, eq=False, repr=False)
class Detector(OutlierMixin, BaseEstimator, ABC):
    """A one-class detector of images in scikit-learn's conventions.

    A subclass implements ``_fit`` and ``_anomaly_score`` on images of one checked form; everything that its
    users call is here. It is a dataclass whose fields are its constructor arguments, which are stored untouched; what
    is learned ends in an underscore.

    Args:
        contamination: share of the normal training images that ``predict`` calls anomalous.
        random_state: decides everything random.

    Attributes:
        uses_negatives: whether ``fit`` learns from the rows of ``X`` marked -1; where False they are left out.
        stage: the trained detector that this one begins from; None for a model that is trained on its own.
        image_shape_: (h, w, c) of the training images.
        threshold_: the score above which ``predict`` answers -1: the ``1 - contamination`` quantile of the
            scores of the normal training images.
    """

    uses_negatives: ClassVar[bool] = False
    stage: ClassVar[Stage | None] = None

    contamination: float = 0.05
    random_state: int | np.random.RandomState | None = None
    image_shape_: tuple[int, int, int] = field(init=False)
    threshold_: float = field(init=False)

    @property
    def precision_(self) -> str:
        """The floating-point type that the model is learned in, such as ``float64`` or ``bfloat16``."""
        return "float64"

    @abstractmethod
    def _fit(self, normal: Images, negatives: Images | None, seed: int) -> NDArray[np.float64]:
        """Learn from images of the checked form and return the scores of the normal ones, (n,).

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
            CollapseError: for normal images that are all equal.
        """
        return self._learned(self._fit(*self._begin(X, y)))

    def fitting(self, X: ArrayLike, y: ArrayLike | None = None) -> Learning[Self]:
        """Learn as ``fit`` does, for ``stacks.train_together`` to drive.

        Yields each training of a network, and returns the detector. A model without networks yields nothing.
        """
        yield from ()
        return self.fit(X, y)

    def _begin(self, X: ArrayLike, y: ArrayLike | None) -> tuple[Images, Images | None, int]:
        """Check the arguments of ``fit`` and return those of ``_fit``."""
        if not 0 < self.contamination < 1:
            raise ValueError(f"contamination is a share between 0 and 1, both excluded; got {self.contamination}.")
        images = as_images(X)
        is_normal = normal_rows(y, len(images))
        normal, negatives = images[is_normal], images[~is_normal]
        if len(normal) < 2:
            raise ValueError(f"at least 2 normal images are needed to learn from; got {len(normal)}.")
        if (normal == normal[0]).all():
            raise CollapseError(f"learns nothing from normal images that are all equal; got {len(normal)} of them")
        if self.uses_negatives and not len(negatives):
            raise ValueError(
                f"{type(self).__name__} learns from negative examples, and got none: "
                "add rows of X marked -1 in y, images of a similar domain that are not normal."
            )
        self.__dict__.pop("threshold_", None)  # set last, so that a fit that fails leaves an unfitted detector
        self.image_shape_ = images.shape[1:]
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return normal, negatives if self.uses_negatives else None, seed

    def _learned(self, scores: NDArray[np.float64]) -> Self:
        """Set the threshold by the scores of the normal training images, (n,), which makes the detector fitted."""
        self.threshold_ = float(np.quantile(scores, 1 - self.contamination))
        return self

    def _fitted_stage(self, normal: Images, negatives: Images | None, seed: int) -> Learning[Any]:
        """Return the trained detector that this one begins from, of the class that ``stage`` names.

        A fitted one is returned as it is. Of one that is not fitted, a clone is fitted on the same images; None
        stands for one with the default settings. ``seed`` is for a clone that has no ``random_state``.

        Raises ValueError for a detector of another class, or one that was fitted on images of another shape.
        """
        assert self.stage is not None
        argument, kind = self.stage
        given = getattr(self, argument)
        if given is None:
            given = kind()
        if not isinstance(given, kind):
            raise ValueError(
                f"{type(self).__name__} begins from a detector of class {kind.__name__}; got {type(given).__name__}. "
                f"Pass {argument}={kind.__name__}(...)."
            )
        if not hasattr(given, "threshold_"):
            stage = clone(given)
            if stage.random_state is None:
                stage.set_params(random_state=seed)
            if negatives is None:
                return (yield from stage.fitting(normal))
            labels = np.repeat([1, -1], [len(normal), len(negatives)])
            return (yield from stage.fitting(np.concatenate([normal, negatives]), labels))
        if given.image_shape_ != self.image_shape_:
            raise ValueError(
                f"the {kind.__name__} was fitted on images of {shape_text(given.image_shape_)}, "
                f"these are {shape_text(self.image_shape_)}: fit it on the same normal images."
            )
        return given

    def fit_predict(self, X: ArrayLike, y: ArrayLike | None = None) -> NDArray[np.int64]:
        """Learn from images and classify them, as ``fit(X, y).predict(X)`` does."""
        return self.fit(X, y).predict(X)

    def steps(self, n: int) -> dict[str, int]:
        """Return the steps of each training of ``fit`` with ``n`` normal images, by the name of the training.

        There is none for a model that is not trained in steps; those of ``stage`` do not count.
        """
        return {}

    def anomaly_score(self, X: ArrayLike) -> NDArray[np.float64]:
        """Score images, (n,), higher is more anomalous; for autoencoders the reconstruction error L(x), Section 3.4.

        Raises:
            sklearn.exceptions.NotFittedError: before ``fit``.
            ValueError: for images that are not of the training images' shape, or wrong as in ``fit``.
        """
        return self._anomaly_score(self._checked(X))

    def extra_scores(self, X: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return further answers of the model by name, beside the main score; images are the last axis, (..., n).

        Raises what ``anomaly_score`` raises, for a model that has any.
        """
        return {}

    def extra_auc(self, name: str, normal: NDArray[Any], outliers: NDArray[Any]) -> float:
        """Return the area, in [0, 1], that answers of ``extra_scores`` give for normal images and outliers.

        Args:
            name: the name of the answers in ``extra_scores``.
            normal: the answers for normal images, (..., n).
            outliers: the answers for outliers, (..., m).

        Raises:
            ValueError: for a name that the model does not have.
        """
        raise ValueError(f"{type(self).__name__} has no extra scores named {name!r}: use a name of extra_scores.")

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the negative anomaly score, (n,): higher is more normal, as in scikit-learn's detectors."""
        return -self.anomaly_score(X)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return ``threshold_ - anomaly_score``, (n,): below zero for anomalous images; see ``predict`` for ties."""
        scores = self.anomaly_score(X)  # first, since it checks that there is a threshold
        return self.threshold_ - scores

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return +1 for each image taken as normal and -1 for each anomalous one, (n,).

        A score above the threshold by no more than 64 units in the last place ties with it, and is normal: an image
        scores so much more or less beside other images, since sums are then rounded otherwise. The unit is that of the
        threshold, or of 1 if it is smaller, as a float64, or as a float32 for a network.
        """
        above = -self.decision_function(X)  # first, since it checks that there is a threshold
        unit = np.finfo(np.float64 if self.precision_ == "float64" else np.float32).eps
        tie = 64 * unit * max(1.0, abs(self.threshold_))
        return np.where(above > tie, -1, 1).astype(np.int64)

    def _checked(self, X: ArrayLike) -> Images:
        """Return images to score in the checked form, (n, h, w, c)."""
        check_is_fitted(self, "threshold_")
        images = as_images(X)
        if images.shape[1:] != self.image_shape_:
            raise ValueError(
                f"the images are {shape_text(images.shape[1:])}, the training images were "
                f"{shape_text(self.image_shape_)}: bring them to the same height, width and channels."
            )
        return images
