"""The records of finished runs: one JSON file a run, written whole or not at all, never edited."""

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import CLASS_NAMES
from benchmarks.engine.record_fields import check_fields
from benchmarks.engine.run import Run, compact, digest_of
from benchmarks.engine.runs_csv import COLUMNS, fault_of, negatives_text, write_rows
from benchmarks.errors import CallError
from benchmarks.files import check_usable, write_text, written_whole
from benchmarks.progress import Messages
from lisae.packing import pack, unpack

_LARGEST = 2**23  # bytes of a record; one with ten outlier classes has 9,000
_CURVE = re.compile(r'"detected":\[[^]]*\],')  # within a text of JSON, quotes would have backslashes
_KEPT = 6  # the last points of a curve, 5 % of false alarms and fewer, which are read always


@dataclass(frozen=True)
class Score:
    """A run against the test images of one outlier class.

    ``detected[i]`` is the share of them that is called anomalous at the threshold where the share ``i / 100`` of
    the normal test images is accepted; of a record that was read without curves, the last six of these are there.
    ``extra_aucs`` are those of ``Detector.extra_scores``, by name.
    """

    outlier: int
    auc: float
    n_outlier: int
    detected: tuple[float, ...]
    extra_aucs: Mapping[str, float] = field(default_factory=dict)

    @property
    def detected_at_5(self) -> float:
        """The share that is called anomalous where 5 % of the normal test images are, too."""
        return self.detected[-_KEPT]


@dataclass(frozen=True)
class Record:
    """The results of a run, and all that is needed to measure it again; ``identity`` is what the id is a hash of."""

    run: str
    identity: dict[str, Any]
    scores: tuple[Score, ...]
    n_normal: int
    restarts: int
    profile: str
    device: str
    precision: str
    versions: dict[str, str]
    command: str
    fit_seconds: float
    score_seconds: float
    size: int | None = None  # bytes of the trained detector's arrays; the first records do not say
    processor_seconds: float | None = None  # of fitting and scoring on a CPU; the first records do not say

    def rows(self) -> list[dict[str, Any]]:
        """Return its rows of ``runs.csv``, one for each outlier class."""
        identity, task = self.identity, self.identity["task"]
        names = CLASS_NAMES[task["dataset"]]
        validation = {"validation": task["validation"]} if "validation" in task else {}
        # The other columns are named as the fields are.
        common = {name: value for name, value in vars(self).items() if name in COLUMNS} | {
            "model": identity["model"],
            "dataset": task["dataset"],
            "normal": " ".join(names[c] for c in task["normal"]),
            "negatives": negatives_text(task["negatives"]),
            "seed": identity["seed"],
            "data_variant": variant_text(identity["variants"]),
            "settings": compact(identity["settings"] | {"limits": identity["limits"]} | validation),
            "versions": compact(self.versions),
            "fit_seconds": float(self.fit_seconds),
            "score_seconds": float(self.score_seconds),
        }
        rows = [
            common
            | {"outlier": names[s.outlier], "auc": float(s.auc), "n_outlier": s.n_outlier}
            | {"detected_at_5": float(s.detected_at_5)}
            for s in self.scores
        ]
        return rows + [
            row | {"model": f"{row['model']}, {name}", "auc": float(auc), "detected_at_5": ""}
            for row, score in zip(rows, self.scores, strict=True)
            for name, auc in score.extra_aucs.items()
        ]


@dataclass(frozen=True)
class Store:
    """A results directory: ``runs/`` holds the records, ``weights/`` the stages that runs share, ``runs.csv`` all rows.

    Only ``runs/`` counts. ``weights/`` saves training a stage again, and ``runs.csv`` is made anew from the records.
    A record that is not there is looked for in ``beside``, another results directory, which is only read.
    """

    root: Path
    beside: Path | None = None

    def record_path(self, run_id: str) -> Path:
        """Return the place of the record of a run, if it is finished."""
        return self.root / "runs" / f"{run_id}.json"

    def weights_path(self, run_id: str) -> Path:
        """Return where the weights of a stage lie, if they were kept."""
        return self.root / "weights" / f"{run_id}.safetensors"

    def weights(self, run: Run) -> bytes | None:
        """Return the weights of a stage, None where they were not kept.

        Those that cannot be read, were changed or are another run's are named, and None is returned.
        """
        path = self.weights_path(run.id)
        try:
            if not os.path.lexists(path):
                return None
            return checked_weights(path, run.id)
        except (OSError, ValueError, KeyError) as error:  # a KeyError for a type that torch does not have
            Messages().tell(f"the weights {path} are not used, but trained again: {error}")
            return None

    def put_weights(self, run_id: str, content: bytes) -> None:
        """Keep the weights of a stage, the ``to_bytes`` of its detector, and in them the id of its run.

        Raises ``UnavailableError`` when they cannot be written, and ``ValueError`` for other bytes.
        """
        tensors, description = unpack(content)
        with written_whole(self.weights_path(run_id)) as temporary:
            temporary.write_bytes(pack(tensors, description | {"run": run_id}))

    def _failure_path(self, run_id: str) -> Path:
        return self.root / "failures" / f"{run_id}.txt"

    def put_failure(self, run_id: str, details: str) -> Path:
        """Write the traceback of a run that failed and return its path; a success of the run removes it."""
        write_text(self._failure_path(run_id), details)
        return self._failure_path(run_id)

    def has(self, run: Run) -> bool:
        """Tell whether the run is finished."""
        return self._found(run) is not None

    def get(self, run: Run) -> Record | None:
        """Return the record of a run, or None. Raises ``CallError`` for a damaged one."""
        return read_record(path) if (path := self._found(run)) else None

    def _found(self, run: Run) -> Path | None:
        paths = (Store(root).record_path(run.id) for root in (self.root, self.beside) if root)
        return next((path for path in paths if path.is_file()), None)

    def put(self, record: Record) -> None:
        """Write a record, whole or not at all.

        Raises ``UnavailableError`` when it cannot be written, and ``ValueError`` for one that could not be read again,
        such as one with an AUC that is no number.
        """
        text = _sealed(compact(asdict(record))) + "\n"
        _parsed(text, record.run, curves=True)
        write_text(self.record_path(record.run), text)
        self._failure_path(record.run).unlink(missing_ok=True)

    def ids(self) -> list[str]:
        """Return the ids of all runs with a record, sorted. Raises ``CallError`` when ``runs/`` cannot be read."""
        try:
            names = os.listdir(self.root / "runs")
            return sorted(name[:-5] for name in names if name.endswith(".json") and name[0] != ".")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CallError(f"{self.root / 'runs'} cannot be read: {error.strerror}.") from error

    def records(self) -> Iterator[Record]:
        """Give every record, in a fixed order, one by one and without curves.

        Raises ``CallError`` for a damaged one.
        """
        return (read_record(self.record_path(run_id), curves=False) for run_id in self.ids())

    def check(self) -> None:
        """Make sure that results can be written here and that nothing would be lost.

        Raises ``CallError`` for a directory that cannot be written or read, and for a ``runs.csv`` that is cut, or
        holds runs of which there is no record.
        """
        check_usable(self.root / "runs", f"the results directory {self.root}")
        path, recorded = self.root / "runs.csv", set(self.ids())
        try:
            fault = fault_of(path, recorded) if os.path.lexists(path) else ""
        except OSError as error:
            fault = f"cannot be read: {error.strerror}."
        if fault:
            raise CallError(
                f"{path} {fault} Nothing was changed. Move {path} away and run the same command: it is made anew from "
                f"the {len(recorded)} records in {self.root / 'runs'}."
            )

    def write_csv(self) -> None:
        """Make ``runs.csv`` anew, a row for each run and outlier class, in an order that does not depend on time."""
        write_rows(self.root / "runs.csv", (record.rows() for record in self.records()))


def variant_text(variants: dict[str, str]) -> str:
    """Name the data sets that are not the complete official ones, as ``svhn: <variant>``; '' where all are."""
    return "; ".join(f"{name}: {variant}" for name, variant in sorted(variants.items()) if variant)


def mean_detected(record: Record, outliers: Iterable[int]) -> float:
    """Return the plain mean of the shares that a run detects of these outlier classes at 5 % false alarms."""
    scores = {score.outlier: score for score in record.scores}
    return float(np.mean([scores[outlier].detected_at_5 for outlier in outliers]))


def aucs_of(record: Record, outliers: Iterable[int], extra: str = "") -> list[float]:
    """Return a run's AUCs against these outlier classes, those of its score or of a further way to decide."""
    scores = {score.outlier: score for score in record.scores}
    return [scores[o].extra_aucs[extra] if extra else scores[o].auc for o in outliers]


def mean_auc(record: Record, outliers: Iterable[int], extra: str = "") -> float:
    """Return the plain mean of a run's AUCs against each of these outlier classes: the paper's average."""
    return float(np.mean(aucs_of(record, outliers, extra)))


def read_record(path: Path, *, curves: bool = True) -> Record:
    """Read and check a record; without ``curves``, reading takes a third of the time (see ``Score``).

    Raises ``CallError`` that says what is wrong with it.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            raise ValueError(f"it is no file, or larger than {_LARGEST} bytes")
        return _parsed(path.read_bytes().decode(), path.stem, curves)
    except (ValueError, OSError, RecursionError) as error:
        raise CallError(
            f"the record {path} is damaged ({error}). Move it away and run the same command: "
            "that run is trained again, every other record is kept."
        ) from error


def checked_weights(path: Path, run_id: str) -> bytes:
    """Read the weights of a stage. Raises ``OSError``, ``ValueError`` or ``KeyError`` for others, and changed ones."""
    if not path.is_file():
        raise ValueError("they are no file")
    content = path.read_bytes()
    _, description = unpack(content)
    if description.get("run") != run_id:
        raise ValueError(f"they are those of {description.get('run', 'a run that they do not name')}")
    return content


def _sealed(text: str) -> str:
    """Put the digest of a JSON object, given as ``compact`` writes it, into its text, as its last field."""
    return f'{text[:-1]},"digest":"{digest_of(text)}"}}'


def _parsed(text: str, run_id: str, curves: bool) -> Record:
    """Return the record in the text of its file. Raises ``ValueError`` or ``RecursionError`` for a damaged one."""
    text = whole = text.strip()
    is_sealed = '"digest":' in text  # the first records have none; their curves are read even if not asked for
    if is_sealed:
        text = text.rpartition(',"digest":')[0] + "}"
        if _sealed(text) != whole:
            raise ValueError("it was changed since it was written: its digest is another")
        text = text if curves else _CURVE.sub(_without_most, text)
    fields = _decode(text)
    check_fields(fields, curves=curves or not is_sealed)
    if fields["run"] != run_id:
        raise ValueError(f"it is that of run {fields['run']}")
    return Record(scores=tuple(_score(score) for score in fields.pop("scores")), **fields)


def _without_most(curve: re.Match[str]) -> str:
    return f'"detected":[{",".join(curve[0].rsplit(",", _KEPT + 1)[1:])}'


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


_decode = json.JSONDecoder(parse_constant=_refuse).decode


def _score(fields: dict[str, Any]) -> Score:
    swept = fields.pop("label_sweep_auc", None)  # the first records name the one further AUC that there was
    extra = {} if swept is None else {"extra_aucs": {"label sweep": swept}}
    return Score(**fields | extra | {"detected": tuple(fields["detected"])})
