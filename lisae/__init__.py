"""Latent-insensitive autoencoders for anomaly detection (Battikh and Lenskiy, Mathematics 2022, 10(1), 112)."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lisae.backbone import Backbone
    from lisae.backbone_detector import BackboneDetector
    from lisae.conventions import Stage
    from lisae.detector import Detector
    from lisae.errors import CollapseError, RestartWarning, UndertrainedError
    from lisae.images import as_rows
    from lisae.lisae import LISAE, AutoEncoder, LinSepAutoEncoder, LinSepLISAE
    from lisae.progress import Progress
    from lisae.saving import load

__version__ = "0.1.0"

__all__ = [
    "LISAE",
    "AutoEncoder",
    "Backbone",
    "BackboneDetector",
    "CollapseError",
    "Detector",
    "LinSepAutoEncoder",
    "LinSepLISAE",
    "Progress",
    "RestartWarning",
    "Stage",
    "UndertrainedError",
    "as_rows",
    "load",
]

# Each is imported when it is asked for first: PyTorch takes seconds, and the help of the command does not need it.
_MODULES = {
    "lisae": ("LISAE", "AutoEncoder", "LinSepAutoEncoder", "LinSepLISAE"),
    "backbone": ("Backbone",),
    "backbone_detector": ("BackboneDetector",),
    "conventions": ("Stage",),
    "detector": ("Detector",),
    "errors": ("CollapseError", "RestartWarning", "UndertrainedError"),
    "images": ("as_rows",),
    "progress": ("Progress",),
    "saving": ("load",),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"lisae.{module}"), name)
    raise AttributeError(f"module 'lisae' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
