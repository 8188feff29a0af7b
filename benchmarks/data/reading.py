"""Reading of files that others made: regular files only, and never more of them than a data set can have.

Everything that reads the bytes of a data file or of a download begins with ``open_file``.
"""

import gzip
import io
import math
import stat
import tarfile
import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

Form = tuple[tuple[int, ...], np.dtype[Any]]  # the shape and the type of an array, which its header declares
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

    Values without dimensions come as scalars. Nothing is unpickled, and of members no more is decompressed than the
    accepted form says. Raises ``ContentError``, and ``OSError`` when the file cannot be read.
    """
    with open_file(path) as file:
        begin = file.peek(32)
        if problem := next((what for mark, what in _NOT_NPZ.items() if begin.startswith(mark)), None):
            raise ContentError(problem)
        try:
            stream = _Bounded(file)
            archive = zipfile.ZipFile(stream)
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            members = {key: members[key] for key in keys if key in members}
            check({key: _form(archive, member) for key, member in members.items()})
            stream.left = math.inf
            return {key: npy.read_array(archive.open(one), allow_pickle=False)[()] for key, one in members.items()}
        except (ContentError, OSError):
            raise
        except Exception as error:  # numpy and zipfile do not say what they raise for hostile bytes
            reason = (str(error) or type(error).__name__)[:_LONGEST_REASON]
            raise ContentError(f"cannot be read as an npz file of plain arrays: {reason}") from error


def _form(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Form:
    # The others, which numpy does not write, are decompressed without a bound.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename} is compressed in another way than by deflate")
    with _Bounded(archive.open(member)) as stream:  # type: ignore[arg-type]
        shape, _, dtype = _HEADERS[npy.read_magic(stream)](stream)
        if member.file_size != stream.tell() + math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{member.filename} has {member.file_size:,} bytes, which is not what its header declares")
    return shape, dtype


def read_file(path: Path, limit: int) -> bytes:
    """Read a file whole, unpacked if its name ends in .gz. Raises ``ContentError`` for more than ``limit`` bytes."""
    with open_file(path) as file:
        return _at_most(gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file, limit)


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
            if archive.offset > limit:  # where the next member begins
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
