"""The records of finished runs: one JSON file a run, written whole or not at all, never edited."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.data import CLASS_NAMES
from benchmarks.engine.run import Run
from benchmarks.errors import CallError, UnavailableError
from benchmarks.files import check_writable, write_text, written_whole

COLUMNS = (
    "run", "model", "dataset", "normal", "negatives", "outlier", "auc", "n_normal", "n_outlier", "seed",
    "profile", "data_variant", "restarts", "device", "precision", "settings", "versions", "command", "fit_seconds",
    "score_seconds",
)  # fmt: skip
_ORDER = ["dataset", "normal", "model", "negatives", "seed", "run"]


@dataclass(frozen=True)
class Score:
    """A run against the test images of one outlier class.

    ``detected[i]`` is the share of them that is called anomalous at the threshold where the share ``i / 100`` of
    the normal test images is accepted. ``extra_aucs`` are those of ``Detector.extra_scores``, by name.
    """

    outlier: int
    auc: float
    n_outlier: int
    detected: tuple[float, ...]
    extra_aucs: Mapping[str, float] = field(default_factory=dict)


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

    def rows(self) -> list[dict[str, Any]]:
        """Return its rows of ``runs.csv``, one for each outlier class."""
        identity, task = self.identity, self.identity["task"]
        names = CLASS_NAMES[task["dataset"]]
        # The other columns are named as the fields are.
        common = {name: value for name, value in vars(self).items() if name in COLUMNS} | {
            "model": identity["model"],
            "dataset": task["dataset"],
            "normal": " ".join(names[c] for c in task["normal"]),
            "negatives": _negatives_text(task["negatives"]),
            "seed": identity["seed"],
            "data_variant": variant_text(identity["variants"]),
            "settings": _compact(identity["settings"] | {"limits": identity["limits"]}),
            "versions": _compact(self.versions),
        }
        rows = [common | {"outlier": names[s.outlier], "auc": s.auc, "n_outlier": s.n_outlier} for s in self.scores]
        return rows + [
            row | {"model": f"{row['model']}, {name}", "auc": auc}
            for row, score in zip(rows, self.scores, strict=True)
            for name, auc in score.extra_aucs.items()
        ]


@dataclass(frozen=True)
class Store:
    """A results directory: ``runs/`` holds the records, ``weights/`` the stages that runs share, ``runs.csv`` all rows.

    Only ``runs/`` counts. ``weights/`` saves training a stage again, and ``runs.csv`` is made anew from the records.
    """

    root: Path

    def record_path(self, run_id: str) -> Path:
        """Return the place of the record of a run, if it is finished."""
        return self.root / "runs" / f"{run_id}.json"

    def weights_path(self, run_id: str) -> Path:
        """Return where the weights of a stage lie, if they were kept."""
        return self.root / "weights" / f"{run_id}.safetensors"

    def weights(self, run: Run) -> bytes | None:
        """Return the weights of a stage, None where they were not kept or cannot be read."""
        try:
            return self.weights_path(run.id).read_bytes()
        except OSError:
            return None

    def put_weights(self, run_id: str, content: bytes) -> None:
        """Keep the weights of a stage. Raises ``UnavailableError`` when they cannot be written."""
        with written_whole(self.weights_path(run_id)) as temporary:
            temporary.write_bytes(content)

    def _failure_path(self, run_id: str) -> Path:
        return self.root / "failures" / f"{run_id}.txt"

    def put_failure(self, run_id: str, details: str) -> Path:
        """Write the traceback of a run that failed and return its path; a success of the run removes it."""
        write_text(self._failure_path(run_id), details)
        return self._failure_path(run_id)

    def has(self, run: Run) -> bool:
        """Tell whether the run is finished."""
        return self.record_path(run.id).is_file()

    def get(self, run: Run) -> Record | None:
        """Return the record of a run, or None. Raises ``CallError`` for a damaged one."""
        return _read(self.record_path(run.id)) if self.has(run) else None

    def put(self, record: Record) -> None:
        """Write a record, whole or not at all. Raises ``UnavailableError`` when it cannot be written."""
        write_text(self.record_path(record.run), _compact(asdict(record)) + "\n")
        self._failure_path(record.run).unlink(missing_ok=True)

    def records(self) -> list[Record]:
        """Return every record, in a fixed order. Raises ``CallError`` for a damaged one."""
        return [_read(path) for path in sorted((self.root / "runs").glob("*.json"))]

    def check(self) -> None:
        """Make sure that results can be written here and that nothing would be lost.

        Raises ``CallError`` for a directory that cannot be written, and for a ``runs.csv`` that is cut, or
        holds runs of which there is no record.
        """
        try:
            check_writable(self.root / "runs")
        except UnavailableError as error:
            raise CallError(f"the results directory {self.root} cannot be written: {error}") from error
        path = self.root / "runs.csv"
        if not path.exists():
            return
        if fault := self._fault(path.read_bytes().decode("utf-8", errors="replace")):
            raise CallError(
                f"{path} {fault} Nothing was changed. Move {path} away and run the same command: it is made anew from "
                f"the {len(list((self.root / 'runs').glob('*.json')))} records in {self.root / 'runs'}."
            )

    def _fault(self, text: str) -> str:
        """Say what is wrong with the text of ``runs.csv``, '' where nothing is."""
        header, *rows = list(csv.reader(io.StringIO(text))) or [[]]
        if tuple(header) != COLUMNS:
            return "does not begin with the columns of this program."
        for number, fields in enumerate(rows, start=2):
            if len(fields) != len(COLUMNS):
                return f"is cut: row {number} has {len(fields)} of {len(COLUMNS)} fields."
        if not text.endswith("\n"):
            return "is cut: its last row does not end."
        if foreign := {fields[0] for fields in rows if not self.record_path(fields[0]).is_file()}:
            found = f"{len(foreign)} runs of which there is no record, such as {min(foreign)}"
            return f"holds {found}, and making it anew would lose them."
        return ""

    def write_csv(self) -> None:
        """Make ``runs.csv`` anew, a row for each run and outlier class, in an order that does not depend on time."""
        rows = pd.DataFrame([row for record in self.records() for row in record.rows()], columns=pd.Index(COLUMNS))
        rows = rows.sort_values(_ORDER, key=lambda column: column.astype(str))
        write_text(self.root / "runs.csv", rows.to_csv(index=False, lineterminator="\n"))


def variant_text(variants: dict[str, str]) -> str:
    """Name the data sets that are not the complete official ones, as ``svhn: <variant>``; '' where all are."""
    return "; ".join(f"{name}: {variant}" for name, variant in sorted(variants.items()) if variant)


def _negatives_text(negatives: dict[str, Any] | None) -> str:
    if negatives is None:
        return ""
    names = dict(enumerate(CLASS_NAMES.get(negatives["dataset"], ())))
    return f"{negatives['dataset']}: {' '.join(names.get(c, str(c)) for c in negatives['classes']) or 'all'}"


def aucs_of(record: Record, outliers: Iterable[int], extra: str = "") -> list[float]:
    """Return a run's AUCs against these outlier classes, those of its score or of a further way to decide."""
    scores = {score.outlier: score for score in record.scores}
    return [scores[o].extra_aucs[extra] if extra else scores[o].auc for o in outliers]


def mean_auc(record: Record, outliers: Iterable[int], extra: str = "") -> float:
    """Return the plain mean of a run's AUCs against each of these outlier classes: the paper's average."""
    return float(np.mean(aucs_of(record, outliers, extra)))


def _read(path: Path) -> Record:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Record(scores=tuple(map(_score, fields.pop("scores"))), **fields)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise CallError(
            f"the record {path} is damaged ({error}). Move it away and run the same command: "
            "that run is trained again, every other record is kept."
        ) from error


def _score(fields: dict[str, Any]) -> Score:
    swept = fields.pop("label_sweep_auc", None)  # the first records name the one further AUC that there was
    extra = {} if swept is None else {"extra_aucs": {"label sweep": swept}}
    return Score(**fields | extra | {"detected": tuple(fields["detected"])})


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
