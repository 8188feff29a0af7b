"""``runs.csv``: all results as one table, a row for each run and outlier class, never held in memory as a whole."""

import csv
import os
import re
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

from benchmarks.data import CLASS_NAMES
from benchmarks.files import unwritable, written_whole
from benchmarks.paper.tasks import Negatives

COLUMNS = (
    "run", "model", "dataset", "normal", "negatives", "outlier", "auc", "n_normal", "n_outlier", "seed",
    "profile", "data_variant", "restarts", "device", "precision", "settings", "versions", "command", "fit_seconds",
    "score_seconds", "detected_at_5",
)  # fmt: skip
_OLD_COLUMNS = COLUMNS[:-1]  # of the first files, which are made anew like any other
_OWN = slice(COLUMNS.index("outlier"), COLUMNS.index("seed"))  # where, and in the last, the rows of a run differ
_key_of = itemgetter("dataset", "normal", "model", "negatives", "seed", "run")
_Key = tuple[str, ...]
_SPECIAL = re.compile('[,"\r\n]')


def write_rows(path: Path, runs: Iterable[Iterable[Mapping[str, Any]]]) -> None:
    """Write the rows of each run, in an order that does not depend on that of ``runs``.

    The text of a run waits in a nameless file beside ``path``; only its key and its place are in memory.

    Raises ``UnavailableError`` when the file cannot be written. Errors of ``runs`` pass.
    """
    with written_whole(path) as temporary:
        try:
            with tempfile.TemporaryFile(dir=path.parent) as waiting, temporary.open("wb") as file:
                places = sorted(_placed(waiting, runs))
                file.write(f"{','.join(COLUMNS)}\n".encode())
                for _, start, size in places:
                    waiting.seek(start)
                    file.write(waiting.read(size))
        except OSError as error:
            raise unwritable(path, error) from error


def _placed(file: IO[bytes], runs: Iterable[Iterable[Mapping[str, Any]]]) -> Iterator[tuple[_Key, int, int]]:
    """Write the rows of each run and give, for each of the models that they name, key, place and size of the text."""
    place = 0
    for run in runs:
        of_models: dict[str, list[Mapping[str, Any]]] = {}
        for row in run:
            of_models.setdefault(row["model"], []).append(row)
        for rows in of_models.values():
            key = tuple(sys.intern(str(part)) for part in _key_of(rows[0]))
            size = file.write(_text(rows))
            yield key, place, size
            place += size


def _text(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Write the rows of a run for one model as ``csv.writer`` does, and what they have in common once."""
    before, after = _line(rows[0], COLUMNS[: _OWN.start]), _line(rows[0], COLUMNS[_OWN.stop : -1])
    text = "".join([f"{before},{_line(row, COLUMNS[_OWN])},{after},{_line(row, COLUMNS[-1:])}\n" for row in rows])
    return text.encode("utf-8", "backslashreplace")  # a path may hold bytes that are no text


def _line(row: Mapping[str, Any], columns: Iterable[str]) -> str:
    fields = [row[column] for column in columns]
    return ",".join([repr(one) if type(one) is float else _quoted(str(one)) for one in fields])


@lru_cache(maxsize=1000)
def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text


def negatives_text(negatives: dict[str, Any] | None) -> str:
    """Name the data set and the classes of a task's negatives, given as a record has them; '' for none."""
    if negatives is None:
        return ""
    names = dict(enumerate(CLASS_NAMES.get(negatives["dataset"], ())))
    classes = " ".join(names.get(c, str(c)) for c in negatives["classes"]) or "all"
    return f"{negatives['dataset']}: {classes}{Negatives.of(negatives).remark}"


def fault_of(path: Path, recorded: Collection[str]) -> str:
    """Say what is wrong with a ``runs.csv``, where ``recorded`` are the ids of the runs with a record; '' for nothing.

    Raises ``OSError`` when it cannot be read.
    """
    if not path.is_file():
        return "is no file."
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            return _fault_of_rows(csv.reader(file), recorded) or _fault_of_end(path)
    except csv.Error as error:
        return f"is damaged: {error}."


def _fault_of_rows(rows: Iterator[list[str]], recorded: Collection[str]) -> str:
    columns = tuple(next(rows, ()))
    if columns not in (COLUMNS, _OLD_COLUMNS):
        return "does not begin with the columns of this program."
    foreign = set()
    for number, fields in enumerate(rows, start=2):
        if len(fields) != len(columns):
            return f"is cut: row {number} has {len(fields)} of {len(columns)} fields."
        if fields[0] not in recorded:
            foreign.add(fields[0])
    found = f"{len(foreign)} runs of which there is no record, such as {min(foreign, default='')}"
    return f"holds {found}, and making it anew would lose them." if foreign else ""


def _fault_of_end(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return "" if file.read() == b"\n" else "is cut: its last row does not end."
