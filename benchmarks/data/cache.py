"""The data directory: where the sets lie, and reading one of them."""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile
from platformdirs import user_cache_dir

from benchmarks.data.checks import ContentError, checked
from benchmarks.data.dataset import Arrays, Dataset
from benchmarks.errors import UnavailableError

# What numpy and zipfile raise on files that are cut short, overwritten, pickled, encrypted or no npz at all.
_UNREADABLE = (
    ValueError,
    EOFError,
    KeyError,
    RuntimeError,  # NotImplementedError among them
    MemoryError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def data_directory(given: str | Path | None = None) -> Path:
    """Say where the sets lie: ``given``, else the variable LISAE_DATA, else the user's cache folder.

    The folder need not exist.
    """
    chosen = given or os.environ.get("LISAE_DATA")
    if chosen:
        return Path(chosen).expanduser()
    return Path(user_cache_dir("lisae")) / "data"


def read(name: str, path: Path) -> Dataset:
    """Read and check one npz file, never unpickling anything.

    Raises ``UnavailableError`` that says what is wrong with the file, which stays as it is.
    """
    try:
        arrays, variant = _arrays_of(path)
        return checked(name, arrays, variant)
    except ContentError as error:
        problem = f"{path} {error}"
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be read: {error.strerror or error}. "
            "Make it readable, or name another folder with --data-dir."
        ) from error
    except _UNREADABLE as error:
        problem = f"{path} cannot be read as an npz file of plain arrays: {error or type(error).__name__}"
    raise UnavailableError(
        f"{problem}. The file was left as it was: delete it and it is fetched again, or put a whole one in its place."
    )


def cached_variant(name: str, data_dir: str | Path | None = None) -> str | None:
    """Say which variant of a set is in the data directory, without reading its images.

    None if it is not there or cannot be read; ``load`` then says why.
    """
    try:
        with _opened(data_directory(data_dir) / f"{name}.npz") as npz:
            return _variant_of(npz)
    except (ContentError, OSError, *_UNREADABLE):
        return None


def put_it_there(path: Path) -> str:
    """Say what file would do; the end of several messages."""
    return f"put {path.name} there (arrays {', '.join(Arrays._fields)})"


@contextmanager
def _opened(path: Path) -> Iterator[NpzFile]:
    # Opened here and not by numpy, which leaves its handle open when the file is no zip file.
    with path.open("rb") as file:
        npz = np.load(file, allow_pickle=False)
        if not isinstance(npz, NpzFile):
            raise ContentError("is a single array, not an npz file")
        yield npz


def _arrays_of(path: Path) -> tuple[Arrays, str]:
    with _opened(path) as npz:
        missing = [key for key in Arrays._fields if key not in npz]
        if missing:
            raise ContentError(f"lacks {', '.join(missing)}")
        variant = _variant_of(npz)
        found = {key: npz[key] for key in Arrays._fields}
    # A member that is no array at all comes out as bytes.
    strange = [key for key, value in found.items() if not isinstance(value, np.ndarray)]
    if strange:
        raise ContentError(f"holds something other than an array as {', '.join(strange)}")
    return Arrays(**found), variant


def _variant_of(npz: NpzFile) -> str:
    variant = npz["variant"] if "variant" in npz else np.array("")
    if (
        not isinstance(variant, np.ndarray)
        or variant.dtype.kind != "U"
        or variant.ndim
        or not str(variant).isprintable()
    ):
        raise ContentError("has a 'variant' that is not one line of text")
    return str(variant).strip()
