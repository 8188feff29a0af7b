"""The records of finished runs: one JSON file a run, written whole or not at all, never edited."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import CLASS_NAMES
from benchmarks.engine.run import Run
from benchmarks.errors import CallError, UnavailableError
from benchmarks.files import write_text, written_whole

COLUMNS = (
    "run",
    "model",
    "dataset",
    "normal",
    "negatives",
    "outlier",
    "auc",
    "n_normal",
    "n_outlier",
    "seed",
    "profile",
    "data_variant",
    "restarts",
    "device",
    "precision",
    "settings",
    "versions",
    "command",
    "fit_seconds",
    "score_seconds",
)


@dataclass(frozen=True)
class Score:
    """A run against the test images of one outlier class.

    ``detected[i]`` is the share of them that is called anomalous at the threshold where the share ``i / 100`` of
    the normal test images is accepted: one half of the trade-off curve. ``label_sweep_auc`` is that of the labels
    under a swept length scale, for a model that has one.
    """

    outlier: int
    auc: float
    n_outlier: int
    detected: tuple[float, ...]
    label_sweep_auc: float | None = None


@dataclass(frozen=True)
class Record:
    """What a run measured, and all that is needed to measure it again; ``identity`` is what the id is a hash of."""

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
        """Its rows of ``runs.csv``, one for each outlier class."""
        task = self.identity["task"]
        names = CLASS_NAMES[task["dataset"]]
        common = {
            "run": self.run,
            "model": self.identity["model"],
            "dataset": task["dataset"],
            "normal": " ".join(names[c] for c in task["normal"]),
            "negatives": _negatives_text(task["negatives"]),
            "n_normal": self.n_normal,
            "seed": self.identity["seed"],
            "profile": self.profile,
            "data_variant": variant_text(self.identity["variants"]),
            "restarts": self.restarts,
            "device": self.device,
            "precision": self.precision,
            "settings": _compact(self.identity["settings"] | {"limits": self.identity["limits"]}),
            "versions": _compact(self.versions),
            "command": self.command,
            "fit_seconds": self.fit_seconds,
            "score_seconds": self.score_seconds,
        }
        rows = [common | {"outlier": names[s.outlier], "auc": s.auc, "n_outlier": s.n_outlier} for s in self.scores]
        swept = {"model": f"{common['model']}, label sweep"}
        return rows + [
            row | swept | {"auc": score.label_sweep_auc}
            for row, score in zip(rows, self.scores, strict=True)
            if score.label_sweep_auc is not None
        ]


class Store:
    """A results directory: ``runs/`` holds the records, ``weights/`` the stages that runs share, ``runs.csv`` all rows.

    Only ``runs/`` counts. ``weights/`` saves training a stage again, and ``runs.csv`` is made anew from the records.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def record_path(self, run_id: str) -> Path:
        """Where the record of a run lies, if it is finished."""
        return self.root / "runs" / f"{run_id}.json"

    def weights_path(self, run: Run) -> Path:
        """Where the weights of a stage lie, if they were kept."""
        return self.root / "weights" / f"{run.id}.safetensors"

    def has(self, run: Run) -> bool:
        """Whether the run is finished."""
        return self.record_path(run.id).is_file()

    def get(self, run: Run) -> Record | None:
        """The record of a run, or None. Raises ``CallError`` for a damaged one."""
        return _read(self.record_path(run.id)) if self.has(run) else None

    def put(self, record: Record) -> None:
        """Write a record, whole or not at all. Raises ``UnavailableError`` when it cannot be written."""
        write_text(self.record_path(record.run), _compact(asdict(record)) + "\n")

    def records(self) -> list[Record]:
        """Every record, in a fixed order. Raises ``CallError`` for a damaged one."""
        return [_read(path) for path in sorted((self.root / "runs").glob("*.json"))]

    def check(self) -> None:
        """Make sure that results can be written here and that nothing would be lost.

        Raises ``CallError`` for a directory that cannot be written, and for a ``runs.csv`` that is cut, or
        holds runs of which there is no record.
        """
        try:
            with written_whole(self.root / "runs" / "writable"):
                pass
            (self.root / "runs" / "writable").unlink()
        except (UnavailableError, OSError) as error:
            raise CallError(f"the results directory {self.root} cannot be written: {error}") from error
        path = self.root / "runs.csv"
        if not path.exists():
            return
        remedy = (
            f"Nothing was changed. Move {path} away and run the same command: it is made anew from the "
            f"{len(list((self.root / 'runs').glob('*.json')))} records in {self.root / 'runs'}."
        )
        text = path.read_bytes().decode("utf-8", errors="replace")
        lines = list(csv.reader(io.StringIO(text)))
        if not lines or tuple(lines[0]) != COLUMNS:
            raise CallError(f"{path} does not begin with the columns of this program. {remedy}")
        for number, fields in enumerate(lines[1:], start=2):
            if len(fields) != len(COLUMNS):
                raise CallError(f"{path} is cut: row {number} has {len(fields)} of {len(COLUMNS)} fields. {remedy}")
        if not text.endswith("\n"):
            raise CallError(f"{path} is cut: its last row does not end. {remedy}")
        foreign = {fields[0] for fields in lines[1:] if not self.record_path(fields[0]).is_file()}
        if foreign:
            raise CallError(
                f"{path} holds {len(foreign)} runs of which there is no record, such as {min(foreign)}, "
                f"and making it anew would lose them. {remedy}"
            )

    def write_csv(self) -> None:
        """Make ``runs.csv`` anew, a row for each run and outlier class, in an order that does not depend on time."""
        rows = [row for record in self.records() for row in record.rows()]
        rows.sort(
            key=lambda row: tuple(str(row[c]) for c in ("dataset", "normal", "model", "negatives", "seed", "run"))
        )
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.root / "runs.csv", text.getvalue())


def variant_text(variants: dict[str, str]) -> str:
    """Name the data sets that are not the complete official ones, as ``svhn: <variant>``; '' where all are."""
    return "; ".join(f"{name}: {variant}" for name, variant in sorted(variants.items()) if variant)


def _negatives_text(negatives: dict[str, Any] | None) -> str:
    if negatives is None:
        return ""
    classes = " ".join(CLASS_NAMES[negatives["dataset"]][c] for c in negatives["classes"])
    return f"{negatives['dataset']}: {classes or 'all'}"


def mean_auc(record: Record, outliers: Iterable[int], *, label_sweep: bool = False) -> float:
    """The plain mean of a run's AUCs against each of these outlier classes: the paper's average."""
    scores = {score.outlier: score for score in record.scores}
    aucs = [scores[o].label_sweep_auc if label_sweep else scores[o].auc for o in outliers]
    return float(np.mean([auc for auc in aucs if auc is not None]))


def _read(path: Path) -> Record:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        scores = tuple(Score(**(score | {"detected": tuple(score["detected"])})) for score in fields.pop("scores"))
        return Record(scores=scores, **fields)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise CallError(
            f"the record {path} is damaged ({error}). Move it away and run the same command: "
            "that run is trained again, every other record is kept."
        ) from error


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
