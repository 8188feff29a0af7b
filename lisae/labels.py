"""The labels of images: +1 for normal ones and -1 for negative examples."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lisae.images import shape_text


def normal_rows(y: ArrayLike | None, n: int) -> NDArray[np.bool_]:
    """Return which of the ``n`` images are normal, (n,), from labels +1 and -1; None: all are.

    Raises ValueError for other labels, and for another number of them; the message shows the line that makes them.
    """
    if y is None:
        return np.ones(n, dtype=bool)
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise ValueError(f"y has one label for each of the {n} images; got shape {shape_text(labels.shape)}.")
    found = np.unique(labels).tolist()
    wrong = [repr(label) for label in found if labels.dtype == bool or label not in (1, -1)]
    if wrong:
        raise ValueError(
            f"labels are +1 (normal) and -1 (negative example); got {', '.join(wrong[:5])}. {_remedy(found)}".rstrip()
        )
    return labels == 1


def _remedy(found: list[Any]) -> str:
    """Return the line that makes labels of two values +1 and -1, '' where there are none such."""
    if set(found) <= {0, 1}:  # False and True too
        return "If 1 is normal: y = numpy.where(y, 1, -1). If 1 is anomalous: y = numpy.where(y, -1, 1)."
    if len(found) == 2:
        return f"If {found[0]!r} is normal: y = numpy.where(y == {found[0]!r}, 1, -1)."
    return ""
