"""The same work as a plain PyTorch loop, as a user would write it without this package.

The same layers and initial weights, losses, epochs, batches and learning rates as profile ``fast``; a ``DataLoader``,
32-bit arithmetic, a first phase trained anew for every LIS-AE, and the frozen encoder computed at every step.
"""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.engine.profiles import Settings
from lisae.backbone import NEGATIVE_SLOPE, initialise


def block(
    normal: NDArray[np.uint8],
    negatives: Sequence[NDArray[np.uint8]],
    outliers: Sequence[NDArray[np.uint8]],
    normal_test: NDArray[np.uint8],
    settings: Settings,
) -> list[float]:
    """Train AE and a LIS-AE for each set of negatives, and return the mean AUC of each, AE's first.

    Images are (n, h, w, c); ``settings`` are those of LIS-AE in a profile, with phase one under ``autoencoder``.
    """
    test = [_tensor(images) for images in (normal_test, *outliers)]
    aucs = [_mean_auc(_phase_one(normal, settings["autoencoder"]), test)]
    for images in negatives:
        network = _phase_one(normal, settings["autoencoder"])
        _phase_two(network, normal, images, settings)
        aucs.append(_mean_auc(network, test))
    return aucs


def _phase_one(normal: NDArray[np.uint8], settings: Settings) -> nn.Module:
    network = network_of(settings["latent_dim"])
    loader = DataLoader(TensorDataset(_tensor(normal)), settings["batch_size"], shuffle=True)
    optimiser, schedule = _adam(network.parameters(), settings, len(loader))
    for _ in range(settings["epochs"]):
        for (batch,) in loader:
            loss = (network(batch) - batch).square().sum() / len(batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network


def network_of(latent_dim: int) -> nn.Module:
    """Return the backbone for 32 x 32 colour images, built from PyTorch's layers in its default memory layout."""
    layers = {
        "convolution_1": nn.Conv2d(3, 32, 4, stride=2, padding=1),
        "activation_1": nn.LeakyReLU(NEGATIVE_SLOPE),
        "convolution_2": nn.Conv2d(32, 64, 4, stride=2, padding=1),
        "activation_2": nn.LeakyReLU(NEGATIVE_SLOPE),
        "flatten": nn.Flatten(),
        "latent": nn.Linear(64 * 8 * 8, latent_dim),
        "code": nn.Tanh(),
        "linear": nn.Linear(latent_dim, 64 * 8 * 8),
        "activation_3": nn.LeakyReLU(NEGATIVE_SLOPE),
        "unflatten": nn.Unflatten(1, (64, 8, 8)),
        "deconvolution_1": nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
        "activation_4": nn.LeakyReLU(NEGATIVE_SLOPE),
        "deconvolution_2": nn.ConvTranspose2d(32, 32, 4, stride=2, padding=1),
        "activation_5": nn.LeakyReLU(NEGATIVE_SLOPE),
        "convolution_3": nn.Conv2d(32, 3, 3, padding=1),
        "pixels": nn.Sigmoid(),
    }
    network = nn.Sequential(OrderedDict(layers))
    initialise(network, torch.Generator().manual_seed(0))
    return network


def _phase_two(network: nn.Module, normal: NDArray[np.uint8], negatives: NDArray[np.uint8], settings: Settings) -> None:
    latent = network.get_submodule("latent")
    network.requires_grad_(False)
    latent.requires_grad_(True)
    loader = DataLoader(TensorDataset(_tensor(normal)), settings["batch_size"], shuffle=True)
    others = DataLoader(TensorDataset(_tensor(negatives)), settings["batch_size"], shuffle=True)
    other_batches = iter(others)
    optimiser, schedule = _adam(latent.parameters(), settings, len(loader))
    for _ in range(settings["epochs"]):
        for (batch,) in loader:
            other = next(other_batches, None)
            if other is None:
                other_batches = iter(others)
                other = next(other_batches)
            error = (network(batch) - batch).flatten(1).norm(dim=1)
            other_error = (network(other[0]) - other[0]).flatten(1).norm(dim=1)
            loss = error.mean() + settings["beta"] * (settings["gamma"] - other_error).abs().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()


def _adam(
    parameters: object, settings: Settings, steps: int
) -> tuple[torch.optim.Adam, torch.optim.lr_scheduler.OneCycleLR]:
    optimiser = torch.optim.Adam(parameters, lr=settings["learning_rate"])  # type: ignore[arg-type]
    total = settings["epochs"] * steps
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, settings["learning_rate"], total_steps=total)


def _mean_auc(network: nn.Module, test: list[Tensor]) -> float:
    with torch.no_grad():
        batches = [[(network(b) - b).flatten(1).norm(dim=1) for b in images.split(128)] for images in test]
    normal, *outliers = (torch.cat(errors).numpy() for errors in batches)
    aucs = [
        roc_auc_score(np.repeat([0, 1], [len(normal), len(one)]), np.concatenate([normal, one])) for one in outliers
    ]
    return float(np.mean(aucs))


def _tensor(images: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() / 255
