"""The log of the searches for settings: what each combination scored, the best one first."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.claims.intervals import Sample, estimate
from benchmarks.engine.plan import Plan
from benchmarks.engine.records import aucs_of
from benchmarks.engine.run import compact
from benchmarks.engine.search import Search, searches
from benchmarks.files import write_text


def write_search(plan: Plan, results_dir: Path) -> Path:
    """Write ``search.csv`` of a call and return its path. Raises ``UnavailableError`` when it cannot be written."""
    rows = pd.DataFrame([row for search in searches() for row in _rows(search, plan)])
    write_text(path := results_dir / "search.csv", rows.to_csv(index=False, lineterminator="\n"))
    return path


def _rows(search: Search, plan: Plan) -> Iterator[dict[str, Any]]:
    """Give a row for each combination, the highest mean first; one that lacks a run comes last and has no mean.

    The difference is that from the profile's own settings, where these are one of the combinations.
    """
    scores = {compact(change): _scores(search, change, plan) for change in search.candidates}
    means = {text: float(values.mean()) for text, values in scores.items()}
    own = scores.get(compact(_profiles(search, plan)))
    for text in sorted(scores, key=lambda one: (np.isnan(means[one]), -means[one])):
        values = scores[text]
        row: dict[str, Any] = {
            "search": search.name,
            "model": search.model,
            "dataset": search.dataset,
            "settings": text,
        }
        row |= {"auc": round(means[text], 4), **dict.fromkeys(("difference", "ci_low", "ci_high"), np.nan)}
        if own is not None and values is not own and not np.isnan(values - own).any():
            row |= _difference(values - own)
        yield row | {"runs": int((~np.isnan(values)).sum()), "of": values.size, "is_profile": values is own}


def _scores(search: Search, change: Mapping[str, Any], plan: Plan) -> NDArray[np.float64]:
    """Return the validation AUCs of a combination, (tasks, seeds), NaN where a run is missing."""
    found = []
    for trial in search.trials(change):
        run = plan.trial(trial)
        record = plan.store.get(run) if run else None
        found.append(np.mean(aucs_of(record, trial.measurement.outliers)) if record else np.nan)
    return np.array(found, dtype=float).reshape(-1, len(search.seeds))


def _profiles(search: Search, plan: Plan) -> dict[str, Any]:
    """Return the profile's own values of the settings that a search has."""
    trial = next(search.trials({}))
    settings = plan.run(trial.measurement, trial.seed).settings
    found = {}
    for name in search.grid:
        *argument, key = name.split(".")
        found[name] = (settings[argument[0]] if argument else settings)[key]
    return found


def _difference(values: NDArray[np.float64]) -> dict[str, float]:
    """Return the mean of differences, (tasks, seeds), and its 95 % interval over tasks and seeds."""
    tasks = tuple(("", (i,)) for i in range(len(values)))
    found = estimate([(Sample(tasks, values, np.zeros_like(values)),)])
    return {"difference": round(found.value, 4), "ci_low": round(found.low, 4), "ci_high": round(found.high, 4)}
