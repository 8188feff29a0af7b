"""Is this the set that it says it is? Shapes, labels, and the SHA-256 where one is known."""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.catalogue import CATALOGUE, Entry
from benchmarks.data.dataset import Arrays, Dataset


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


def _check_split(split: str, images: NDArray[np.uint8], labels: NDArray[np.integer], entry: Entry) -> None:
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


def _check_official(arrays: Arrays, entry: Entry) -> None:
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
