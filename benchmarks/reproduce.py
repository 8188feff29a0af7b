"""The command line: ``python -m benchmarks.reproduce --table 4``."""

import signal
import sys

# What is imported below takes seconds, in which Ctrl-C ends the program at once and in silence: status 130 in a shell.
if __name__ == "__main__" and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import os
import stat
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from benchmarks.data import NAMES, data_directory
from benchmarks.data.negatives import STROKES
from benchmarks.engine.evaluate import Context
from benchmarks.engine.overrides import overridden
from benchmarks.engine.plan import Request
from benchmarks.engine.profiles import Profile, load_profile
from benchmarks.engine.ray_cluster import cluster_address
from benchmarks.engine.run import Shard
from benchmarks.errors import CallError, UnavailableError, unknown
from benchmarks.listing import show_list, show_settings, show_stale
from benchmarks.own.sources import Source, registered, sources_of
from benchmarks.paper.own_rows import with_rows
from benchmarks.paper.tables import TABLES, table
from benchmarks.pipeline import BACKENDS, Pipeline
from benchmarks.progress import Messages, unbreakable_streams
from benchmarks.registry import MODELS
from benchmarks.report.figures import FIGURE_SETTINGS, FIGURES, figure
from benchmarks.verify import verify
from lisae.backbone import resolve_device

PUBLISHED = Path(__file__).parents[1] / "results" / "published"  # in a clone
_INTERRUPTS = signal.SIGINT, signal.SIGTERM
_AGAIN_SECONDS = 0.1
_DEVICES = "auto", "cpu", "cuda"
_MOST_JOBS = 1024
_MOST_SHARDS = 10000
_MOST_SEEDS = 1000  # a count beyond it is a seed, such as a date, that lacks its comma
EXIT_DONE, EXIT_CALL, EXIT_INCOMPLETE, EXIT_INTERRUPTED = 0, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Regenerate tables and figures; give the exit status.

    0: all that was asked for was made; 2: the call is wrong; 3: some cells could not be made, each named with
    its reason, and the rest is written; 130: interrupted, what was done is kept.
    """
    with _interruptible(), unbreakable_streams():
        messages = Messages()
        try:
            options = command_line().parse_args(arguments)
            own = sources_of(options.model, options.scores)
            with registered(own):
                return _answer(options, own, messages)
        except (CallError, UnavailableError) as error:
            messages.tell(f"error: {error}")
            return EXIT_CALL if isinstance(error, CallError) else EXIT_INCOMPLETE
        except KeyboardInterrupt:
            messages.tell("interrupted: finished runs are kept, and the same command goes on from here.")
            return EXIT_INTERRUPTED


def _answer(options: Namespace, own: tuple[Source, ...], messages: Messages) -> int:
    if options.settings:
        show_settings(_profile(options), *options.settings)
    elif options.list:
        show_stale(options.results_dir, options.data_dir) if options.stale else show_list()
    elif options.verify:
        models, datasets = _names("model", options.models, MODELS), _names("data set", options.datasets, NAMES)
        context = _context(options, own)
        if not verify(Path(options.verify), models, datasets, context, offline=options.offline):
            return EXIT_INCOMPLETE
    elif options.dry_run:
        Pipeline(request_of(options, own), messages).show_plan()
    elif not Pipeline(request_of(options, own), messages).run():
        return EXIT_INCOMPLETE
    return EXIT_DONE


@contextmanager
def _interruptible() -> Iterator[None]:
    """Have Ctrl-C and SIGTERM raise ``KeyboardInterrupt`` in the block, and end this process the second time.

    Python drops an exception that is raised while an object is deleted. Such an interrupt comes again a moment later.
    """

    def interrupt(*_: object) -> None:
        for number in _INTERRUPTS:
            signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    def dropped(unraisable: "sys.UnraisableHookArgs") -> None:
        if unraisable.exc_type is not KeyboardInterrupt or not heard:
            hook(unraisable)
            return
        for number in heard:
            signal.signal(number, interrupt)
        again = threading.main_thread().ident, heard[0]
        threading.Timer(_AGAIN_SECONDS, signal.pthread_kill, again).start()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _INTERRUPTS}
    heard = [
        number for number in _INTERRUPTS if before[number] != signal.SIG_IGN
    ]  # a shell ignores it in the background
    for number in heard:
        signal.signal(number, interrupt)
    hook, sys.unraisablehook = sys.unraisablehook, dropped
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number in heard:
            signal.signal(number, before[number])


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CallError(f"{message} (--help says what there is).")


def command_line() -> ArgumentParser:
    """Return the parser of the command line, which raises ``CallError``; ``request_of`` checks what it gives."""
    parser = _Parser(
        prog="python -m benchmarks.reproduce",
        description="Regenerate the tables and figures of 'Latent-Insensitive Autoencoders for Anomaly Detection' "
        "(Mathematics 2022, 10(1), 112) from real data, ours beside the printed values.",
        epilog="Finished runs are never trained again: an interrupted call goes on where it was.",
    )
    add = parser.add_argument_group("what to make").add_argument
    add("--table", action="append", default=[], metavar="ID", help="a table, such as 4 or A1; repeatable")
    add("--figure", action="append", default=[], metavar="ID", help="a figure, such as 4 or A1; repeatable")
    add("--claims", action="store_true", help="the ledger of claims, and the runs of its sweeps over settings")
    add("--search", action="store_true", help="the searches for settings, which see no outlier, and their log")
    add("--all", action="store_true", help="every artefact that --list shows, the claims and the report")
    verify = "train a sample of the records in DIR again, of --models and --datasets, and compare; write nothing"
    add("--verify", metavar="DIR", help=verify)
    add("--list", action="store_true", help="list artefacts, models, data sets and profiles, and stop")
    add("--stale", action="store_true", help="with --list: the records that no call would use, and why")
    settings = "print the settings of a model on a data set, each with the table that it comes from, and stop"
    add("--settings", nargs=2, metavar=("MODEL", "DATASET"), help=settings)
    add("--dry-run", action="store_true", help="print the runs and an estimate of the time, and stop")
    add = parser.add_argument_group("how").add_argument
    add("--profile", default="fast", metavar="NAME", help="smoke, fast (default), full, or a .toml file")
    add("--models", metavar="A,B", help="train these models alone")
    add("--datasets", metavar="A,B", help="train on these data sets alone")
    add("--negatives", choices=[STROKES], help="strokes: drawn strokes as negatives where the paper takes Omniglot")
    add("--seeds", metavar="0,1,2", help="a list of seeds, or one number for a count of them")
    add("--device", default="auto", metavar="NAME", help="auto (default), cpu or cuda")
    add("--jobs", type=int, metavar="N", help="processes side by side (default: the CPU's cores; 1 on a GPU)")
    add("--backend", default="local", metavar="NAME", help=f"{', '.join(BACKENDS)} (default: local)")
    add("--shard", metavar="I/N", help="train the I-th of N parts of the jobs alone, and make no table of them")
    add("--address", metavar="HOST:PORT", help="the Ray cluster of --backend ray (default: $RAY_ADDRESS)")
    add("--fresh", action="store_true", help="train again what is finished")
    change = "a setting of a model in this call alone, such as LIS-AE.gamma=10; repeatable"
    add("--set", action="append", default=[], metavar="MODEL.KEY=VALUE", help=change)
    add = parser.add_argument_group("your own detector, in the rows of the tables (docs/own-detector.md)").add_argument
    own = "[NAME=]my_detector.py[:Class], [NAME=]package.module:Class, or an installed entry point; repeatable"
    add("--model", action="append", default=[], metavar="DETECTOR", help=own)
    scores = "[NAME=]FOLDER of scores that were computed elsewhere, an array a task; repeatable"
    add("--scores", action="append", default=[], metavar="FOLDER", help=scores)
    beside = "train your own alone and compare it with the records of DIR: published, or a results folder"
    add("--beside", metavar="DIR", help=beside)
    add = parser.add_argument_group("where").add_argument
    add("--data-dir", metavar="DIR", help="data sets (default: $LISAE_DATA, else the user's cache)")
    add("--offline", action="store_true", help="never fetch data")
    add("--results-dir", default="results/local", metavar="DIR", help="records and CSV (%(default)s)")
    merge = "copy the records of another results folder into --results-dir first; repeatable"
    add("--merge", action="append", default=[], metavar="DIR", help=merge)
    add("--reports-dir", default="reports/local", metavar="DIR", help="PNG, Markdown, LaTeX (%(default)s)")
    add("--quiet", action="store_true", help="no progress")
    return parser


def request_of(options: Namespace, own: tuple[Source, ...] = ()) -> Request:
    """Return what a call asks for, ``own`` being its models from outside. Raises ``CallError`` for what is wrong."""
    profile = _profile(options)
    if options.stale:
        raise CallError("--stale is a kind of list: write --list --stale.")
    if options.merge and options.dry_run:
        raise CallError("--merge copies records, and --dry-run writes nothing: leave one of them out.")
    if not (options.table or options.figure or options.claims or options.search or options.all or options.merge):
        raise CallError(
            "nothing was asked for: add --table 4, --figure 4, --claims, --all, or --list to see what there is."
        )
    if options.backend == "ray":
        os.environ["RAY_ADDRESS"] = cluster_address(options.address)
    elif options.address is not None:
        raise CallError("--address is that of a Ray cluster: add --backend ray.")
    if options.jobs is not None and not 1 <= options.jobs <= _MOST_JOBS:
        raise CallError(f"--jobs is at least 1 and at most {_MOST_JOBS}; got {options.jobs}.")
    beside = None if options.beside is None else _beside(options.beside, own)
    models = _names("model", options.models, MODELS)
    rows = [(one.name, MODELS[one.name].detector.uses_negatives) for one in own]
    tables = TABLES if options.all else dict.fromkeys(map(table, options.table))
    figures = FIGURES if options.all else dict.fromkeys(map(figure, options.figure))
    return Request(
        tables=tuple(with_rows(one, rows) for one in tables),
        figures=tuple(one.with_models(rows) for one in figures),
        claims=options.claims or options.all,
        search=options.search,
        report=options.all,
        profile=profile,
        seeds=profile.seeds if options.seeds is None else _seeds(options.seeds),
        models=tuple(one.name for one in own) if beside and models is None else models,
        datasets=_names("data set", options.datasets, NAMES),
        strokes=options.negatives == STROKES,
        device=_known("device", options.device, _DEVICES),
        jobs=options.jobs,
        backend=_known("backend of this version", options.backend, BACKENDS),
        data_dir=_folder("--data-dir", options.data_dir),
        results_dir=_folder("--results-dir", options.results_dir),
        reports_dir=_folder("--reports-dir", options.reports_dir),
        offline=options.offline,
        fresh=options.fresh,
        quiet=options.quiet,
        merge=tuple(Path(folder).absolute() for folder in options.merge),
        shard=None if options.shard is None else _shard(options.shard),
        own=own,
        overrides=tuple(options.set),
        beside=beside,
    )


def _profile(options: Namespace) -> Profile:
    return overridden(load_profile(options.profile, FIGURE_SETTINGS), options.set)


def _context(options: Namespace, own: tuple[Source, ...]) -> Context:
    """Return what jobs are told in a call that keeps nothing. Raises ``CallError`` for a device that is not there."""
    try:
        device = resolve_device(_known("device", options.device, _DEVICES)).type
    except ValueError as error:
        raise CallError(str(error)) from error
    return Context(Path(), _folder("--data-dir", options.data_dir), device, "", "", own)


def _beside(text: str, own: Collection[Source]) -> Path:
    """Return the results folder to compare with."""
    folder = PUBLISHED if text == "published" else Path(text).expanduser().absolute()
    if not own:
        raise CallError("--beside sets a detector of your own beside finished records: add --model or --scores.")
    if not (folder / "runs").is_dir():
        raise CallError(f"--beside {text}: there are no records in {folder / 'runs'}. Name a results folder.")
    return folder


def _known(kind: str, name: str, known: Collection[str]) -> str:
    if name not in known:
        raise CallError(unknown(kind, name, known))
    return name


def _names(kind: str, text: str | None, known: Collection[str]) -> tuple[str, ...] | None:
    return None if text is None else tuple(_known(kind, one.strip(), known) for one in text.split(",") if one.strip())


def _folder(option: str, text: str | None) -> Path:
    """Return the folder that an option names, which need not be there; None is the usual folder of the data."""
    try:
        if text is not None and not text.strip():
            raise ValueError("it is empty")
        folder = (data_directory() if text is None else Path(text).expanduser()).absolute()
        if not stat.S_ISDIR(os.stat(folder).st_mode):
            raise ValueError("it is no folder")
    except FileNotFoundError:
        pass  # it will be made
    except (OSError, ValueError, RuntimeError) as error:
        given = "of the variable LISAE_DATA" if text is None else repr(text)
        raise CallError(f"{option} {given} cannot be used: {error}.") from error
    return folder


def _seeds(text: str) -> tuple[int, ...]:
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 0 or max(numbers) >= 2**32:
        raise CallError(
            f"--seeds is a count such as 3, or a list such as 0,1,2 of numbers below 2^32 (one seed: 7,); got {text!r}."
        )
    if "," in text or numbers == [0]:
        return tuple(dict.fromkeys(numbers))
    if numbers[0] > _MOST_SEEDS:
        raise CallError(f"--seeds {text} is a count of {text} seeds; for the one seed {text}, write {text},")
    return tuple(range(numbers[0]))


def _shard(text: str) -> Shard:
    number, slash, count = text.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count) <= _MOST_SHARDS):
        raise CallError(f"--shard is a part of N, such as 2/8, with N at most {_MOST_SHARDS}; got {text!r}.")
    return Shard(int(number), int(count))


if __name__ == "__main__":
    sys.exit(main())
