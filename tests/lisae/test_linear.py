"""The statements of Section 4 about the linear case, on data for which its assumptions hold."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from lisae.images import as_rows
from lisae.linear import LinearAE, linear_autoencoder, tilted
from tests.shapes import Shapes

Rows = NDArray[np.float64]

FEATURES, RANK, NORMAL_RANK = 12, 3, 6
GAMMA = 5.0


def drawn(n: int, axes: slice, seed: int) -> Rows:
    """Gaussian samples on some of the axes of R^12, of falling variance, that are turned alike for every call."""
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(FEATURES, FEATURES)))[0]
    samples = np.random.default_rng(seed).normal(size=(n, FEATURES)) / np.arange(1, FEATURES + 1) ** 0.5
    chosen = np.zeros(FEATURES)
    chosen[axes] = 1
    return samples * chosen @ turn


@pytest.fixture(scope="module")
def normal() -> Rows:
    """More dimensions than the latent layer has, and fewer than there are: C+ does not span R^(m - r)."""
    return drawn(400, slice(NORMAL_RANK), seed=1)


@pytest.fixture(scope="module")
def anomalies() -> Rows:
    return drawn(100, slice(FEATURES), seed=3)


@pytest.fixture(scope="module")
def plain(normal: Rows) -> LinearAE:
    return linear_autoencoder(normal, RANK)


@pytest.fixture(scope="module")
def shaped(plain: LinearAE, normal: Rows) -> LinearAE:
    return tilted(plain, normal, drawn(400, slice(FEATURES), seed=2), gamma=GAMMA, batch_size=32, learning_rate=0.05)


# Section 4.1: the linear autoencoder


def test_decoder_and_complement_are_one_orthonormal_basis(plain: LinearAE) -> None:
    basis = np.hstack([plain.decoder, plain.complement])
    np.testing.assert_allclose(basis.T @ basis, np.eye(FEATURES), atol=1e-12)
    np.testing.assert_array_equal(plain.encoder, plain.decoder)


def test_it_is_the_truncated_svd_without_a_mean_taken_off(normal: Rows) -> None:
    shifted = normal + 0.5
    u, s, vt = np.linalg.svd(shifted, full_matrices=False)
    best = (u[:, :RANK] * s[:RANK]) @ vt[:RANK]
    np.testing.assert_allclose(linear_autoencoder(shifted, RANK).reconstruct(shifted), best, atol=1e-10)


def test_parallel_and_orthogonal_part_are_orthogonal_and_add_up(plain: LinearAE, anomalies: Rows) -> None:
    parallel, orthogonal = plain.parallel(anomalies), plain.orthogonal(anomalies)
    np.testing.assert_allclose(parallel + orthogonal, anomalies, atol=1e-12)
    np.testing.assert_allclose((parallel * orthogonal).sum(axis=1), 0, atol=1e-12)
    assert np.linalg.norm(orthogonal, axis=1).min() > 0.1


def test_linear_ae_reconstructs_the_orthogonal_part_as_zero(plain: LinearAE, normal: Rows, anomalies: Rows) -> None:
    for x in (normal, anomalies):
        np.testing.assert_allclose(plain.reconstruct(plain.orthogonal(x)), 0, atol=1e-12)


def test_the_loss_of_linear_ae_is_the_norm_of_the_orthogonal_part(plain: LinearAE, anomalies: Rows) -> None:
    np.testing.assert_allclose(plain.loss(anomalies), np.linalg.norm(plain.orthogonal(anomalies), axis=1))


def test_fewer_samples_than_features_still_have_a_whole_complement(few: Shapes) -> None:
    rows = as_rows(few.normal)
    model = linear_autoencoder(rows, 4)
    assert model.complement.shape == (rows.shape[1], rows.shape[1] - 4)


@pytest.mark.parametrize("rank", [0, 12, 13])
def test_a_rank_that_leaves_nothing_or_takes_all(normal: Rows, rank: int) -> None:
    with pytest.raises(ValueError, match=f"below the 12 features and not above the 400 samples; got {rank}"):
        linear_autoencoder(normal, rank)


def test_a_rank_above_the_samples(normal: Rows) -> None:
    with pytest.raises(ValueError, match="not above the 5 samples; got 6"):
        linear_autoencoder(normal[:5], 6)


# Section 4.1: the tilt


def test_the_decoder_is_frozen_and_the_encoder_moves_within_the_complement(plain: LinearAE, shaped: LinearAE) -> None:
    np.testing.assert_array_equal(shaped.decoder, plain.decoder)
    np.testing.assert_allclose(plain.decoder.T @ (shaped.encoder - plain.encoder), 0, atol=1e-12)
    assert np.linalg.norm(shaped.encoder - plain.encoder) > 1


def test_the_loss_of_normal_samples_stays(plain: LinearAE, shaped: LinearAE) -> None:
    """L_LIS(x+) = L_AE(x+), within 2% on average and 5% for each, of samples that training did not see."""
    new = drawn(400, slice(NORMAL_RANK), seed=4)
    before, after = plain.loss(new), shaped.loss(new)
    assert after.mean() < 1.02 * before.mean()
    assert (after < 1.05 * before).all()


def test_the_loss_of_anomalies_rises(plain: LinearAE, shaped: LinearAE, anomalies: Rows) -> None:
    """L_LIS(x^a) >= L_AE(x^a): for all, and by far for most, although none was seen."""
    ratio = shaped.loss(anomalies) / plain.loss(anomalies)
    assert ratio.min() > 1
    assert np.median(ratio) > 3


def test_the_loss_is_that_of_b_and_c(shaped: LinearAE, anomalies: Rows) -> None:
    c = anomalies @ shaped.complement
    expected = np.square(c @ shaped.tilt).sum(axis=1) + np.square(c).sum(axis=1)
    np.testing.assert_allclose(np.square(shaped.loss(anomalies)), expected)


def test_negatives_come_near_gamma(plain: LinearAE, shaped: LinearAE) -> None:
    negatives = drawn(400, slice(FEATURES), seed=2)
    assert plain.loss(negatives).mean() < GAMMA / 3
    assert shaped.loss(negatives).mean() == pytest.approx(GAMMA, rel=0.2)


def test_a_gamma_that_negatives_have_already_tilts_nothing(plain: LinearAE, normal: Rows, anomalies: Rows) -> None:
    gamma = 0.9 * float(plain.loss(anomalies).min())
    idle = tilted(plain, normal, anomalies, gamma=gamma)
    np.testing.assert_allclose(idle.loss(anomalies), plain.loss(anomalies), rtol=1e-3)


def test_a_tilt_turned_in_the_latent_space_has_the_same_losses(shaped: LinearAE, anomalies: Rows) -> None:
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(RANK, RANK)))[0]
    turned = LinearAE(shaped.decoder, shaped.complement, shaped.tilt @ turn)
    np.testing.assert_allclose(turned.loss(anomalies), shaped.loss(anomalies))
    assert not np.allclose(turned.reconstruct(anomalies), shaped.reconstruct(anomalies), atol=0.1)


def test_the_seed_decides(plain: LinearAE, normal: Rows, anomalies: Rows) -> None:
    first, again, other = (
        tilted(plain, normal, anomalies, gamma=GAMMA, epochs=1, seed=seed).tilt for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("wrong", [{"gamma": 0.0}, {"gamma": 1.0, "beta": -1.0}])
def test_wrong_settings(plain: LinearAE, normal: Rows, anomalies: Rows, wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="gamma is above 0 and beta not below; got gamma"):
        tilted(plain, normal, anomalies, **wrong)


# Section 4.2: the Gaussian in three dimensions, with negatives on the z-axis

GAMMAS = (2.0, 5.0, 10.0)


@pytest.fixture(scope="module")
def gaussian() -> Rows:
    """Draws with their mirror images, so that the axes are not correlated in the sample either."""
    draws = np.random.default_rng(0).normal(size=(256, 1, 3)) * np.sqrt([1, 0.2, 0.01])
    return (draws * list(product((1, -1), repeat=3))).reshape(-1, 3)


@pytest.fixture(scope="module")
def tilts(gaussian: Rows) -> dict[float, LinearAE]:
    on_z = np.tile([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]], (64, 1))
    plain = linear_autoencoder(gaussian, 1)
    return {gamma: tilted(plain, gaussian, on_z, gamma=gamma, learning_rate=0.05) for gamma in GAMMAS}


def test_the_decoder_is_the_x_axis(gaussian: Rows) -> None:
    np.testing.assert_allclose(np.abs(linear_autoencoder(gaussian, 1).decoder[:, 0]), [1, 0, 0], atol=1e-12)


def test_the_encoder_tilts_towards_z_the_more_the_larger_gamma(tilts: dict[float, LinearAE]) -> None:
    """Negatives at a distance of 1 reach gamma at g^2 = gamma^2 - 1; the paper leaves the 1 out."""
    for gamma, model in tilts.items():
        x, y, z = np.abs(model.encoder[:, 0])
        assert x == pytest.approx(1)
        assert y == pytest.approx(0, abs=0.02)
        assert z == pytest.approx(np.sqrt(gamma**2 - 1), rel=1e-2)


def test_the_loss_weighs_z_by_g_squared_and_not_x(tilts: dict[float, LinearAE]) -> None:
    """L^2 = y^2 + (1 + g^2) z^2; the paper's y^2 + g^2 z^2 is that for a large g."""
    x, y, z = np.random.default_rng(1).normal(size=(3, 50))
    for model in tilts.values():
        g = model.encoder[2, 0]
        squares = np.square(model.loss(np.stack([x, y, z], axis=1)))
        np.testing.assert_allclose(squares, y**2 + (1 + g**2) * z**2, rtol=0.05)
    np.testing.assert_allclose(squares, y**2 + g**2 * z**2, rtol=0.05)


def test_normal_samples_in_the_xy_plane_keep_their_loss(tilts: dict[float, LinearAE], gaussian: Rows) -> None:
    flat = gaussian * [1, 1, 0]
    for model in tilts.values():
        np.testing.assert_allclose(model.loss(flat), np.abs(flat[:, 1]), rtol=1e-3)
