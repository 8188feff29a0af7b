"""Records that are trained again: a sample of those of a folder, and what becomes of their AUCs.

Nothing is written to the folder, and what is trained is thrown away.
"""

import random
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.data import DataIdentity, identify, load
from benchmarks.data.negatives import STROKES
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Outcome, local
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Record, Store, mean_auc
from benchmarks.engine.run import Run, make_jobs, unhashed
from benchmarks.errors import CallError
from benchmarks.paper.tasks import Task
from benchmarks.registry import MODELS

SAMPLE = 3  # records of each model
TOLERANCE = 0.02  # of a run's mean AUC: other processors round otherwise, and a seed then leads elsewhere


def verify(
    folder: Path, models: Collection[str] | None, datasets: Collection[str] | None, context: Context, *, offline: bool
) -> bool:
    """Train a sample of the records of a folder again, print what became of each, and tell whether all reproduce.

    ``models`` and ``datasets`` are the names of those that are sampled; None for all.

    Raises ``CallError`` for a folder without any of these, and for a record that is damaged or was edited;
    ``UnavailableError`` where the data cannot be had.
    """
    records = sample(folder, models, datasets)
    faults = {
        one.run: f"{one.identity['model']} is no model of this package: give it with --model"
        for one in records
        if one.identity["model"] not in MODELS
    }
    runs = {record.run: run_of(record.identity) for record in records if record.run not in faults}
    known = [record for record in records if record.run in runs]
    foreign = ((record.run, _foreign(record, runs[record.run], context, offline=offline)) for record in known)
    faults |= {name: why for name, why in foreign if why}
    jobs = make_jobs([run for name, run in runs.items() if name not in faults], load_profile("fast"))
    trained: dict[str, Outcome] = {}

    def take(outcome: Outcome) -> None:
        if isinstance(outcome, Record | Failure):
            trained[outcome.run] = outcome

    with tempfile.TemporaryDirectory() as results:
        local(jobs, replace(context, results_dir=Path(results)), 1, take)
    for record in records:
        outcome, text, task = trained.get(record.run), "", record.identity["task"]
        if isinstance(outcome, Failure):
            faults[record.run] = outcome.reason
        elif isinstance(outcome, Record):
            before, now = mean_auc(record, task["outliers"]), mean_auc(outcome, task["outliers"])
            text = f"mean AUC {before:.4f} in the record, {now:.4f} now"
            faults |= {record.run: text} if abs(now - before) > TOLERANCE else {}
        name = f"{record.run}  {record.identity['model']} on {task['dataset']} {','.join(map(str, task['normal']))}"
        print(f"{'DIFFERS' if record.run in faults else 'same   '}  {name}: {faults.get(record.run, text)}", flush=True)
    return not faults


def run_of(identity: Mapping[str, Any]) -> Run:
    """Return the run with an identity, as a record holds it. Raises ``CallError`` for a model that is not there."""
    detector = MODELS[identity["model"]].detector
    settings = unhashed(identity["settings"], detector)
    if stage := detector.stage:
        settings[stage.argument] = unhashed(settings[stage.argument], stage.detector)
    digests = identity.get("digests", {})
    return Run(
        task=Task.of(identity["task"]),
        model=identity["model"],
        seed=identity["seed"],
        settings=settings,
        limits=identity["limits"],
        data={name: DataIdentity(one, digests.get(name, "")) for name, one in identity["variants"].items()},
        preparation=identity.get("preparation", {}),
        origin=identity.get("origin", {}),
    )


def sample(
    folder: Path, models: Collection[str] | None = None, datasets: Collection[str] | None = None, n: int = SAMPLE
) -> list[Record]:
    """Return ``n`` records of each model, the same ones each time. Raises ``CallError`` as ``verify`` does."""
    found: dict[str, list[Record]] = {}
    for record in Store(folder).records():
        name, read = record.identity["model"], record.identity["variants"].keys()
        if (models is None or name in models) and (datasets is None or read <= set(datasets)):
            found.setdefault(name, []).append(record)
    if missing := [name for name in models or () if name not in found] or ([] if found else ["any model"]):
        on = f" on {', '.join(datasets)}" if datasets is not None else ""
        raise CallError(f"{folder} has no record of {', '.join(missing)}{on}.")
    return [one for of in found.values() for one in random.Random(0).sample(of, min(n, len(of)))]


def _foreign(record: Record, run: Run, context: Context, *, offline: bool) -> str:
    """Say why a record cannot be trained again here: another detector, or other data; '' if it can."""
    origin, there = MODELS[run.model].origin, record.identity.get("origin", {})
    here = origin.identity(run.task, run.seed) if origin else {}
    if here != there:
        return f"the detector is another one: {_words(here)} here, {_words(there)} there"
    for name, identity in run.data.items():
        if name != STROKES:
            load(name, context.data_dir, offline=offline, quiet=True)
            if identify(name, context.data_dir) != identity:
                return f"the data of {name} are others here"
    return ""


def _words(origin: dict[str, str]) -> str:
    return " ".join(origin.values()) or "one of this package"
