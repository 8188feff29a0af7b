"""Files that are written whole or not at all, folders that can be written or not, and locks that end with a process."""

import errno
import fcntl
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from benchmarks.errors import CallError, UnavailableError

_ANOTHER_FOLDER = "name a folder that can be written"
_REMEDIES = {
    errno.ENOSPC: "free some space or name another folder",
    errno.EDQUOT: "free some space or name another folder",
    errno.EFBIG: "raise the limit on the size of a file (ulimit -f) or name another folder",
    errno.EROFS: _ANOTHER_FOLDER,
}
# File systems that cannot flush a file to the disk say so in one of these ways.
_NO_SYNC = (errno.EBADF, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
_LOCKED = (errno.EACCES, errno.EAGAIN)  # by another process
# Libraries written in Rust pass the errors of the system on as text.
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a path to write to, and rename it to ``path`` once the block ends without an error.

    Readers see the old file or the new one, never a part. The temporary file lies in the same folder, so that the
    rename is atomic, has a name of its own, and is removed when anything goes wrong. The mode follows the umask.

    Raises ``UnavailableError`` when the folder or the file cannot be made, flushed or renamed, and when the disk
    turns out to be full or read-only within the block (``full_disk``). Other errors of the block pass as they are.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with _unavailable_on_error(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch(exist_ok=False)
            mode = temporary.stat().st_mode
        try:
            yield temporary
        except Exception as error:
            if not isinstance(error, UnavailableError) and (full := full_disk(error)):
                raise unwritable(path, full) from error
            raise
        with _unavailable_on_error(path):
            # The block may have put another file in its place, as safetensors does, readable by its owner alone.
            if temporary.stat().st_mode != mode:
                with suppress(OSError):  # some file systems have no modes
                    temporary.chmod(stat.S_IMODE(mode))
            _sync(temporary)
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``, whole or not at all; see ``written_whole``."""
    with written_whole(path) as temporary, _unavailable_on_error(path):
        temporary.write_text(text, encoding="utf-8")


def check_writable(folder: Path) -> None:
    """Make ``folder`` and write a file in it that is gone at once; raises ``UnavailableError`` when that fails."""
    with _unavailable_on_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")


def check_usable(folder: Path, name: str) -> None:
    """Raise ``CallError`` for a folder, ``name`` in messages, that nothing can be written in."""
    try:
        check_writable(folder)
    except UnavailableError as error:
        raise CallError(f"{name} cannot be written: {error}") from error


class ByteLocks:
    """Locks on the bytes of one file, by which processes tell each other which of their many common jobs they have.

    All end with the block, or with the process, however that ends, so that none can be left behind. On a shared file
    system they hold between machines. Where a file system has no locks, every lock can be taken. They tell processes
    apart, and not the threads of one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        with _unavailable_on_error(self._path):
            self._file = self._path.open("ab")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def take(self, number: int) -> bool:
        """Take a lock and tell whether this process has it now, or had it before; numbers are below 2^64."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number >> 1)  # a place in a file has 63 bits
        except OSError as error:
            return error.errno not in _LOCKED
        return True

    def give_back(self) -> None:
        """Give back every lock that was taken."""
        with suppress(OSError):
            fcntl.lockf(self._file, fcntl.LOCK_UN)


@contextmanager
def _unavailable_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        try:
            os.fsync(file.fileno())
        except OSError as error:
            if error.errno not in _NO_SYNC:
                raise


def full_disk(error: BaseException | None) -> OSError | None:
    """Return the error of a full or read-only disk, or of a limit of space, that ``error`` is or came from, or None."""
    seen = set[int]()
    while error is not None and id(error) not in seen:  # a cause that is raised anew makes a circle
        seen.add(id(error))
        told = _OS_ERROR.search(str(error))
        code = error.errno if isinstance(error, OSError) else int(told[1]) if told else None
        if code in _REMEDIES:
            return OSError(code, os.strerror(code))
        error = error.__cause__ or error.__context__
    return None


def unwritable(path: Path, error: OSError) -> UnavailableError:
    """Return the error that says why ``path`` could not be written, and what to do."""
    reason = os.strerror(error.errno) if error.errno else error
    return UnavailableError(
        f"{path} could not be written: {reason}. What was there before is untouched; "
        f"{_REMEDIES.get(error.errno or 0, _ANOTHER_FOLDER)}, and the same command goes on from here."
    )


def folder_size(folder: Path) -> int:
    """Return the bytes in the files under ``folder``, which may come and go meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total
