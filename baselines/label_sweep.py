"""Labels at several length scales, by which the paper judges OC-SVM and OC-DSVDD (Section 5.1)."""

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import auc

from lisae.detector import Detector

LABEL_SWEEP = "label sweep"


class LabelSweep(Detector):
    """A detector that also labels images at each of several length scales, beside its score."""

    @abstractmethod
    def sweep_labels(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the class label of each image at each length scale, +1 inside and -1 outside, (scales, n).

        Raises:
            sklearn.exceptions.NotFittedError: before ``fit``.
            ValueError: for images that are wrong as in ``anomaly_score``.
        """

    def extra_scores(self, X: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return ``sweep_labels`` under the name ``label sweep``."""
        return {LABEL_SWEEP: self.sweep_labels(X)}

    def extra_auc(self, name: str, normal: NDArray[Any], outliers: NDArray[Any]) -> float:
        """Return the ``label_sweep_auc`` of the labels."""
        return label_sweep_auc(normal, outliers) if name == LABEL_SWEEP else super().extra_auc(name, normal, outliers)


def label_sweep_auc(normal_labels: NDArray[np.int64], outlier_labels: NDArray[np.int64]) -> float:
    """Return the area under the points that labels give, one point for each length scale, as in Section 5.1.

    A point is the share of normal images labelled -1 and that of outliers. The points, sorted, and (0, 0) and
    (1, 1) are joined by straight lines. Where no length scale gives a point, the area is the straight line's.

    Args:
        normal_labels: +1 or -1, a row for each length scale, (scales, n).
        outlier_labels: the same, (scales, m).
    """
    shares = zip((normal_labels == -1).mean(axis=1), (outlier_labels == -1).mean(axis=1), strict=True)
    false_alarms, detections = np.transpose(sorted([(0.0, 0.0), *shares, (1.0, 1.0)]))
    return float(auc(false_alarms, detections))
