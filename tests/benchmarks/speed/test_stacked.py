"""The ways to convolve the images of many networks with weights of their own come to the same."""

import pytest
import torch
from torch import nn

from benchmarks.speed.stacked import Way, forward_and_back, grouped, one_by_one, unfolded

LAYERS = [
    nn.Conv2d(3, 5, 4, stride=2, padding=1),
    nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1),
    nn.Conv2d(3, 2, 3, padding=1),
]


@pytest.mark.parametrize("way", [unfolded, one_by_one], ids=lambda way: way.__name__)
@pytest.mark.parametrize("layer", LAYERS, ids=["convolution", "deconvolution", "last"])
def test_every_way_comes_to_the_same(layer: nn.Module, way: Way) -> None:
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(4, *layer.weight.shape, generator=generator)  # type: ignore[union-attr, misc]
    images = torch.randn(4, 6, 3, 8, 8, generator=generator)
    torch.testing.assert_close(way(layer, weights, images), grouped(layer, weights, images))
    gradients = (forward_and_back(one, layer, weights, images) for one in (way, grouped))
    torch.testing.assert_close(*gradients)
