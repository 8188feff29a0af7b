"""Try on Fashion-MNIST what no setting has: other networks, losses and images of LIS-AE, on tasks without an outlier.

    python -m benchmarks.beyond.clothes --csv clothes.csv --data-dir DIR

The tasks are those of the search *shaping, clothes* of ``engine/search.toml``, on which no test image and no outlier is
seen; all else is as in the profile. A row that the file has is not measured again.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from benchmarks.beyond.log import Log
from benchmarks.data import load
from benchmarks.engine.evaluate import scored_images, training_images
from benchmarks.engine.execute import prepare_process
from benchmarks.engine.profiles import Profile, load_profile
from benchmarks.engine.run import make_run
from benchmarks.paper.tasks import other_split, validated, with_classes
from lisae import LISAE, AutoEncoder, CollapseError
from lisae.backbone import Backbone, initialise
from lisae.backbone_detector import squared_error
from lisae.negatives import elastic
from lisae.strokes import strokes
from lisae.training import Objective

COLUMNS = ("way", "normal", "auc")
DATASET, SEED = "fashion-mnist", 100
_NOISE = 0.1  # standard deviation, of pixels in [0, 1]
_DECAY = 1e-5
_PADDING = 2  # pixels on each side, which bring 28 to 32

Images = NDArray[np.uint8]
Training = tuple[Images, NDArray[np.int64]]  # images, and 1 for normal ones and -1 for negatives


class _Kernel3(AutoEncoder):
    """AE with kernels of 3 instead of 4 in the layers that halve and double the sides."""

    def _network(self, generator: torch.Generator) -> Backbone:
        network = super()._network(generator)
        for layers in (network.encoder, network.decoder):
            for place, layer in enumerate(layers):
                if isinstance(layer, nn.ConvTranspose2d):
                    shape = (layer.in_channels, layer.out_channels, 3)
                    layers[place] = nn.ConvTranspose2d(*shape, stride=2, padding=1, output_padding=1)
                elif isinstance(layer, nn.Conv2d) and layer.stride == (2, 2):
                    layers[place] = nn.Conv2d(layer.in_channels, layer.out_channels, 3, stride=2, padding=1)
        initialise(network, generator)
        return network.to(memory_format=torch.channels_last)


class _Denoised(Objective):
    """The squared error of an image that is reconstructed from itself and noise."""

    def __init__(self, network: Backbone) -> None:
        super().__init__()
        self.network = network

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        return (torch.randn((n, 1, 28, 28), generator=generator),)

    def forward(self, images: Tensor, noise: Tensor) -> Tensor:
        return squared_error(images, self.network((images + _NOISE * noise).clamp(0, 1)))


class _Denoising(AutoEncoder):
    """AE that learns to take noise away."""

    def _objective(self, generator: torch.Generator) -> Objective:
        return _Denoised(self.network_)


class _Decaying(AutoEncoder):
    """AE with an L2 penalty on its weights."""

    def _train(self, *arguments: Any, **settings: Any) -> Any:
        return super()._train(*arguments, **settings | {"weight_decay": _DECAY})


class _Glorot(AutoEncoder):
    """AE with initial weights of Glorot and Bengio's variance (AISTATS 2010)."""

    def _network(self, generator: torch.Generator) -> Backbone:
        network = super()._network(generator)
        for layer in _layers(network):
            nn.init.xavier_normal_(layer.weight, generator=generator)
        return network


class _Uniform(AutoEncoder):
    """AE with the initial weights that PyTorch has of itself."""

    def _network(self, generator: torch.Generator) -> Backbone:
        network = super()._network(generator)
        for layer in _layers(network):
            nn.init.kaiming_uniform_(layer.weight, a=5**0.5, generator=generator)
        return network


def _layers(network: Backbone) -> list[Any]:
    return [one for one in network.modules() if isinstance(one, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]


def _every(step: int) -> Callable[[Images, NDArray[np.int64]], Training]:
    """Leave one negative in ``step``."""

    def change(images: Images, labels: NDArray[np.int64]) -> Training:
        rows = np.concatenate([np.flatnonzero(labels == 1), np.flatnonzero(labels == -1)[::step]])
        return images[rows], labels[rows]

    return change


def _with_strokes(images: Images, labels: NDArray[np.int64]) -> Training:
    """Add as many images of drawn strokes as there are negatives."""
    count = int((labels == -1).sum())
    return _joined(images, labels, strokes((*images.shape[1:3], 1), 1, count=count))


def _with_distorted(images: Images, labels: NDArray[np.int64]) -> Training:
    """Add as many elastic distortions of normal images as there are negatives."""
    normal, count = images[labels == 1], int((labels == -1).sum())
    distorted = elastic(normal.reshape(*normal.shape[:3], 1), np.arange(len(normal)), 1, count=count)
    return _joined(images, labels, distorted)


def _joined(images: Images, labels: NDArray[np.int64], more: Images) -> Training:
    added = np.full(len(more), -1, dtype=np.int64)
    return np.concatenate([images, more.reshape(len(more), *images.shape[1:])]), np.concatenate([labels, added])


def _padded(images: Images) -> Images:
    sides = (_PADDING, _PADDING)
    return np.pad(images, ((0, 0), sides, sides, *((0, 0),) * (images.ndim - 3)))


@dataclass(frozen=True)
class Way:
    """One change of what LIS-AE begins from: of the autoencoder, of what is learned from, or of all images."""

    autoencoder: type[AutoEncoder] = AutoEncoder
    training: Callable[[Images, NDArray[np.int64]], Training] = field(default=lambda images, labels: (images, labels))
    images: Callable[[Images], Images] = field(default=lambda images: images)


WAYS: Mapping[str, Way] = {
    "as published": Way(),
    "kernels of 3": Way(_Kernel3),
    "padded to 32": Way(images=_padded),
    "denoising, noise of .1": Way(_Denoising),
    "weight decay 1e-5": Way(_Decaying),
    "initial weights after Glorot": Way(_Glorot),
    "initial weights of PyTorch": Way(_Uniform),
    "strokes beside the negatives": Way(training=_with_strokes),
    "elastic distortions beside the negatives": Way(training=_with_distorted),
    "a third of the negatives": Way(training=_every(3)),
    "a ninth of the negatives": Way(training=_every(9)),
}


def measured(way: str, normal: int, profile: Profile, data_dir: Path) -> float | None:
    """Return the mean AUC of LIS-AE on the task of a class, or None where its autoencoder collapses from four seeds."""
    task = validated(with_classes(DATASET, normal, other_split(normal)))
    run = make_run(task, "LIS-AE", SEED, profile, {})
    data, change = load(DATASET, data_dir, quiet=True), WAYS[way]
    images, labels = change.training(*training_images(run, data, data_dir, with_negatives=True))
    of_stage, settings = dict(run.settings["autoencoder"]), {**run.settings}
    del settings["autoencoder"]
    common: dict[str, Any] = {"random_state": SEED, "validation_fraction": 0.0}
    stage = change.autoencoder(**of_stage, **common, device="cpu")
    try:
        detector = LISAE(stage, **settings, **common).fit(change.images(images), labels)
    except CollapseError:
        return None
    of_normal, *others = (detector.anomaly_score(change.images(of)) for of in scored_images(run, data))
    outliers = [np.repeat([0, 1], [len(of_normal), len(of)]) for of in others]
    aucs = [roc_auc_score(one, np.concatenate([of_normal, of])) for one, of in zip(outliers, others, strict=True)]
    return float(np.mean(aucs))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and append rows to the file."""
    parser = argparse.ArgumentParser("python -m benchmarks.beyond.clothes", description=__doc__.splitlines()[0])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=[*WAYS], metavar="WAY", help="default: all")
    parser.add_argument("--classes", nargs="+", type=int, choices=range(10), default=[*range(10)], metavar="CLASS")
    parser.add_argument("--profile", default="fast", help="the settings of all else")
    parser.add_argument("--csv", type=Path, required=True, help="the file that rows are appended to")
    parser.add_argument("--data-dir", type=Path, required=True, help="where the data sets lie")
    options = parser.parse_args(arguments)
    prepare_process()
    profile, log = load_profile(options.profile), Log(options.csv, COLUMNS, keys=2)
    for way in options.ways:
        for normal in options.classes:
            if (way, str(normal)) in log:
                continue
            found = measured(way, normal, profile, options.data_dir)
            log.append([(way, str(normal), "collapsed" if found is None else f"{found:.4f}")])


if __name__ == "__main__":
    main()
