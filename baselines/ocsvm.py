"""One-class support vector machine (Schölkopf et al., Neural Computation 2001, 13(7)), solved by libsvm."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.svm import OneClassSVM

from baselines.contrast import ContrastNormalised
from baselines.distances import distance_blocks
from baselines.label_sweep import LabelSweep
from lisae.images import Images, as_rows
from lisae.settings import Positive, Range, Share

# Ruff et al., Deep One-Class Classification, ICML 2018, and the authors' code for it. Each is twice the one before.
GAMMAS = 2.0 ** np.arange(-10, 0)
LENGTH_SCALES = ("variance", "consistency")
_HELD_OUT = 5  # one image of so many is held out to find a consistent gamma


@dataclass(kw_only=True, eq=False, repr=False)
class OCSVM(ContrastNormalised, LabelSweep):
    """OC-SVM with the kernel exp(-gamma |x - y|^2) on flat pixels in [0, 1]; the score is minus the decision value.

    That score is taken at one gamma, ``gamma_``. The paper instead varies gamma "and uses a predicted class label"
    (Section 5.1): so ``fit`` also solves one machine for each of ``GAMMAS``, and ``sweep_labels`` gives their labels.
    The area under them is no AUC of any one detector: each point is another machine's, no threshold moves between
    them, and none has a share of false alarms below about nu. Distances are computed once for all machines.

    Args:
        nu: at most this share of the images learned from lie outside, at least this share are support vectors.
        length_scale: ``variance``: gamma is scikit-learn's "scale", 1 / (features x variance of the pixels);
            ``consistency``: the largest of ``GAMMAS`` up to which the machine calls no more held-out normal images
            outliers than nu and twice its standard error (Tax and Müller, ICPR 2004). Neither sees an outlier.
        gamma_scale: a factor for that gamma.
        max_samples: normal images to learn from, drawn without replacement if there are more; 0 is all. Memory
            grows with its square, 0.8 GB at 6,000.
        contrast: as for ``ContrastNormalised``.
        contamination: share of the normal training images that ``predict`` calls anomalous.
        random_state: decides which images are drawn.

    Attributes:
        gamma_: the inverse length scale of the score.
        rows_: the images learned from, flat, (m, features).
        coefficients_: weights of ``rows_`` in the decision function, zero but for support vectors, (m,).
        intercept_: the number added to the weighted sum of kernels.
        sweep_coefficients_, sweep_intercepts_: the same for each of ``GAMMAS``, (10, m) and (10,).

    ``fit`` raises ValueError for nu outside (0, 1], another length scale, gamma_scale not above 0, or max_samples of 1
    or below 0.
    """

    nu: Share = 0.1
    length_scale: Annotated[str, LENGTH_SCALES] = "variance"
    gamma_scale: Positive = 1.0
    max_samples: Annotated[int, Range(2, or_zero=True)] = 6000

    def sweep_labels(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the class label of each image under each of ``GAMMAS``, +1 inside and -1 outside, (10, n).

        Raises:
            sklearn.exceptions.NotFittedError: before ``fit``.
            ValueError: for images that are wrong as in ``anomaly_score``.
        """
        images = self._checked(X)
        decisions = np.empty((len(GAMMAS), len(images)))
        for block, distances in distance_blocks(as_rows(images), self.rows_):
            kernel = _kernel(distances, GAMMAS[0])
            for i in range(len(GAMMAS)):
                decisions[i, block] = kernel @ self.sweep_coefficients_[i] + self.sweep_intercepts_[i]
                np.square(kernel, out=kernel)
        return np.where(decisions < 0, -1, 1)

    def _fit(self, normal: Images, negatives: Images | None, seed: int) -> NDArray[np.float64]:
        learned = normal
        if 0 < self.max_samples < len(normal):
            learned = normal[np.random.default_rng(seed).permutation(len(normal))[: self.max_samples]]
        self.rows_ = as_rows(learned)
        distances = np.empty((len(self.rows_), len(self.rows_)))
        for block, some in distance_blocks(self.rows_, self.rows_):
            distances[block] = some
        if self.length_scale == "consistency":
            gamma = self._consistent(distances)
        else:
            variance = self.rows_.var(dtype=np.float64) or 1.0  # as scikit-learn: equal images have none
            gamma = 1 / (self.rows_.shape[1] * variance)
        self.gamma_ = float(self.gamma_scale * gamma)
        self.coefficients_, self.intercept_ = self._solve(_kernel(distances.copy(), self.gamma_))
        kernel = _kernel(distances, GAMMAS[0])
        self.sweep_coefficients_ = np.empty((len(GAMMAS), len(kernel)))
        self.sweep_intercepts_ = np.empty(len(GAMMAS))
        for i in range(len(GAMMAS)):
            self.sweep_coefficients_[i], self.sweep_intercepts_[i] = self._solve(kernel)
            np.square(kernel, out=kernel)
        return self._anomaly_score(normal)

    def _consistent(self, distances: NDArray[np.float64]) -> float:
        """Return the largest consistent gamma, given the distances of all rows; the first of ``GAMMAS`` if none is."""
        is_held_out = np.arange(len(distances)) % _HELD_OUT == 0
        kernel = _kernel(distances[np.ix_(~is_held_out, ~is_held_out)], GAMMAS[0])
        to_held_out = _kernel(distances[np.ix_(is_held_out, ~is_held_out)], GAMMAS[0])
        most = self.nu + 2 * np.sqrt(self.nu * (1 - self.nu) / is_held_out.sum())
        found = GAMMAS[0]
        for gamma in GAMMAS:
            coefficients, intercept = self._solve(kernel)
            if (to_held_out @ coefficients + intercept < 0).mean() > most:
                break
            found = gamma
            np.square(kernel, out=kernel)
            np.square(to_held_out, out=to_held_out)
        return found

    def _solve(self, kernel: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """Return the coefficients, (m,), and the intercept of the machine for a kernel matrix, (m, m)."""
        machine = OneClassSVM(kernel="precomputed", nu=self.nu).fit(kernel)
        coefficients = np.zeros(len(kernel))
        coefficients[machine.support_] = machine.dual_coef_[0]
        return coefficients, float(machine.intercept_[0])

    def _anomaly_score(self, images: Images) -> NDArray[np.float64]:
        support = np.flatnonzero(self.coefficients_)
        decisions = np.empty(len(images))
        for block, distances in distance_blocks(as_rows(images), self.rows_[support]):
            decisions[block] = _kernel(distances, self.gamma_) @ self.coefficients_[support]
        return -(decisions + self.intercept_)


def _kernel(distances: NDArray[np.float64], gamma: float) -> NDArray[np.float64]:
    """Return exp(-gamma distances), written over the distances; its square is the kernel for twice the gamma."""
    distances *= -gamma
    return np.exp(distances, out=distances)
