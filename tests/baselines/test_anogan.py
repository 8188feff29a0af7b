"""AnoGAN and AnoGAN-FM: the two trainings, the score, the checks and the files."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import baselines.anogan
import lisae
from baselines.anogan import AnoGAN, AnoGANFM
from baselines.gan import Adversarial
from lisae import AutoEncoder, BackboneDetector, CollapseError
from lisae.stacks import train_alone
from tests.lisae.makers import as_batch, trainings_of
from tests.shapes import Pictures, Shapes, auc


def new_anogan(**changes: Any) -> AnoGAN:
    settings: dict[str, Any] = {
        "latent_dim": 8,
        "gan_epochs": 60,
        "gan_batch_size": 16,
        "gan_learning_rate": 1e-3,
        "epochs": 25,
        "batch_size": 16,
        "min_steps": 0,
        "precision": "float32",
        "device": "cpu",
        "random_state": 0,
    }
    return AnoGAN(**settings | changes)


@pytest.fixture(scope="module")
def anogan(few: Shapes) -> AnoGAN:
    return new_anogan().fit(few.normal)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> AnoGAN:
    """Two epochs of each training, too few to be alive."""
    monkeypatch.setattr(baselines.anogan, "check_alive", lambda *arguments: None)
    return new_anogan(gan_epochs=2, epochs=2)


def weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: weight.clone() for name, weight in module.state_dict().items()}


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    """The parts of the network with weights that differ."""
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


# The two trainings


@pytest.mark.usefixtures("unchecked")
def test_who_trains_what(few: Shapes) -> None:
    anogan = new_anogan(critic_steps=7, gan_learning_rate=0.5, learning_rate=0.25, penalty=3.0)
    play, encoding = trainings_of(anogan, few.normal)
    network = anogan.network_

    def ids(*modules: nn.Module) -> list[int]:
        return [id(parameter) for module in modules for parameter in module.parameters()]

    assert [id(parameter) for parameter in play.objective.trained()] == ids(network.critic)
    assert play.opponent is not None
    assert [id(parameter) for parameter in play.opponent.trained()] == ids(network.decoder)
    assert (play.every, play.objective.penalty) == (7, 3.0)
    assert (play.betas, play.one_cycle, play.learning_rate) == ((0.0, 0.9), False, 0.5)
    assert [id(parameter) for parameter in encoding.objective.trained()] == ids(network.encoder, network.latent)
    assert encoding.learning_rate == 0.25


def test_the_encoder_moves_alone_in_the_second_training(quick: AnoGAN, few: Shapes) -> None:
    quick.fit(few.normal)
    before = weights(quick.network_)
    train_alone(BackboneDetector._minimise(quick, few.normal, None, torch.Generator().manual_seed(1)))
    assert changed(before, weights(quick.network_)) == {"encoder", "latent"}


def test_the_encoder_stays_in_the_first_training(quick: AnoGAN, few: Shapes) -> None:
    quick.fit(few.normal)
    before = weights(quick.network_)
    train_alone(quick._play(few.normal, torch.Generator().manual_seed(1)))
    assert changed(before, weights(quick.network_)) == {"critic", "decoder"}


def test_samples_come_to_look_like_the_images(anogan: AnoGAN, few: Shapes) -> None:
    """Nearer to their nearest image, by a third, than those of the generator before training."""
    images = as_batch(few.normal).flatten(1)

    def distance(network: Adversarial) -> float:
        with torch.no_grad():
            samples = network.decoder(network.noise(200, torch.Generator().manual_seed(0))).flatten(1)
        return float(torch.cdist(samples, images).min(dim=1).values.mean())

    assert distance(anogan.network_) < 2 / 3 * distance(anogan._network(torch.Generator().manual_seed(0)))


def test_the_loss_of_the_encoder_falls(anogan: AnoGAN) -> None:
    assert len(anogan.losses_) == anogan.epochs
    assert anogan.losses_[-1] < 0.6 * anogan.losses_[0]
    assert anogan.restarts_ == 0


def test_training_makes_held_out_images_far_better(anogan: AnoGAN, few: Shapes) -> None:
    untrained = copy.copy(anogan)
    untrained.network_ = untrained._network(torch.Generator().manual_seed(0))
    assert anogan.anomaly_score(few.held_out).mean() < 0.5 * untrained.anomaly_score(few.held_out).mean()


def test_clear_outliers_are_found(anogan: AnoGAN, few: Shapes) -> None:
    for detector in (anogan, AnoGANFM(anogan).fit(few.normal)):
        assert auc(detector, few.held_out, few.outliers) > 0.97


def test_codes_and_scores_differ_between_images(anogan: AnoGAN, few: Shapes) -> None:
    assert float(anogan._some_codes(few.held_out).std(dim=0).min()) > 0.05
    assert len(np.unique(anogan.anomaly_score(few.held_out))) == len(few.held_out)


def test_samples_are_images_of_their_seed(anogan: AnoGAN) -> None:
    samples = anogan.sample(7, random_state=1)
    assert samples.shape == (7, 12, 12, 1)
    assert samples.dtype == np.float32
    assert 0 <= samples.min() < samples.max() <= 1
    np.testing.assert_array_equal(anogan.sample(7, random_state=1), samples)
    assert not np.array_equal(anogan.sample(7, random_state=2), samples)


def test_fit_leaves_the_global_generator_alone(quick: AnoGAN, few: Shapes) -> None:
    before = torch.get_rng_state()
    quick.fit(few.normal)
    assert torch.equal(torch.get_rng_state(), before)


# The score


def test_the_score_of_anogan_is_the_mean_squared_error(anogan: AnoGAN, few: Shapes) -> None:
    expected = np.square(few.outliers / 255 - anogan.reconstruct(few.outliers)).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(anogan.anomaly_score(few.outliers), expected, rtol=1e-4)


@pytest.mark.parametrize("kappa", [0.0, 0.5, 2.0])
def test_the_score_of_fm_adds_the_features(anogan: AnoGAN, few: Shapes, kappa: float) -> None:
    detector = AnoGANFM(anogan, kappa=kappa).fit(few.normal)
    images, network = as_batch(few.outliers), anogan.network_
    with torch.no_grad():
        features = network.critic[0](images), network.critic[0](network(images))
    assert features[0].shape == (len(images), network.features)
    expected = anogan.anomaly_score(few.outliers) + kappa * (features[0] - features[1]).square().mean(dim=1).numpy()
    np.testing.assert_allclose(detector.anomaly_score(few.outliers), expected, rtol=1e-4)


def test_the_encoder_learns_from_the_features_too(quick: AnoGAN, few: Shapes) -> None:
    with_features, without = (quick.set_params(feature_weight=weight).fit(few.normal).network_ for weight in (1.0, 0.0))
    assert changed(weights(with_features), weights(without)) == {"encoder", "latent"}


# AnoGAN-FM begins from AnoGAN


def test_a_fitted_anogan_is_used_as_it_is(anogan: AnoGAN, few: Shapes) -> None:
    before = weights(anogan.network_)
    detector = AnoGANFM(anogan).fit(few.normal)
    assert detector.anogan_ is anogan
    assert changed(before, weights(detector.network_)) == set()


def test_one_that_is_not_fitted_is_cloned(quick: AnoGAN, few: Shapes) -> None:
    detector = AnoGANFM(quick).fit(few.normal)
    assert not hasattr(quick, "network_")
    np.testing.assert_array_equal(
        detector.anogan_.anomaly_score(few.outliers), quick.fit(few.normal).anomaly_score(few.outliers)
    )


def test_one_without_a_seed_takes_that_of_fm(quick: AnoGAN, few: Shapes) -> None:
    quick.set_params(random_state=None)
    first, again, other = (
        AnoGANFM(quick, random_state=seed).fit(few.normal).anomaly_score(few.outliers) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_an_anogan_of_other_images(anogan: AnoGAN, grey: Shapes) -> None:
    with pytest.raises(ValueError, match="AnoGAN was fitted on images of 12 x 12 x 1, these are 16 x 16 x 1"):
        AnoGANFM(anogan).fit(grey.normal)


def test_another_detector_for_anogan(few: Shapes) -> None:
    detector = AnoGANFM().set_params(anogan=AutoEncoder())
    with pytest.raises(ValueError, match=r"AnoGANFM begins from .* AnoGAN; got AutoEncoder"):
        detector.fit(few.normal)


@pytest.mark.parametrize("kappa", [-0.1, float("nan")])
def test_a_kappa_below_zero(anogan: AnoGAN, few: Shapes, kappa: float) -> None:
    with pytest.raises(ValueError, match=f"kappa is a number, at least 0; got {kappa}"):
        AnoGANFM(anogan, kappa=kappa).fit(few.normal)


# Collapse and settings


def test_a_collapse_is_trained_again_from_another_seed(
    quick: AnoGAN, few: Shapes, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []

    def check(images: Pictures, samples: Tensor) -> None:
        seen.append(samples)
        if len(seen) == 1:
            raise CollapseError("called collapsed")

    monkeypatch.setattr(baselines.anogan, "check_samples", check)
    assert quick.fit(few.normal).restarts_ == 1
    assert not torch.equal(*seen)


def test_a_real_collapse_is_an_error(quick: AnoGAN, few: Shapes) -> None:
    with pytest.raises(CollapseError, match="collapsed from 4 seeds in a row"):
        quick.set_params(gan_learning_rate=1e4, learning_rate=10.0).fit(few.normal)


def test_the_error_at_the_mean_image_is_the_variance(anogan: AnoGAN, few: Shapes) -> None:
    images = few.normal / 255
    to_mean = np.square(images - images.mean(axis=0)).mean(axis=(1, 2, 3))
    anogan._check_alive(few.normal, 0.9 * to_mean)
    with pytest.raises(CollapseError, match="stays at the mean image"):
        anogan._check_alive(few.normal, to_mean)


@pytest.mark.parametrize("setting", [{"critic_steps": 0}, {"penalty": -1.0}, {"feature_weight": -1.0}])
def test_wrong_settings(quick: AnoGAN, few: Shapes, setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(setting))} is a .*number, at least"):
        quick.set_params(**setting).fit(few.normal)


# Files


def test_a_file_holds_all_that_was_learned(anogan: AnoGAN, few: Shapes, tmp_path: Path) -> None:
    anogan.save(tmp_path / "weights")
    loaded = lisae.load(tmp_path / "weights")
    np.testing.assert_array_equal(loaded.anomaly_score(few.outliers), anogan.anomaly_score(few.outliers))
    np.testing.assert_array_equal(
        AnoGANFM(loaded).fit(few.normal).anomaly_score(few.outliers),
        AnoGANFM(anogan).fit(few.normal).anomaly_score(few.outliers),
    )
    np.testing.assert_array_equal(loaded.sample(3, 0), anogan.sample(3, 0))
    assert (loaded.threshold_, loaded.losses_, loaded.restarts_) == (anogan.threshold_, anogan.losses_, 0)
