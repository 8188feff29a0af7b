"""Reading of files that others made: regular files only, and never more of them than a data set can have.

Everything that reads the bytes of a data file or of a download begins with ``open_file``.
"""

import gzip
import io
import math
import stat
import tarfile
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy

_HEADER = 2**18  # bytes; a header or a directory that is larger was made to fill the memory
_LONGEST_REASON = 200  # characters
_KINDS = {"d": "a folder", "p": "a named pipe", "c": "a device", "b": "a device", "s": "a socket"}
_NOT_NPZ = {
    b"\x93NUMPY": "is a single array, not an npz file",
    b"version https://git-lfs": "is a pointer of Git LFS and not the file itself, which 'git lfs pull' fetches",
}
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class ContentError(Exception):
    """A file or a set is not what its name says; the text completes a sentence that begins with its place."""


class Form(NamedTuple):
    """The shape and the type of an array: what a file declares before any value is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class _Bounded(io.BufferedReader):
    """A stream whose reader gets ``left`` bytes at most, whatever lengths it finds in a header."""

    left: float = _HEADER

    def read(self, size: int | None = -1, /) -> bytes:
        most = math.inf if size is None or size < 0 else size
        content = super().read(int(min(most, self.left + 1)))
        self.left -= len(content)
        if self.left < 0:
            raise ContentError(f"has a header or a directory of more than {_HEADER:,} bytes")
        return content


def open_file(path: Path) -> io.BufferedReader:
    """Open a regular file, or a link to one.

    Raises ``ContentError`` for anything else, which could keep its reader waiting or never end, and ``OSError``.
    """
    kind = stat.filemode(path.stat().st_mode)[0]
    if kind != "-":
        raise ContentError(f"is {_KINDS.get(kind, 'something else')}, not a file")
    return path.open("rb")


def read_npz(path: Path, keys: Collection[str], check: Callable[[Mapping[str, Form]], None]) -> dict[str, Any]:
    """Read those of the arrays ``keys`` that there are, once ``check`` has accepted the forms of all of them.

    A text without dimensions comes as ``str``. Nothing is unpickled, and of members no more is decompressed than the
    accepted form says. Raises ``ContentError``, and ``OSError`` when the file cannot be read.
    """
    with open_file(path) as file:
        begin = file.peek(32)
        for mark, what in _NOT_NPZ.items():
            if begin.startswith(mark):
                raise ContentError(what)
        with _named("an npz file of plain arrays"):
            stream = _Bounded(file)
            archive = zipfile.ZipFile(stream)
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            found = {key: members[key] for key in keys if key in members}
            forms = {key: _form(archive, member) for key, member in found.items()}
        check(forms)
        stream.left = math.inf
        with _named("an npz file of plain arrays"):
            return {key: _array(archive, member) for key, member in found.items()}


def _form(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Form:
    # The others, which numpy does not write, are decompressed without a bound.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename} is compressed in another way than by deflate")
    with _Bounded(archive.open(member)) as stream:  # type: ignore[arg-type]
        shape, _, dtype = _HEADERS[npy.read_magic(stream)](stream)
        if member.file_size != stream.tell() + math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{member.filename} has {member.file_size:,} bytes, which is not what its header declares")
    return Form(shape, dtype)


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Any:
    with archive.open(member) as stream:
        array = npy.read_array(stream, allow_pickle=False)
    return array.item() if array.dtype.kind == "U" and array.ndim == 0 else array


def read_file(path: Path, limit: int) -> bytes:
    """Read a file whole. Raises ``ContentError`` when it has more than ``limit`` bytes."""
    with open_file(path) as file:
        return _at_most(file, limit)


def read_gzip(path: Path, limit: int) -> bytes:
    """Decompress a gzip file. Raises ``ContentError`` when more than ``limit`` bytes come out."""
    with open_file(path) as file, gzip.GzipFile(fileobj=file) as stream:
        return _at_most(stream, limit)


def read_tgz(path: Path, names: Collection[str], limit: int) -> dict[str, bytes]:
    """Return the contents of those regular files of a tar.gz that are named, by path below its one folder.

    Nothing is written to the disk. Raises ``ContentError`` when more than ``limit`` bytes come out of the archive.
    """
    found: dict[str, bytes] = {}
    with (
        open_file(path) as file,
        _Bounded(gzip.GzipFile(fileobj=file)) as stream,
        tarfile.open(fileobj=stream, mode="r:") as archive,
    ):
        # One pass in the order of the archive: jumping about in it would unpack it anew for each file.
        while member := archive.next():
            archive.members.clear()  # type: ignore[attr-defined]  # it keeps all of them
            if max(archive.offset, member.size) > limit:
                raise ContentError(f"unpacks to more than {limit:,} bytes")
            name = member.name.partition("/")[2]
            content = archive.extractfile(member) if name in names and member.isreg() else None
            if content is not None:
                stream.left = math.inf
                found[name] = _at_most(content, limit)
            stream.left = _HEADER
    return found


def _at_most(stream: IO[bytes] | gzip.GzipFile, limit: int) -> bytes:
    content = bytearray()
    while part := stream.read(_HEADER):
        content += part
        if len(content) > limit:
            raise ContentError(f"has more than {limit:,} bytes")
    return bytes(content)


@contextmanager
def _named(kind: str) -> Iterator[None]:
    try:
        yield
    except (ContentError, OSError):
        raise
    except Exception as error:  # numpy and zipfile do not say what they raise for hostile bytes
        reason = str(error) or type(error).__name__
        raise ContentError(f"cannot be read as {kind}: {reason[:_LONGEST_REASON]}") from error
