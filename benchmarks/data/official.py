"""The official files, through torchvision, which holds each download to the MD5 its authors published.

Every function downloads into ``folder`` and returns the set's arrays; whatever torchvision raises goes on to
the caller. torchvision is imported only here, and only when something has to be fetched.
"""

import contextlib
import io
import socket
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.data.cache import CATALOGUE, Arrays
from benchmarks.data.reading import read_file

TIMEOUT = 20.0  # seconds to wait for a connection, and for each next piece of a file

_LARGEST_DRAWING = 2**16  # bytes; the official ones have some hundreds


def _datasets() -> ModuleType:
    # Not above: it takes seconds, warns, and where it is broken the other sources still work.
    from torchvision import datasets  # noqa: PLC0415

    return datasets


def _halves(kind: str, folder: Path, argument: str, values: tuple[Any, Any]) -> tuple[Any, Any]:
    """Download both halves of a set, with the time-out that torchvision does not set and without its chatter."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    nowhere = io.StringIO()
    try:
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = getattr(_datasets(), kind)
            train, test = (made(folder, **{argument: value}, download=True) for value in values)
            return train, test
    finally:
        socket.setdefaulttimeout(before)


def mnist(folder: Path, *, kind: str = "MNIST") -> Arrays:
    """Fetch MNIST, or another set that torchvision keeps alike: uint8 (n, 28, 28), labels 0 to 9."""
    train, test = _halves(kind, folder, "train", (True, False))
    return Arrays(train.data.numpy(), train.targets.numpy(), test.data.numpy(), test.targets.numpy())


def fashion_mnist(folder: Path) -> Arrays:
    """Fetch Fashion-MNIST: uint8 (n, 28, 28), labels 0 to 9."""
    return mnist(folder, kind="FashionMNIST")


def cifar10(folder: Path) -> Arrays:
    """Fetch CIFAR-10: uint8 (n, 32, 32, 3), labels 0 to 9.

    The official files are pickles; torchvision reads them only after their MD5s were found right.
    """
    train, test = _halves("CIFAR10", folder, "train", (True, False))
    train_images, test_images = (np.ascontiguousarray(half.data) for half in (train, test))
    return Arrays(train_images, np.asarray(train.targets), test_images, np.asarray(test.targets))


def svhn(folder: Path) -> Arrays:
    """Fetch SVHN, cropped digits: uint8 (n, 32, 32, 3), labels 0 to 9 (torchvision makes the files' 10 a 0)."""
    train, test = _halves("SVHN", folder, "split", ("train", "test"))
    train_images, test_images = (np.ascontiguousarray(half.data.transpose(0, 2, 3, 1)) for half in (train, test))
    return Arrays(train_images, train.labels, test_images, test.labels)


def omniglot(folder: Path) -> Arrays:
    """Fetch Omniglot: uint8 (n, 105, 105), ink 255 on 0, labels 1 to 964 (background) and 965 to 1623 (evaluation).

    Only the download is torchvision's: it numbers characters in the order in which the disk lists them.
    """
    train, test = _halves("Omniglot", folder, "background", (True, False))
    return Arrays(*drawings(Path(train.target_folder)), *drawings(Path(test.target_folder)))


def drawings(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read ``<alphabet>/<character>/<number>_<drawer>.png``, dark ink on white, in the order of these names.

    Returns uint8 (n, h, w) with ink 255 on 0, and the character numbers as int64 (n,).
    Raises ``ValueError`` when there are no drawings or one is named otherwise or has another size.
    """
    paths = sorted(folder.glob("*/*/*.png"))
    if not paths:
        raise ValueError(f"no drawings in {folder.name}")
    size = CATALOGUE["omniglot"].image_shape[::-1]
    images = []
    for path in paths:
        with Image.open(io.BytesIO(read_file(path, _LARGEST_DRAWING)), formats=("PNG",)) as image:
            if image.size != size:  # before anything is decompressed
                raise ValueError(f"{path.name} is a drawing of {image.size} pixels, not {size}")
            images.append(255 - np.asarray(image.convert("L")))
    return np.stack(images), np.array([int(path.name.partition("_")[0]) for path in paths])
