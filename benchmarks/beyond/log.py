"""A CSV file of measurements, which a call that was ended goes on with."""

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path


class Log:
    """Rows of text that are appended as they come; the first columns of a row say what was measured.

    Args:
        path: the file, which need not be there yet.
        columns: of a row.
        keys: how many of them, from the first on, say what was measured.
    """

    def __init__(self, path: Path, columns: Sequence[str], keys: int) -> None:
        self._path = path
        self._columns = columns
        self._done: set[tuple[str, ...]] = set()
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                self._done = {tuple(row[name] for name in columns[:keys]) for row in csv.DictReader(file)}

    def __contains__(self, key: tuple[str, ...]) -> bool:
        """Say whether the file had rows of this measurement when it was opened."""
        return key in self._done

    def append(self, rows: Iterable[Sequence[str]]) -> None:
        """Write rows to the file, and show them on the standard error."""
        found = list(rows)
        is_new = not self._path.exists()
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([self._columns, *found] if is_new else found)
        print(*(" ".join(row) for row in found), sep="\n", file=sys.stderr)
