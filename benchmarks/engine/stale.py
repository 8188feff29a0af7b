"""Records that no call would use any more, since settings, data or code are others than when they were made."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from benchmarks.data import NAMES, DataIdentity, identify
from benchmarks.engine.profiles import Profile, load_profile
from benchmarks.engine.records import Record, Store
from benchmarks.engine.run import Run, changed, make_run, stage_of
from benchmarks.engine.search import all_trials
from benchmarks.errors import CallError
from benchmarks.paper.claims import studied
from benchmarks.paper.tables import Measurement
from benchmarks.paper.tasks import Task
from benchmarks.registry import MODELS

_Identify = Callable[[str], DataIdentity | None]


def stale_records(store: Store, data_dir: Path) -> Iterator[tuple[Record, str]]:
    """Give each stale record and the reason: its differences from the most similar run that a call would make today.

    A record is compared with the profile that it names, at each of its latent widths and with each change of settings
    that the claims study or a search tries, and with the data sets in ``data_dir``. A set that is not there is taken to
    be as it was.

    Raises ``CallError`` for a damaged record.
    """
    profiles, here = cache(load_profile), cache(partial(identify, data_dir=data_dir))
    for record in store.records():
        try:
            found = _fewest_differences(record.identity, _runs_today(record.identity, profiles(record.profile), here))
        except CallError as error:  # there is no such model or settings file any more
            yield record, str(error)
        else:
            if found:
                yield record, "; ".join(found)


def _runs_today(identity: Mapping[str, Any], profile: Profile, here: _Identify) -> Iterator[Run]:
    """Give the runs that calls would make today of the task, model and seed of a record."""
    task, model = Task.of(identity["task"]), identity["model"]
    digests = identity.get("digests", {})
    data = {name: DataIdentity(variant, digests.get(name, "")) for name, variant in identity["variants"].items()}
    data |= {name: now for name in data if name in NAMES and (now := here(name))}
    for width in (None, *profile.latent_dims(MODELS[model], task.dataset)):
        yield make_run(task, model, identity["seed"], profile, data, latent_dim=width)
    for measurement, change in _changes():
        if (measurement.task.dataset, measurement.task.normal) == (task.dataset, task.normal):
            run = changed(make_run(measurement.task, measurement.model, identity["seed"], profile, data), change)
            yield from (one for one in (run, run and stage_of(run)) if one and (one.model, one.task) == (model, task))


def _fewest_differences(identity: Mapping[str, Any], runs: Iterable[Run]) -> list[str]:
    """Return the differences of an identity from the run that is most like it, none where one is the same."""
    found: list[list[str]] = []
    for run in runs:
        if not (differences := _differences(identity, run.identity())):
            return []
        found.append(differences)
    return min(found, key=len)


@cache
def _changes() -> list[tuple[Measurement, Mapping[str, Any]]]:
    """Return the measurements under other settings than the profile's: those of the claims and of the searches."""
    trials = {(trial.measurement, trial.text): (trial.measurement, trial.change) for trial in all_trials()}
    return [*studied(), *trials.values()]


def _differences(then: Mapping[str, Any], now: Mapping[str, Any], place: str = "") -> list[str]:
    """Say in words where two identities differ, table by table."""
    found = []
    for key in dict.fromkeys((*then, *now)):
        before, after = then.get(key), now.get(key)
        if isinstance(before, dict) or isinstance(after, dict):
            found += _differences(before or {}, after or {}, f"{place}{key}.")
        elif before != after and key not in ("normal", "outliers", "classes"):  # tuples here, lists there
            found.append(f"{place}{key} was {_text(before)} and is {_text(after)}")
    return found


def _text(value: object) -> str:
    return "not there" if value is None else repr(value)
