"""LIS-AE and LinSep-LIS-AE: latent shaping, Eq. (1)."""

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from lisae import LISAE, AutoEncoder, CollapseError
from lisae.stacks import shape_of
from tests.lisae.makers import GAMMA, assert_same_weights, new_lisae, trainings_of, weights
from tests.shapes import Shapes, auc

Mean = Callable[[list[float]], float]


def norms(detector: AutoEncoder, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Norm over its pixels of each image's residual, from the reconstructions alone."""
    residuals = images / 255 - detector.reconstruct(images).astype(np.float64)
    return np.sqrt(np.square(residuals).sum(axis=(1, 2, 3)))


# What is shaped, and from where


def test_only_the_latent_layer_is_shaped(lisae: LISAE, autoencoder: AutoEncoder) -> None:
    before, after = weights(autoencoder), weights(lisae)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"latent.weight", "latent.bias"}
    assert before.keys() == after.keys()


def test_the_given_autoencoder_is_left_as_it_was(autoencoder: AutoEncoder, grey: Shapes) -> None:
    given = copy.deepcopy(autoencoder)
    new_lisae(given, epochs=1).fit(*grey.labelled())
    assert_same_weights(weights(given), weights(autoencoder))
    assert all(weight.requires_grad for weight in given.network_.parameters())
    assert vars(given).keys() == vars(autoencoder).keys()
    for name in vars(given).keys() - {"network_"}:
        np.testing.assert_array_equal(getattr(given, name), getattr(autoencoder, name), name)


def test_precision_is_that_of_phase_one(autoencoder: AutoEncoder, grey: Shapes) -> None:
    half = copy.deepcopy(autoencoder).set_params(precision="bfloat16")
    assert new_lisae(half, epochs=1).fit(*grey.labelled()).precision_ == "bfloat16"
    with pytest.raises(AttributeError, match="autoencoder_"):
        LISAE(half).precision_  # noqa: B018


def test_the_given_autoencoder_is_phase_one(lisae: LISAE, autoencoder: AutoEncoder) -> None:
    assert lisae.autoencoder_ is autoencoder
    assert lisae.network_ is not autoencoder.network_


def test_phase_two_begins_from_the_very_weights_of_phase_one(autoencoder: AutoEncoder, grey: Shapes) -> None:
    detector = new_lisae(autoencoder)
    (training,) = trainings_of(detector, *grey.labelled())
    assert_same_weights(weights(detector), weights(autoencoder))
    latent = detector.network_.latent
    assert [id(p) for p in training.objective.trained()] == [id(latent.weight), id(latent.bias)]
    assert {name for name, p in detector.network_.named_parameters() if p.requires_grad} == {
        "latent.weight",
        "latent.bias",
    }, "all else is frozen"


def mean_of_absolute(errors: list[float]) -> float:
    return sum(map(abs, errors)) / len(errors)


def root_mean_square(errors: list[float]) -> float:
    return math.sqrt(mean_square(errors))


def mean_square(errors: list[float]) -> float:
    return sum(error * error for error in errors) / len(errors)


def mean_of_positive(errors: list[float]) -> float:
    return sum(error for error in errors if error > 0) / len(errors)


# What the errors of normal images become, and the distances of those of negatives from gamma.
MEANS: dict[str, tuple[Mean, Mean]] = {
    "absolute": (mean_of_absolute, mean_of_absolute),
    "rms": (mean_of_absolute, root_mean_square),
    "square": (mean_square, mean_square),
    "hinge": (mean_of_absolute, mean_of_positive),
}


@pytest.mark.parametrize("reading", MEANS)
@pytest.mark.parametrize("beta", [0.0, 1.0, 2.5])
def test_the_loss_is_equation_one(autoencoder: AutoEncoder, grey: Shapes, beta: float, reading: str) -> None:
    X, y = grey.labelled()
    rows, other_rows = np.array([4, 90, 17, 4, 0]), np.array([8, 50, 3])
    normal, negative = norms(autoencoder, X[y == 1][rows]), norms(autoencoder, X[y == -1][other_rows])
    gamma = float(np.sort(negative)[1:].mean())
    assert (negative > gamma).any()
    assert (negative < gamma).any()
    (training,) = trainings_of(new_lisae(autoencoder, beta=beta, gamma=gamma, reading=reading), X, y)
    (features, images), (other_features, others) = training.pools
    batch = features[rows], images[rows] / 255, other_features[other_rows], others[other_rows] / 255
    of_normal, of_distances = MEANS[reading]
    expected = of_normal(normal.tolist()) + beta * of_distances((gamma - negative).tolist())
    assert float(training.objective(*batch).detach()) == pytest.approx(expected, rel=1e-4)


def test_another_reading_is_another_shape_of_stack(autoencoder: AutoEncoder, grey: Shapes) -> None:
    shapes = {shape_of(*trainings_of(new_lisae(autoencoder, reading=one), *grey.labelled())) for one in MEANS}
    assert len(shapes) == len(MEANS)


def test_an_unknown_reading_is_refused(autoencoder: AutoEncoder, grey: Shapes) -> None:
    with pytest.raises(ValueError, match="one of absolute, rms, square, hinge; got 'mean'"):
        new_lisae(autoencoder, reading="mean").fit(*grey.labelled())


def test_settings_of_phase_two_reach_the_training(autoencoder: AutoEncoder, grey: Shapes) -> None:
    settings = {"epochs": 9, "batch_size": 7, "learning_rate": 0.125, "adam_beta2": 0.5}
    (training,) = trainings_of(new_lisae(autoencoder, **settings), *grey.labelled())
    assert [[len(rows) for rows in pool] for pool in training.pools] == [
        [len(grey.normal)] * 2,
        [len(grey.negatives)] * 2,
    ]
    assert (training.epochs, training.batch_size, training.learning_rate, training.betas) == (9, 7, 0.125, (0.9, 0.5))


def test_cached_features_are_the_encoders(lisae: LISAE, grey: Shapes) -> None:
    many = np.concatenate([np.tile(grey.normal, (5, 1, 1, 1)), grey.negatives])
    images = torch.from_numpy(many).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        expected = lisae.network_.encoder(images)
    features = lisae._features(many)
    assert not features.requires_grad
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)


def test_the_encoder_runs_once_however_many_epochs(autoencoder: AutoEncoder, grey: Shapes) -> None:
    counts = []
    for epochs in (1, 4):
        seen: list[int] = []
        given = copy.deepcopy(autoencoder)
        given.network_.encoder.register_forward_hook(lambda module, inputs, output, seen=seen: seen.append(len(output)))
        new_lisae(given, epochs=epochs).fit(*grey.labelled())
        counts.append(sum(seen))
    assert counts[0] == counts[1]


# What shaping does


def test_the_loss_of_phase_two_falls(lisae: LISAE) -> None:
    assert len(lisae.losses_) == lisae.epochs
    assert lisae.losses_[-1] < 0.8 * lisae.losses_[0]


def test_negatives_rise_towards_gamma_and_normal_images_stay(
    lisae: LISAE, autoencoder: AutoEncoder, grey: Shapes
) -> None:
    before, after = autoencoder.anomaly_score(grey.negatives), lisae.anomaly_score(grey.negatives)
    assert np.abs(GAMMA - after).mean() < 0.5 * np.abs(GAMMA - before).mean()
    assert after.mean() > 2 * before.mean()
    normal_before, normal_after = autoencoder.anomaly_score(grey.held_out), lisae.anomaly_score(grey.held_out)
    assert normal_after.mean() - normal_before.mean() < 0.25 * (after.mean() - before.mean())


def test_outliers_that_resemble_the_negatives_are_found(lisae: LISAE, autoencoder: AutoEncoder, grey: Shapes) -> None:
    before = auc(autoencoder, grey.held_out, grey.faint_outliers)
    after = auc(lisae, grey.held_out, grey.faint_outliers)
    assert before < 0.9
    assert after > 0.97


def test_without_weight_on_the_negatives_nothing_is_gained(autoencoder: AutoEncoder, grey: Shapes) -> None:
    detector = new_lisae(autoencoder, beta=0.0).fit(*grey.labelled())
    gain = auc(detector, grey.held_out, grey.faint_outliers) - auc(autoencoder, grey.held_out, grey.faint_outliers)
    assert gain < 0.1


@pytest.mark.parametrize("count", [1, 5, 300])
def test_any_number_of_negatives_will_do(autoencoder: AutoEncoder, grey: Shapes, count: int) -> None:
    """Fewer than a batch of 16, and more than there are normal images."""
    negatives = np.resize(grey.negatives, (count, 16, 16, 1))
    y = np.repeat([1, -1], [len(grey.normal), count])
    detector = new_lisae(autoencoder).fit(np.concatenate([grey.normal, negatives]), y)
    assert detector.anomaly_score(negatives).mean() > 2 * autoencoder.anomaly_score(negatives).mean()
    assert len(detector.losses_) == detector.epochs


def test_the_threshold_is_of_the_shaped_network(lisae: LISAE, autoencoder: AutoEncoder, grey: Shapes) -> None:
    expected = np.quantile(lisae.anomaly_score(grey.normal), 1 - lisae.contamination)
    assert lisae.threshold_ == pytest.approx(expected, rel=1e-5)
    assert lisae.threshold_ != autoencoder.threshold_


def test_a_constant_latent_layer_is_a_collapse(autoencoder: AutoEncoder, grey: Shapes) -> None:
    dead = copy.deepcopy(autoencoder)
    with torch.no_grad():
        dead.network_.latent.weight.zero_()
    detector = new_lisae(dead, epochs=1, learning_rate=1e-9)
    with pytest.raises(CollapseError, match="the latent layer is constant"):
        detector.fit(*grey.labelled())
    with pytest.raises(NotFittedError):
        detector.anomaly_score(grey.held_out)
