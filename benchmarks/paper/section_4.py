"""The linear case of the paper (Section 4): Figure 2 and the cross-section, trained in seconds without any record."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lisae.images import as_rows
from lisae.linear import LinearAE, Rows, linear_autoencoder, tilted
from lisae.settings import Count, Positive

DIGIT = 8
_EIGHTS = 4
_VARIANCES = (1.0, 0.2, 0.01)  # of x, y and z in Section 4.2
GAMMAS = (2.0, 5.0, 10.0)
LOSS = 1.0  # of the contours: what the linear AE gives the negatives, and normal samples with y = 1 and z = 0
_DRAWS, _ANGLES = 256, 360
_MIRRORS = np.array(list(product((1, -1), repeat=3)))


def figure_2_points(
    train_images: NDArray[np.uint8],
    train_labels: NDArray[np.integer],
    negatives: NDArray[np.uint8],
    test_images: NDArray[np.uint8],
    test_labels: NDArray[np.integer],
    *,
    latent_dim: Count = 16,
    gamma: Positive = 10.0,
    beta: float = 1.0,
    epochs: Count = 10,
    learning_rate: Positive = 1e-2,
    seed: int,
    data_variant: str,
) -> pd.DataFrame:
    """Train both models on the eights and return the images of the figure, one in each row.

    The columns of the figure are the first four eights and then the first of every other digit of the test set.
    Rows (d) and (f) are determined up to a rotation of the latent space (see ``lisae.linear.tilted``): the norm of
    these reconstructions says something, their shape does not.

    Args:
        train_images, negatives, test_images: (n, h, w), uint8.
        train_labels, test_labels: digits, (n,).
        latent_dim: rank of both models.
        gamma, beta, epochs, learning_rate: as in ``lisae.linear.tilted``.
        seed: decides how the tilt begins, and the order of the images in training.
        data_variant: which of the data sets are not the complete official ones, '' for none.

    Returns:
        ``row`` (a to f), ``column`` (from 0), ``digit``, the settings under their names above, ``data_variant``,
        ``norm`` (Euclidean, of the image's pixels), and the pixels ``p0, p1, ...`` line by line of the image; inputs
        are in [0, 1].
    """
    normal = as_rows(train_images[train_labels == DIGIT])
    others = [digit for digit in np.unique(test_labels) if digit != DIGIT]
    shown = [*np.flatnonzero(test_labels == DIGIT)[:_EIGHTS], *(np.argmax(test_labels == digit) for digit in others)]
    plain = linear_autoencoder(normal, latent_dim)
    settings: dict[str, Any] = {"gamma": gamma, "beta": beta, "epochs": epochs, "learning_rate": learning_rate}
    shaped = tilted(plain, normal, as_rows(negatives), **settings, seed=seed)
    inputs = as_rows(test_images[shown])
    orthogonal = plain.orthogonal(inputs)
    images: list[Rows] = [inputs, orthogonal]  # rows (a) and (b)
    for part in (orthogonal, inputs):  # (c) and (d), (e) and (f)
        images += [plain.reconstruct(part), shaped.reconstruct(part)]
    # Adding zero turns -0 into 0, so that what rounds to nothing is written alike whatever its sign.
    values = np.concatenate(images).round(4) + 0.0
    places = {
        "row": np.repeat(list("abcdef"), len(shown)),
        "column": np.tile(np.arange(len(shown)), len(images)),
        "digit": np.tile(test_labels[shown], len(images)),
        "latent_dim": latent_dim,
        **settings,
        "data_variant": data_variant,
        "norm": np.linalg.norm(values, axis=1).round(4),
    }
    return pd.concat([pd.DataFrame(places), pd.DataFrame(values).add_prefix("p")], axis=1)


def gaussian_case(rank: int, n_features: int, n: int) -> tuple[LinearAE, Rows]:
    """Return a linear AE (Section 4.1) of n drawn samples, and these and n of an isotropic Gaussian, (2 n, n_features).

    ``rank`` is its latent width. The features of the samples that it is made of are correlated.
    """
    random = np.random.default_rng(0)
    normal = random.normal(size=(n, n_features)) @ random.normal(size=(n_features, n_features))
    return linear_autoencoder(normal, rank), np.concatenate([normal, random.normal(size=(n, n_features))])


@dataclass(frozen=True)
class LinearCase:
    """The example of Section 4.2 in three dimensions, x, y and z."""

    samples: Rows  # X+, (n, 3), drawn from a Gaussian
    negatives: Rows  # X-, (k, 3), on the z-axis at a distance of 1
    plain: LinearAE  # of rank 1
    shaped: Mapping[float, LinearAE]  # linear LIS-AE by its gamma, in ascending order


@cache
def linear_case(gammas: tuple[float, ...] = GAMMAS, *, seed: int = 0) -> LinearCase:
    """Draw the samples of Section 4.2, and train the linear AE and, from the same seed, LIS-AE of each gamma."""
    # Each draw is taken with its mirror images, so that no two axes are correlated.
    draws = np.random.default_rng(seed).normal(size=(_DRAWS, 1, 3)) * np.sqrt(_VARIANCES)
    samples = (draws * _MIRRORS).reshape(-1, 3)
    negatives = np.tile([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]], (64, 1))
    plain = linear_autoencoder(samples, 1)
    settings: dict[str, Any] = {"learning_rate": 0.05, "seed": seed}
    shaped = {gamma: tilted(plain, samples, negatives, gamma=gamma, **settings) for gamma in sorted(gammas)}
    return LinearCase(samples, negatives, plain, shaped)


def tilt_of(model: LinearAE) -> float:
    """Return |g| of an encoder (1, 0, g): the size of z's weight beside that of x."""
    return float(abs(model.encoder[2, 0] / model.encoder[0, 0]))


def cross_section_points(gammas: tuple[float, ...] = GAMMAS, *, seed: int = 0) -> pd.DataFrame:
    """Return the points of the yz-plane where the models of ``linear_case`` have the loss ``LOSS``.

    The loss does not depend on x (it is ||(y, z)||, and with a tilt sqrt(y^2 + (1 + g^2) z^2)), so that the plane
    shows all of it. It is proportional to the distance from the origin, and the contour is found by that.

    Returns:
        ``points`` (*normal* or *negative* for samples, else the model whose contour it is), ``gamma`` and ``tilt``
        (see ``tilt_of``; both NaN but for LIS-AE), ``y``, ``z`` and ``loss`` (for samples under the linear AE).
    """
    case = linear_case(gammas, seed=seed)
    frames = [
        _frame("normal", case.plain, case.samples[:: len(_MIRRORS)]),
        _frame("negative", case.plain, case.negatives[:2]),
        _frame("linear AE", case.plain, _contour(case.plain)),
        *(_frame("linear LIS-AE", shaped, _contour(shaped), gamma) for gamma, shaped in case.shaped.items()),
    ]
    return pd.concat(frames, ignore_index=True).round(4)


def _contour(model: LinearAE) -> Rows:
    angles = np.linspace(0, 2 * np.pi, _ANGLES + 1)
    unit = np.stack([np.zeros_like(angles), np.cos(angles), np.sin(angles)], axis=1)
    return unit * (LOSS / model.loss(unit))[:, None]


def _frame(name: str, model: LinearAE, x: Rows, gamma: float = np.nan) -> pd.DataFrame:
    settings = {"points": name, "gamma": gamma, "tilt": np.nan if np.isnan(gamma) else tilt_of(model)}
    return pd.DataFrame(settings | {"y": x[:, 1], "z": x[:, 2], "loss": model.loss(x)})
