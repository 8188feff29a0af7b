"""The paper's name of a model -> the detector that it is here: data alone, so that a model is a line.

To add a model to this package: write a ``lisae.Detector`` in ``baselines/``, add a line here, and, where its defaults
do not suit a data set, a table of settings in ``benchmarks/settings/``. A detector of your own needs neither
(``benchmarks.own``).
"""

from dataclasses import dataclass, field
from typing import Any

from baselines.anogan import AnoGAN, AnoGANFM
from baselines.classifier import BinaryClassifier
from baselines.deep_sad import DeepSAD
from baselines.deep_svdd import DeepSVDD
from baselines.extra_trees import ExtraTrees
from baselines.hsc import HypersphereClassifier
from baselines.isolation_forest import IsolationForest
from baselines.kde import KDE
from baselines.linear_ae import LinearAutoEncoder
from baselines.memae import MemoryAutoEncoder
from baselines.ocsvm import OCSVM
from baselines.repnn import ReplicatorNetwork
from baselines.vae import VariationalAutoEncoder
from benchmarks.errors import CallError, unknown
from lisae import LISAE, AutoEncoder, Detector, LinSepLISAE


@dataclass(frozen=True)
class Model:
    """A row of the paper's tables.

    ``begins_from`` names the model whose trained detector this one begins from on the same normal images: the two are
    trained as one job, and the settings of that stage are that model's. ``settings`` are what it has other than the
    defaults of its detector, and than the other models that the detector is. ``origin`` is the source of a model that
    comes from outside (``benchmarks.own``), None for those of this package.
    """

    name: str
    detector: type[Detector]
    description: str
    begins_from: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    origin: Any = None


class _ByName(dict[str, Model]):
    def __missing__(self, name: str) -> Model:
        raise CallError(unknown("model", name, self))


_MODELS = (
    Model("KDE", KDE, "kernel density estimation, Gaussian, bandwidth by cross-validated likelihood"),
    Model("IF", IsolationForest, "isolation forest"),
    Model("OC-SVM", OCSVM, "one-class SVM with a Gaussian kernel"),
    Model("KDE-GCN", KDE, "KDE after contrast normalisation", settings={"contrast": "l1"}),
    Model("IF-GCN", IsolationForest, "isolation forest after contrast normalisation", settings={"contrast": "l1"}),
    Model("OC-SVM-GCN", OCSVM, "one-class SVM after contrast normalisation", settings={"contrast": "l1"}),
    Model("OC-SVM-C", OCSVM, "one-class SVM at a consistent length scale", settings={"length_scale": "consistency"}),
    Model("OC-DSVDD", DeepSVDD, "one-class Deep SVDD on the backbone's encoder"),
    Model("AnoGAN", AnoGAN, "f-AnoGAN: Wasserstein GAN and encoder, scored by the image"),
    Model("AnoGAN-FM", AnoGANFM, "f-AnoGAN scored by the image and the critic's features", begins_from="AnoGAN"),
    Model("Linear-AE", LinearAutoEncoder, "AE without its non-linearities"),
    Model("VAE", VariationalAutoEncoder, "variational autoencoder, scored by the reconstruction error"),
    Model("Mem-AE", MemoryAutoEncoder, "AE whose code is rebuilt from a memory of normal codes"),
    Model("Sig-RepNN", ReplicatorNetwork, "replicator network: AE whose code has four levels"),
    Model("RepNN", ReplicatorNetwork, "replicator network without the sigmoid", settings={"squash": False}),
    Model("AE", AutoEncoder, "autoencoder, the feature-extraction phase (Section 3.3)"),
    Model("LIS-AE", LISAE, "AE with its latent layer shaped by negatives, Eq. (1)", begins_from="AE"),
    Model("LinSep-LIS-AE", LinSepLISAE, "LIS-AE whose first phase separates negatives linearly (Section 4.2)"),
    Model("Classifier", BinaryClassifier, "binary classifier of normal against negatives on the backbone's encoder"),
    Model("Deep-SAD", DeepSAD, "Deep SVDD that keeps negatives far from its centre"),
    Model("HSC", HypersphereClassifier, "outlier exposure with the hypersphere classifier, on the backbone's encoder"),
    Model("ExtraTrees", ExtraTrees, "extremely randomised trees, normal against negatives, on pixels"),
)
MODELS = _ByName({model.name: model for model in _MODELS})
STAGES = frozenset(model.begins_from for model in _MODELS if model.begins_from)
