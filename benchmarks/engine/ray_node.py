"""The part of the Ray backend that its nodes execute: check the node, place the data sets, work on jobs."""

import hashlib
import importlib
import os
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Outcome, Weights, execute
from benchmarks.engine.run import Job
from benchmarks.errors import UnavailableError
from benchmarks.files import written_whole
from lisae.backbone import resolve_device, resolve_precision
from lisae.stacks import train_together

PACKAGES = ("lisae", "baselines", "benchmarks")
Reference = Any  # to an object in the store of a cluster; hashable
Get = Callable[[Reference], Any]  # returns the object


@dataclass(frozen=True)
class SharedFile:
    """A file in the object store: its SHA-256 (hexadecimal), and a reference to the references of its pieces."""

    digest: str
    pieces: Reference


@dataclass(frozen=True)
class Brief:
    """The facts that a task is told besides its jobs.

    Attributes:
        context: as for every backend; ``data_dir`` is the caller's, and a node has a folder of its own.
        files: the data sets that the task reads, by name.
        folder: the name of the folder that holds the data sets of this call on a node.
        precision: the meaning of ``precision = "auto"`` for the caller; '' where no run says so.
        code: the digest of the caller's code.
    """

    context: Context
    files: Mapping[str, SharedFile]
    folder: str
    precision: str
    code: str


def work(
    jobs: Sequence[Job], brief: Brief, get: Get, begun: Sequence[Sequence[Outcome] | None]
) -> list[Outcome] | UnavailableError:
    """Execute jobs and return their outcomes, or the reason why this node can execute none of them.

    Args:
        jobs: those of one task, whose networks are trained side by side.
        brief: the facts about the call.
        get: returns the object of a reference.
        begun: for each job the outcomes of its stage, None where it has none or trains it itself.
    """
    outcomes: list[Outcome] = []
    try:
        _check(brief)
        context = replace(brief.context, data_dir=_data_dir(brief, get))
        learnings = []
        for job, stage in zip(jobs, begun, strict=True):
            failure = next((one for one in stage or () if isinstance(one, Failure)), None)
            weights = next((one.content for one in stage or () if isinstance(one, Weights)), None)
            if failure is None:
                learnings.append(execute(job, context, weights, outcomes.append))
            else:
                outcomes += [replace(failure, run=run.id) for run in job.dependants]
        for _ in train_together(learnings, max(1, len(learnings))):
            pass
    except UnavailableError as error:
        return UnavailableError(f"node {socket.gethostname()}: {error}")
    return outcomes


def _check(brief: Brief) -> None:
    """Raise ``UnavailableError`` where this node would give other results under the same ids."""
    if code_digest() != brief.code:
        raise UnavailableError(
            f"it imports other code of {', '.join(PACKAGES)} than the machine that the call was made on: take that "
            "code off the node, or update it. Without any, the code of the call is sent there."
        )
    here = automatic_precision(brief.context.device) if brief.precision else ""
    if here != brief.precision:
        raise UnavailableError(
            f"precision = 'auto' is {here} there and {brief.precision} where the call was made, so that results would "
            "differ under one id. Name the precision in the settings, or use nodes with the same hardware."
        )


@cache
def code_digest() -> str:
    """Return 16 hexadecimal digits of the SHA-256 of the Python files of the three packages, wherever they lie."""
    digest = hashlib.sha256()
    for name in PACKAGES:
        root = Path(str(importlib.import_module(name).__file__)).parent
        for path in sorted(root.rglob("*.py")):
            digest.update(f"{name}/{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def automatic_precision(device: str) -> str:
    """Return the meaning of ``precision = "auto"`` on this machine: float32 or bfloat16."""
    return str(resolve_precision("auto", resolve_device(device))).removeprefix("torch.")


def _data_dir(brief: Brief, get: Get) -> Path:
    """Return the folder of this node with the data sets of a task, each taken from the object store once a node."""
    root = Path(tempfile.gettempdir()) / f"lisae-{os.getuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    if root.stat().st_uid != os.getuid():
        raise UnavailableError(f"{root} belongs to somebody else: set TMPDIR to a folder of your own on the nodes.")
    folder = root / brief.folder
    folder.mkdir(exist_ok=True)
    for name, file in brief.files.items():
        place = folder / f"{name}.npz"
        if place not in _checked or not place.is_file():
            with FileLock(root / f"{file.digest}.lock"):
                whole = _arrived(root, name, file, get)
                with suppress(FileExistsError):
                    place.symlink_to(whole)
            _checked.add(place)
    return folder


_checked: set[Path] = set()  # the data sets whose digest this process has computed


def _arrived(root: Path, name: str, file: SharedFile, get: Get) -> Path:
    """Return the copy of a file on this node, taken from the object store where it is not there or not whole."""
    whole = root / f"{file.digest}.npz"
    if not whole.is_file() or file_digest(whole) != file.digest:
        with written_whole(whole) as temporary:
            with temporary.open("wb") as target:
                for piece in get(file.pieces):
                    target.write(get(piece))
            if file_digest(temporary) != file.digest:
                raise UnavailableError(f"{name} did not arrive whole: run the same command again.")
    return whole


def file_digest(path: Path) -> str:
    """Return the SHA-256 (hexadecimal) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
