"""The hypersphere classifier: its radius, its loss, its score."""

import numpy as np
import pytest
import torch

from baselines.encoder import Encoder, EncoderDetector
from baselines.hsc import HypersphereClassifier, HypersphereCrossEntropy, pseudo_huber
from tests.baselines.test_classifier import new_classifier
from tests.lisae.makers import as_batch
from tests.shapes import Shapes, auc


@pytest.fixture(scope="module")
def hsc(few: Shapes) -> EncoderDetector:
    return new_classifier(HypersphereClassifier, rep_dim=8).fit(*few.labelled())


def test_the_radius_is_the_pseudo_huber_norm_of_small_and_large_codes() -> None:
    codes = torch.tensor([[0.0, 0.0], [3e-5, 4e-5], [3.0, 4.0], [3e4, 4e4]])
    norms = codes.double().norm(dim=1)
    expected = torch.where(norms < 1, norms**2 / 2, (norms**2 + 1).sqrt() - 1)
    torch.testing.assert_close(pseudo_huber(codes), expected.float())


def test_the_loss_is_the_cross_entropy_of_a_radial_probability(few: Shapes) -> None:
    network = Encoder((12, 12, 1), 8, torch.Generator().manual_seed(0))
    images, negatives = as_batch(few.normal[:5]), as_batch(few.negatives[:3])
    is_normal = torch.exp(-pseudo_huber(network(torch.cat([images, negatives])).double()))
    expected = -torch.cat([is_normal[:5].log(), (1 - is_normal[5:]).log()]).mean()
    torch.testing.assert_close(HypersphereCrossEntropy(network)(images, negatives), expected.float())


def test_a_negative_at_the_origin_has_a_finite_loss_and_gradient(few: Shapes) -> None:
    network = Encoder((12, 12, 1), 8, torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.latent.weight.zero_()
    loss = HypersphereCrossEntropy(network)(as_batch(few.normal[:5]), as_batch(few.negatives[:3]))
    loss.backward()
    assert loss.isfinite()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in network.latent.parameters())


def test_the_score_is_the_radius(hsc: EncoderDetector, few: Shapes) -> None:
    with torch.no_grad():
        radii = pseudo_huber(hsc.network_(as_batch(few.outliers))).double().numpy()
    np.testing.assert_allclose(hsc.anomaly_score(few.outliers), radii, rtol=1e-4)
    assert hsc.network_.latent.out_features == 8


def test_normal_images_end_near_the_origin_and_negatives_far_from_it(hsc: EncoderDetector, few: Shapes) -> None:
    assert (
        np.exp(-np.median(hsc.anomaly_score(few.held_out))) > 0.5 > np.exp(-np.median(hsc.anomaly_score(few.negatives)))
    )
    assert auc(hsc, few.held_out, few.outliers) > 0.9
