"""Profiles: the settings of every model on every data set, read from TOML and checked.

A model's settings are the arguments of its constructor; keys, types and ranges are those that its signature says.
"""

import inspect
import math
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.data import NAMES
from benchmarks.data.negatives import PREPARATIONS, resampled
from benchmarks.errors import CallError, shown, unknown
from benchmarks.registry import MODELS, Model
from lisae.settings import AUTO, Range

Settings = dict[str, Any]

_LARGEST_FILE = 2**15  # bytes of a settings file: reading takes time that grows with the square of its longest key
_LARGEST_NUMBER = 10.0**9  # of a setting without an upper limit of its own: beyond it, no network fits in any memory
_FOLDER = Path(__file__).parents[1] / "settings"
CHOSEN = _FOLDER / "chosen.md"  # what chose the settings, and which of them saw test outliers
# Arguments that a run decides, and no settings file.
_NOT_SETTINGS = {"device", "random_state", "contamination", "validation_fraction", "patience", "verbose"}


class Option(NamedTuple):
    """A key that a table may have: its default, of the type of its values or ``auto``, and the values allowed."""

    default: Any
    allowed: Range | tuple[str, ...] = Range()

    @property
    def example(self) -> Any:
        """A value of its type, and where ``auto`` is possible too, of the type of its numbers."""
        return self.allowed.auto_of() if isinstance(self.allowed, Range) and self.allowed.auto_of else self.default


def settings_of(function: Callable[..., Any]) -> dict[str, Option]:
    """Return the arguments that are settings: all with a plain default that no run decides."""
    return {
        name: Option(one.default, *getattr(one.annotation, "__metadata__", ()))
        for name, one in inspect.signature(function).parameters.items()
        if isinstance(one.default, bool | int | float | str) and name not in _NOT_SETTINGS
    }


def has_latent_layer(model: Model) -> bool:
    """Tell whether a model has a latent width to choose, of its own or of the stage that it begins from."""
    return "latent_dim" in settings_of(model.detector.stage.detector if model.detector.stage else model.detector)


def places() -> dict[str, dict[str, Option]]:
    """Return all that has settings of its own: each model, and ``<model>.<argument>`` for a stage of its own."""
    found = {}
    for name, model in MODELS.items():
        found[name] = settings_of(model.detector)
        if model.detector.stage and model.begins_from is None:
            found[f"{name}.{model.detector.stage.argument}"] = settings_of(model.detector.stage.detector)
    return found


@dataclass(frozen=True)
class Profile:
    """Settings under a name: that of the profile, or the path of its file."""

    name: str
    description: str
    seeds: tuple[int, ...]
    limits: dict[str, int]  # at most so many images of a class, ``train`` and ``test``; 0 is all
    tables: dict[str, Any]  # the whole of the file, with what it extends

    def settings(self, model: Model, dataset: str, latent_dim: int | None = None) -> Settings:
        """Return every constructor argument of a model that decides a result on a data set, defaults included.

        The settings of the stage that it begins from stand under the argument that takes it. ``latent_dim`` is a
        latent width instead of the one chosen beforehand for the data set.
        """
        found: Settings = {}
        for name, value, _ in self.explained(model, dataset, latent_dim):
            *argument, key = name.split(".")
            (found.setdefault(argument[0], {}) if argument else found)[key] = value
        return found

    def explained(self, model: Model, dataset: str, latent_dim: int | None = None) -> Iterator[tuple[str, Any, str]]:
        """Give each setting of a model with its value and the table that it comes from.

        A setting of its stage is named ``<argument>.<setting>``. Tables count in this order, the last one wins:
        the constructor's defaults, the registry, ``[shared]`` and ``[datasets.<set>.shared]`` for the places that
        ``[shared]`` lists, the width of the data set, ``[models.<model>]``, ``[datasets.<set>.<model>]``, ``--set``.
        """
        parts = {"": (model.name, model.detector)}
        if stage := model.detector.stage:
            parts[f"{stage.argument}."] = model.begins_from or f"{model.name}.{stage.argument}", stage.detector
        for prefix, (place, detector) in parts.items():
            found = _overlaid(settings_of(detector), self._layers(place, dataset, latent_dim))
            yield from ((prefix + key, value, origin) for key, (value, origin) in found.items())

    def _layers(self, place: str, dataset: str, latent_dim: int | None) -> Iterator[tuple[str, Settings]]:
        """Give the tables that say something of a place, the stronger ones last."""
        of_dataset = self.tables.get("datasets", {}).get(dataset, {})
        shared = self.tables.get("shared", {})
        name, *argument = place.split(".")
        if not argument:
            yield "the registry", MODELS[name].settings
        if place in shared.get("models", ()):
            yield "[shared]", shared
            yield f"[datasets.{dataset}.shared]", of_dataset.get("shared", {})
        if latent_dim is not None:
            yield "asked for", {"latent_dim": latent_dim}
        elif dataset in self.tables.get("latent_dim", {}):
            yield f"[latent_dim.{dataset}]", {"latent_dim": self.tables["latent_dim"][dataset]["fixed"]}
        named = {"models": self.tables.get("models", {}), f"datasets.{dataset}": of_dataset}
        for table, models in (named | {"--set": self.tables.get("--set", {})}).items():
            settings = models.get(name, {})
            yield f"[{table}.{place}]", settings.get(argument[0], {}) if argument else settings

    def latent_dims(self, model: Model, dataset: str) -> tuple[int, ...]:
        """Return the widths that the protocol ``oracle`` chooses from; none for a model without a latent layer.

        Widths at which the model collapses from every seed are none to choose from.
        """
        widths = self.tables.get("latent_dim", {}).get(dataset)
        if widths is None or not has_latent_layer(model):
            return ()
        collapses = widths.get("collapses", {}).get(model.name, ())
        return tuple(dict.fromkeys((widths["fixed"], *(one for one in widths["grid"] if one not in collapses))))

    def preparation(self, negatives: str) -> Settings:
        """Return how images of this data set are made ready as negatives for a task of another one."""
        return self._own("negatives", negatives, settings_of(PREPARATIONS.get(negatives, resampled)))

    def figure(self, figure_id: str, known: Mapping[str, Option]) -> Settings:
        """Return the settings of a figure that is computed for itself, ``known`` being those that it has."""
        return self._own("figures", figure_id, known)

    def _own(self, table: str, name: str, known: Mapping[str, Option]) -> Settings:
        layer = ("", self.tables.get(table, {}).get(name, {}))
        return {key: value for key, (value, _) in _overlaid(known, [layer]).items()}

    def seconds(self, model: str, dataset: str) -> float:
        """Return about how long one run of a model takes where the profile was measured; for estimates only."""
        return self.tables.get("cost", 1.0) * self.tables.get("seconds", {}).get(dataset, {}).get(model, 1.0)


def _overlaid(
    known: Mapping[str, Option], layers: Iterable[tuple[str, Mapping[str, Any]]]
) -> dict[str, tuple[Any, str]]:
    """Return the value of each setting and its origin: the last of the layers that has it, or its default."""
    found = {key: (setting.default, "default") for key, setting in known.items()}
    for origin, layer in layers:
        for key in layer.keys() & known.keys():
            # A whole number given for a float becomes one, so that it is the same run.
            found[key] = layer[key] if layer[key] == AUTO else type(known[key].example)(layer[key]), origin
    return found


def profile_names() -> list[str]:
    """Return the names of the profiles that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


Figures = Mapping[str, Mapping[str, Option]]  # the settings of each figure that has some, by its id


def load_profile(name: str, figures: Figures | None = None) -> Profile:
    """Read a profile by name, or the path of a TOML file of one.

    Tables of figures are checked where ``figures`` says which there are; None leaves them to whoever reads them.
    Raises ``CallError`` for an unknown name, a file that is no TOML, a wrong key or value in it, and files that
    extend each other in a circle.
    """
    tables = _read(name, Path(), figures, ())
    if "seeds" not in tables:
        raise CallError(f"{name}: seeds is missing: a list of whole numbers such as [0, 1, 2], or extends a profile.")
    limits = {"train": 0, "test": 0} | tables.get("limits", {})
    return Profile(name, tables.get("description", ""), tuple(tables["seeds"]), limits, tables)


def _read(name: str, folder: Path, figures: Figures | None, extended_by: tuple[Path, ...]) -> dict[str, Any]:
    """Return the tables of a profile with what it extends; the path of a file is relative to ``folder``."""
    is_file = name.endswith(".toml")
    if not is_file and name not in profile_names():
        raise CallError(unknown("profile", name, profile_names()))
    path = folder / name if is_file else _FOLDER / f"{name}.toml"
    try:
        if not name.isprintable() or not path.is_file():
            raise CallError(f"there is no settings file {str(path)!r}.")
        if path.resolve() in extended_by:
            raise CallError(f"{path} extends itself, through {len(extended_by)} files: take out one 'extends'.")
        if path.stat().st_size > _LARGEST_FILE:
            raise CallError(f"{path} has {path.stat().st_size} bytes; a settings file has {_LARGEST_FILE} at most.")
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError, RecursionError) as error:
        raise CallError(f"{path} could not be read as TOML: {error}.") from error
    check(path, tables, figures)
    if "extends" not in tables:
        return tables
    below = _read(tables["extends"], path.parent, figures, (*extended_by, path.resolve()))
    return _merged(below, tables)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return both as one, tables merged key by key, ``above`` winning."""
    nested = {key for key in below.keys() & above.keys() if isinstance(below[key], dict)}
    return below | above | {key: _merged(below[key], above[key]) for key in nested}


def check(path: Path, tables: Settings, figures: Figures | None = None) -> None:
    """Check the tables of one settings file.

    Raises ``CallError`` that names file, table, key and value, and says what is possible.
    """
    try:
        _check("", tables, _known(figures))
        for name in tables.get("shared", {}).get("models", ()):
            if name not in places():
                raise CallError(f"in models of [shared], {unknown('model', name, places())}")
        for name, widths in tables.get("latent_dim", {}).items():
            if not {"fixed", "grid"} <= widths.keys():
                raise CallError(f"[latent_dim.{name}] has fixed and grid, such as 16 and [8, 16]; got {widths!r}.")
    except CallError as error:
        raise CallError(f"{path}: {error}") from error


def _known(figures: Figures | None) -> dict[str, Any]:
    """Return for each key of a file its option, a list of several that the value has to suit, or a table of these.

    None stands for a table that is not checked, and a text for one that there cannot be, and says why.
    """
    own = places()
    models: dict[str, dict[str, Any]] = {}
    for name, model in MODELS.items():
        models[name] = own[name]
        if stage := model.detector.stage:
            found: Any = own.get(f"{name}.{stage.argument}")
            if model.begins_from is not None:
                found = f"{name} begins from the trained {model.begins_from}. Change [models.{model.begins_from}]."
            models[name] = own[name] | {stage.argument: found}
    shared: dict[str, list[Option]] = {}
    width, widths = Option(1, Range(1)), Option([1], Range(1))
    for options in own.values():
        for key, option in options.items():
            shared.setdefault(key, []).append(option)
    return {
        "description": Option(""),
        "extends": Option(""),
        "seeds": Option([0], Range(0, 2**32 - 1)),
        "cost": Option(1.0, Range(above=True)),
        "limits": {"train": Option(0), "test": Option(0)},
        "latent_dim": {
            name: {"fixed": width, "grid": widths, "collapses": dict.fromkeys(MODELS, widths)} for name in NAMES
        },
        "shared": shared | {"models": [Option([""])]},
        "models": models,
        "datasets": dict.fromkeys(NAMES, models | {"shared": shared}),
        "negatives": {name: settings_of(prepare) for name, prepare in PREPARATIONS.items()},
        "figures": figures,
        "seconds": dict.fromkeys(NAMES, dict.fromkeys(MODELS, Option(1.0))),
    }


def _check(path: str, given: object, known: Mapping[str, Any]) -> None:
    table = f"[{path}]" if path else "the file"
    if not isinstance(given, dict):
        raise CallError(f"{table} is a table; got {shown(given)}.")
    for key, value in given.items():
        inner = f"{path}.{key}" if path else key
        if key not in known:
            there = sorted(name for name, one in known.items() if not isinstance(one, str))
            raise CallError(f"in {table}, {unknown('key', key, there)}")
        if isinstance(known[key], str):
            raise CallError(f"[{inner}] is not allowed: {known[key]}")
        if isinstance(known[key], Mapping):
            _check(inner, value, known[key])
        elif known[key] is not None:
            for setting in known[key] if isinstance(known[key], list) else [known[key]]:
                if value != AUTO or value not in setting.allowed:
                    _check_value(f"{key} in {table}", value, setting.example, setting.allowed)


def _check_value(where: str, value: object, default: object, allowed: Range | tuple[str, ...]) -> None:
    if isinstance(default, list):
        if not isinstance(value, list) or not value or len(set(map(shown, value))) < len(value):
            raise CallError(f"{where} is a list of different values; got {shown(value)}.")
        for one in value:
            _check_value(where, one, default[0], allowed)
    elif type(value) is not type(default) and not (isinstance(default, float) and type(value) is int):
        or_auto = f" or {AUTO!r}" if isinstance(allowed, Range) and allowed.auto_of else ""
        raise CallError(f"{where} is of type {type(default).__name__}{or_auto}; got {shown(value)}.")
    elif isinstance(allowed, tuple) and value not in allowed:
        raise CallError(f"{where} is one of {', '.join(allowed)}; got {shown(value)}.")
    elif isinstance(allowed, Range) and isinstance(value, int | float) and not _is_within(value, allowed):
        limit = f" and at most {_LARGEST_NUMBER:.0f}" if allowed.high == math.inf and value > allowed.low else ""
        raise CallError(f"{where} is a finite number, {allowed}{limit}; got {shown(value)}.")


def _is_within(value: float, allowed: Range) -> bool:
    is_high_enough = value > allowed.low if allowed.above else value >= allowed.low
    highest = _LARGEST_NUMBER if allowed.high == math.inf else allowed.high
    return (is_high_enough and value <= highest) or (allowed.or_zero and value == 0)
