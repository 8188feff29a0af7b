"""Deep SAD: Deep SVDD's network and centre, and the inverse distance of negatives."""

from typing import Any

import numpy as np
import pytest
import torch

from baselines.deep_sad import DeepSAD, SemiSupervised
from baselines.deep_svdd import HypersphereBackbone
from lisae import CollapseError
from tests.lisae.makers import as_batch
from tests.shapes import Shapes, auc


def new_sad(**changes: Any) -> DeepSAD:
    settings: dict[str, Any] = {"rep_dim": 16, "epochs": 25, "pretraining_epochs": 40, "batch_size": 16, "min_steps": 0}
    return DeepSAD(**settings | {"device": "cpu", "random_state": 0} | changes)


@pytest.fixture(scope="module")
def sad(few: Shapes) -> DeepSAD:
    return new_sad().fit(*few.labelled())


def test_the_loss_is_the_distance_and_for_negatives_its_weighted_inverse(few: Shapes) -> None:
    network = HypersphereBackbone((12, 12, 1), 8, torch.Generator().manual_seed(0))
    network.centre.fill_(0.5)
    images, negatives = as_batch(few.normal[:5]), as_batch(few.negatives[:3])
    normal, anomalous = network.distance(images), network.distance(negatives)
    expected = (normal.sum() + (3 / anomalous).sum()) / 8
    torch.testing.assert_close(SemiSupervised(network, 3.0)(images, negatives), expected, rtol=1e-4, atol=1e-6)


def test_a_negative_at_the_centre_has_a_finite_loss(few: Shapes) -> None:
    network = HypersphereBackbone((12, 12, 1), 8, torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.latent.weight.zero_()
    assert SemiSupervised(network, 1.0)(as_batch(few.normal[:5]), as_batch(few.negatives[:3])).isfinite()


def test_pretraining_and_centre_are_those_of_normal_images(few: Shapes) -> None:
    X, y = few.labelled()
    some = (y == 1) | (np.arange(len(y)) % 2 == 0)
    one, other = (new_sad(epochs=1, learning_rate=1e-12).fit(X[rows], y[rows]) for rows in (y != 0, some))
    assert torch.equal(one.network_.centre, other.network_.centre)
    assert "latent_dim" not in one.get_params()
    assert one.network_.centre.shape == (16,)


def test_negatives_are_kept_far_from_the_centre(sad: DeepSAD, few: Shapes) -> None:
    before = new_sad(epochs=1, learning_rate=1e-12).fit(*few.labelled())
    assert auc(sad, few.held_out, few.negatives) > max(0.95, auc(before, few.held_out, few.negatives))
    assert auc(sad, few.held_out, few.outliers) > auc(before, few.held_out, few.outliers) + 0.2
    assert len(sad.losses_) == 25
    assert sad.losses_[-1] < sad.losses_[0]


def test_a_heavier_weight_keeps_them_farther(sad: DeepSAD, few: Shapes) -> None:
    heavy = new_sad(eta=30.0).fit(*few.labelled())
    assert np.median(heavy.anomaly_score(few.negatives)) > np.median(sad.anomaly_score(few.negatives))


def test_a_pretraining_that_collapses_is_an_error(few: Shapes) -> None:
    with pytest.raises(CollapseError, match="mean image"):
        new_sad(epochs=1, pretraining_epochs=1, pretraining_learning_rate=1e-9).fit(*few.labelled())
