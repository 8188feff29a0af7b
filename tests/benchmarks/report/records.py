"""Records that no run measured, for what is drawn and written from records."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pandas as pd

from benchmarks.engine.records import Record, Score
from benchmarks.paper.tables import Measurement, table
from benchmarks.report.tidy import RecordLookup


def record_with(scores: Iterable[Score], **variants: str) -> Record:
    """A record of these scores, on data sets of these variants."""
    return Record(
        run="",
        identity={"variants": variants},
        scores=tuple(scores),
        n_normal=1,
        restarts=0,
        profile="fast",
        device="a processor",
        precision="bfloat16",
        versions={},
        command="",
        fit_seconds=0,
        score_seconds=0,
    )


TABLE = table("4")
Lookup = Callable[[Measurement, int, int | None], Record | None]


def auc(measurement: Measurement, outlier: int, seed: int) -> float:
    """Some AUC that differs from cell to cell and seed to seed."""
    negatives = measurement.task.negatives.classes if measurement.task.negatives else ()
    return (
        0.5
        + (37 * measurement.task.normal[0] + 11 * sum(negatives) + 7 * outlier + 3 * len(negatives)) % 97 / 300
        + seed / 50
    )


def record_of(measurement: Measurement, seed: int, latent_dim: int | None = None) -> Record:
    curve = tuple(1 - i / 200 for i in range(101))  # .525 at 5 % false alarms
    scores = [Score(o, auc(measurement, o, seed), 1, curve, {"label sweep": 0.5}) for o in measurement.task.outliers]
    return record_with(scores, cifar10="")


def lookup(
    look: Lookup = record_of, seeds: Sequence[int] = (0,), widths: Sequence[int | None] = (None,)
) -> RecordLookup:
    return RecordLookup(look, lambda measurement: widths, seeds)


def nothing(measurement: Measurement, seed: int, latent_dim: int | None) -> None:
    return None


def at(frame: pd.DataFrame, row: str, column: str) -> pd.Series:
    (index,) = frame.index[(frame["row"] == row) & (frame["column"] == column)]
    return frame.loc[index]


def a_part(measurement: Measurement, seed: int, latent_dim: int | None) -> Record:
    return replace(record_of(measurement, seed), identity={"variants": {measurement.task.dataset: "a part"}})


def svhn_is_a_part(measurement: Measurement, seed: int, latent_dim: int | None) -> Record:
    return (a_part if measurement.task.dataset == "svhn" else record_of)(measurement, seed, latent_dim)


# The log of searches, as ``--search`` writes it.
_SEARCHED = '{"beta":1.0,"gamma":20.0,"reading":"absolute"}'
SEARCH_LOG = pd.DataFrame(
    [
        ("shaping", "validation", '{"gamma":20.0,"reading":"absolute"}', 0.9, True),
        ("shaping", "validation", '{"gamma":16.0,"reading":"absolute"}', 0.89, False),
        ("shaping", "validation", '{"gamma":16.0,"reading":"rms"}', 0.91, False),
        ("shaping", "validation", '{"gamma":20.0,"reading":"rms"}', 0.92, False),
        ("shaping", "validation", '{"gamma":25.0,"reading":"rms"}', None, False),
        ("shaping", "validation", '{"beta":3.0}', 0.88, False),
        ("steps", "test", '{"beta":3.0,"gamma":20.0}', 0.5, False),
        ("steps", "test", '{"beta":1.0,"gamma":20.0}', 0.6, True),
    ],
    columns=["name", "scored", "settings", "auc", "is_profile"],
).assign(profile=_SEARCHED, difference=0.01, ci_low=-0.004, ci_high=0.024, seconds=12.34, runs=10, of=10)
