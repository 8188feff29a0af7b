"""A detector of scikit-learn: the local outlier factor, with each pixel brought to the same spread."""

from dataclasses import dataclass

from sklearn.neighbors import LocalOutlierFactor

from benchmarks.own import ScikitLearnDetector
from lisae.settings import Count


@dataclass(kw_only=True, eq=False, repr=False)
class LOF(ScikitLearnDetector):
    """Local outlier factor (Breunig et al., SIGMOD 2000)."""

    scaling: str = "standard"
    neighbours: Count = 20

    def estimator(self, seed):
        """Return the estimator; without novelty=True it would score the images that it was fitted on alone."""
        return LocalOutlierFactor(n_neighbors=self.neighbours, novelty=True)
