"""AE and the first phase of LinSep-LIS-AE."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

import lisae.backbone_detector
from lisae import AutoEncoder, Backbone, LinSepAutoEncoder
from lisae.backbone_detector import squared_error
from tests.lisae.makers import as_batch, new_autoencoder, trainings_of
from tests.shapes import Shapes, auc, shapes


def flat(images: NDArray[Any]) -> NDArray[np.float64]:
    return images.reshape(len(images), -1) / 255


def squared_errors(images: NDArray[Any], reconstructions: NDArray[Any]) -> NDArray[np.float64]:
    """Squared error of each image of bytes, over its pixels."""
    return np.square(flat(images) - reconstructions.reshape(len(images), -1).astype(np.float64)).sum(axis=1)


def weights(detector: AutoEncoder) -> dict[str, Tensor]:
    return {name: weight.clone() for name, weight in detector.network_.state_dict().items()}


# Training


def test_the_loss_falls(autoencoder: AutoEncoder) -> None:
    assert len(autoencoder.losses_) == autoencoder.epochs
    assert autoencoder.losses_[-1] < autoencoder.losses_[0] / 10
    assert np.argmin(autoencoder.losses_) >= autoencoder.epochs - 3
    assert autoencoder.restarts_ == 0


def test_the_last_losses_are_the_squared_errors_of_the_training_images(autoencoder: AutoEncoder, grey: Shapes) -> None:
    errors = np.square(autoencoder.anomaly_score(grey.normal))
    assert autoencoder.losses_[-1] == pytest.approx(errors.mean(), rel=0.15)


def test_training_makes_held_out_images_far_better(autoencoder: AutoEncoder, grey: Shapes) -> None:
    trained = autoencoder.anomaly_score(grey.held_out).mean()
    untrained = clone(autoencoder).set_params(epochs=1, learning_rate=1e-12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lisae.backbone_detector, "check_alive", lambda *arguments: None)
        untrained.fit(grey.normal)
    assert trained < 0.3 * untrained.anomaly_score(grey.held_out).mean()
    to_mean = np.linalg.norm(flat(grey.held_out) - flat(grey.normal).mean(axis=0), axis=1).mean()
    assert trained < 0.6 * to_mean


def test_clear_outliers_are_found(autoencoder: AutoEncoder, grey: Shapes) -> None:
    assert auc(autoencoder, grey.held_out, grey.outliers) > 0.99


def test_fit_leaves_the_global_generator_alone(few: Shapes) -> None:
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    new_autoencoder(LinSepAutoEncoder, epochs=20).fit(*few.labelled())
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


def test_bfloat16_training_is_about_as_good(autoencoder: AutoEncoder, grey: Shapes) -> None:
    half = new_autoencoder(precision="bfloat16").fit(grey.normal)
    assert (half.precision_, autoencoder.precision_) == ("bfloat16", "float32")
    exact, rough = autoencoder.anomaly_score(grey.held_out), half.anomaly_score(grey.held_out)
    assert not np.array_equal(exact, rough)
    assert rough.mean() == pytest.approx(exact.mean(), rel=0.25)
    assert auc(half, grey.held_out, grey.outliers) > 0.99
    assert {weight.dtype for weight in half.network_.parameters()} == {torch.float32}


def test_scores_are_float32_whatever_the_training(autoencoder: AutoEncoder, grey: Shapes) -> None:
    half = clone(autoencoder).set_params(precision="bfloat16")
    half.network_, half.image_shape_, half.threshold_ = autoencoder.network_, (16, 16, 1), autoencoder.threshold_
    np.testing.assert_array_equal(half.anomaly_score(grey.held_out), autoencoder.anomaly_score(grey.held_out))


# The loss


def test_squared_error_is_summed_over_pixels_and_averaged_over_images() -> None:
    rng = np.random.default_rng(0)
    images, answers = rng.random((2, 5, 3, 4, 4), dtype=np.float32)
    loss = squared_error(torch.from_numpy(images), torch.from_numpy(answers))
    assert loss.shape == ()
    assert float(loss) == pytest.approx(np.square(images - answers).sum() / 5, rel=1e-6)
    half = torch.from_numpy(answers).bfloat16()
    assert squared_error(torch.from_numpy(images), half).dtype == torch.float32


@pytest.mark.usefixtures("unchecked")
def test_the_loss_of_ae_is_the_squared_error_of_the_rows(colour: Shapes) -> None:
    detector = new_autoencoder(epochs=7, batch_size=5, learning_rate=0.25, adam_beta2=0.75)
    (training,) = trainings_of(detector, colour.normal)
    ((images,),) = training.pools
    np.testing.assert_array_equal(images.permute(0, 2, 3, 1).numpy(), colour.normal)
    assert (training.epochs, training.batch_size, training.learning_rate, training.betas) == (7, 5, 0.25, (0.9, 0.75))
    assert [id(p) for p in training.objective.trained()] == [id(p) for p in detector.network_.parameters()]
    some = colour.normal[[3, 1, 100]]
    expected = squared_errors(some, detector.reconstruct(some)).mean()
    assert float(training.objective(as_batch(some)).detach()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("unchecked")
def test_the_inner_error_is_that_of_the_layers_around_the_code(colour: Shapes) -> None:
    detector = new_autoencoder(inner_weight=0.3)
    (training,) = trainings_of(detector, colour.normal)
    some = colour.normal[[3, 1, 100]]
    network = detector.network_
    with torch.no_grad():
        features = network.encoder(as_batch(some))
        back = nn.functional.leaky_relu(network.decoder[0](torch.tanh(network.latent(features))), 0.2)
    assert back.shape == features.shape
    relative = float((back - features).square().sum() / (features - features.mean(dim=0)).square().sum())
    expected = squared_errors(some, detector.reconstruct(some)).mean() + 0.3 * relative
    assert float(training.objective(as_batch(some)).detach()) == pytest.approx(expected, rel=1e-5)


def test_with_an_inner_loss_the_code_keeps_the_features(autoencoder: AutoEncoder, grey: Shapes) -> None:
    def relative_error(detector: AutoEncoder) -> float:
        network = detector.network_
        with torch.no_grad():
            features = network.encoder(as_batch(grey.held_out))
            back = network.decoder[:2](network.code(features))
        return float((back - features).square().sum() / (features - features.mean(dim=0)).square().sum())

    with_it = new_autoencoder(inner_weight=10.0).fit(grey.normal)
    assert relative_error(with_it) < 1 < relative_error(autoencoder) / 3  # 1: as alike as their mean
    assert auc(with_it, grey.held_out, grey.outliers) > 0.99


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("separation", [0.0, 50.0])
def test_the_loss_of_linsep_by_hand(grey: Shapes, separation: float) -> None:
    X, y = grey.labelled()
    detector = new_autoencoder(LinSepAutoEncoder, separation=separation)
    (training,) = trainings_of(detector, X, y)
    assert [len(images) for (images,) in training.pools] == [len(grey.normal), len(grey.negatives)]
    parameters = training.objective.trained()
    weight, bias = (p.detach().numpy().astype(np.float64) for p in parameters[-2:])
    assert weight.shape == (1, 16)
    assert [id(p) for p in parameters[:-2]] == [id(p) for p in detector.network_.parameters()]
    normal, negatives = X[y == 1][[5, 0, 9, 2]], X[y == -1][[7, 1, 3]]

    def logits(images: NDArray[Any]) -> NDArray[np.float64]:
        layer = detector.network_.latent
        features = detector._features(images).numpy().astype(np.float64)
        before_tanh = features @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
        return (before_tanh @ weight.T + bias)[:, 0]

    entropies = np.concatenate([np.logaddexp(0, -logits(normal)), np.logaddexp(0, logits(negatives))])
    expected = squared_errors(normal, detector.reconstruct(normal)).mean() + separation * entropies.mean()
    computed = float(training.objective(as_batch(normal), as_batch(negatives)).detach())
    assert computed == pytest.approx(expected, rel=1e-4)


@pytest.mark.usefixtures("unchecked")
def test_negatives_are_no_part_of_the_reconstruction_term(grey: Shapes) -> None:
    """The decoder's gradient does not depend on them, the latent layer's does."""
    detector = new_autoencoder(LinSepAutoEncoder)
    (training,) = trainings_of(detector, *grey.labelled())
    network, normal, negatives = detector.network_, as_batch(grey.normal[:6]), as_batch(grey.negatives)

    def gradients(weight: Tensor) -> list[Tensor]:
        others = negatives[:6], negatives[6:20]
        return [torch.autograd.grad(training.objective(normal, some), weight)[0] for some in others]

    torch.testing.assert_close(*gradients(network.decoder[0].weight))
    first, second = gradients(network.latent.weight)
    assert not torch.allclose(first, second)


def test_separation_is_that_of_the_latent_layers_input(
    autoencoder: AutoEncoder, linsep: AutoEncoder, grey: Shapes
) -> None:
    new = shapes(channels=1, seed=9)
    labels = np.repeat([1, -1], [len(new.held_out), len(new.negatives)])

    def accuracy(detector: AutoEncoder) -> float:
        X, y = grey.labelled()
        classifier = LogisticRegression(max_iter=2000).fit(detector._features(X).numpy(), y)
        images = np.concatenate([new.held_out, new.negatives])
        return float(classifier.score(detector._features(images).numpy(), labels))

    def gap(detector: AutoEncoder) -> float:
        """Distance of the two means in standard deviations, along their difference, before the latent tanh."""
        layer = detector.network_.latent
        codes = [
            layer(detector._features(images)).detach().numpy()
            for images in (grey.normal, grey.negatives, new.held_out, new.negatives)
        ]
        direction = codes[0].mean(axis=0) - codes[1].mean(axis=0)
        normal, negative = codes[2] @ direction, codes[3] @ direction
        return float((normal.mean() - negative.mean()) / np.sqrt((normal.var() + negative.var()) / 2))

    assert accuracy(linsep) > 0.98
    assert accuracy(linsep) >= accuracy(autoencoder)
    assert gap(linsep) > 1.4 * gap(autoencoder)


def test_linsep_reconstructs_normal_images_about_as_well(
    autoencoder: AutoEncoder, linsep: AutoEncoder, grey: Shapes
) -> None:
    assert linsep.anomaly_score(grey.held_out).mean() < 1.5 * autoencoder.anomaly_score(grey.held_out).mean()


def test_the_classifier_of_linsep_is_dropped(autoencoder: AutoEncoder, linsep: AutoEncoder) -> None:
    assert weights(linsep).keys() == weights(autoencoder).keys()
    assert [name for name, value in vars(linsep).items() if isinstance(value, nn.Module)] == ["network_"]


# Reconstructions


def test_reconstructions_are_images(autoencoder: AutoEncoder, grey: Shapes) -> None:
    answers = autoencoder.reconstruct(grey.held_out)
    assert answers.shape == grey.held_out.shape
    assert answers.dtype == np.float32
    assert answers.min() >= 0
    assert answers.max() <= 1
    np.testing.assert_array_equal(autoencoder.reconstruct(grey.held_out.reshape(-1, 256)), answers)
    np.testing.assert_array_equal(autoencoder.reconstruct(grey.held_out[..., 0]), answers)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.usefixtures("unchecked")
def test_the_score_is_the_norm_of_the_residual(channels: int, few: Shapes) -> None:
    images = few if channels == 1 else shapes(channels=3, seed=4, normal=48, others=32, side=12)
    detector = new_autoencoder(epochs=2).fit(images.normal)
    answers = detector.reconstruct(images.outliers)
    assert answers.shape == (32, 12, 12, channels)
    expected = np.sqrt(squared_errors(images.outliers, answers))
    np.testing.assert_allclose(detector.anomaly_score(images.outliers), expected, rtol=1e-5)


def test_there_is_no_reconstruction_before_fit(grey: Shapes) -> None:
    with pytest.raises(NotFittedError):
        new_autoencoder().reconstruct(grey.held_out)


def test_more_images_than_one_pass_holds(autoencoder: AutoEncoder, grey: Shapes) -> None:
    many = np.tile(grey.held_out, (6, 1, 1, 1))[:-1]
    scores = autoencoder.anomaly_score(many)
    assert len(scores) == len(autoencoder.reconstruct(many)) == 575
    np.testing.assert_allclose(scores, np.tile(autoencoder.anomaly_score(grey.held_out), 6)[:-1], rtol=1e-4)


# Settings


def test_the_network_is_the_backbone(autoencoder: AutoEncoder) -> None:
    assert type(autoencoder.network_) is Backbone
    assert autoencoder.network_.latent.out_features == autoencoder.latent_dim
