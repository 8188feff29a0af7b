"""The backbone is the paper's, layer by layer, and starts alive."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lisae import backbone
from lisae.backbone import Backbone, Deconvolution

Shape = tuple[int, int, int]
SMALL, LARGE = (28, 28, 1), (32, 32, 3)


def new(shape: Shape = SMALL, latent_dim: int = 16, seed: int = 0) -> Backbone:
    return Backbone(shape, latent_dim, torch.Generator().manual_seed(seed))


def pictures(shape: Shape, n: int = 5) -> Tensor:
    height, width, channels = shape
    return torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(7))


def weights(network: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def test_the_layers_are_the_papers_in_order() -> None:
    network = new()
    assert [type(layer) for layer in network.encoder] == [nn.Conv2d, nn.LeakyReLU, nn.Conv2d, nn.LeakyReLU, nn.Flatten]
    assert type(network.latent) is nn.Linear
    assert [type(layer) for layer in network.decoder] == [
        nn.Linear,
        nn.LeakyReLU,
        nn.Unflatten,
        Deconvolution,
        nn.LeakyReLU,
        Deconvolution,
        nn.LeakyReLU,
        nn.Conv2d,
        nn.Sigmoid,
    ]
    assert [name for name, _ in network.named_children()] == ["encoder", "latent", "decoder"]


@pytest.mark.parametrize("shape", [SMALL, LARGE])
def test_it_computes_the_papers_function(shape: Shape) -> None:
    network, images = new(shape), pictures(shape)
    wires: Iterator[Tensor] = iter(network.parameters())

    def both() -> tuple[Tensor, Tensor]:
        return next(wires), next(wires)

    x = functional.leaky_relu(functional.conv2d(images, *both(), stride=2, padding=1), 0.2)
    x = functional.leaky_relu(functional.conv2d(x, *both(), stride=2, padding=1), 0.2)
    x = torch.tanh(functional.linear(x.reshape(len(images), -1), *both()))
    x = functional.leaky_relu(functional.linear(x, *both()), 0.2)
    x = x.reshape(len(images), -1, shape[0] // 4, shape[1] // 4)
    x = functional.leaky_relu(functional.conv_transpose2d(x, *both(), stride=2, padding=1), 0.2)
    x = functional.leaky_relu(functional.conv_transpose2d(x, *both(), stride=2, padding=1), 0.2)
    x = torch.sigmoid(functional.conv2d(x, *both(), padding=1))
    assert not list(wires)
    torch.testing.assert_close(network(images), x)


@pytest.mark.parametrize(
    ("shape", "latent_dim", "channels", "count"), [(SMALL, 16, 64, 140_881), (LARGE, 128, 64, 1_137_283)]
)
def test_parameter_counts(shape: Shape, latent_dim: int, channels: int, count: int) -> None:
    network = new(shape, latent_dim)
    assert sum(parameter.numel() for parameter in network.parameters()) == count
    assert network.features == channels * shape[0] * shape[1] // 16
    assert network.latent.weight.shape == (latent_dim, network.features)


@pytest.mark.parametrize(("shape", "factor", "expected"), [(SMALL, 0.5, [8, 32]), (LARGE, 2.0, [64, 128])])
def test_channels_are_a_factor_times_those_of_the_paper(shape: Shape, factor: float, expected: list[int]) -> None:
    network = Backbone(shape, 8, torch.Generator(), channel_factor=factor)
    found = [layer.out_channels for layer in network.encoder if isinstance(layer, nn.Conv2d)]
    first, second = expected
    assert (found, network.features) == (expected, second * shape[0] * shape[1] // 16)
    back = [layer.out_channels for layer in network.decoder if isinstance(layer, nn.ConvTranspose2d | nn.Conv2d)]
    assert back == [first, first, shape[2]]
    assert network(pictures(shape)).shape == pictures(shape).shape


@pytest.mark.parametrize("shape", [SMALL, LARGE, (16, 24, 2)])
def test_reconstructions_have_the_shape_and_range_of_images(shape: Shape) -> None:
    images = pictures(shape)
    reconstructions = new(shape)(images)
    assert reconstructions.shape == images.shape
    assert reconstructions.min() >= 0
    assert reconstructions.max() <= 1


def test_it_normalises_and_drops_nothing() -> None:
    kinds = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.modules.dropout._DropoutNd)
    assert not [layer for layer in new().modules() if isinstance(layer, kinds)]
    assert not list(new().buffers())


def test_the_code_is_the_tanh_of_the_latent_layer() -> None:
    network = new()
    features = 100 * torch.randn(9, network.features, generator=torch.Generator().manual_seed(1))
    code = network.code(features)
    assert code.abs().max() <= 1
    torch.testing.assert_close(code, torch.tanh(features @ network.latent.weight.T + network.latent.bias))


def test_the_generator_alone_decides_the_weights() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first = weights(new(seed=3))
        torch.manual_seed(2)
        before = torch.get_rng_state()
        second = weights(new(seed=3))
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, second)
    assert not torch.equal(first, weights(new(seed=4)))


def test_no_two_weights_start_the_same_and_biases_start_at_zero() -> None:
    for name, parameter in new().named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        else:
            assert len(parameter.unique()) > 0.95 * parameter.numel(), name


def decoder_gain(network: Backbone) -> float:
    """Variance over images of what enters the last sigmoid, for one unit of variance of the codes."""
    latent_dim = network.latent.out_features
    codes = torch.rand(64, latent_dim, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        return float(network.decoder[:-1](codes).var(dim=0).mean() / codes.var(dim=0).mean())


@pytest.mark.parametrize(("shape", "latent_dim"), [(SMALL, 16), (LARGE, 128)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_new_decoder_keeps_the_variance_of_the_code(shape: Shape, latent_dim: int, seed: int) -> None:
    assert 0.3 < decoder_gain(new(shape, latent_dim, seed)) < 3


def test_pytorchs_own_initialisation_would_lose_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def default(module: nn.Module, generator: torch.Generator) -> None:
        for layer in module.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                layer.reset_parameters()

    monkeypatch.setattr(backbone, "initialise", default)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        assert decoder_gain(new()) < 0.01


@pytest.mark.parametrize("shape", [(30, 30, 1), (33, 32, 3), (6, 6, 1), (50, 70, 3), (1, 10, 1), (3, 5, 4)])
def test_sides_that_are_no_multiples_of_four_are_padded_and_cropped(shape: Shape) -> None:
    network, images = new(shape), pictures(shape)
    answers = network(images)
    assert answers.shape == images.shape
    height, width = (-(-side // 4) * 4 for side in shape[:2])
    assert network.features == 64 * height * width // 16
    whole = new((height, width, shape[2]))
    torch.testing.assert_close(weights(network), weights(whole))
    edges = functional.pad(images, (0, width - shape[1], 0, height - shape[0]), mode="replicate")
    torch.testing.assert_close(network.encoder(edges[..., : shape[0], : shape[1]]), whole.encoder(edges))
    inner = (..., slice(shape[0] - 1), slice(shape[1] - 1))  # the last convolution sees no pixel beyond the edge
    torch.testing.assert_close(answers[inner], whole(edges)[inner])


@pytest.mark.parametrize("latent_dim", [0, -3])
def test_the_latent_width_is_at_least_one(latent_dim: int) -> None:
    narrow = new(latent_dim=1)
    assert narrow.code(torch.zeros(2, narrow.features)).shape == (2, 1)
    with pytest.raises(ValueError, match=f"the latent width is at least 1; got {latent_dim}"):
        new(latent_dim=latent_dim)


def test_the_activation_of_the_latent_layer() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(8, new().features, generator=generator)
    tanh, relu = (Backbone(SMALL, 16, torch.Generator().manual_seed(0), name) for name in ("tanh", "relu"))
    before = tanh.latent(features)
    assert torch.equal(tanh.code(features), before.tanh())
    assert torch.equal(relu.code(features), before.clamp(min=0))
    with pytest.raises(ValueError, match="one of tanh, relu; got 'sigmoid'"):
        Backbone(SMALL, 16, generator, "sigmoid")


# Deconvolution


@pytest.mark.parametrize("frozen", [False, True])
def test_a_deconvolution_is_pytorchs_with_the_same_gradients(frozen: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    ours, theirs = Deconvolution(3, 5, 4, stride=2, padding=1), nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1)
    theirs.load_state_dict(ours.state_dict())
    if frozen:
        ours.requires_grad_(False)
    images = torch.randn(2, 3, 6, 6, generator=generator)
    answers, gradients = [], []
    for layer in (ours, theirs):
        given = images.clone().requires_grad_()
        answer = layer(given)
        answer.square().sum().backward()
        answers.append(answer)
        gradients.append([given.grad, *([] if frozen else [p.grad for p in layer.parameters()])])
    assert torch.equal(*answers)
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)
    assert (ours.bias.grad is None) == frozen


def test_the_bias_of_a_deconvolution_has_its_gradient_in_a_stack() -> None:
    layer = Deconvolution(3, 5, 4, stride=2, padding=1)
    images = torch.randn(2, 4, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    weights = {name: torch.stack([w.detach()] * 2).requires_grad_() for name, w in layer.named_parameters()}
    torch.func.vmap(lambda w, x: torch.func.functional_call(layer, w, x).sum())(weights, images).sum().backward()
    assert torch.equal(weights["bias"].grad, torch.full((2, 5), 4.0 * 12 * 12))
