"""Every autoencoder has AE's encoder, latent layer and decoder, but for what its method adds or drops."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import nn

from baselines.classifier import BinaryClassifier
from baselines.deep_sad import DeepSAD
from baselines.deep_svdd import DeepSVDD
from baselines.hsc import HypersphereClassifier
from baselines.linear_ae import LinearAutoEncoder
from baselines.memae import MemoryAutoEncoder
from baselines.repnn import ReplicatorNetwork
from baselines.vae import VariationalAutoEncoder
from lisae import LISAE, AutoEncoder, Backbone, BackboneDetector, LinSepAutoEncoder, LinSepLISAE

Shape = tuple[int, ...]
GREY, COLOUR = (28, 28, 1), (32, 32, 3)
WIDTH = 16
FEATURES = -1  # stands for the width of the encoder's output


@dataclass(frozen=True)
class Difference:
    """The weights that a method adds to AE's network and drops from it, and the activations that it drops."""

    adds: dict[str, Shape] = field(default_factory=dict)
    drops: frozenset[str] = frozenset()
    not_activated_by: tuple[type[nn.Module], ...] = ()


# The weights of AE's decoder, which a model that reconstructs nothing has no use for.
DECODER = frozenset(f"decoder.{layer}.{kind}" for layer in (0, 3, 5, 7) for kind in ("weight", "bias"))
BIASES = frozenset({"encoder.0.bias", "encoder.2.bias", "latent.bias"})

DIFFERENCES: dict[type[BackboneDetector], Difference] = {
    AutoEncoder: Difference(),
    LinSepAutoEncoder: Difference(),
    LinearAutoEncoder: Difference(not_activated_by=(nn.LeakyReLU, nn.Sigmoid)),
    VariationalAutoEncoder: Difference(
        adds={"log_variance.weight": (WIDTH, FEATURES), "log_variance.bias": (WIDTH,)},
    ),
    MemoryAutoEncoder: Difference(adds={"memory": (100, WIDTH)}),
    ReplicatorNetwork: Difference(),
    DeepSVDD: Difference(adds={"centre": (WIDTH,)}, drops=BIASES),
    DeepSAD: Difference(adds={"centre": (WIDTH,)}, drops=BIASES),
    HypersphereClassifier: Difference(drops=DECODER),
    # A single unit in the place of the latent layer, and so first weights of its own there.
    BinaryClassifier: Difference(adds={"latent.weight": (1, FEATURES), "latent.bias": (1,)}, drops=DECODER),
}


def network(kind: type[BackboneDetector], shape: tuple[int, int, int]) -> Backbone:
    width = {"latent_dim", "rep_dim"} & kind().get_params().keys()
    detector = kind(**dict.fromkeys(width, WIDTH))
    detector.image_shape_ = shape
    detector.latent_dim_ = detector._width(np.zeros((2, *shape)))
    return detector._network(torch.Generator().manual_seed(0))


def shapes_of(module: nn.Module) -> dict[str, Shape]:
    return {name: tuple(weight.shape) for name, weight in module.state_dict().items()}


def layers(module: Backbone) -> list[type[nn.Module]]:
    return [type(layer) for layer in (*module.encoder, module.latent, *getattr(module, "decoder", ()))]


@pytest.mark.parametrize("shape", [GREY, COLOUR])
@pytest.mark.parametrize("kind", DIFFERENCES)
def test_weights_are_those_of_ae(kind: type[BackboneDetector], shape: tuple[int, int, int]) -> None:
    difference, shared = DIFFERENCES[kind], network(AutoEncoder, shape)
    expected = {name: size for name, size in shapes_of(shared).items() if name not in difference.drops}
    for name, size in difference.adds.items():
        expected[name] = tuple(shared.features if side == FEATURES else side for side in size)
    assert difference.drops <= shapes_of(shared).keys()
    assert shapes_of(network(kind, shape)) == expected


@pytest.mark.parametrize("kind", DIFFERENCES)
def test_layers_are_those_of_ae_in_order(kind: type[BackboneDetector]) -> None:
    dropped = DIFFERENCES[kind].not_activated_by
    expected = [nn.Identity if layer in dropped else layer for layer in layers(network(AutoEncoder, GREY))]
    without_decoder = DIFFERENCES[kind].drops >= DECODER
    assert layers(network(kind, GREY)) == (expected[:6] if without_decoder else expected)


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        (AutoEncoder, 140_881),
        (LinSepAutoEncoder, 140_881),
        (LinearAutoEncoder, 140_881),
        (VariationalAutoEncoder, 140_881 + 16 * 3136 + 16),
        (MemoryAutoEncoder, 140_881 + 100 * 16),
        (ReplicatorNetwork, 140_881),
        (DeepSVDD, 140_881 - 16 - 64 - 16),
        (DeepSAD, 140_881 - 16 - 64 - 16),
        (BinaryClassifier, 4 * 4 * 16 + 16 + 4 * 4 * 16 * 64 + 64 + 3136 + 1),
        (HypersphereClassifier, 4 * 4 * 16 + 16 + 4 * 4 * 16 * 64 + 64 + 16 * 3136 + 16),
    ],
)
def test_parameter_counts(kind: type[BackboneDetector], count: int) -> None:
    assert sum(parameter.numel() for parameter in network(kind, GREY).parameters()) == count


def test_phase_one_of_lis_ae_is_among_them() -> None:
    assert {LISAE.stage.detector, LinSepLISAE.stage.detector} <= DIFFERENCES.keys()


def test_the_same_seed_starts_them_from_the_same_weights() -> None:
    """But for Linear-AE, whose weights have a gain of their own."""
    shared = network(AutoEncoder, GREY).state_dict()
    for kind in DIFFERENCES.keys() - {LinearAutoEncoder}:
        for name, weight in network(kind, GREY).state_dict().items():
            assert name in DIFFERENCES[kind].adds or torch.equal(weight, shared[name]), (kind, name)
