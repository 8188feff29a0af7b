"""Deep SVDD: the centre, the one-class objective, and its two collapses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from torch import Tensor, nn

import baselines.deep_svdd
import lisae
from baselines.deep_svdd import OUTSIDE, DeepSVDD, HypersphereBackbone, away_from_zero
from lisae import CollapseError
from lisae.backbone import as_float, image_tensor
from tests.lisae.makers import new_autoencoder, trainings_of
from tests.shapes import Shapes, auc


def new_svdd(**changes: Any) -> DeepSVDD:
    settings = {"contrast": "none", "epochs": 25, "pretraining_epochs": 40, "learning_rate": 3e-3}
    detector = new_autoencoder(DeepSVDD, **settings | changes)
    assert isinstance(detector, DeepSVDD)
    return detector


@pytest.fixture(scope="module")
def svdd(few: Shapes) -> DeepSVDD:
    return new_svdd().fit(few.normal)


@pytest.fixture(scope="module")
def pretrained(few: Shapes) -> DeepSVDD:
    """The same network where the one-class objective begins."""
    return new_svdd(epochs=1, learning_rate=1e-12).fit(few.normal)


def codes(detector: DeepSVDD, images: NDArray[np.uint8]) -> Tensor:
    with torch.no_grad():
        return detector.network_.code(detector.network_.encoder(as_float(image_tensor(images, torch.device("cpu")))))


def test_coordinates_of_the_centre_keep_off_zero() -> None:
    centre = torch.tensor([0.0, 0.03, -0.03, 0.1, -0.1, 2.0, -3.0])
    torch.testing.assert_close(away_from_zero(centre), torch.tensor([0.1, 0.1, -0.1, 0.1, -0.1, 2.0, -3.0]))


def test_the_centre_is_the_mean_code_after_pretraining(pretrained: DeepSVDD, few: Shapes) -> None:
    mean = away_from_zero(codes(pretrained, few.normal).mean(dim=0))
    torch.testing.assert_close(pretrained.network_.centre, mean, rtol=1e-4, atol=1e-4)
    assert len(mean.unique()) > 8


def test_the_centre_is_reproducible_and_not_trained(svdd: DeepSVDD, pretrained: DeepSVDD, few: Shapes) -> None:
    assert torch.equal(pretrained.network_.centre, svdd.network_.centre)
    other = clone(pretrained).set_params(random_state=1).fit(few.normal)
    assert not torch.allclose(other.network_.centre, svdd.network_.centre)


def test_the_score_is_the_squared_distance_to_the_centre(svdd: DeepSVDD, few: Shapes) -> None:
    apart = codes(svdd, few.outliers).double().numpy() - svdd.network_.centre.double().numpy()
    np.testing.assert_allclose(svdd.anomaly_score(few.outliers), np.square(apart).sum(axis=1), rtol=1e-4)


def test_the_encoder_has_no_bias_and_no_bound() -> None:
    network = HypersphereBackbone((12, 12, 1), 4, torch.Generator().manual_seed(0))
    images = torch.rand(3, 1, 12, 12, generator=torch.Generator().manual_seed(1))
    code = network.code(network.encoder(images))
    torch.testing.assert_close(network.code(network.encoder(50 * images)), 50 * code)
    assert not network.code(network.encoder(0 * images)).any()
    assert all(layer.bias is not None for layer in network.decoder if isinstance(layer, nn.Linear | nn.Conv2d))


def test_the_one_class_objective_is_minimised(svdd: DeepSVDD, few: Shapes) -> None:
    assert len(svdd.losses_) == svdd.epochs
    assert svdd.losses_[-1] < 0.1 * svdd.losses_[0]
    assert svdd.restarts_ == 0
    assert svdd.losses_[-1] == pytest.approx(svdd.anomaly_score(few.normal).mean(), rel=0.5)


def test_the_decoder_stays_as_pretraining_left_it(svdd: DeepSVDD, pretrained: DeepSVDD) -> None:
    for one, other in zip(svdd.network_.decoder.parameters(), pretrained.network_.decoder.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not torch.allclose(svdd.network_.latent.weight, pretrained.network_.latent.weight)


def test_the_objective_finds_outliers_that_pretraining_does_not(
    svdd: DeepSVDD, pretrained: DeepSVDD, few: Shapes
) -> None:
    assert len(np.unique(svdd.anomaly_score(few.held_out))) == len(few.held_out)
    trained = auc(svdd, few.held_out, few.outliers)
    assert trained > 0.9
    assert trained > auc(pretrained, few.held_out, few.outliers) + 0.2


def test_the_codes_of_normal_images_are_not_one_point(svdd: DeepSVDD, few: Shapes) -> None:
    assert codes(svdd, few.normal).std(dim=0).max() > 0.01


def test_a_hypersphere_that_collapses_is_an_error(few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    def to_the_centre(self: HypersphereBackbone, features: Tensor) -> Tensor:
        return 1e-4 * self.latent(features)

    monkeypatch.setattr(HypersphereBackbone, "code", to_the_centre)
    monkeypatch.setattr(baselines.deep_svdd, "check_alive", lambda *arguments: None)
    with pytest.raises(CollapseError, match="collapsed from 4 seeds in a row, at last because the latent layer"):
        new_svdd(epochs=1, pretraining_epochs=1).fit(few.normal)


def test_a_pretraining_that_collapses_is_an_error(few: Shapes) -> None:
    with pytest.raises(CollapseError, match="mean image"):
        new_svdd(epochs=1, pretraining_epochs=1, pretraining_learning_rate=1e-9).fit(few.normal)


def test_weight_decay_shrinks_the_encoder(pretrained: DeepSVDD, few: Shapes) -> None:
    heavy = clone(pretrained).set_params(weight_decay=0.03).fit(few.normal)
    assert heavy.network_.latent.weight.norm() < 0.9 * pretrained.network_.latent.weight.norm()


@pytest.fixture(scope="module")
def normalised(few: Shapes) -> DeepSVDD:
    return new_svdd(contrast="l1").fit(few.normal)


def test_contrast_is_normalised_in_both_trainings_and_in_the_score(
    normalised: DeepSVDD, few: Shapes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert DeepSVDD().contrast == "l1"
    images = few.held_out / 255
    np.testing.assert_allclose(
        normalised.anomaly_score(0.2 + 0.5 * images), normalised.anomaly_score(images), rtol=0.02, atol=1e-4
    )
    monkeypatch.setattr(baselines.deep_svdd, "check_alive", lambda *arguments: None)  # nothing is trained
    given = [training.pools[0][0] for training in trainings_of(clone(normalised), few.normal)]
    assert [(float(rows.min()), float(rows.max())) for rows in given] == [(0, 1)] * 2
    assert auc(normalised, few.held_out, few.outliers) > 0.9


def test_radii_leave_their_share_of_the_normal_images_outside(svdd: DeepSVDD, few: Shapes) -> None:
    outside = (svdd.sweep_labels(few.normal) == -1).mean(axis=1)
    np.testing.assert_allclose(outside, OUTSIDE, atol=1 / len(few.normal))
    assert OUTSIDE.tolist() == [2.0**i for i in range(-10, 0)]


def test_labels_are_those_of_the_score_at_each_radius(svdd: DeepSVDD, few: Shapes) -> None:
    scores = svdd.anomaly_score(few.outliers)
    expected = [np.where(scores > radius, -1, 1) for radius in svdd.squared_radii_]
    np.testing.assert_array_equal(svdd.sweep_labels(few.outliers), expected)
    labels = [svdd.sweep_labels(images) for images in (few.held_out, few.outliers)]
    area = svdd.extra_auc("label sweep", *labels)
    assert area <= auc(svdd, few.held_out, few.outliers)


def test_a_file_holds_the_centre(svdd: DeepSVDD, few: Shapes, tmp_path: Path) -> None:
    svdd.save(tmp_path / "weights")
    loaded = lisae.load(tmp_path / "weights")
    np.testing.assert_array_equal(loaded.anomaly_score(few.outliers), svdd.anomaly_score(few.outliers))
    np.testing.assert_array_equal(loaded.sweep_labels(few.held_out), svdd.sweep_labels(few.held_out))


def test_a_file_holds_the_range_of_contrast(normalised: DeepSVDD, few: Shapes) -> None:
    loaded = clone(normalised).from_bytes(normalised.to_bytes())
    assert loaded.contrast_range_ == normalised.contrast_range_ != [0, 1]


def test_the_decoder_begins_at_the_mean_pixel(few: Shapes) -> None:
    """A network that begins at one half saturates on its way to normalised pixels, which are close to zero."""
    network = HypersphereBackbone((12, 12, 1), 4, torch.Generator().manual_seed(0))
    network.begin_at(0.05)
    with torch.no_grad():
        for layer in network.decoder[:-2]:
            if isinstance(layer, nn.Linear | nn.ConvTranspose2d):
                layer.weight.zero_()
        images = network(torch.rand(2, 1, 12, 12, generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close(images, torch.full_like(images, 0.05))
