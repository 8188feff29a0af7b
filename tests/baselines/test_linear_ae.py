"""Linear-AE is affine, and comes close to PCA."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from baselines.linear_ae import LinearAutoEncoder
from tests.lisae.makers import new_autoencoder
from tests.shapes import Shapes, auc


@pytest.fixture(scope="module")
def linear(few: Shapes) -> LinearAutoEncoder:
    detector = new_autoencoder(LinearAutoEncoder, latent_dim=8, epochs=100).fit(few.normal)
    assert isinstance(detector, LinearAutoEncoder)
    return detector


def pca_error(images: NDArray[Any], rank: int) -> float:
    """Mean squared error, summed over pixels, of the best affine map of a rank: what is left of the spectrum."""
    rows = images.reshape(len(images), -1) / 255
    singular = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
    return float(np.square(singular[rank:]).sum() / len(rows))


def test_it_is_affine(linear: LinearAutoEncoder) -> None:
    """f(a x + (1 - a) y) = a f(x) + (1 - a) f(y), also outside the images' range."""
    x, y = torch.rand(2, 9, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    network = linear.network_
    with torch.no_grad():
        torch.testing.assert_close(network(3 * x - 2 * y), 3 * network(x) - 2 * network(y), rtol=1e-4, atol=1e-4)


def test_its_rank_is_the_latent_width(linear: LinearAutoEncoder) -> None:
    images = torch.rand(64, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        answers = linear.network_(images).flatten(1)
    singular = torch.linalg.svdvals(answers - answers.mean(dim=0))
    assert singular[7] > 1e-3 * singular[0]
    assert singular[8] < 1e-5 * singular[0]


def test_its_error_is_near_that_of_pca_and_not_below(linear: LinearAutoEncoder, few: Shapes) -> None:
    error = np.square(linear.anomaly_score(few.normal)).mean()
    best = pca_error(few.normal, rank=8)
    assert best * (1 - 1e-5) <= error < 1.1 * best
    assert pca_error(few.normal, rank=7) > error


def test_the_loss_falls(linear: LinearAutoEncoder) -> None:
    assert linear.losses_[-1] < 0.5 * linear.losses_[0]
    assert linear.restarts_ == 0


def test_outliers_score_higher_with_training_than_without(linear: LinearAutoEncoder, few: Shapes) -> None:
    trained = linear.anomaly_score(few.held_out)
    assert len(np.unique(trained)) == len(few.held_out)
    assert auc(linear, few.held_out, few.outliers) > 0.99
    new = linear._network(torch.Generator().manual_seed(0))
    images = torch.from_numpy(few.held_out / np.float32(255)).permute(0, 3, 1, 2)
    with torch.no_grad():
        untrained = (new(images) - images).flatten(1).norm(dim=1)
    assert trained.mean() < 0.5 * float(untrained.mean())


def test_codes_vary(linear: LinearAutoEncoder, few: Shapes) -> None:
    assert (linear._some_codes(few.normal).std(dim=0) > 0.01).all()


def test_reconstructions_leave_the_range_of_images(linear: LinearAutoEncoder, few: Shapes) -> None:
    answers = linear.reconstruct(few.outliers)
    assert answers.shape == few.outliers.shape
    assert answers.min() < 0
