"""The contract of a detector of your own, checked in seconds: ``python -m benchmarks.check my_detector.py``."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from benchmarks.engine.execute import prepare_process
from benchmarks.engine.overrides import overridden
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.trial import ContractTrial
from benchmarks.errors import CallError, UnavailableError
from benchmarks.own.sources import registered, sources_of
from benchmarks.registry import MODELS
from lisae.backbone import resolve_device

EXIT_KEPT, EXIT_CALL, EXIT_BROKEN, EXIT_INTERRUPTED = 0, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a verdict on each part of the contract; give 0 if all are kept, 3 if not, and 2 for a wrong call."""
    parser = ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("detector", help="[NAME=]my_detector.py[:Class], package.module:Class or an entry point")
    parser.add_argument("--profile", default="smoke", help="settings: a profile or a .toml file (%(default)s)")
    parser.add_argument("--set", action="append", default=[], metavar="MODEL.KEY=VALUE", help="a setting; repeatable")
    parser.add_argument("--device", default="cpu", help="auto, cpu (default) or cuda")
    options = parser.parse_args(arguments)
    prepare_process()
    try:
        sources = sources_of([options.detector], [])
        with registered(sources):
            (source,) = sources
            profile = overridden(load_profile(options.profile), options.set)
            settings = profile.settings(MODELS[source.name], "mnist")
            print(f"{source.name}: {MODELS[source.name].description}")
            kept = True
            for verdict in ContractTrial(source, settings, resolve_device(options.device).type).verdicts():
                print(f"{'kept  ' if verdict.kept else 'BROKEN'}  {verdict.part}: {verdict.text}", flush=True)
                kept = kept and verdict.kept
    except (CallError, UnavailableError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_CALL
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return EXIT_KEPT if kept else EXIT_BROKEN


if __name__ == "__main__":
    sys.exit(main())
