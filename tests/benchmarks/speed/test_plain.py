"""The rival in plain PyTorch does the same work."""

import torch

from benchmarks.speed.plain import network_of
from lisae import Backbone


def test_its_network_is_the_backbone() -> None:
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    backbone = Backbone((32, 32, 3), 16, torch.Generator().manual_seed(0))
    torch.testing.assert_close(network_of(16)(images), backbone(images))
