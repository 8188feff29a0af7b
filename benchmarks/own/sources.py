"""A detector from outside: a Python file, a class of an installed package, or an entry point, as a model of this call.

A source is plain data, which travels to the processes and machines that train: each makes the same class of it.
"""

import ast
import hashlib
import inspect
import json
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.errors import CallError, UnavailableError, one_line, unknown
from benchmarks.own.scores import ScoresSource, scores_source
from benchmarks.registry import MODELS, Model
from lisae import Detector

GROUP = "lisae.detectors"  # of entry points
_LARGEST_FILE = 2**20  # bytes
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _+-]{0,39}")  # it stands in tables, settings and lists with commas


@dataclass(frozen=True)
class DetectorSource:
    """A class in a file, whose ``text`` travels with it, or in an installed package."""

    name: str
    words: tuple[str, str]
    place: str  # the path of the file, or the name of the module
    class_name: str  # '' for the only detector of the file
    digest: str  # of the file, of a package that has no version; '' for a package with one
    package: str = ""  # its name and version
    text: str = ""

    def identity(self, task: Any, seed: int) -> dict[str, str]:
        """Return the digest of the file, or the class with the version of its package; the same for every run."""
        found = {"class": self.class_name if self.text else f"{self.place}:{self.class_name}"}
        return found | {"package": self.package} if self.package else found | {"sha256": self.digest}

    def model(self) -> Model:
        """Import the class and return the model. Raises ``CallError`` that says what is wrong with it."""
        detector = self._detector()
        first, *_ = (detector.__dict__.get("__doc__") or self.words[1]).strip().splitlines()
        return Model(self.name, detector, first.rstrip("."), origin=self)

    def whole(self) -> "DetectorSource":
        """Return the source with the name of its class."""
        return replace(self, class_name=self._detector().__name__)

    def _detector(self) -> type[Detector]:
        module = self._module()
        if self.class_name:
            found = getattr(module, self.class_name, None)
            if found is None:
                raise CallError(f"{self.place} has no {self.class_name!r}: --model names a class of it.")
            return _checked(found, f"{self.place}:{self.class_name}")
        own = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
        derived = [one for one in own if issubclass(one, Detector)]
        detectors = [one for one in derived if not inspect.isabstract(one)] or derived
        if len(detectors) == 1:
            return _checked(detectors[0], self.place)
        names = ", ".join(one.__name__ for one in detectors)
        if names:
            raise CallError(
                f"{self.place} has several detectors: {names}. Write --model {self.place}:{names.split(',')[0]}."
            )
        raise CallError(f"{self.place} has no detector: {_WANTED}")

    def _module(self) -> ModuleType:
        name = f"own_detector_{self.digest}" if self.text else self.place
        if name in sys.modules:
            return sys.modules[name]
        try:
            if not self.text:
                return import_module(name)
            module = sys.modules[name] = ModuleType(name)
            module.__file__ = self.place
            exec(compile(self.text, self.place, "exec"), vars(module))
            return module
        except (Exception, SystemExit) as error:
            sys.modules.pop(name, None)
            raise CallError(f"{self.place} cannot be loaded: {_told(error, self.place)}") from error


_WANTED = (
    "a detector is a class derived from lisae.Detector, or from an adapter of benchmarks.own (docs/own-detector.md)."
)


def _told(error: BaseException, place: str) -> str:
    """Say what an error in a file is, with the line of that file."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == place]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    hint = ""
    if isinstance(error, ModuleNotFoundError):
        hint = ". A file is whole by itself and imports what is installed; several are a package: package.module:Class"
    text = error.msg if isinstance(error, SyntaxError) else error
    return one_line(f"{type(error).__name__}: {text}{f' (line {line})' if line else ''}{hint}.")


def _checked(found: object, place: str) -> type[Detector]:
    """Return a class that keeps the form of the contract. Raises ``CallError`` for anything else."""
    if not (isinstance(found, type) and issubclass(found, Detector)):
        raise CallError(f"{place} is no detector: {_WANTED}")
    if inspect.isabstract(found):
        raise CallError(f"{place} lacks {' and '.join(sorted(found.__abstractmethods__))}: a detector has both.")
    arguments = inspect.signature(found).parameters
    if "random_state" not in arguments:
        raise CallError(f"{place} has no argument random_state, which decides everything random: add it.")
    for name, one in arguments.items():
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            raise CallError(
                f"{place} has an argument {name} without a default: settings begin from defaults, give one."
            )
    return found


Source = DetectorSource | ScoresSource


def detector_source(text: str) -> DetectorSource:
    """Find the detector that a command line names: ``[NAME=]file.py[:Class]``, ``package.module:Class``, entry point.

    Raises ``CallError`` for one that is not there or no detector.
    """
    name, equals, rest = text.partition("=")
    place, _, class_name = (rest if equals else text).partition(":")
    words = ("--model", text)
    if place.endswith(".py"):
        source = _of_file(words, place, class_name)
    elif class_name:
        source = _of_package(words, place, class_name)
    else:
        found = {one.name: one for one in metadata.entry_points(group=GROUP)}
        if place not in found:
            known = (
                unknown("detector of an installed package", place, found)
                if found
                else (
                    f"{place!r} is no detector: write my_detector.py, package.module:Class, "
                    f"or an entry point of the group {GROUP}, of which none is installed."
                )
            )
            raise CallError(known)
        source = replace(_of_package(words, found[place].module, found[place].attr), name=place)
    source = source.whole()
    return replace(source, name=name if equals else source.name or source.class_name)


def sources_of(detectors: Sequence[str], folders: Sequence[str]) -> tuple[Source, ...]:
    """Find what ``--model`` and ``--scores`` name. Raises ``CallError``, also for a name that is taken or none."""
    found: list[Source] = [*map(detector_source, detectors), *map(scores_source, folders)]
    taken = {name.lower(): f"{name} is a model of this package" for name in MODELS}
    for source in found:
        place = source.words[1].rpartition("=")[2]
        if not _NAME.fullmatch(source.name):
            raise CallError(f"{source.name!r} is no name of a model, such as NN-2: write NAME={place}.")
        if source.name.lower() in taken:
            raise CallError(f"{taken[source.name.lower()]}: name yours otherwise, as in Mine={place}.")
        taken[source.name.lower()] = f"{source.name} is named twice"
    return tuple(found)


def _of_file(words: tuple[str, str], place: str, class_name: str) -> DetectorSource:
    path = Path(place).expanduser()
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError(f"it has more than {_LARGEST_FILE} bytes")
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise CallError(f"--model {words[1]}: {place} cannot be read: {getattr(error, 'strerror', error)}.") from error
    return DetectorSource("", words, place, class_name, _digest([content]), text=text or "\n")


def _of_package(words: tuple[str, str], module: str, class_name: str) -> DetectorSource:
    top, *_ = module.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise CallError(f"--model {words[1]}: there is no package {top!r} here: install it, or name a file.")
    for name in metadata.packages_distributions().get(top, ()):
        found = metadata.distribution(name)
        is_edited = json.loads(found.read_text("direct_url.json") or "{}").get("dir_info", {}).get("editable")
        if found.read_text("RECORD") and not is_edited:  # a checkout that was built has metadata and no such list
            return DetectorSource("", words, module, class_name, "", f"{name} {found.version}")
    # A package that is edited where it lies is known by its content.
    places = [Path(place) for place in spec.submodule_search_locations or ()] or [Path(str(spec.origin))]
    files = [path for place in places for path in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    return DetectorSource("", words, module, class_name, _digest(path.read_bytes() for path in files))


@cache
def _distributions(path: tuple[str, ...]) -> Mapping[str, list[str]]:
    """Return the distributions on ``sys.path`` by their packages; it takes a third of a second to look for them."""
    return metadata.packages_distributions()


def _digest(contents: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()[:16]


def register(sources: Iterable[Source]) -> None:
    """Have the models of sources in the registry of this process; those that are there already stay.

    Raises ``UnavailableError`` where one cannot be made here, such as on a machine without its package.
    """
    for source in sources:
        there = MODELS.get(source.name)
        if there is None or there.origin != source:
            try:
                MODELS[source.name] = source.model()
            except CallError as error:
                raise UnavailableError(f"{source.name} cannot be made here: {error}") from error


@contextmanager
def registered(sources: Iterable[Source]) -> Iterator[None]:
    """Have the models of sources in the registry while a block runs."""
    found = tuple(sources)
    try:
        register(found)
        yield
    finally:
        for source in found:
            MODELS.pop(source.name, None)


def libraries(source: Source) -> list[str]:
    """Return the distributions that the file of a source imports, whose versions go into its records."""
    if not isinstance(source, DetectorSource) or not source.text:
        return []
    found = set()
    for node in ast.walk(ast.parse(source.text)):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        found |= {
            name.split(".")[0]
            for name in [*names, *([node.module] if isinstance(node, ast.ImportFrom) and node.module else [])]
        }
    of_packages = _distributions(tuple(sys.path))
    return sorted({name for top in found for name in of_packages.get(top, ())} - {"lisae"})
