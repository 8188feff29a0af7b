"""AE and the first phase of LinSep-LIS-AE."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

import lisae.autoencoder
import lisae.backbone
from lisae import AutoEncoder, Backbone, CollapseError, LinSepAutoEncoder
from lisae.autoencoder import squared_error
from lisae.collapse import with_restarts
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
        patch.setattr(lisae.autoencoder, "check_alive", lambda *arguments: None)
        untrained.fit(grey.normal)
    assert trained < 0.3 * untrained.anomaly_score(grey.held_out).mean()
    to_mean = np.linalg.norm(flat(grey.held_out) - flat(grey.normal).mean(axis=0), axis=1).mean()
    assert trained < 0.6 * to_mean


def test_clear_outliers_are_found(autoencoder: AutoEncoder, grey: Shapes) -> None:
    assert auc(autoencoder, grey.held_out, grey.outliers) > 0.99


def test_fit_leaves_the_global_generator_alone(few: Shapes) -> None:
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    new_autoencoder(LinSepAutoEncoder).fit(*few.labelled())
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


def test_bfloat16_training_is_about_as_good(autoencoder: AutoEncoder, grey: Shapes) -> None:
    half = new_autoencoder(precision="bfloat16").fit(grey.normal)
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


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No check for a dead network."""
    monkeypatch.setattr(lisae.autoencoder, "check_alive", lambda *arguments: None)


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
    detector = new_autoencoder(epochs=7, batch_size=5, learning_rate=0.25)
    (training,) = trainings_of(detector, colour.normal)
    ((images,),) = training.pools
    np.testing.assert_array_equal(images.permute(0, 2, 3, 1).numpy(), colour.normal)
    assert (training.epochs, training.batch_size, training.learning_rate) == (7, 5, 0.25)
    assert [id(p) for p in training.objective.trained()] == [id(p) for p in detector.network_.parameters()]
    some = colour.normal[[3, 1, 100]]
    expected = squared_errors(some, detector.reconstruct(some)).mean()
    assert float(training.objective(as_batch(some)).detach()) == pytest.approx(expected, rel=1e-5)


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


# Collapse


def collapse(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call the first so many trainings collapsed, and all others alive."""
    calls: list[int] = []

    def check(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) <= times:
            raise CollapseError("called collapsed")

    monkeypatch.setattr(lisae.autoencoder, "check_alive", check)


def test_a_collapse_is_trained_again_from_a_derived_seed(few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    def recorded(attempt: Callable[[int], Any], seed: int) -> Any:
        def spied(seed: int) -> Any:
            seeds.append(seed)
            return attempt(seed)

        return with_restarts(spied, seed)

    monkeypatch.setattr(lisae.autoencoder, "with_restarts", recorded)
    fitted = []
    for times in (0, 1, 1, 3):
        collapse(times, monkeypatch)
        fitted.append(new_autoencoder(epochs=2).fit(few.normal))
    first, restarted, again, last = fitted
    assert [detector.restarts_ for detector in fitted] == [0, 1, 1, 3]
    assert seeds[1:3] == seeds[3:5] == seeds[5:7]
    assert len(set(seeds[5:])) == 4
    scores = [detector.anomaly_score(few.held_out) for detector in (first, restarted, again, last)]
    np.testing.assert_array_equal(scores[1], scores[2])
    assert not np.allclose(scores[0], scores[1])
    assert not np.allclose(scores[1], scores[3])
    assert all(len(detector.losses_) == 2 for detector in fitted)


def test_one_that_stays_collapsed_is_an_error(few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    collapse(4, monkeypatch)
    detector = new_autoencoder(epochs=2)
    with pytest.raises(CollapseError, match="collapsed from 4 seeds in a row, at last because called collapsed"):
        detector.fit(few.normal)
    with pytest.raises(NotFittedError):
        detector.anomaly_score(few.held_out)


def test_a_second_fit_that_collapses_leaves_nothing_of_the_first(few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    collapse(0, monkeypatch)
    detector = new_autoencoder(epochs=2).fit(few.normal)
    collapse(4, monkeypatch)
    with pytest.raises(CollapseError):
        detector.fit(few.normal)
    with pytest.raises(NotFittedError):
        detector.reconstruct(few.held_out)


@pytest.fixture
def default_initialisation(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What PyTorch's layers start with where nobody says otherwise."""

    def default(module: nn.Module, generator: torch.Generator) -> None:
        for layer in module.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                layer.reset_parameters()

    monkeypatch.setattr(lisae.backbone, "initialise", default)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.usefixtures("default_initialisation")
def test_a_real_collapse_is_detected(few: Shapes, caplog: pytest.LogCaptureFixture) -> None:
    """The same training is alive from the backbone's own initialisation: see the next test."""
    with (
        caplog.at_level(logging.INFO, "lisae"),
        pytest.raises(CollapseError, match=r"mean image|latent layer"),
    ):
        new_autoencoder(epochs=25).fit(few.normal)
    assert caplog.text.count("collapsed with seed") == 4


def test_the_backbones_initialisation_does_not_collapse(few: Shapes) -> None:
    assert new_autoencoder(epochs=25).fit(few.normal).restarts_ == 0


def test_a_learning_rate_that_kills_the_network_is_a_collapse(few: Shapes) -> None:
    with pytest.raises(CollapseError, match="collapsed from 4 seeds in a row"):
        new_autoencoder(epochs=2, learning_rate=10.0).fit(few.normal)


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
def test_the_score_is_the_norm_of_the_residual(channels: int, few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    collapse(0, monkeypatch)
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


# Files


def assert_same(loaded: AutoEncoder, saved: AutoEncoder, images: NDArray[Any]) -> None:
    np.testing.assert_array_equal(loaded.anomaly_score(images), saved.anomaly_score(images))
    np.testing.assert_array_equal(loaded.predict(images), saved.predict(images))
    for name in ("threshold_", "losses_", "restarts_", "image_shape_"):
        assert getattr(loaded, name) == getattr(saved, name), name
        assert type(getattr(loaded, name)) is type(getattr(saved, name)), name


def test_a_file_holds_the_whole_detector(
    autoencoder: AutoEncoder, linsep: AutoEncoder, grey: Shapes, tmp_path: Path
) -> None:
    for detector in (autoencoder, linsep):
        path = tmp_path / f"{type(detector).__name__}.safetensors"
        detector.save(path)
        loaded = clone(detector)
        assert loaded.load(path) is loaded
        assert_same(loaded, detector, np.concatenate([grey.held_out, grey.outliers]))


def test_restarts_are_kept_in_the_file(few: Shapes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collapse(2, monkeypatch)
    detector = new_autoencoder(epochs=2).fit(few.normal)
    detector.save(tmp_path / "weights")
    loaded = new_autoencoder(epochs=2).load(tmp_path / "weights")
    assert loaded.restarts_ == 2
    assert_same(loaded, detector, few.outliers)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def cut_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def write_text(path: Path) -> None:
    path.write_text("no weights at all, but more than eight bytes", encoding="utf-8")


def drop_what_was_learned(path: Path) -> None:
    save_file(load_file(path), path)


def spoil_what_was_learned(path: Path) -> None:
    save_file(load_file(path), path, {"learned": "{"})


def forget_the_shape(path: Path) -> None:
    save_file(load_file(path), path, {"learned": "{}"})


def write_foreign_weights(path: Path) -> None:
    learned = '{"image_shape": [16, 16, 1], "threshold": 1, "losses": [], "restarts": 0}'
    save_file({"weight": torch.ones(3)}, path, {"learned": learned})


@pytest.mark.parametrize(
    "spoil",
    [
        truncate,
        cut_the_header,
        empty,
        write_text,
        drop_what_was_learned,
        spoil_what_was_learned,
        forget_the_shape,
        write_foreign_weights,
    ],
)
def test_a_file_that_is_not_whole_or_foreign(
    autoencoder: AutoEncoder, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    path = tmp_path / "spoilt.safetensors"
    autoencoder.save(path)
    spoil(path)
    with pytest.raises(ValueError, match=r"spoilt\.safetensors does not hold the weights of this AutoEncoder: "):
        new_autoencoder().load(path)


def test_a_file_of_another_latent_width(autoencoder: AutoEncoder, tmp_path: Path) -> None:
    autoencoder.save(tmp_path / "weights")
    other = new_autoencoder(latent_dim=8)
    with pytest.raises(ValueError, match=r"weights does not hold the weights of this AutoEncoder: (.|\n)*latent"):
        other.load(tmp_path / "weights")
    assert not hasattr(other, "network_")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        new_autoencoder().load(tmp_path / "nowhere")


# Settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs is a positive number; got 0"),
        ({"batch_size": -2}, "batch_size is a positive number; got -2"),
        ({"learning_rate": 0}, "learning_rate is a positive number; got 0"),
        ({"latent_dim": 0}, "the latent width is at least 1; got 0"),
        ({"precision": "double"}, "the precision is one of .* got 'double'"),
        ({"device": "tpu"}, "the device is one of .* got 'tpu'"),
    ],
)
def test_wrong_settings(few: Shapes, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        new_autoencoder(**settings).fit(few.normal)


def test_the_network_is_the_backbone(autoencoder: AutoEncoder) -> None:
    assert type(autoencoder.network_) is Backbone
    assert autoencoder.network_.latent.out_features == autoencoder.latent_dim
