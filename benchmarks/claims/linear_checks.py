"""Checks of the linear case of Section 4, computed exactly and in seconds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.claims.evidence import Finding, finding_over
from benchmarks.claims.network_checks import images_of
from benchmarks.engine.evaluate import Context
from benchmarks.engine.run import Run
from benchmarks.paper.section_4 import GAMMAS, gaussian_case, linear_case, tilt_of
from lisae.images import as_rows
from lisae.linear import LinearAE, Rows, linear_autoencoder, tilted

ARBITRARY_TILT = "arbitrary tilt"


def orthogonal_part(rank: int, n_features: int, n: int) -> Finding:
    """Return the largest norm of what a linear AE makes of the orthogonal part of a sample, relative to that part."""
    model, samples = gaussian_case(rank=rank, n_features=n_features, n=n)
    orthogonal = model.orthogonal(samples)
    ratios = np.linalg.norm(model.reconstruct(orthogonal), axis=1) / np.linalg.norm(orthogonal, axis=1)
    remark = f"rank {rank} of {n_features} dimensions; samples of a Gaussian, and others of an isotropic one"
    return Finding(float(ratios.max()), len(ratios), remark)


def normal_loss(gammas: tuple[float, ...]) -> Finding:
    """Return the largest relative change, at the largest gamma, of the loss of a sample (x, y, 0).

    It is infinite if a sample with a z has a lower loss than before.
    """
    case = linear_case(gammas)
    gamma, shaped = max(case.shaped.items())
    normal = case.samples * [1, 1, 0]
    change = np.abs(shaped.loss(normal) / case.plain.loss(normal) - 1).max()
    rise = (shaped.loss(case.samples) / case.plain.loss(case.samples)).min()
    remark = f"gamma {gamma:g}; of samples with a z, the loss is at least {rise:.4f} times that of the linear AE"
    return Finding(float(change if rise >= 1 else np.inf), len(normal), remark)


def tilt(gammas: tuple[float, ...]) -> Finding:
    """Return the smallest step of |g| from one gamma to the next.

    It is negative infinity where the decoder is not (1, 0, 0) or an encoder is not (1, 0, g), up to sign.
    """
    case = linear_case(gammas)
    encoders = [np.abs(model.encoder[:, 0]) for model in case.shaped.values()]
    decoders = [np.abs(model.decoder[:, 0]) for model in (case.plain, *case.shaped.values())]
    as_said = np.allclose([encoder[:2] for encoder in encoders], [1, 0], atol=0.05)
    as_said &= np.allclose(decoders, [1, 0, 0], atol=0.01)
    tilts = {gamma: tilt_of(model) for gamma, model in case.shaped.items()}
    step = float(np.diff(list(tilts.values())).min()) if as_said else -np.inf
    told = ", ".join(f"{size:.2f} at gamma {gamma:g}" for gamma, size in tilts.items())
    return Finding(step, len(tilts), f"|g| is {told}")


# Each with the settings that decide its result.
LINEAR: Mapping[str, tuple[Callable[..., Finding], dict[str, Any]]] = {
    "orthogonal part": (orthogonal_part, {"rank": 5, "n_features": 20, "n": 1000}),
    "normal loss": (normal_loss, {"gammas": GAMMAS}),
    "tilt": (tilt, {"gammas": GAMMAS}),
}


def arbitrary_tilt(
    runs: Sequence[Run],
    context: Context,
    *,
    latent_dim: int,
    reach: float,
    epochs: int,
    learning_rate: float,
    draws: int,
) -> Mapping[str, Finding]:
    """Return what a tilt in arbitrary directions adds to the AUC of a linear AE, on the images of some runs.

    The tilt is as large as that learned from the negatives of the run, and its directions in the complement are drawn.

    Args:
        runs: of tasks with negatives; only their images and their seed are used.
        context: the data directory.
        latent_dim, epochs, learning_rate: of the linear models, as in ``lisae.linear``.
        reach: gamma, as a multiple of the mean loss of the negatives under the linear AE.
        draws: tilts of a task.
    """
    random = np.random.default_rng(0)
    gains, of_negatives = [], []
    for run in runs:
        images = images_of(run, context)
        normal, negatives, inside, outside = map(as_rows, images)

        def auc(model: LinearAE, inside: Rows = inside, outside: Rows = outside) -> float:
            is_outlier = np.repeat([0, 1], [len(inside), len(outside)])
            return float(roc_auc_score(is_outlier, np.concatenate([model.loss(inside), model.loss(outside)])))

        plain = linear_autoencoder(normal, latent_dim)
        gamma = reach * float(plain.loss(negatives).mean())
        settings: dict[str, Any] = {"gamma": gamma, "epochs": epochs, "learning_rate": learning_rate, "seed": run.seed}
        shaped = tilted(plain, normal, negatives, **settings)
        of_negatives.append(auc(shaped) - auc(plain))
        gains.append(float(np.mean([auc(turned(shaped, random)) for _ in range(draws)])) - auc(plain))
    remark = (
        f"{len(runs)} tasks of {runs[0].task.dataset}, {draws} tilts of each, by task "
        f"{', '.join(f'{gain:+.4f}' for gain in gains)}; "
        f"what is learned from negatives adds {np.mean(of_negatives):+.4f}"
    )
    return {ARBITRARY_TILT: finding_over(gains, remark)}


def turned(model: LinearAE, random: np.random.Generator) -> LinearAE:
    """Return a linear LIS-AE whose tilt is as large as before, in directions of the complement that are drawn."""
    _, sizes, latent = np.linalg.svd(model.tilt, full_matrices=False)
    directions, _ = np.linalg.qr(random.normal(size=model.tilt.shape))
    return replace(model, tilt=directions * sizes @ latent)
