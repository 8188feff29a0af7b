"""Claims that are computed rather than read off AUCs: what shaping leaves alone, and the linear case of Section 4."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import torch

from benchmarks.claims.bootstrap import Estimate
from benchmarks.claims.evidence import Evidence, NotMeasured, Selection, common_keys
from benchmarks.data.catalogue import CATALOGUE
from benchmarks.engine.run import Run, stage_of
from benchmarks.registry import build
from lisae import LISAE, BackboneDetector, CollapseError
from lisae.linear import LinearAE, Rows, linear_autoencoder, tilted

_IMAGES = 64  # of noise, or waves
_QUICK = {"epochs": 30, "batch_size": 16}
_RANK = 5
_GAMMAS = (2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Finding:
    """The value of a check, and what else a reader should know of it."""

    estimate: Estimate
    remark: str


def same_weights(evidence: Evidence, shaped: Selection, plain: Selection) -> Finding:
    """The share of tasks where LIS-AE has AE's encoder and decoder, bit for bit, for the first seed.

    Two things are checked. LIS-AE's run names the AE run that it stands beside as the phase one it began from. And
    latent shaping with that run's settings, repeated for an epoch on a little noise, changes no weight but the latent
    layer's. It begins from the weights that phase one left behind or, where they are not kept, from a phase one
    trained in a moment on drawn waves. The weights that LIS-AE ended with are not kept.

    Raises ``NotMeasured`` where records are not there.
    """
    keys = common_keys([(1, shaped), (-1, plain)])
    seed = evidence.seeds_of([(shaped, keys), (plain, keys)])[0]
    pairs = [
        (evidence.run(shaped.parts[key][0].measurement, seed), evidence.run(plain.parts[key][0].measurement, seed))
        for key in keys
    ]
    kept = sum(evidence.store.weights_path(beside).is_file() for _, beside in pairs)
    same = [_begins_from(run, beside) and _only_latent_changes(evidence, run, beside) for run, beside in pairs]
    remark = (
        "phase one of every LIS-AE run is the AE run beside it, and an epoch of shaping, repeated on noise, changed no "
        f"weight outside the latent layer: from the kept weights of {kept} of {len(pairs)} AE runs, else from an AE "
        "trained on drawn waves"
    )
    return Finding(Estimate(float(np.mean(same)), n=len(same)), remark if all(same) else "")


def _begins_from(run: Run, beside: Run) -> bool:
    stage = stage_of(run)
    return stage is not None and stage.id == beside.id


def _only_latent_changes(evidence: Evidence, run: Run, stage: Run) -> bool:
    path = evidence.store.weights_path(stage)
    try:
        if path.is_file():
            kept = _new(stage).load(path)
        else:
            settings = json.dumps(stage.settings | _QUICK, sort_keys=True)
            kept = _trained_on_waves(stage.model, settings, CATALOGUE[stage.task.dataset].image_shape)
        shaped = build(run.model, run.settings | {"epochs": 1}, run.seed, "cpu", kept)
        assert isinstance(shaped, LISAE)
        noise = np.random.default_rng(0).integers(0, 256, (2 * _IMAGES, *kept.image_shape_), dtype=np.uint8)
        shaped.fit(noise, np.repeat([1, -1], _IMAGES))
    except (ValueError, CollapseError) as error:
        raise NotMeasured(f"shaping could not be repeated from {path.name}: {error}") from error
    before, after = kept.network_.state_dict(), shaped.network_.state_dict()
    changed = {name.split(".")[0] for name, weights in before.items() if not torch.equal(weights, after[name])}
    return changed == {"latent"}


@cache
def _trained_on_waves(model: str, settings: str, shape: tuple[int, ...]) -> BackboneDetector:
    """Phase one of these settings, as JSON, on waves of any phase and height."""
    random = np.random.default_rng(0)
    phases, heights = random.uniform(0, 2 * np.pi, (_IMAGES, 1)), random.uniform(30, 120, (_IMAGES, 1))
    waves = 127 + heights * np.sin(np.linspace(0, 2 * np.pi, math.prod(shape)) + phases)
    detector = build(model, json.loads(settings), 0, "cpu")
    assert isinstance(detector, BackboneDetector)
    return detector.fit(waves.astype(np.uint8).reshape(_IMAGES, *shape))


def _new(stage: Run) -> BackboneDetector:
    detector = build(stage.model, stage.settings, stage.seed, "cpu")
    assert isinstance(detector, BackboneDetector)
    return detector


def orthogonal_part() -> Finding:
    """The largest norm of what a linear AE makes of the orthogonal part of a sample, relative to that part."""
    random = np.random.default_rng(0)
    normal, others = random.normal(size=(1000, 20)) @ random.normal(size=(20, 20)), random.normal(size=(1000, 20))
    plain = linear_autoencoder(normal, _RANK)
    orthogonal = plain.orthogonal(np.concatenate([normal, others]))
    ratios = np.linalg.norm(plain.reconstruct(orthogonal), axis=1) / np.linalg.norm(orthogonal, axis=1)
    remark = f"rank {_RANK} of 20 dimensions; samples of a Gaussian, and others of an isotropic one"
    return Finding(Estimate(float(ratios.max()), n=len(ratios)), remark)


def normal_loss() -> Finding:
    """The largest relative change of the loss of a sample (x, y, 0); infinite if a sample with a z has a lower loss."""
    samples = _gaussian()
    plain, shaped = linear_autoencoder(samples, 1), _shaped(_GAMMAS[-1])
    normal = samples * [1, 1, 0]
    change = np.abs(shaped.loss(normal) / plain.loss(normal) - 1).max()
    rise = (shaped.loss(samples) / plain.loss(samples)).min()
    remark = f"gamma {_GAMMAS[-1]:g}; of samples with a z, the loss is at least {rise:.4f} times that of the linear AE"
    return Finding(Estimate(float(change if rise >= 1 else np.inf), n=len(normal)), remark)


def tilt() -> Finding:
    """The smallest step of g from one gamma to the next; negative infinity where the encoder is not (1, 0, g)."""
    plain = linear_autoencoder(_gaussian(), 1)
    encoders = [np.abs(_shaped(gamma).encoder[:, 0]) for gamma in _GAMMAS]
    steps = np.diff([encoder[2] for encoder in encoders])
    as_said = np.allclose([encoder[:2] for encoder in encoders], [1, 0], atol=0.05)
    as_said &= np.allclose(np.abs(plain.decoder[:, 0]), [1, 0, 0], atol=0.01)
    tilts = ", ".join(f"{encoder[2]:.2f} at gamma {gamma:g}" for encoder, gamma in zip(encoders, _GAMMAS, strict=True))
    return Finding(Estimate(float(steps.min()) if as_said else -np.inf, n=len(_GAMMAS)), f"|g| is {tilts}")


def _gaussian() -> Rows:
    """X+ of Section 4.2, (2048, 3), each draw with its mirror images, so that no two axes are correlated."""
    draws = np.random.default_rng(0).normal(size=(256, 1, 3)) * np.sqrt([1, 0.2, 0.01])
    return (draws * list(product((1, -1), repeat=3))).reshape(-1, 3)


@cache
def _shaped(gamma: float) -> LinearAE:
    """Linear LIS-AE of that Gaussian, with negatives on the z-axis."""
    samples, negatives = _gaussian(), np.tile([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]], (64, 1))
    return tilted(linear_autoencoder(samples, 1), samples, negatives, gamma=gamma, learning_rate=0.05)


LINEAR: Mapping[str, Callable[[], Finding]] = {
    "orthogonal part": orthogonal_part,
    "normal loss": normal_loss,
    "tilt": tilt,
}
