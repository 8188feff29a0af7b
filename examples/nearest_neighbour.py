"""A detector from nothing: the distance to the nearest normal training images."""

from dataclasses import dataclass

from sklearn.neighbors import NearestNeighbors

from lisae import Detector, as_rows


@dataclass(kw_only=True, eq=False, repr=False)
class NearestNeighbour(Detector):
    """Distance to the nearest normal training images, their mean where there are several."""

    neighbours: int = 1

    def _fit(self, normal, negatives, seed):
        self.index_ = NearestNeighbors(n_neighbors=self.neighbours).fit(as_rows(normal))
        return self._anomaly_score(normal)

    def _anomaly_score(self, images):
        return self.index_.kneighbors(as_rows(images))[0].mean(axis=1).astype(float)
