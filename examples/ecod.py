"""A detector of PyOD: ECOD, which has nothing to choose."""

from dataclasses import dataclass

from pyod.models.ecod import ECOD as Estimator

from benchmarks.own import PyODDetector


@dataclass(kw_only=True, eq=False, repr=False)
class ECOD(PyODDetector):
    """Empirical cumulative distributions (Li et al., TKDE 2022)."""

    def estimator(self, seed):
        """Return the estimator."""
        return Estimator()
