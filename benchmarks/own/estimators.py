"""Adapters for outlier detectors on flat rows: scikit-learn's and PyOD's."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from lisae import Detector
from lisae.images import Images, as_rows

_SCALERS = {"none": None, "standard": StandardScaler, "range": MinMaxScaler}


@dataclass(kw_only=True, eq=False, repr=False)
class _EstimatorDetector(Detector):
    """A detector that fits an estimator on the pixels of normal images, one flat row each, in [0, 1].

    Args:
        scaling: ``none``; ``standard`` to bring each pixel to mean 0 and deviation 1 over the normal images, or
            ``range`` to bring it to [0, 1].
        contamination: share of the normal training images that ``predict`` calls anomalous.
        random_state: decides everything random.

    Attributes:
        estimator_: the fitted estimator.
    """

    scaling: Annotated[str, tuple(_SCALERS)] = "none"

    @abstractmethod
    def estimator(self, seed: int) -> Any:
        """Return the estimator, not fitted, with the settings of this detector; ``seed`` is for its random_state."""

    def _fit(self, normal: Images, negatives: Images | None, seed: int) -> NDArray[np.float64]:
        scaler = _SCALERS[self.scaling]
        rows = as_rows(normal)
        self.scaler_ = scaler().fit(rows) if scaler else None
        self.estimator_ = self.estimator(seed)
        self.estimator_.fit(self._rows(normal))
        return self._anomaly_score(normal)

    def _rows(self, images: Images) -> NDArray[Any]:
        rows = as_rows(images)
        return rows if self.scaler_ is None else self.scaler_.transform(rows)


class ScikitLearnDetector(_EstimatorDetector):
    """Adapter for scikit-learn's outlier detectors: a subclass gives ``estimator``.

    Their ``score_samples`` is higher for normal rows, so that its sign is turned. ``LocalOutlierFactor`` needs
    ``novelty=True`` to score images that it was not fitted on.
    """

    def _anomaly_score(self, images: Images) -> NDArray[np.float64]:
        return -np.asarray(self.estimator_.score_samples(self._rows(images)), dtype=np.float64)


class PyODDetector(_EstimatorDetector):
    """Adapter for PyOD's detectors: a subclass gives ``estimator``.

    Their ``decision_function`` is higher for outliers, as an anomaly score is.
    """

    def _anomaly_score(self, images: Images) -> NDArray[np.float64]:
        return np.asarray(self.estimator_.decision_function(self._rows(images)), dtype=np.float64)
