"""The labels of images: +1 for normal ones and -1 for negative examples."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lisae.images import shape_text


def normal_rows(y: ArrayLike | None, n: int) -> NDArray[np.bool_]:
    """Return which of the ``n`` images are normal, (n,), from labels +1 and -1; None: all are.

    Raises ValueError for other labels, and for another number of them.
    """
    if y is None:
        return np.ones(n, dtype=bool)
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise ValueError(f"y has one label for each of the {n} images; got shape {shape_text(labels.shape)}.")
    wrong = [repr(label) for label in np.unique(labels).tolist() if label not in (1, -1)]
    if wrong:
        raise ValueError(f"labels are +1 (normal) and -1 (negative example); got {', '.join(wrong[:5])}.")
    return labels == 1
