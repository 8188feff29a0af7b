"""A PyTorch module and a function that scores images by it: a convolutional autoencoder of ten lines."""

from dataclasses import dataclass
from math import prod

from torch import nn

from benchmarks.own import NetworkDetector
from lisae.settings import Count


@dataclass(kw_only=True, eq=False, repr=False)
class ConvNet(NetworkDetector):
    """A convolutional autoencoder, scored by the squared error of an image."""

    codes: Count = 16
    epochs: Count = 10

    def network(self, channels, height, width):
        """Return the module for images of this size."""
        grid = (16, height // 4, width // 4)
        return nn.Sequential(
            nn.Conv2d(channels, 32, 4, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(32, 16, 4, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(prod(grid), self.codes),
            nn.Linear(self.codes, prod(grid)), nn.ReLU(), nn.Unflatten(1, grid),
            nn.ConvTranspose2d(16, 32, 4, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(32, channels, 4, stride=2, padding=1), nn.Sigmoid(),
        )  # fmt: skip

    def score(self, network, images):
        """Score images (n, c, h, w) -> (n,); the network learns to give normal ones a low score."""
        return (network(images) - images).square().flatten(1).sum(1)
