"""The command line: ``python -m benchmarks.reproduce --table 4``."""

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from benchmarks.data import NAMES, data_directory
from benchmarks.data.negatives import STROKES
from benchmarks.engine.backends import BACKENDS
from benchmarks.engine.plan import Request
from benchmarks.engine.profiles import load_profile, profile_names
from benchmarks.engine.ray_cluster import cluster_address
from benchmarks.errors import CallError, UnavailableError, unknown
from benchmarks.paper.tables import TABLES, table
from benchmarks.pipeline import Pipeline
from benchmarks.progress import unbreakable_streams
from benchmarks.registry import MODELS, model
from benchmarks.report.figures import FIGURES, figure

_MOST_SEEDS = 1000  # a count beyond it is a seed, such as a date, that lacks its comma
EXIT_DONE, EXIT_CALL, EXIT_INCOMPLETE, EXIT_INTERRUPTED = 0, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Regenerate tables and figures; give the exit status.

    0: all that was asked for was made; 2: the call is wrong; 3: some cells could not be made, each named with
    its reason, and the rest is written; 130: interrupted, what was done is kept.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
    with unbreakable_streams():
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        try:
            return _run(_parser().parse_args(arguments), console)
        except CallError as error:
            console.print(f"error: {error}", markup=False)
            return EXIT_CALL
        except UnavailableError as error:
            console.print(f"error: {error}", markup=False)
            return EXIT_INCOMPLETE
        except KeyboardInterrupt:
            console.print("interrupted: finished runs are kept, and the same command goes on from here.")
            return EXIT_INTERRUPTED


def _run(options: argparse.Namespace, console: Console) -> int:
    if options.settings:
        model_name, dataset = options.settings
        _show_settings(model_name, dataset, options.profile)
        return EXIT_DONE
    if options.list:
        _list()
        return EXIT_DONE
    pipeline = Pipeline(_request(options), console)
    if options.dry_run:
        pipeline.show_plan()
        return EXIT_DONE
    return EXIT_DONE if pipeline.run() else EXIT_INCOMPLETE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reproduce",
        description="Regenerate the tables and figures of 'Latent-Insensitive Autoencoders for Anomaly Detection' "
        "(Mathematics 2022, 10(1), 112) from real data, ours beside the printed values.",
        epilog="Finished runs are never trained again: an interrupted call goes on where it was.",
    )
    what = parser.add_argument_group("what to make")
    what.add_argument("--table", action="append", default=[], metavar="ID", help="a table, such as 4 or A1; repeatable")
    what.add_argument(
        "--figure", action="append", default=[], metavar="ID", help="a figure, such as 4 or A1; repeatable"
    )
    what.add_argument(
        "--claims", action="store_true", help="the ledger of claims, and the runs of its sweeps over settings"
    )
    what.add_argument("--all", action="store_true", help="every artefact that --list shows, the claims and the report")
    what.add_argument("--list", action="store_true", help="list artefacts, models, data sets and profiles, and stop")
    what.add_argument(
        "--settings",
        nargs=2,
        metavar=("MODEL", "DATASET"),
        help="print the settings of a model on a data set, each with the table that it comes from, and stop",
    )
    what.add_argument("--dry-run", action="store_true", help="print the runs and an estimate of the time, and stop")
    how = parser.add_argument_group("how")
    how.add_argument("--profile", default="fast", metavar="NAME", help="smoke, fast (default), full, or a .toml file")
    how.add_argument("--models", metavar="A,B", help="train these models alone")
    how.add_argument("--datasets", metavar="A,B", help="train on these data sets alone")
    how.add_argument(
        "--negatives", choices=[STROKES], help="strokes: drawn strokes as negatives where the paper takes Omniglot"
    )
    how.add_argument("--seeds", metavar="0,1,2", help="a list of seeds, or one number for a count of them")
    how.add_argument("--device", default="auto", metavar="NAME", help="auto (default), cpu or cuda")
    how.add_argument(
        "--jobs", type=int, metavar="N", help="processes side by side (default: the CPU's cores; 1 on a GPU)"
    )
    how.add_argument("--backend", default="local", metavar="NAME", help=f"{', '.join(BACKENDS)} (default: local)")
    how.add_argument("--address", metavar="HOST:PORT", help="the Ray cluster of --backend ray (default: $RAY_ADDRESS)")
    how.add_argument("--fresh", action="store_true", help="train again what is finished")
    where = parser.add_argument_group("where")
    where.add_argument("--data-dir", metavar="DIR", help="data sets (default: $LISAE_DATA, else the user's cache)")
    where.add_argument("--offline", action="store_true", help="never fetch data")
    where.add_argument("--results-dir", default="results/local", metavar="DIR", help="records and CSV (%(default)s)")
    where.add_argument(
        "--reports-dir", default="reports/local", metavar="DIR", help="PNG, Markdown, LaTeX (%(default)s)"
    )
    where.add_argument("--quiet", action="store_true", help="no progress")
    return parser


def request_of(arguments: Sequence[str]) -> Request:
    """Return what the arguments of a call ask for. Raises ``CallError`` for wrong ones."""
    return _request(_parser().parse_args(arguments))


def _request(options: argparse.Namespace) -> Request:
    profile = load_profile(options.profile)
    if not (options.table or options.figure or options.claims or options.all):
        raise CallError(
            "nothing was asked for: add --table 4, --figure 4, --claims, --all, or --list to see what there is."
        )
    if options.backend not in BACKENDS:
        raise CallError(unknown("backend of this version", options.backend, BACKENDS))
    if options.backend == "ray":
        os.environ["RAY_ADDRESS"] = cluster_address(options.address)
    elif options.address is not None:
        raise CallError("--address is that of a Ray cluster: add --backend ray.")
    if options.jobs is not None and options.jobs < 1:
        raise CallError(f"--jobs is at least 1; got {options.jobs}.")
    models = _names(options.models)
    datasets = _names(options.datasets)
    for name in models or ():
        model(name)
    for name in datasets or ():
        _check_dataset(name)
    return Request(
        tables=tuple(TABLES) if options.all else tuple(dict.fromkeys(table(name) for name in options.table)),
        figures=tuple(FIGURES) if options.all else tuple(dict.fromkeys(figure(name) for name in options.figure)),
        claims=options.claims or options.all,
        report=options.all,
        profile=profile,
        seeds=_seeds(options.seeds) or profile.seeds,
        models=models,
        datasets=datasets,
        strokes=options.negatives == STROKES,
        device=options.device,
        jobs=options.jobs,
        backend=options.backend,
        data_dir=data_directory(options.data_dir).absolute(),
        results_dir=Path(options.results_dir).absolute(),
        reports_dir=Path(options.reports_dir).absolute(),
        offline=options.offline,
        fresh=options.fresh,
        quiet=options.quiet,
    )


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def _seeds(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 0 or max(numbers) >= 2**32:
        raise CallError(
            f"--seeds is a count such as 3, or a list such as 0,1,2 of numbers below 2^32 (one seed: 7,); got {text!r}."
        )
    if "," not in text and numbers[0] > 0:
        if numbers[0] > _MOST_SEEDS:
            raise CallError(f"--seeds {text} is a count of {text} seeds; for the one seed {text}, write {text},")
        return tuple(range(numbers[0]))
    return tuple(dict.fromkeys(numbers))


def _check_dataset(name: str) -> None:
    if name not in NAMES:
        raise CallError(unknown("data set", name, NAMES))


def _show_settings(model_name: str, dataset: str, profile: str) -> None:
    """Print the settings of a model on a data set as TOML, each with the table that it comes from."""
    chosen = model(model_name)
    _check_dataset(dataset)
    lines = [
        (f"{name} = {json.dumps(value)}", origin)
        for name, value, origin in load_profile(profile).explained(chosen, dataset)
    ]
    width = max((len(line) for line, _ in lines), default=0)
    print(f"# {model_name} on {dataset}, profile {profile}")
    print("\n".join(f"{line:<{width}}  # {origin}" for line, origin in lines) or "# nothing to choose")


def _list() -> None:
    print("tables\n" + "\n".join(f"  {one.id:<15} {one.caption}" for one in TABLES))
    print("figures\n" + "\n".join(f"  {one.id:<15} {one.caption}" for one in FIGURES))
    print("models\n" + "\n".join(f"  {name:<15} {one.description}" for name, one in MODELS.items()))
    print("data sets\n" + "\n".join(f"  {name}" for name in NAMES))
    print("profiles\n" + "\n".join(f"  {name:<15} {load_profile(name).description}" for name in profile_names()))


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
