"""ExtraTrees: extremely randomised trees (Geurts et al., Machine Learning 2006, 63, 3-42), scikit-learn's."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import ensemble

from lisae.detector import Detector
from lisae.images import Images, as_rows
from lisae.settings import Count


@dataclass(kw_only=True, eq=False, repr=False)
class ExtraTrees(Detector):
    """ExtraTrees: a forest that tells normal images from negatives by their flat pixels in [0, 1].

    A tree learns from all images, as the authors have it, or where there are very many from a part drawn for it.

    The score is the probability of being a negative, in [0, 1], mean over trees; normal images and negatives weigh the
    same together, however many there are.

    Args:
        trees: how many.
        max_samples: images drawn for a tree, with replacement, where there are more.
        min_samples_leaf: training images in a leaf, at least; with one, images that were learned from score 0 or 1.
        contamination: share of the normal training images that ``predict`` calls anomalous.
        random_state: decides everything random.

    Attributes:
        forest_: the fitted ``sklearn.ensemble.ExtraTreesClassifier``.

    ``fit`` raises ValueError for fewer than one tree or sample, or an empty leaf.
    """

    uses_negatives = True

    trees: Count = 100
    max_samples: Count = 10_000
    min_samples_leaf: Count = 5

    def _fit(self, normal: Images, negatives: Images | None, seed: int) -> NDArray[np.float64]:
        assert negatives is not None  # Detector.fit requires them
        is_negative = np.repeat([0, 1], [len(normal), len(negatives)])
        drawn: dict[str, Any] = {"bootstrap": True, "max_samples": self.max_samples}
        forest = ensemble.ExtraTreesClassifier(
            self.trees,
            min_samples_leaf=self.min_samples_leaf,
            class_weight="balanced",
            random_state=seed,
            **drawn if len(is_negative) > self.max_samples else {},
        )
        self.forest_ = forest.fit(np.concatenate([as_rows(normal), as_rows(negatives)]), is_negative)
        return self._anomaly_score(normal)

    def _anomaly_score(self, images: Images) -> NDArray[np.float64]:
        return self.forest_.predict_proba(as_rows(images))[:, 1]
