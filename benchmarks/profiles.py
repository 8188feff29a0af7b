"""Profiles: the settings of every model on every data set, read from TOML and checked."""

import inspect
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.data import NAMES
from benchmarks.errors import CallError, unknown
from benchmarks.registry import MODELS, Model
from lisae import Detector

_FOLDER = Path(__file__).parent / "settings"
# What a run decides, not its settings.
_NOT_SETTINGS = {"self", "autoencoder", "device", "random_state", "contamination"}
_HEADER = {"description", "extends", "seeds", "limits", "seconds", "models", "datasets"}

Settings = dict[str, Any]


@dataclass(frozen=True)
class Profile:
    """Settings under a name.

    Attributes:
        name: its name, or the path of its file.
        description: a line for ``--list``.
        seeds: the seeds of every run.
        limits: at most so many images of a class, ``train`` and ``test``; 0 is all.
        seconds: what one run of a model took where the profile was measured, for estimates only.
    """

    name: str
    description: str
    seeds: tuple[int, ...]
    limits: dict[str, int]
    seconds: dict[str, float]
    _models: dict[str, Settings]
    _datasets: dict[str, dict[str, Settings]]

    def settings(self, model: Model, dataset: str) -> Settings:
        """Every constructor argument that decides a result, defaults included.

        Phase one of a LIS-AE is under ``autoencoder``: AE's settings, with the model's own on top.
        """
        chosen = _merged(self._models.get(model.name, {}), self._datasets.get(dataset, {}).get(model.name, {}))
        phase_one = getattr(model.detector, "phase_one", None)
        if phase_one is None:
            return _complete(model.detector, chosen)
        own = chosen.pop("autoencoder", {})
        shared = self.settings(MODELS["AE"], dataset)
        return _complete(model.detector, chosen) | {"autoencoder": _complete(phase_one, shared | own)}


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
        seconds=tables.get("seconds", {}),
        _models=tables.get("models", {}),
        _datasets=tables.get("datasets", {}),
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
    for table, names in (("models", MODELS), ("seconds", MODELS), ("datasets", NAMES)):
        _check_keys(path, f"[{table}]", tables.get(table, {}), set(names))
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


def _check_settings(path: Path, table: str, settings: Settings, model: Model) -> None:
    phase_one = getattr(model.detector, "phase_one", None)
    own = dict(settings)
    if phase_one is not None and "autoencoder" in own:
        if model.shares_stage:
            raise CallError(
                f"{path}: {table[:-1]}.autoencoder] is not allowed: {model.name} begins from the weights of AE. "
                "Change [models.AE]."
            )
        _check_values(path, f"{table[:-1]}.autoencoder]", own.pop("autoencoder"), phase_one)
    _check_values(path, table, own, model.detector)


def _check_values(path: Path, table: str, settings: Settings, detector: type[Detector]) -> None:
    defaults = _defaults(detector)
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


def _defaults(detector: type[Detector]) -> Settings:
    parameters = inspect.signature(detector).parameters.values()
    return {p.name: p.default for p in parameters if p.name not in _NOT_SETTINGS}


def _complete(detector: type[Detector], chosen: Settings) -> Settings:
    """Fill in the defaults; a whole number given for a float becomes one, so that it is the same run."""
    complete = _defaults(detector) | chosen
    floats = {key for key, default in _defaults(detector).items() if type(default) is float}
    return {key: float(value) if key in floats else value for key, value in complete.items()}


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Give both as one, tables merged key by key, ``above`` winning; a copy all the way down."""
    result = json.loads(json.dumps(below))
    for key, value in above.items():
        nested = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if nested else value
    return result
