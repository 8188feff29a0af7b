"""The schema of settings files: which keys there are, and the types and ranges of their values.

Keys and types of a model's settings are those of its constructor. Ranges go by the name of a setting, whichever table
it stands in.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.data import NAMES
from benchmarks.data.negatives import PREPARED, preparation_of
from benchmarks.errors import CallError, unknown
from benchmarks.paper.section_4 import figure_2_points
from benchmarks.registry import MODELS, Model
from lisae.device import PRECISIONS

Settings = dict[str, Any]

# Figures that are computed from settings of their own, by the function that takes these.
FIGURES: Mapping[str, Callable[..., Any]] = {"2": figure_2_points}

_PLAIN = (bool, int, float, str)
# Arguments that a run decides, and no settings file.
_NOT_SETTINGS = {"device", "random_state", "contamination"}

# A number is finite and not below 0; these are further restricted.
_ABOVE_ZERO = {
    *("learning_rate", "pretraining_learning_rate", "gan_learning_rate"),
    *("gamma", "gamma_scale", "nu", "steepness", "crop", "width", "cost"),
}
_AT_LEAST = {"slots": 2, "levels": 2} | dict.fromkeys(
    [
        *("latent_dim", "fixed", "grid", "epochs", "pretraining_epochs", "gan_epochs", "batch_size", "gan_batch_size"),
        *("trees", "critic_steps", "copies", "count"),
    ],
    1,
)
_AT_MOST = {"nu": 1, "crop": 1, "seeds": 2**32 - 1}
_ONE_OF = {"activation": ("tanh", "relu"), "precision": PRECISIONS}

_HEADER: Settings = {"description": "", "extends": "", "seeds": [0], "cost": 1.0}
_TABLES = ("limits", "latent_dim", "shared", "models", "datasets", "negatives", "figures", "seconds")


def defaults_of(function: Callable[..., Any]) -> Settings:
    """Return the arguments that are settings, with their defaults: all with a plain default that no run decides."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if isinstance(p.default, _PLAIN) and p.name not in _NOT_SETTINGS}


def places() -> dict[str, Callable[..., Any]]:
    """Return everything that has settings of its own: each model, and ``<model>.<argument>`` for a stage of its own."""
    found: dict[str, Callable[..., Any]] = {}
    for name, model in MODELS.items():
        found[name] = model.detector
        if model.detector.stage and model.begins_from is None:
            found[f"{name}.{model.detector.stage.argument}"] = model.detector.stage.detector
    return found


def check(path: object, tables: Settings) -> None:
    """Check the tables of one settings file.

    Raises ``CallError`` that names file, table, key and value, and says what is possible.
    """
    _Checker(path).file(tables)


class _Checker:
    """Checks tables of one file, which every message names."""

    def __init__(self, path: object) -> None:
        self.path = path

    def file(self, tables: Settings) -> None:
        self.keys("the file", tables, (*_HEADER, *_TABLES))
        self.values("the file", {key: tables[key] for key in _HEADER if key in tables}, _HEADER)
        self.values("[limits]", tables.get("limits", {}), {"train": 0, "test": 0})
        shared = {key: value for function in places().values() for key, value in defaults_of(function).items()}
        self.values("[shared]", tables.get("shared", {}), shared | {"models": [""]})
        for name in tables.get("shared", {}).get("models", ()):
            if name not in places():
                raise CallError(f"{self.path}: in models of [shared], {unknown('model', name, places())}")
        self.models("models", tables.get("models", {}))
        for dataset, models in self.each(tables, "datasets", NAMES):
            table = f"datasets.{dataset}"
            self.keys(f"[{table}]", models, ("shared", *MODELS))
            self.values(f"[{table}.shared]", models.get("shared", {}), shared)
            self.models(table, {name: settings for name, settings in models.items() if name != "shared"})
        for dataset, widths in self.each(tables, "latent_dim", NAMES):
            table = f"[latent_dim.{dataset}]"
            self.values(table, widths, {"fixed": 1, "grid": [1]})
            if len(widths) < 2:
                raise CallError(f"{self.path}: {table} has fixed and grid, such as 16 and [8, 16]; got {widths!r}.")
        for dataset, seconds in self.each(tables, "seconds", NAMES):
            self.values(f"[seconds.{dataset}]", seconds, dict.fromkeys(MODELS, 1.0))
        for name, settings in self.each(tables, "negatives", PREPARED):
            self.values(f"[negatives.{name}]", settings, defaults_of(preparation_of(name)))
        for name, settings in self.each(tables, "figures", FIGURES):
            self.values(f"[figures.{name}]", settings, defaults_of(FIGURES[name]))

    def models(self, table: str, models: Settings) -> None:
        self.keys(f"[{table}]", models, MODELS)
        for name, settings in models.items():
            self.model(f"{table}.{name}", settings, MODELS[name])

    def model(self, table: str, settings: Settings, model: Model) -> None:
        stage = model.detector.stage
        if stage is None or not isinstance(settings, dict) or stage.argument not in settings:
            self.values(f"[{table}]", settings, defaults_of(model.detector))
            return
        if model.begins_from:
            raise CallError(
                f"{self.path}: [{table}.{stage.argument}] is not allowed: {model.name} begins from the trained "
                f"{model.begins_from}. Change [models.{model.begins_from}]."
            )
        own = {key: value for key, value in settings.items() if key != stage.argument}
        self.values(f"[{table}]", own, defaults_of(model.detector))
        self.values(f"[{table}.{stage.argument}]", settings[stage.argument], defaults_of(stage.detector))

    def each(self, tables: Settings, name: str, known: Mapping[str, object] | tuple[str, ...]) -> list[tuple[str, Any]]:
        """Return the tables within a table, after a check of their names."""
        self.keys(f"[{name}]", tables.get(name, {}), known)
        return list(tables.get(name, {}).items())

    def keys(self, table: str, given: object, known: Mapping[str, object] | tuple[str, ...]) -> None:
        if not isinstance(given, dict):
            raise CallError(f"{self.path}: {table} is a table; got {given!r}.")
        for key in given:
            if key not in known:
                raise CallError(f"{self.path}: in {table}, {unknown('key', key, sorted(known))}")

    def values(self, table: str, given: Settings, defaults: Settings) -> None:
        """Check keys, types and ranges of a table against defaults of the right type."""
        self.keys(table, given, defaults)
        for key, value in given.items():
            self.value(table, key, value, defaults[key])

    def value(self, table: str, key: str, value: object, default: object) -> None:
        if isinstance(default, list):
            if not isinstance(value, list) or not value or len(set(map(repr, value))) < len(value):
                raise CallError(f"{self.path}: {key} in {table} is a list of different values; got {value!r}.")
            for one in value:
                self.value(table, key, one, default[0])
            return
        wanted = type(default)
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise CallError(f"{self.path}: {key} in {table} is of type {wanted.__name__}; got {value!r}.")
        if wanted is str and value not in _ONE_OF.get(key, (value,)):
            raise CallError(f"{self.path}: {key} in {table} is one of {', '.join(_ONE_OF[key])}; got {value!r}.")
        if isinstance(value, int | float) and wanted is not bool:
            self.number(table, key, value)

    def number(self, table: str, key: str, value: float) -> None:
        low, high = _AT_LEAST.get(key, 0), _AT_MOST.get(key, math.inf)
        is_above = value > 0 if key in _ABOVE_ZERO else value >= low
        if not (is_above and value <= high and math.isfinite(value)):
            bounds = "above 0" if key in _ABOVE_ZERO else f"at least {low}"
            bounds += f" and at most {high}" if key in _AT_MOST else ""
            raise CallError(f"{self.path}: {key} in {table} is a finite number, {bounds}; got {value!r}.")
