"""The official files, through torchvision, which holds each download to the MD5 its authors published.

Every function downloads into ``folder`` and returns the set's arrays; whatever torchvision raises goes on to
the caller. torchvision is imported only here, and only when something has to be fetched.
"""

import contextlib
import io
import socket
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.data.cache import Arrays

TIMEOUT = 20.0
"""Seconds to wait for a connection, and for each next piece of a file."""


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Set the time-out that torchvision does not set, and silence its prints and warnings."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        socket.setdefaulttimeout(before)


def _datasets() -> ModuleType:
    # Not above: it takes seconds, warns, and where it is broken the other sources still work.
    from torchvision import datasets  # noqa: PLC0415

    return datasets


def mnist(folder: Path) -> Arrays:
    """Fetch MNIST: uint8 (n, 28, 28), labels 0 to 9."""
    return _idx("MNIST", folder)


def fashion_mnist(folder: Path) -> Arrays:
    """Fetch Fashion-MNIST: uint8 (n, 28, 28), labels 0 to 9."""
    return _idx("FashionMNIST", folder)


def _idx(kind: str, folder: Path) -> Arrays:
    with _alone():
        datasets = _datasets()
        train, test = (getattr(datasets, kind)(folder, train=train, download=True) for train in (True, False))
        return Arrays(train.data.numpy(), train.targets.numpy(), test.data.numpy(), test.targets.numpy())


def cifar10(folder: Path) -> Arrays:
    """Fetch CIFAR-10: uint8 (n, 32, 32, 3), labels 0 to 9.

    The official files are pickles; torchvision reads them only after their MD5s were found right.
    """
    with _alone():
        datasets = _datasets()
        train, test = (datasets.CIFAR10(folder, train=train, download=True) for train in (True, False))
        return Arrays(
            np.ascontiguousarray(train.data),
            np.asarray(train.targets),
            np.ascontiguousarray(test.data),
            np.asarray(test.targets),
        )


def svhn(folder: Path) -> Arrays:
    """Fetch SVHN, cropped digits: uint8 (n, 32, 32, 3), labels 0 to 9 (torchvision makes the files' 10 a 0)."""
    with _alone():
        datasets = _datasets()
        train, test = (datasets.SVHN(folder, split=split, download=True) for split in ("train", "test"))
        return Arrays(_channels_last(train.data), train.labels, _channels_last(test.data), test.labels)


def omniglot(folder: Path) -> Arrays:
    """Fetch Omniglot: uint8 (n, 105, 105), ink 255 on 0, labels 1 to 964 (background) and 965 to 1623 (evaluation).

    Only the download is torchvision's: it numbers characters in the order in which the disk lists them.
    """
    with _alone():
        datasets = _datasets()
        train, test = (datasets.Omniglot(folder, background=background, download=True) for background in (True, False))
    return Arrays(*drawings(Path(train.target_folder)), *drawings(Path(test.target_folder)))


def drawings(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read ``<alphabet>/<character>/<number>_<drawer>.png``, dark ink on white, in the order of these names.

    Returns uint8 (n, h, w) with ink 255 on 0, and the character numbers as int64 (n,).
    Raises ``ValueError`` when there are no drawings or one is named otherwise.
    """
    paths = sorted(folder.glob("*/*/*.png"))
    if not paths:
        raise ValueError(f"no drawings in {folder.name}")
    images = []
    for path in paths:
        with Image.open(path) as image:
            images.append(255 - np.asarray(image.convert("L")))
    return np.stack(images), np.array([int(path.name.partition("_")[0]) for path in paths])


def _channels_last(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))
