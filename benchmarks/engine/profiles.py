"""Profiles: the settings of every model on every data set, read from TOML and checked."""

import inspect
import json
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.data import NAMES
from benchmarks.data.preparation import PREPARED, preparation_of
from benchmarks.errors import CallError, unknown
from benchmarks.paper.section_4 import figure_2_points
from benchmarks.registry import MODELS, Model
from lisae import BackboneDetector, Detector

_FOLDER = Path(__file__).parents[1] / "settings"
_PLAIN = (bool, int, float, str)
# What a run decides, not its settings.
_NOT_SETTINGS = {"device", "random_state", "contamination"}
_HEADER = {
    "description",
    "extends",
    "seeds",
    "limits",
    "latent_dim",
    "seconds",
    "cost",
    "models",
    "datasets",
    "negatives",
    "figures",
}
# Figures that are trained for themselves, by what takes their settings.
_FIGURES = {"2": figure_2_points}

Settings = dict[str, Any]


@dataclass(frozen=True)
class Profile:
    """Settings under a name.

    Attributes:
        name: its name, or the path of its file.
        description: a line for ``--list``.
        seeds: the seeds of every run.
        limits: at most so many images of a class, ``train`` and ``test``; 0 is all.
    """

    name: str
    description: str
    seeds: tuple[int, ...]
    limits: dict[str, int]
    _latent_dim: dict[str, dict[str, Any]]
    _seconds: dict[str, dict[str, float]]
    _cost: float
    _models: dict[str, Settings]
    _datasets: dict[str, dict[str, Settings]]
    _negatives: dict[str, Settings]
    _figures: dict[str, Settings]

    def settings(self, model: Model, dataset: str, latent_dim: int | None = None) -> Settings:
        """Every constructor argument that decides a result, defaults included.

        A rival autoencoder is trained as AE is, with its own settings on top. The stage that a model begins from
        is under the argument that takes it: AE's settings for LIS-AE and, with its own on top, for LinSep-LIS-AE.

        Args:
            model: whose settings.
            dataset: of which data set.
            latent_dim: a latent width instead of the one chosen beforehand for the data set.
        """
        stage = model.stage_class
        own = self._chosen(model, dataset)
        if stage is None:
            return _complete(model.detector, self._shared(model.detector, dataset, latent_dim) | own)
        stage_own = own.pop(model.stage_argument, {})
        shared = self._shared(stage, dataset, latent_dim)
        if model.begins_from:
            shared |= self._chosen(MODELS[model.begins_from], dataset)
        return _complete(model.detector, own) | {model.stage_argument: _complete(stage, shared | stage_own)}

    def latent_dims(self, model: Model, dataset: str) -> tuple[int, ...]:
        """The widths that the protocol ``oracle`` chooses from; none for a model without a latent layer."""
        detector = model.stage_class or model.detector
        if "latent_dim" not in _defaults(detector) or dataset not in self._latent_dim:
            return ()
        widths = self._latent_dim[dataset]
        return tuple(dict.fromkeys((widths["fixed"], *widths["grid"])))

    def preparation(self, negatives: str) -> Settings:
        """How negatives of this data set are made ready for a task of another one."""
        return _complete(preparation_of(negatives), self._negatives.get(negatives, {}))

    def figure(self, figure_id: str) -> Settings:
        """The settings of a figure that is trained for itself."""
        return _complete(_FIGURES[figure_id], self._figures.get(figure_id, {}))

    def seconds(self, model: str, dataset: str) -> float:
        """What one run of a model takes, about, where the profile was measured; for estimates only."""
        return self._cost * self._seconds.get(dataset, {}).get(model, 1.0)

    def _shared(self, detector: type[Detector], dataset: str, latent_dim: int | None) -> Settings:
        """What a detector shares with the other models of the data set: AE's training, and the latent width."""
        known = _defaults(detector)
        chosen = self._chosen(MODELS["AE"], dataset) if issubclass(detector, BackboneDetector) else {}
        shared = {key: value for key, value in chosen.items() if key in known}
        if "latent_dim" in known:
            width = latent_dim or self._latent_dim.get(dataset, {}).get("fixed")
            shared |= {"latent_dim": width} if width else {}
        return shared

    def _chosen(self, model: Model, dataset: str) -> Settings:
        return _merged(self._models.get(model.name, {}), self._datasets.get(dataset, {}).get(model.name, {}))


def profile_names() -> list[str]:
    """The names of the profiles that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_profile(name: str) -> Profile:
    """Read a profile by name, or the path of a TOML file of one.

    Raises ``CallError`` for an unknown name, a file that is no TOML, or a wrong key or value in it.
    """
    path = _path_of(name)
    tables = _read(path)
    return Profile(
        name=name,
        description=tables.get("description", ""),
        seeds=tuple(tables["seeds"]),
        limits={"train": 0, "test": 0} | tables.get("limits", {}),
        _latent_dim=tables.get("latent_dim", {}),
        _seconds=tables.get("seconds", {}),
        _cost=tables.get("cost", 1.0),
        _models=tables.get("models", {}),
        _datasets=tables.get("datasets", {}),
        _negatives=tables.get("negatives", {}),
        _figures=tables.get("figures", {}),
    )


def _path_of(name: str) -> Path:
    path = Path(name) if name.endswith(".toml") else _FOLDER / f"{name}.toml"
    if path.is_file():
        return path
    if name.endswith(".toml"):
        raise CallError(f"there is no settings file {path}.")
    raise CallError(unknown("profile", name, profile_names()))


def _read(path: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise CallError(f"{path} could not be read as TOML: {error}.") from error
    _check_keys(path, "the file", tables, _HEADER)
    _check_keys(path, "[limits]", tables.get("limits", {}), {"train", "test"})
    known: dict[str, Iterable[str]] = {"models": MODELS, "negatives": PREPARED, "figures": _FIGURES}
    known |= dict.fromkeys(("seconds", "datasets", "latent_dim"), NAMES)
    for table, names in known.items():
        _check_keys(path, f"[{table}]", tables.get(table, {}), set(names))
    for dataset, seconds in tables.get("seconds", {}).items():
        _check_keys(path, f"[seconds.{dataset}]", seconds, set(MODELS))
    for dataset, widths in tables.get("latent_dim", {}).items():
        _check_widths(path, f"[latent_dim.{dataset}]", widths)
    for name, settings in tables.get("negatives", {}).items():
        _check_values(path, f"[negatives.{name}]", settings, preparation_of(name))
    for name, settings in tables.get("figures", {}).items():
        _check_values(path, f"[figures.{name}]", settings, _FIGURES[name])
    for name, settings in tables.get("models", {}).items():
        _check_settings(path, f"[models.{name}]", settings, MODELS[name])
    for dataset, models in tables.get("datasets", {}).items():
        _check_keys(path, f"[datasets.{dataset}]", models, set(MODELS))
        for name, settings in models.items():
            _check_settings(path, f"[datasets.{dataset}.{name}]", settings, MODELS[name])
    if "extends" in tables:
        tables = _merged(_read(_path_of(tables["extends"])), tables)
    seeds = tables.get("seeds")
    if not isinstance(seeds, list) or not seeds or not all(type(seed) is int and seed >= 0 for seed in seeds):
        raise CallError(f"{path}: seeds is a list of whole numbers from 0, such as [0, 1, 2]; got {seeds!r}.")
    return tables


def _check_widths(path: Path, table: str, widths: Settings) -> None:
    _check_keys(path, table, widths, {"fixed", "grid"})
    numbers = [widths.get("fixed"), *(widths.get("grid") or [None])]
    if not all(type(number) is int and number > 0 for number in numbers):
        raise CallError(
            f"{path}: {table} has a width, fixed, and a list of widths, grid, such as 16 and [8, 16]; got {widths!r}."
        )


def _check_settings(path: Path, table: str, settings: Settings, model: Model) -> None:
    own = dict(settings)
    if model.stage_class is not None and model.stage_argument in own:
        stage_table = f"{table[:-1]}.{model.stage_argument}]"
        if model.begins_from:
            raise CallError(
                f"{path}: {stage_table} is not allowed: {model.name} begins from the trained {model.begins_from}. "
                f"Change [models.{model.begins_from}]."
            )
        _check_values(path, stage_table, own.pop(model.stage_argument), model.stage_class)
    _check_values(path, table, own, model.detector)


def _check_values(path: Path, table: str, settings: Settings, function: Callable[..., Any]) -> None:
    defaults = _defaults(function)
    _check_keys(path, table, settings, set(defaults))
    for key, value in settings.items():
        wanted = type(defaults[key])
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise CallError(f"{path}: {key} in {table} is of type {wanted.__name__}; got {value!r}.")


def _check_keys(path: Path, table: str, given: object, known: set[str]) -> None:
    if not isinstance(given, dict):
        raise CallError(f"{path}: {table} is a table; got {given!r}.")
    for key in given:
        if key not in known:
            raise CallError(f"{path}: in {table}, {unknown('key', key, sorted(known))}")


def _defaults(function: Callable[..., Any]) -> Settings:
    """The arguments that are settings: those with a plain default, save what a run decides."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if isinstance(p.default, _PLAIN) and p.name not in _NOT_SETTINGS}


def _complete(function: Callable[..., Any], chosen: Settings) -> Settings:
    """Fill in the defaults; a whole number given for a float becomes one, so that it is the same run."""
    defaults = _defaults(function)
    return {key: float(value) if type(defaults[key]) is float else value for key, value in (defaults | chosen).items()}


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Give both as one, tables merged key by key, ``above`` winning; a copy all the way down."""
    result = json.loads(json.dumps(below))
    for key, value in above.items():
        nested = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if nested else value
    return result
