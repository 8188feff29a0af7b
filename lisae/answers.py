"""What a fitted detector says beside the scores of images: labels, distances from the threshold, probabilities."""

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from lisae.conventions import is_fitted
from lisae.held_out import QUANTILES


class Answers:
    """The answers that follow from ``anomaly_score``.

    Attributes:
        threshold_: the score above which ``predict`` answers -1.
        score_quantiles_: 1,001 quantiles of the scores of normal images, from the least to the largest.
    """

    threshold_: float
    score_quantiles_: NDArray[np.float64]

    @property
    def precision_(self) -> str:
        """The floating-point type that the model is learned in, such as ``float64`` or ``bfloat16``."""
        return "float64"

    @abstractmethod
    def anomaly_score(self, X: Any) -> NDArray[np.float64]:
        """Score images, (n,); higher is more anomalous."""

    def extra_scores(self, X: Any) -> dict[str, NDArray[Any]]:
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

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Return the negative anomaly score, (n,): higher is more normal, as in scikit-learn's detectors."""
        return -self.anomaly_score(X)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return ``threshold_ - anomaly_score``, (n,): below zero for anomalous images, and zero for a tie.

        A score that differs from the threshold by no more than 64 units in the last place ties with it: an image
        scores so much more or less beside other images, since sums are then rounded otherwise. The unit is that of the
        threshold, or of 1 if it is smaller, as a float64, or as a float32 for a network.
        """
        return self._margins(self.anomaly_score(X))

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return +1 for each image taken as normal and -1 for each anomalous one, (n,), as ``labels_of`` its score."""
        return self.labels_of(self.anomaly_score(X))

    def labels_of(self, scores: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return what ``predict`` does for images whose anomaly scores, (n,), are known: +1 for a tie too."""
        return np.where(self._margins(scores) < 0, -1, 1).astype(np.int64)

    def _margins(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what ``decision_function`` does for images whose anomaly scores, (n,), are known."""
        self._check_is_fitted()
        unit = np.finfo(np.float64 if self.precision_ == "float64" else np.float32).eps
        margins = self.threshold_ - scores
        return np.where(np.abs(margins) > 64 * unit * max(1.0, abs(self.threshold_)), margins, 0.0)

    def anomaly_probability(self, X: Any) -> NDArray[np.float64]:
        """Return the share of normal images that score lower, (n,), in [0, 1]; higher is more anomalous.

        It is calibrated on the normal images that were held out: of new ones a share p is called anomalous by
        ``anomaly_probability(X) > 1 - p``, for p from 1 / (``n_held_out_`` + 1), whatever the scale of the scores. It
        is not the probability of an anomaly, which depends on how many there are. Raises what ``anomaly_score`` raises.
        """
        return self.probabilities_of(self.anomaly_score(X))

    def probabilities_of(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what ``anomaly_probability`` does for images whose anomaly scores, (n,), are known."""
        self._check_is_fitted()
        return np.interp(scores, self.score_quantiles_, np.linspace(0, 1, QUANTILES))

    def _check_is_fitted(self) -> None:
        if not is_fitted(self):  # scikit-learn's own check, which raises, takes longer than a small image's score
            check_is_fitted(self, "threshold_")
