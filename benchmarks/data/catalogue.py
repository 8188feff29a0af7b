"""The catalogue of the image sets: shapes, sizes, classes and digests, known before any file is read.

A digest is the SHA-256 of the images' bytes (C order, n h w [c]) followed by the labels in ``label_dtype``:
one byte each, save Omniglot's 1,623 characters, which need two (little endian).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Arrays(NamedTuple):
    """The four arrays of a set as a source or a file gives them, not yet checked.

    The field names are the keys of ``<name>.npz``. Images are uint8 (n, h, w) or (n, h, w, 3), labels are
    integers (n,) of any width.
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.integer]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.integer]


class DataIdentity(NamedTuple):
    """The content of a set of a given name: equal where every image and every label is.

    ``digest`` is '' where the catalogue knows the digests of this ``variant``, which ``load`` holds the arrays to;
    elsewhere it is that of the arrays (``Dataset.digest``).
    """

    variant: str = ""
    digest: str = ""


# No comparison by value: "==" between arrays has no single answer, and two loads of one set have one identity.
@dataclass(frozen=True, eq=False)
class Dataset:
    """One checked image set.

    Images are uint8, 0 to 255, (n, h, w) or (n, h, w, 3); labels are int64 (n,), classes from 0, save
    Omniglot's, which are character numbers from 1 to 1623. Train and test have the same image shape.

    ``variant`` is '' for the complete official set; any other text says what the set is instead and goes
    with every number computed from it. ``digest`` is the first 16 characters of the SHA-256 (hexadecimal) of the
    digests of both halves and the image shape: equal for equal arrays.
    """

    name: str
    train_images: NDArray[np.uint8] = field(repr=False)
    train_labels: NDArray[np.int64] = field(repr=False)
    test_images: NDArray[np.uint8] = field(repr=False)
    test_labels: NDArray[np.int64] = field(repr=False)
    variant: str
    digest: str

    @property
    def identity(self) -> DataIdentity:
        """The variant and, unless the catalogue vouches for its content, the digest."""
        return DataIdentity(self.variant, "" if self.variant in CATALOGUE[self.name].digests else self.digest)


@dataclass(frozen=True)
class CatalogueEntry:
    """One set: ``counts`` and ``digests`` are (train, test), ``labels`` is (first, last).

    ``digests`` is keyed by variant ('' = the complete official set); a variant that is not listed is not
    known, and an official set that is not listed is judged by its shape and its counts alone.
    """

    image_shape: tuple[int, ...]
    counts: tuple[int, int]
    class_names: tuple[str, ...]
    digests: Mapping[str, tuple[str, str]]
    labels: tuple[int, int] = (0, 9)
    label_dtype: str = "u1"


_DIGITS = tuple("0123456789")

CATALOGUE: dict[str, CatalogueEntry] = {
    # Of the four IDX files whose MD5s are the official ones.
    "mnist": CatalogueEntry(
        image_shape=(28, 28),
        counts=(60_000, 10_000),
        class_names=_DIGITS,
        digests={
            "": (
                "edc0d1098aa497be14ace79ddd5171e5a3dcf9c4d196c015389203eb3ba1f59b",
                "c3f9adf9c66efb572b1f9326c3a511b45910c7173b97be66ceceeeeaef6b802b",
            )
        },
    ),
    # Of the four IDX files as Debian packages them.
    "fashion-mnist": CatalogueEntry(
        image_shape=(28, 28),
        counts=(60_000, 10_000),
        class_names=("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"),
        digests={
            "": (
                "16d82e2b505296aa2b78bd5ea0992634f30419a4c97def7c907d154a35ac6157",
                "9f1ec356a747bfe4ebab3cfb722d3694c9ca737e2570f6f90cf31d7b6fd689d4",
            )
        },
    ),
    # Official: no digest of the arrays is known; a download is held to the MD5s of its files, a cached set
    # to these counts. The variant: digits re-cropped to 32 x 32 from the first 2,000 training and the first
    # 1,000 test images of the full-number set (4,434 and 1,952 digits); of the file as it is handed out.
    "svhn": CatalogueEntry(
        image_shape=(32, 32, 3),
        counts=(73_257, 26_032),
        class_names=_DIGITS,
        digests={
            "recropped-subset-2000-1000": (
                "2afd776c914891fb47716653c7f6891260f3745960f832b0263c86917f85e02f",
                "8e496b9632c453383e58df8479ea7f1a94b34fe98cc5e7df26e02c81a71f78f9",
            )
        },
    ),
    # Of arrays whose channel means and deviations are the published ones; rows in the order of the batches.
    "cifar10": CatalogueEntry(
        image_shape=(32, 32, 3),
        counts=(50_000, 10_000),
        class_names=("Plane", "Car", "Bird", "Cat", "Deer", "Dog", "Frog", "Horse", "Ship", "Truck"),
        digests={
            "": (
                "f912919bdea371136f1aa4feed6beeca728015a5f08b1899a29c932a7e30be2b",
                "8193b3fbce55bec361cd1b8fd4880cb1649832dc4d6de6da1e7a21847a4843aa",
            )
        },
    ),
    # Train is the background set (characters 1 to 964), test the evaluation set (965 to 1623), ink 255 on 0;
    # alphabets, characters and drawings in the order of their names. Of the file as it is handed out.
    "omniglot": CatalogueEntry(
        image_shape=(105, 105),
        counts=(19_280, 13_180),
        labels=(1, 1623),
        label_dtype="<u2",
        class_names=(),
        digests={
            "": (
                "6de4291018b6d0952a914d82d5945d70dc22060688062c088884c74c7c51f3ac",
                "439a75a0f9e7e9f1f10ac02da5748609bc973f601e99eb84e350c9b0d1224017",
            )
        },
    ),
}

NAMES = tuple(CATALOGUE)
"""The sets that ``load`` can give."""

CLASS_NAMES: dict[str, tuple[str, ...]] = {name: CATALOGUE[name].class_names for name in NAMES}
"""Class names as the paper prints them, by label; empty for Omniglot, whose characters have numbers only."""
