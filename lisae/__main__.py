"""The command line: ``lisae fit``, ``lisae score`` and ``lisae info``."""

import signal
import sys
import warnings
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from pathlib import Path

from lisae import __version__

EXIT_DONE, EXIT_FAILED, EXIT_CALL, EXIT_INTERRUPTED = 0, 1, 2, 130

_DESCRIPTION = """Find the images that are not like the normal ones.

  lisae fit --normal good/ --negatives similar/ -o model.safetensors
  lisae score model.safetensors new/ --csv scores.csv --html report.html
  lisae info model.safetensors

Exit status: 0 done; 1 it could not be done, and one line on stderr says why; 2 the call is wrong; 130 interrupted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = command_line().parse_args(arguments)
    # The import takes seconds, in which Ctrl-C ends the program at once and in silence: status 130 in a shell.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from lisae.command import run  # noqa: PLC0415  # the help and a wrong call do not need it

    signal.signal(signal.SIGINT, before)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
            getattr(run, options.command)(options)
        return EXIT_DONE
    except run.CallError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_CALL
    except (ValueError, OSError, RuntimeError, MemoryError) as error:
        print(f"error: {' '.join(str(error).split()) or type(error).__name__}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("interrupted.", file=sys.stderr)
        return EXIT_INTERRUPTED


def command_line() -> ArgumentParser:
    """Return the parser of the arguments."""
    parser = ArgumentParser("lisae", description=_DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="fit | score | info")

    fit = commands.add_parser("fit", help="learn what is normal from folders of images, and write it to one file")
    fit.add_argument("--normal", type=Path, required=True, metavar="DIR", help="normal images, also in folders inside")
    fit.add_argument(
        "--negatives",
        type=Path,
        metavar="DIR|auto",
        help="images of a similar domain that are not normal, for LIS-AE; auto, strokes or elastic make some; "
        "without negatives a plain autoencoder is trained",
    )
    fit.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the model to write (.safetensors)"
    )
    fit.add_argument("--size", type=_size, metavar="S|HxW", help="bring all images to one height and width, also later")
    fit.add_argument(
        "--latent-dim", type=_count, metavar="N", help="width of the latent layer (default: by the images)"
    )
    fit.add_argument("--epochs", type=_count, metavar="N", help="passes over the normal images in phase one")
    fit.add_argument(
        "--gamma",
        type=_positive,
        metavar="G",
        help="error that is enough for a negative",
    )
    fit.add_argument(
        "--contamination",
        type=_share,
        default=0.05,
        metavar="P",
        help="share of normal images to call anomalous",
    )
    fit.add_argument("--seed", type=int, default=0, metavar="N", help="decides everything random (default: 0)")

    score = commands.add_parser("score", help="score the images of a folder, the most anomalous first")
    score.add_argument("model", type=Path, help="a file of lisae fit")
    score.add_argument("folder", type=Path, metavar="DIR", help="images to score, also in folders inside")
    score.add_argument("--csv", type=Path, metavar="FILE", help="write the scores there (default: to stdout)")
    score.add_argument("--html", type=Path, metavar="FILE", help="write a page with the images, their reconstructions")
    score.add_argument("--top", type=_count, default=100, metavar="N", help="images in that page (default: 100)")

    info = commands.add_parser("info", help="tell what a model is and what it was trained with")
    info.add_argument("model", type=Path, help="a file of lisae fit")

    for command in (fit, score):
        command.add_argument(
            "--skip-broken", action="store_true", help="leave out images that cannot be read; name them"
        )
        command.add_argument("--device", default="auto", help="cpu, cuda or auto (default)")
        command.add_argument("--quiet", action="store_true", help="show no progress")
    return parser


def _number(kind: Callable[[str], float], text: str, wanted: str, holds: Callable[[float], bool]) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = float("nan")
    if not holds(value):
        raise ArgumentTypeError(f"{wanted}; got {text!r}")
    return value


def _count(text: str) -> int:
    return int(_number(int, text, "it is a whole number above 0", lambda value: value > 0))


def _positive(text: str) -> float:
    return _number(float, text, "it is a number above 0", lambda value: 0 < value < float("inf"))


def _share(text: str) -> float:
    return _number(float, text, "it is a share between 0 and 1, both excluded", lambda value: 0 < value < 1)


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    try:
        return _count(height), _count(width or height)
    except ArgumentTypeError as error:
        raise ArgumentTypeError(f"it is a side in pixels, such as 64, or HEIGHTxWIDTH; got {text!r}") from error


if __name__ == "__main__":
    sys.exit(main())
