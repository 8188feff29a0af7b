"""Latent-insensitive autoencoders for anomaly detection (Battikh and Lenskiy, Mathematics 2022, 10(1), 112)."""

from lisae.backbone import Backbone
from lisae.backbone_detector import BackboneDetector
from lisae.conventions import Stage
from lisae.detector import Detector
from lisae.images import as_rows
from lisae.lisae import LISAE, AutoEncoder, LinSepAutoEncoder, LinSepLISAE
from lisae.saving import load
from lisae.training import CollapseError, RestartWarning, UndertrainedError

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
    "RestartWarning",
    "Stage",
    "UndertrainedError",
    "as_rows",
    "load",
]
