"""Isolation forest (Liu, Ting and Zhou, ICDM 2008; reference [35] of the paper), scikit-learn's."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import ensemble

from baselines.contrast import ContrastNormalised
from lisae.images import Images, as_rows
from lisae.settings import Count


@dataclass(kw_only=True, eq=False, repr=False)
class IsolationForest(ContrastNormalised):
    """IF: the fewer random cuts isolate an image, the more anomalous it is; on flat pixels in [0, 1].

    The score is the one of the authors' Eq. (2), in (0, 1]: 2 to the minus mean path length over trees, relative to
    that of an unsuccessful search in a binary tree.

    Args:
        trees: how many; the authors' 100.
        max_samples: normal images drawn for a tree, without replacement; the authors' 256, or all if there are fewer.
        contrast: as for ``ContrastNormalised``.
        contamination: share of the normal training images that ``predict`` calls anomalous.
        random_state: decides everything random.

    Attributes:
        forest_: the fitted ``sklearn.ensemble.IsolationForest``.

    ``fit`` raises ValueError for fewer than one tree or sample.
    """

    trees: Count = 100
    max_samples: Count = 256

    def _fit(self, normal: Images, negatives: Images | None, seed: int) -> NDArray[np.float64]:
        samples = min(self.max_samples, len(normal))
        forest = ensemble.IsolationForest(n_estimators=self.trees, max_samples=samples, random_state=seed)
        self.forest_ = forest.fit(as_rows(normal))
        return self._anomaly_score(normal)

    def _anomaly_score(self, images: Images) -> NDArray[np.float64]:
        return -self.forest_.score_samples(as_rows(images))
