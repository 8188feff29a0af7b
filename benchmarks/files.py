"""Writing files whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.errors import UnavailableError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a path to write to, and rename it to ``path`` once the block ends without an error.

    Readers see the old file or the new one, never a part. The temporary file lies in the same folder, so
    that the rename is atomic, and is removed when anything goes wrong.

    Raises ``UnavailableError`` when the folder or the file cannot be written, or the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise UnavailableError(
            f"{path} could not be written: {error.strerror or error}. What was there before is untouched; "
            "free some space or name another folder, and the same command goes on from here."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``, whole or not at all; see ``written_whole``."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def folder_size(folder: Path) -> int:
    """Bytes in the files under ``folder``, while they may come and go."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue
    return total
