"""A fitted detector as one safetensors file: its class, its settings, all that it learned, and the versions."""

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from lisae.packing import as_json, digest_of, pack, unpack

FORMAT = 2

# Settings of a machine or of one call of ``fit``: they change nothing once there are weights, and may differ.
MAY_DIFFER = frozenset({"callback", "device", "n_jobs", "random_state", "verbose"})


class Savable(BaseEstimator):
    """A detector that can be written to a file and read again.

    What ``fit`` learned are the attributes that end in an underscore: modules, arrays, other detectors, and plain
    values. A detector with modules has ``_untrained``.
    """

    def save(self, path: str | Path) -> None:
        """Write the fitted detector to one safetensors file, which ``lisae.load`` reads.

        Raises:
            sklearn.exceptions.NotFittedError: before ``fit``.
            TypeError: for a detector that learned something which such a file cannot hold, such as a forest.
        """
        Path(path).write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the content of the file that ``save`` writes, with the errors of ``save``."""
        check_is_fitted(self, "threshold_")
        tensors: dict[str, Tensor] = {}
        description = _learned(self, "", tensors)
        first: dict[str, str] = {}  # of weights that are alike, as frozen ones are to those that they were copied from
        same: dict[str, str] = {}
        for name in sorted(tensors):
            original = first.setdefault(digest_of({"": tensors[name]}), name)
            if original != name:
                same[name] = original
        kept = {name: tensor for name, tensor in tensors.items() if name not in same}
        return pack(kept, description | {"format": FORMAT, "versions": _versions(), "same": same})

    def from_bytes(self, data: bytes) -> Self:
        """Become fitted from the ``to_bytes`` of a detector of the same class and settings, instead of by ``fit``.

        Device and random state may differ.

        Raises:
            ValueError: for bytes of another class or with another setting, and for bytes that are not whole, foreign or
                changed; the message says what differs. The detector stays as it was.
        """
        tensors, description = _whole(data)
        _check_same(description, _description(self))
        new = clone(self)
        _fill(new, description, tensors)
        for name in [name for name in vars(new) if name.endswith("_")]:
            setattr(self, name, getattr(new, name))
        return self

    def _untrained(self) -> nn.Module:
        """Return a module that the weights of ``network_`` fit; ``image_shape_`` is there."""
        raise NotImplementedError


def load(path: str | Path, device: str = "auto") -> Any:
    """Return the fitted detector in a file of ``save``, whatever its class and its settings.

    Args:
        path: the file.
        device: on which the detector computes from now on, as its own argument ``device``.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: for a file that is no safetensors file, not whole, changed, of no detector, in the format of another
            version, or of a class that is not imported; the message names the file and the reason.
    """
    with _named(path):
        tensors, description = _whole(Path(path).read_bytes())
        detector = _built(description, device)
        _fill(detector, description, tensors, device=device)
        return detector


def information(path: str | Path) -> dict[str, Any]:
    """Return the description in a file of ``save``: class, settings, what was learned, versions. Errors as ``load``."""
    with _named(path):
        return _whole(Path(path).read_bytes())[1]


@contextmanager
def _named(path: str | Path) -> Iterator[None]:
    """Turn whatever a wrong file leads to into a ``ValueError`` that names it."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path} cannot be loaded: {error}.") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} cannot be loaded: its description is not that of a detector ({error!r}).") from error


def _description(detector: BaseEstimator) -> dict[str, Any]:
    """Describe the class of a detector, and its settings but for the device."""
    settings = {}
    for name, value in detector.get_params(deep=False).items():
        if isinstance(value, Savable):
            settings[name] = _description(value)
        elif name not in MAY_DIFFER or (name == "random_state" and isinstance(value, int | np.integer)):
            settings[name] = value
    kind = type(detector)
    return {"class": kind.__name__, "module": kind.__module__, "settings": settings}


def _learned(detector: BaseEstimator, prefix: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    """Describe a fitted detector with what it learned, and put its tensors where ``prefix`` begins their names."""
    found: dict[str, Any] = {"values": {}, "arrays": [], "modules": [], "detectors": {}}
    for name, value in sorted(vars(detector).items()):
        if not name.endswith("_"):
            continue
        if isinstance(value, nn.Module):
            found["modules"].append(name)
            tensors.update({f"{prefix}{name}.{key}": weight for key, weight in value.state_dict().items()})
        elif isinstance(value, np.ndarray):
            found["arrays"].append(name)
            tensors[f"{prefix}{name}"] = torch.from_numpy(value.copy())
        elif isinstance(value, Savable):
            found["detectors"][name] = _learned(value, f"{prefix}{name}.", tensors)
        elif _is_plain(value):
            found["values"][name] = value
        else:
            raise TypeError(
                f"{type(detector).__name__} cannot be saved: {name} is of class {type(value).__name__}, "
                "which a safetensors file cannot hold. Use joblib.dump."
            )
    return _description(detector) | found


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str | np.number)


def _built(description: Mapping[str, Any], device: str) -> Any:
    """Make the unfitted detector of a description. Raises ValueError for one that cannot be made here."""
    name, module = description["class"], description["module"]
    if module.startswith("lisae."):  # the library's own; nothing else is imported because a file says so
        with suppress(ImportError):
            importlib.import_module(module)
    kinds = [kind for kind in _subclasses(Savable) if (kind.__name__, kind.__module__) == (name, module)]
    if not kinds:
        raise ValueError(f"it holds a detector of class {name}, which is not known here: import {module} first")
    settings = {
        key: _built(value, device) if isinstance(value, dict) else tuple(value) if isinstance(value, list) else value
        for key, value in description["settings"].items()
    }
    try:
        detector = kinds[-1](**settings)
    except TypeError as error:
        raise ValueError(f"its settings are none of the {name} that is installed here ({error})") from error
    return detector.set_params(device=device) if hasattr(detector, "device") else detector


def _fill(
    detector: Any,
    description: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    prefix: str = "",
    device: str = "auto",
) -> None:
    """Give an unfitted detector what a description and tensors hold, in place of ``fit``."""
    for name, value in description["values"].items():
        setattr(detector, name, tuple(value) if name == "image_shape_" else value)
    for name in description["arrays"]:
        setattr(detector, name, tensors[f"{prefix}{name}"].numpy())
    for name, inner in description["detectors"].items():
        given = getattr(detector, name.removesuffix("_"), None)
        built = clone(given) if isinstance(given, Savable) else _built(inner, device)
        _fill(built, inner, tensors, f"{prefix}{name}.", device)
        setattr(detector, name, built)
    for name in description["modules"]:
        start = f"{prefix}{name}."
        module = detector._untrained()
        weights = {key.removeprefix(start): weight for key, weight in tensors.items() if key.startswith(start)}
        try:
            module.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(f"its weights do not fit the network of {type(detector).__name__}: {error}") from error
        setattr(detector, name, module.to(detector.arithmetic()[0]))


def _check_same(there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Raise ValueError if a description is of another class than this one, or of other settings."""
    if there["class"] != here["class"]:
        raise ValueError(f"it holds a detector of class {there['class']}, not {here['class']}")
    settings = dict(_flat(there["settings"])), dict(_flat(json.loads(as_json(here["settings"]))))
    differences = [
        f"{name} is {settings[0].get(name)!r} there and {settings[1].get(name)!r} here"
        for name in sorted(settings[0].keys() | settings[1].keys())
        if any(name not in one for one in settings) or settings[0][name] != settings[1][name]
    ]
    if differences:
        raise ValueError(f"it was written with other settings: {', '.join(differences)}")


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Name nested settings as ``get_params`` does, without those that may differ."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield f"{prefix}{name}", value["class"]
            yield from _flat(value["settings"], f"{prefix}{name}__")
        elif name not in MAY_DIFFER:
            yield f"{prefix}{name}", value


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for one in kind.__subclasses__():
        yield one
        yield from _subclasses(one)


def _versions() -> dict[str, str]:
    from lisae import __version__  # noqa: PLC0415  # which imports this file

    return {"lisae": __version__, "torch": torch.__version__}


def _whole(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return all tensors and the description in the bytes of ``to_bytes``; raise ValueError for other bytes."""
    tensors, description = unpack(data)
    written, versions = description.get("format"), description.get("versions", {})
    if written != FORMAT:
        raise ValueError(
            f"it was written by lisae {versions.get('lisae', 'of an unknown version')} in format {written or 1}, and "
            f"lisae {_versions()['lisae']} reads format {FORMAT}: read it with that version, or fit again"
        )
    return tensors | {name: tensors[first] for name, first in description["same"].items()}, description
