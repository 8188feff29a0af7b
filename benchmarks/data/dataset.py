"""What a loaded set is."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class DataIdentity(NamedTuple):
    """Variant and digest."""

    variant: str = ""
    digest: str = ""


class Arrays(NamedTuple):
    """The four arrays of a set as a source or a file gives them, not yet checked.

    The field names are the keys of ``<name>.npz``. Images are uint8 (n, h, w) or (n, h, w, 3), labels are
    integers (n,) of any width.
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.integer]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.integer]


# No comparison by value: "==" between arrays has no single answer, and two loads of one set have one digest.
@dataclass(frozen=True, eq=False)
class Dataset:
    """One checked image set.

    Images are uint8, 0 to 255, (n, h, w) or (n, h, w, 3); labels are int64 (n,), classes from 0, save
    Omniglot's, which are character numbers from 1 to 1623. Train and test have the same image shape.

    ``variant`` is '' for the complete official set; any other text says what the set is instead and goes
    with every number computed from it. ``digest`` is the first 16 characters of the SHA-256 of the train
    and the test digest (64 hexadecimal characters each, one after the other): equal for equal arrays.
    """

    name: str
    train_images: NDArray[np.uint8] = field(repr=False)
    train_labels: NDArray[np.int64] = field(repr=False)
    test_images: NDArray[np.uint8] = field(repr=False)
    test_labels: NDArray[np.int64] = field(repr=False)
    variant: str
    digest: str
