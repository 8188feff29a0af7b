"""Profiles: the settings of every model on every data set, read from TOML."""

import copy
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.data.negatives import preparation_of
from benchmarks.engine import schema
from benchmarks.engine.schema import Settings, defaults_of
from benchmarks.errors import CallError, unknown
from benchmarks.registry import Model

_LARGEST = 2**16  # bytes of a settings file: reading takes time that grows with the square of its longest key
_FOLDER = Path(__file__).parents[1] / "settings"


@dataclass(frozen=True)
class Profile:
    """Settings under a name.

    Attributes:
        name: its name, or the path of its file.
        description: a line for ``--list``.
        seeds: the seeds of every run.
        limits: at most so many images of a class, ``train`` and ``test``; 0 is all.
        tables: the whole of the file, with what it extends.
    """

    name: str
    description: str
    seeds: tuple[int, ...]
    limits: dict[str, int]
    tables: dict[str, Any]

    def settings(self, model: Model, dataset: str, latent_dim: int | None = None) -> Settings:
        """Return every constructor argument that decides a result, defaults included.

        The settings of the stage that a model begins from stand under the argument that takes it.

        Args:
            model: whose settings.
            dataset: of which data set.
            latent_dim: a latent width instead of the one chosen beforehand for the data set.
        """
        found: Settings = {}
        for path, value, _ in self.explained(model, dataset, latent_dim):
            *nested, key = path.split(".")
            (found.setdefault(nested[0], {}) if nested else found)[key] = value
        return found

    def explained(self, model: Model, dataset: str, latent_dim: int | None = None) -> Iterator[tuple[str, Any, str]]:
        """Give each setting of a model with its value and the table that it comes from.

        A setting of its stage is named ``<argument>.<setting>``. Tables count in this order, the last one wins:
        the constructor's defaults, ``[shared]`` and ``[datasets.<set>.shared]`` for the places that ``[shared]``
        lists, the latent width of the data set, ``[models.<model>]`` and ``[datasets.<set>.<model>]``.
        """
        yield from self._resolved(model.name, model.detector, dataset, latent_dim, "")
        if stage := model.detector.stage:
            place = model.begins_from or f"{model.name}.{stage.argument}"
            yield from self._resolved(place, stage.detector, dataset, latent_dim, f"{stage.argument}.")

    def _resolved(
        self, place: str, detector: Callable[..., Any], dataset: str, latent_dim: int | None, prefix: str
    ) -> Iterator[tuple[str, Any, str]]:
        defaults = defaults_of(detector)
        values = dict.fromkeys(defaults, "default")
        settings = dict(defaults)
        for origin, layer in self._layers(place, dataset, latent_dim):
            for key in layer.keys() & defaults.keys():
                settings[key], values[key] = layer[key], origin
        for key, value in settings.items():
            # A whole number given for a float becomes one, so that it is the same run.
            yield prefix + key, float(value) if type(defaults[key]) is float else value, values[key]

    def _layers(self, place: str, dataset: str, latent_dim: int | None) -> Iterator[tuple[str, Settings]]:
        """Give the tables that say something of a place, the stronger ones last."""
        of_dataset = self.tables.get("datasets", {}).get(dataset, {})
        shared = self.tables.get("shared", {})
        if place in shared.get("models", ()):
            yield "[shared]", shared
            yield f"[datasets.{dataset}.shared]", of_dataset.get("shared", {})
        if latent_dim is not None:
            yield "asked for", {"latent_dim": latent_dim}
        elif dataset in self.tables.get("latent_dim", {}):
            yield f"[latent_dim.{dataset}]", {"latent_dim": self.tables["latent_dim"][dataset]["fixed"]}
        name, *argument = place.split(".")
        for table, models in (("models", self.tables.get("models", {})), (f"datasets.{dataset}", of_dataset)):
            settings = models.get(name, {})
            yield f"[{table}.{place}]", settings.get(argument[0], {}) if argument else settings

    def latent_dims(self, model: Model, dataset: str) -> tuple[int, ...]:
        """Return the widths that the protocol ``oracle`` chooses from; none for a model without a latent layer."""
        if "latent_dim" not in defaults_of(model.detector.stage.detector if model.detector.stage else model.detector):
            return ()
        widths = self.tables.get("latent_dim", {}).get(dataset)
        return tuple(dict.fromkeys((widths["fixed"], *widths["grid"]))) if widths else ()

    def preparation(self, negatives: str) -> Settings:
        """Return how images of this data set are made ready as negatives for a task of another one."""
        return self._own(preparation_of(negatives), "negatives", negatives)

    def figure(self, figure_id: str) -> Settings:
        """Return the settings of a figure that is computed for itself."""
        return self._own(schema.FIGURES[figure_id], "figures", figure_id)

    def _own(self, function: Callable[..., Any], table: str, name: str) -> Settings:
        defaults, own = defaults_of(function), self.tables.get(table, {}).get(name, {})
        return {key: float(value) if type(defaults[key]) is float else value for key, value in (defaults | own).items()}

    def seconds(self, model: str, dataset: str) -> float:
        """Return about how long one run of a model takes where the profile was measured; for estimates only."""
        return self.tables.get("cost", 1.0) * self.tables.get("seconds", {}).get(dataset, {}).get(model, 1.0)


def profile_names() -> list[str]:
    """Return the names of the profiles that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_profile(name: str) -> Profile:
    """Read a profile by name, or the path of a TOML file of one.

    Raises ``CallError`` for an unknown name, a file that is no TOML, a wrong key or value in it, and files that
    extend each other in a circle.
    """
    path = _path_of(name, Path())
    tables = _read(path, ())
    if "seeds" not in tables:
        raise CallError(f"{path}: seeds is missing: a list of whole numbers such as [0, 1, 2], or extends a profile.")
    return Profile(
        name=name,
        description=tables.get("description", ""),
        seeds=tuple(tables["seeds"]),
        limits={"train": 0, "test": 0} | tables.get("limits", {}),
        tables=tables,
    )


def _path_of(name: str, folder: Path) -> Path:
    """Return the file of a profile; the path of a file is relative to ``folder``."""
    if not name.endswith(".toml"):
        if name not in profile_names():
            raise CallError(unknown("profile", name, profile_names()))
        return _FOLDER / f"{name}.toml"
    path = folder / name
    if not path.is_file():
        raise CallError(f"there is no settings file {path}.")
    return path


def _read(path: Path, extended_by: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in extended_by:
        raise CallError(f"{path} extends itself, through {len(extended_by)} files: take out one 'extends'.")
    try:
        if path.stat().st_size > _LARGEST:
            raise CallError(f"{path} has {path.stat().st_size} bytes; a settings file has {_LARGEST} at most.")
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise CallError(f"{path} could not be read as TOML: {error}.") from error
    schema.check(path, tables)
    if "extends" not in tables:
        return tables
    below = _path_of(tables["extends"], path.parent)
    return _merged(_read(below, (*extended_by, path.resolve())), tables)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return both as one, tables merged key by key, ``above`` winning; a copy all the way down."""
    result = copy.deepcopy(below)
    for key, value in above.items():
        nested = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if nested else copy.deepcopy(value)
    return result
