"""Records that are trained again: ``python -m benchmarks.verify results/published --models NN --model NN=nn.py``.

A sample of the records of a folder is trained anew from what they say of themselves, task, seed, settings and data, and
the mean AUCs are compared. Nothing is written to the folder.
"""

import random
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from benchmarks.data import data_directory, identify, load
from benchmarks.data.negatives import STROKES
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Outcome, local
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Record, Store, mean_auc
from benchmarks.engine.run import Run, make_jobs, run_of
from benchmarks.errors import CallError, UnavailableError
from benchmarks.own.sources import registered, sources_of
from benchmarks.registry import MODELS
from lisae.backbone import resolve_device

EXIT_SAME, EXIT_CALL, EXIT_OTHER = 0, 2, 3
TOLERANCE = 0.02  # of a run's mean AUC: other processors round otherwise, and a seed then leads elsewhere


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what became of each record of a sample; give 0 if all reproduce, 3 if not, and 2 for a wrong call."""
    parser = ArgumentParser(prog="python -m benchmarks.verify", description=__doc__)
    parser.add_argument("folder", type=Path, help="a results folder")
    parser.add_argument("--models", metavar="A,B", help="sample records of these models alone")
    parser.add_argument("--sample", type=int, default=3, metavar="N", help="records of each model (%(default)s)")
    parser.add_argument("--model", action="append", default=[], metavar="DETECTOR", help="as for reproduce; repeatable")
    parser.add_argument("--data-dir", metavar="DIR", help="data sets (default: $LISAE_DATA, else the user's cache)")
    parser.add_argument("--offline", action="store_true", help="never fetch data")
    parser.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    options = parser.parse_args(arguments)
    try:
        own = sources_of(options.model, [])
        with registered(own), tempfile.TemporaryDirectory() as folder:
            device = resolve_device(options.device).type
            context = Context(Path(folder), data_directory(options.data_dir).absolute(), device, "", "", own)
            chosen = sample(options.folder, options.models, options.sample)
            return EXIT_SAME if _verified(chosen, context, offline=options.offline) else EXIT_OTHER
    except (CallError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_CALL
    except UnavailableError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_OTHER


def sample(folder: Path, models: str | None, n: int) -> list[Record]:
    """Return ``n`` records of each model, the same ones each time.

    Raises ``CallError`` for a folder without any of these models, and for a record that is damaged or was edited.
    """
    found: dict[str, list[Record]] = {}
    wanted = None if models is None else [name.strip() for name in models.split(",")]
    for record in Store(folder).records():
        if wanted is None or record.identity["model"] in wanted:
            found.setdefault(record.identity["model"], []).append(record)
    if missing := [name for name in wanted or () if name not in found] or ([] if found else ["any model"]):
        raise CallError(f"{folder} has no record of {', '.join(missing)}.")
    return [one for of in found.values() for one in random.Random(0).sample(of, min(n, len(of)))]


def _verified(records: Sequence[Record], context: Context, *, offline: bool) -> bool:
    """Train the runs of records again, and tell whether all are what they were."""
    runs = {record.run: run_of(record.identity) for record in records}
    foreign = ((record.run, _foreign(record, runs[record.run], context, offline)) for record in records)
    faults = {name: why for name, why in foreign if why}
    trained: dict[str, Outcome] = {}

    def take(outcome: Outcome) -> None:
        if isinstance(outcome, Record | Failure):
            trained[outcome.run] = outcome

    local(make_jobs([run for name, run in runs.items() if name not in faults], load_profile("fast")), context, 1, take)
    for record in records:
        outcome, text = trained.get(record.run), ""
        if isinstance(outcome, Failure):
            faults[record.run] = outcome.reason
        elif isinstance(outcome, Record):
            outliers = record.identity["task"]["outliers"]
            before, now = mean_auc(record, outliers), mean_auc(outcome, outliers)
            text = f"mean AUC {before:.4f} in the record, {now:.4f} now"
            faults |= {record.run: text} if abs(now - before) > TOLERANCE else {}
        task = record.identity["task"]
        name = f"{record.run}  {record.identity['model']} on {task['dataset']} {','.join(map(str, task['normal']))}"
        print(f"{'DIFFERS' if record.run in faults else 'same   '}  {name}: {faults.get(record.run, text)}", flush=True)
    return not faults


def _foreign(record: Record, run: Run, context: Context, offline: bool) -> str:
    """Say why a record cannot be trained again here: another detector, or other data; '' if it can."""
    origin = MODELS[run.model].origin
    here = origin.identity(run.task, run.seed) if origin else {}
    if here != record.identity.get("origin", {}):
        return f"the detector is another one: {_words(here)} here, {_words(record.identity.get('origin', {}))} there"
    for name, identity in run.data.items():
        if name != STROKES:
            load(name, context.data_dir, offline=offline, quiet=True)
            if identify(name, context.data_dir) != identity:
                return f"the data of {name} are others here"
    return ""


def _words(origin: dict[str, str]) -> str:
    return " ".join(origin.values()) or "one of this package"


if __name__ == "__main__":
    sys.exit(main())
