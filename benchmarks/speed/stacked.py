"""Networks trained as a stack, and the ways there are to convolve the images of many with weights of their own."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.data import load
from benchmarks.engine.profiles import load_profile
from benchmarks.registry import MODELS
from lisae import LISAE, AutoEncoder
from lisae.stacks import train_together
from lisae.training import Training

Layer = nn.Conv2d | nn.ConvTranspose2d
Way = Callable[[Layer, Tensor, Tensor], Tensor]


def phase_ones(members: int, *, epochs: int, device: str) -> list[AutoEncoder]:
    """AE of profile ``fast`` for CIFAR-10, each with another seed, not trained."""
    settings = load_profile("fast").settings(MODELS["AE"], "cifar10") | {"epochs": epochs}
    return [AutoEncoder(**settings, device=device, random_state=seed) for seed in range(members)]


def asked_for(detectors: Sequence[AutoEncoder | LISAE], images: int) -> list[Training]:
    """The first training that each asks for, of the classes of CIFAR-10 in turn, ``images`` normal and as negatives."""
    data = load("cifar10")
    trainings = []
    for i, detector in enumerate(detectors):
        normal, negative = (data.train_images[data.train_labels == c % 10][:images] for c in (i, i + 1))
        labels = torch.tensor([1, -1]).repeat_interleave(images).numpy()
        both = torch.cat([torch.from_numpy(normal), torch.from_numpy(negative)]).numpy()
        trainings.append(next(detector.fitting(both, labels)))
    return trainings


def shapings(phase_ones: Sequence[AutoEncoder], *, images: int, epochs: int) -> list[LISAE]:
    """LIS-AE of profile ``fast`` on these, which are trained first, not shaped."""
    data = load("cifar10")
    learners = (
        one.fitting(data.train_images[data.train_labels == i % 10][:images]) for i, one in enumerate(phase_ones)
    )
    for _ in train_together(learners, len(phase_ones)):
        pass
    settings = load_profile("fast").settings(MODELS["LIS-AE"], "cifar10") | {"epochs": epochs}
    settings.pop("autoencoder")
    return [LISAE(one, **settings, random_state=seed) for seed, one in enumerate(phase_ones)]


def grouped(layer: Layer, weights: Tensor, images: Tensor) -> Tensor:
    """What ``torch.func.vmap`` makes of a convolution: one with a group a member; (m, ...), (m, n, c, h, w)."""
    return torch.func.vmap(lambda weight, images: _convolved(layer, weight, images))(weights, images)


def unfolded(layer: Layer, weights: Tensor, images: Tensor) -> Tensor:
    """Patches as columns and one batched matrix product, or for a deconvolution the product first."""
    m, n, channels, height, width = images.shape
    kernel, stride, padding = layer.kernel_size, layer.stride[0], int(layer.padding[0])
    if isinstance(layer, nn.ConvTranspose2d):
        columns = images.transpose(1, 2).reshape(m, channels, -1)
        products = weights.flatten(2).transpose(1, 2) @ columns
        patches = products.unflatten(2, (n, height * width)).transpose(1, 2).flatten(0, 1)
        side = (height - 1) * stride - 2 * padding + kernel[0]
        return functional.fold(patches, side, kernel, padding=padding, stride=stride).unflatten(0, (m, n))
    patches = functional.unfold(images.flatten(0, 1), kernel, padding=padding, stride=stride).unflatten(0, (m, n))
    answer = weights.flatten(2) @ patches.transpose(1, 2).flatten(2)
    side = (height + 2 * padding - kernel[0]) // stride + 1
    return answer.unflatten(2, (n, side, side)).transpose(1, 2)


def one_by_one(layer: Layer, weights: Tensor, images: Tensor) -> Tensor:
    """A convolution a member, on a GPU each in a stream of its own."""
    if not images.is_cuda:
        return torch.stack([_convolved(layer, *member) for member in zip(weights, images, strict=True)])
    here, answers = torch.cuda.current_stream(), []
    streams = [torch.cuda.Stream() for _ in weights]
    for stream, *member in zip(streams, weights, images, strict=True):
        stream.wait_stream(here)
        with torch.cuda.stream(stream):
            answers.append(_convolved(layer, *member))
    for stream in streams:
        here.wait_stream(stream)
    return torch.stack(answers)


def _convolved(layer: Layer, weight: Tensor, images: Tensor) -> Tensor:
    assert not isinstance(layer.padding, str)
    convolve = functional.conv_transpose2d if isinstance(layer, nn.ConvTranspose2d) else functional.conv2d
    return convolve(images, weight, stride=layer.stride, padding=layer.padding)


def forward_and_back(way: Way, layer: Layer, weights: Tensor, images: Tensor) -> Tensor:
    """One step through a layer, and the gradient of the weights, (m, ...)."""
    weights, images = weights.detach().requires_grad_(), images.detach().requires_grad_()
    way(layer, weights, images).float().square().mean().backward()
    assert weights.grad is not None
    return weights.grad
