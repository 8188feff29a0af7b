"""Tiny sets, tiny catalogue entries, and package clients that are shell scripts."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.data.cache import CATALOGUE, Arrays, CatalogueEntry


def _arrays(name: str, counts: tuple[int, int] = (20, 10)) -> Arrays:
    """Draw a set of every class, or of the first and the last character and some between."""
    rng = np.random.default_rng(len(name))
    entry = CATALOGUE[name]
    images = [rng.integers(0, 256, (count, *entry.image_shape), dtype=np.uint8) for count in counts]
    labels = [rng.permutation(np.linspace(*entry.labels, count).round().astype(int)) for count in counts]
    return Arrays(images[0], labels[0], images[1], labels[1])


def _digest(images: np.ndarray, labels: np.ndarray, label_dtype: str) -> str:
    return hashlib.sha256(images.tobytes() + labels.astype(label_dtype).tobytes()).hexdigest()


@pytest.fixture(scope="session")
def arrays_of() -> Callable[..., Arrays]:
    return _arrays


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Arrays]:
    """Make a tiny set the official one of a name (or a known variant), and give its arrays."""

    def make(name: str = "mnist", variant: str = "", arrays: Arrays | None = None) -> Arrays:
        old = CATALOGUE[name]
        arrays = arrays or _arrays(name)
        entry = CatalogueEntry(
            image_shape=arrays.train_images.shape[1:],
            counts=(len(arrays.train_images), len(arrays.test_images)),
            labels=old.labels,
            label_dtype=old.label_dtype,
            class_names=old.class_names,
            digests={
                variant: (
                    _digest(arrays.train_images, arrays.train_labels, old.label_dtype),
                    _digest(arrays.test_images, arrays.test_labels, old.label_dtype),
                )
            },
        )
        monkeypatch.setitem(CATALOGUE, name, entry)
        return arrays

    return make


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Put an executable shell script in front of everything on PATH; it notes its arguments in a file."""
    place = tmp_path / "bin"
    place.mkdir()
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def make(name: str, body: str) -> Path:
        noted = tmp_path / f"{name}.arguments"
        script = place / name
        script.write_text(f'#!/bin/sh\necho "$@" >> "{noted}"\n{body}\n')
        script.chmod(0o755)
        return noted

    return make


@pytest.fixture
def no_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.fixture(scope="session")
def idx_bytes() -> Callable[[np.ndarray], bytes]:
    """Write an IDX file of unsigned bytes."""

    def make(values: np.ndarray) -> bytes:
        sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
        return bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()

    return make
