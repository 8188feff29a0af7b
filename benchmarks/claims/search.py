"""The log of the searches for settings: what each combination scored, the best one first."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.claims.intervals import Sample, estimate
from benchmarks.engine.plan import Plan
from benchmarks.engine.records import Record, mean_auc
from benchmarks.engine.run import compact
from benchmarks.engine.search import Search, Trial, searches
from benchmarks.files import write_text


def write_search(plan: Plan, results_dir: Path) -> Path:
    """Write ``search.csv`` of a call and return its path. Raises ``UnavailableError`` when it cannot be written."""
    rows = pd.DataFrame([row for search in searches() for row in _rows(search, plan)])
    write_text(path := results_dir / "search.csv", rows.to_csv(index=False, lineterminator="\n"))
    return path


def _rows(search: Search, plan: Plan) -> Iterator[dict[str, Any]]:
    """Give a row for each combination, the highest mean first; one that lacks a run comes last and has no mean.

    The difference is that from the profile's own settings, where these are one of the combinations; ``profile`` has
    the profile's values of all settings that the search changes. ``seconds`` is the mean processor time of a run,
    without that of its stage.
    """
    records = {compact(change): _records(search, change, plan) for change in search.candidates}
    scores = {text: _scores(found, search) for text, found in records.items()}
    means = {text: float(values.mean()) for text, values in scores.items()}
    profile = _profiles(search, plan)
    own = next((scores[compact(change)] for change in search.candidates if profile | change == profile), None)
    for text in sorted(scores, key=lambda one: (np.isnan(means[one]), -means[one])):
        values, found = scores[text], [record for _, record in records[text] if record]
        row: dict[str, Any] = {name: getattr(search, name) for name in ("name", "model", "dataset", "scored")}
        row |= {"settings": text, "auc": round(means[text], 4)}
        row |= dict.fromkeys(("difference", "ci_low", "ci_high"), np.nan)
        if own is not None and values is not own and not np.isnan(values - own).any():
            row |= _difference(values - own)
        seconds = [record.processor_seconds for record in found if record.processor_seconds is not None]
        row["seconds"] = round(fmean(seconds), 3) if seconds else np.nan
        yield row | {"runs": len(found), "of": values.size, "is_profile": values is own, "profile": compact(profile)}


def _records(search: Search, change: Mapping[str, Any], plan: Plan) -> list[tuple[Trial, Record | None]]:
    trials = [(trial, plan.trial(trial)) for trial in search.trials(change)]
    return [(trial, plan.store.get(run) if run else None) for trial, run in trials]


def _scores(found: Sequence[tuple[Trial, Record | None]], search: Search) -> NDArray[np.float64]:
    """Return the mean AUCs of the trials of a combination, (tasks, seeds), NaN where a run is missing."""
    aucs = [mean_auc(record, trial.measurement.outliers) if record else np.nan for trial, record in found]
    return np.array(aucs, dtype=float).reshape(-1, len(search.seeds))


def _profiles(search: Search, plan: Plan) -> dict[str, Any]:
    """Return the profile's own values of the settings that a search changes."""
    trial = next(search.trials({}))
    settings = plan.run(trial.measurement, trial.seed).settings
    found = {}
    for name in chain.from_iterable(search.grids):
        *argument, key = name.split(".")
        found[name] = (settings[argument[0]] if argument else settings)[key]
    return found


def _difference(values: NDArray[np.float64]) -> dict[str, float]:
    """Return the mean of differences, (tasks, seeds), and its 95 % interval over tasks and seeds."""
    tasks = tuple(("", (i,)) for i in range(len(values)))
    found = estimate([(Sample(tasks, values, np.zeros_like(values)),)])
    return {"difference": round(found.value, 4), "ci_low": round(found.low, 4), "ci_high": round(found.high, 4)}
