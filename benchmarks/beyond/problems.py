"""The one-class tasks that the library's defaults are measured on: ``defaults.toml``, and the images of each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from benchmarks.data import load
from lisae import Detector

Images = NDArray[Any]

TASKS = Path(__file__).with_name("defaults.toml")
_SHARE = 10  # one normal image in ten is held out, where a rule needs it
_TESTED = 500  # normal images and outliers that are scored, each


class Problem(NamedTuple):
    """The images of one task: of training, held-out normal ones, negatives, and those that are scored."""

    normal: Images
    held_out: Images
    negatives: Images
    scored: Images
    is_outlier: NDArray[np.bool_]

    def auc(self, detector: Detector) -> float:
        """Return the area under the curve of a fitted detector."""
        return float(roc_auc_score(self.is_outlier, detector.anomaly_score(self.scored)))

    def false_alarms(self, detector: Detector) -> float:
        """Return the share of new normal images that a fitted detector calls anomalous."""
        return float((detector.predict(self.scored[~self.is_outlier]) == -1).mean())

    @property
    def all_normal(self) -> Images:
        """The normal images of training and those that are held out from them."""
        return np.concatenate([self.held_out, self.normal])


def problem_of(name: str, normal: int, count: int, data_dir: Path, n_negatives: int | None = None) -> Problem:
    """Return the task of a class of a data set with ``count`` normal images at most.

    There are ``n_negatives`` negatives at most, and as many as normal images without a number.
    """
    train, test = digits() if name == "digits" else _loaded(name, data_dir)
    negatives, outliers = ([(normal + step) % 10 for step in steps] for steps in (range(1, 5), range(5, 10)))
    random = np.random.default_rng(0)

    def some(part: tuple[Images, NDArray[Any]], classes: Sequence[int], n: int) -> Images:
        images, labels = part
        return images[random.permutation(np.flatnonzero(np.isin(labels, classes)))[:n]]

    own = some(train, [normal], count)
    scored = [some(test, classes, _TESTED) for classes in ([normal], outliers)]
    return Problem(
        own[len(own) // _SHARE :],
        own[: len(own) // _SHARE],
        some(train, negatives, n_negatives or count),
        np.concatenate(scored),
        np.repeat([False, True], [len(one) for one in scored]),
    )


def digits() -> tuple[tuple[Images, NDArray[Any]], tuple[Images, NDArray[Any]]]:
    """Return scikit-learn's digits, 8 x 8, of training and of test: two of three images and the rest."""
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    is_test = np.arange(len(labels)) % 3 == 2
    return (images[~is_test], labels[~is_test]), (images[is_test], labels[is_test])


def _loaded(name: str, data_dir: Path) -> Any:
    data = load(name, data_dir, quiet=True)
    parts = ((data.train_images, data.train_labels), (data.test_images, data.test_labels))
    return tuple((images if images.ndim == 4 else images[..., None], labels) for images, labels in parts)
