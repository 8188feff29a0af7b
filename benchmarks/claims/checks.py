"""Claims that are computed rather than read off AUCs: what shaping leaves alone, and the linear case of Section 4.

They are computed before anything is written and kept as ``checks.csv``, a row for each check: ``run`` (the id of what
it was made from), ``check``, ``value``, ``n`` and ``remark``. The ledger only reads them.
"""

import csv
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.claims.evidence import Evidence, NotMeasured, evidence_of
from benchmarks.data.catalogue import CATALOGUE
from benchmarks.engine.computations import Computation
from benchmarks.engine.evaluate import Context, build
from benchmarks.engine.execute import Failure, prepare_process, stage_from
from benchmarks.engine.plan import Plan
from benchmarks.engine.records import Store
from benchmarks.engine.run import Run, stage_of
from benchmarks.paper.claims import claims, common_keys
from benchmarks.paper.section_4 import GAMMAS, LinearCase, gaussian_case, linear_case, tilt_of
from benchmarks.paper.tasks import Task
from lisae import LISAE, BackboneDetector, CollapseError, Detector
from lisae.linear import LinearAE, Rows

FILE = "checks.csv"
SAME_WEIGHTS = "same weights"

_COLUMNS = ("run", "check", "value", "n", "remark")
_IMAGES = 64  # of noise, or waves
_QUICK = {"epochs": 30, "batch_size": 16}

Pairs = Sequence[tuple[Run, Run]]  # LIS-AE, and the AE beside it in the tables


@dataclass(frozen=True)
class Finding:
    """The value of a check, the number of values behind it, and what else a reader should know of it."""

    value: float
    n: int
    remark: str


def computations(plan: Plan) -> list[Computation]:
    """Return what has to be computed for the ledger of a call."""
    return [computation(evidence_of(plan))]


def computation(evidence: Evidence) -> Computation:
    """Return the computation of every check; that of weights is left out where its records are missing."""
    made_from = {check: _naming(check, settings) for check, (_, settings) in LINEAR.items()}
    try:
        pairs = weight_pairs(evidence)
        made_from[SAME_WEIGHTS] = _naming_pairs(pairs)
    except NotMeasured:
        pairs = []
    return Computation(FILE, made_from, are_recorded=False, compute=partial(_compute, pairs))


def finding(check: str, evidence: Evidence) -> Finding:
    """Read what was computed of a check. Raises ``NotMeasured`` where there is nothing, or records are missing."""
    run = _naming_pairs(weight_pairs(evidence)) if check == SAME_WEIGHTS else _naming(check, LINEAR[check][1])
    try:
        with (evidence.store.root / FILE).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["run"] == run.id:
                    return Finding(float(row["value"]), int(row["n"]), row["remark"])
    except (OSError, KeyError, TypeError, ValueError):
        pass  # missing or damaged
    raise NotMeasured(f"{FILE} does not hold this computation: {evidence.command} makes it or says why it cannot")


def _naming(check: str, settings: Mapping[str, Any]) -> Run:
    """Name what a check is made from, as a run that nobody trains or records."""
    return Run(Task("", (), ()), check, 0, dict(settings), {}, {})


def _naming_pairs(pairs: Pairs) -> Run:
    return _naming(SAME_WEIGHTS, {shaped.id: plain.id for shaped, plain in pairs})


def _compute(pairs: Pairs, runs: Mapping[str, Run], context: Context) -> tuple[pd.DataFrame, list[Failure]]:
    prepare_process()
    rows, failures = [], []
    for check, run in runs.items():
        try:
            found = same_weights(pairs, context) if check == SAME_WEIGHTS else LINEAR[check][0](**run.settings)
            rows.append((run.id, check, found.value, found.n, found.remark))
        except CollapseError as error:
            failures.append(Failure(run.id, f"a training of it failed: {error}"))
    return pd.DataFrame(rows, columns=pd.Index(_COLUMNS)), failures


# Weights


def weight_pairs(evidence: Evidence) -> Pairs:
    """Return the pairs of runs whose weights are claimed to be the same, of the first seed that has all records.

    Raises ``NotMeasured`` where there is none.
    """
    (claim,) = (claim for claim in claims() if claim.check == SAME_WEIGHTS)
    sides = claim.sides({})
    keys = common_keys(sides)
    seed = evidence.seeds_of([(selection, keys) for _, selection in sides])[0]
    shaped, plain = (
        [evidence.run(selection.cells[key][0].measurement, seed) for key in keys] for _, selection in sides
    )
    return list(zip(shaped, plain, strict=True))


def same_weights(pairs: Pairs, context: Context) -> Finding:
    """Return the share of pairs in which LIS-AE has AE's encoder and decoder, bit for bit.

    Two things are checked. LIS-AE's run names the AE run that it stands beside as the phase one it began from. And
    latent shaping with that run's settings, repeated for an epoch on a little noise, changes no weight but the latent
    layer's. It begins from the weights that phase one left behind or, where they are not kept, from a phase one
    trained in a moment on drawn waves. The weights that LIS-AE ended with are not kept.

    Raises ``CollapseError`` when one of these little trainings collapses.
    """
    store, context = Store(context.results_dir), replace(context, device="cpu")
    n_kept, differences = 0, []
    for shaped, plain in pairs:
        kept = stage_from(plain, store.weights(plain), context)
        n_kept += kept is not None
        difference = _difference(shaped, plain, kept)
        if difference:
            classes = ",".join(map(str, shaped.task.normal))
            differences.append(f"{shaped.model} on {shaped.task.dataset} {classes} {difference}")
    remark = f"{len(differences)} of {len(pairs)} pairs differ, such as: {differences[0]}" if differences else ""
    as_claimed = (
        "phase one of every LIS-AE run is the AE run beside it, and an epoch of shaping, repeated on noise, changed no "
        f"weight outside the latent layer: from the kept weights of {n_kept} of {len(pairs)} AE runs, else from an AE "
        "trained on drawn waves"
    )
    return Finding(1 - len(differences) / len(pairs), len(pairs), remark or as_claimed)


def _difference(shaped: Run, plain: Run, kept: Detector | None) -> str:
    """Tell what makes the two differ, '' for nothing."""
    stage = stage_of(shaped)
    if stage is None or stage.id != plain.id:
        return "began from another run than the AE beside it"
    before = kept
    if before is None:
        settings = json.dumps(plain.settings | _QUICK, sort_keys=True)
        before = _trained_on_waves(plain.model, settings, CATALOGUE[plain.task.dataset].image_shape)
    after = build(shaped.model, shaped.settings | {"epochs": 1}, shaped.seed, "cpu", before)
    assert isinstance(before, BackboneDetector)
    assert isinstance(after, LISAE)
    noise = np.random.default_rng(0).integers(0, 256, (2 * _IMAGES, *before.image_shape_), dtype=np.uint8)
    after.fit(noise, np.repeat([1, -1], _IMAGES))
    weights = after.network_.state_dict()
    changed = {
        name.partition(".")[0]
        for name, weight in before.network_.state_dict().items()
        if not torch.equal(weight, weights[name])
    }
    return "" if changed == {"latent"} else f"had {', '.join(sorted(changed)) or 'nothing'} changed by shaping"


@cache
def _trained_on_waves(model: str, settings: str, shape: tuple[int, ...]) -> Detector:
    """Train phase one with these settings, given as JSON, on waves of any phase and height."""
    random = np.random.default_rng(0)
    phases, heights = random.uniform(0, 2 * np.pi, (_IMAGES, 1)), random.uniform(30, 120, (_IMAGES, 1))
    waves = 127 + heights * np.sin(np.linspace(0, 2 * np.pi, math.prod(shape)) + phases)
    return build(model, json.loads(settings), 0, "cpu").fit(waves.astype(np.uint8).reshape(_IMAGES, *shape))


# The linear case


def orthogonal_part(model: LinearAE, x: Rows) -> Finding:
    """Return the largest norm of what a linear AE makes of the orthogonal part of a sample, relative to that part."""
    orthogonal = model.orthogonal(x)
    ratios = np.linalg.norm(model.reconstruct(orthogonal), axis=1) / np.linalg.norm(orthogonal, axis=1)
    n_features, rank = model.decoder.shape
    remark = f"rank {rank} of {n_features} dimensions; samples of a Gaussian, and others of an isotropic one"
    return Finding(float(ratios.max()), len(ratios), remark)


def normal_loss(case: LinearCase) -> Finding:
    """Return the largest relative change, at the largest gamma, of the loss of a sample (x, y, 0).

    It is infinite if a sample with a z has a lower loss than before.
    """
    gamma, shaped = max(case.shaped.items())
    normal = case.samples * [1, 1, 0]
    change = np.abs(shaped.loss(normal) / case.plain.loss(normal) - 1).max()
    rise = (shaped.loss(case.samples) / case.plain.loss(case.samples)).min()
    remark = f"gamma {gamma:g}; of samples with a z, the loss is at least {rise:.4f} times that of the linear AE"
    return Finding(float(change if rise >= 1 else np.inf), len(normal), remark)


def tilt(case: LinearCase) -> Finding:
    """Return the smallest step of |g| from one gamma to the next.

    It is negative infinity where the decoder is not (1, 0, 0) or an encoder is not (1, 0, g), up to sign.
    """
    encoders = [np.abs(model.encoder[:, 0]) for model in case.shaped.values()]
    decoders = [np.abs(model.decoder[:, 0]) for model in (case.plain, *case.shaped.values())]
    as_said = np.allclose([encoder[:2] for encoder in encoders], [1, 0], atol=0.05)
    as_said &= np.allclose(decoders, [1, 0, 0], atol=0.01)
    tilts = {gamma: tilt_of(model) for gamma, model in case.shaped.items()}
    step = float(np.diff(list(tilts.values())).min()) if as_said else -np.inf
    told = ", ".join(f"{size:.2f} at gamma {gamma:g}" for gamma, size in tilts.items())
    return Finding(step, len(tilts), f"|g| is {told}")


# Each with the settings that decide its result.
LINEAR: Mapping[str, tuple[Callable[..., Finding], Mapping[str, Any]]] = {
    "orthogonal part": (
        lambda **settings: orthogonal_part(*gaussian_case(**settings)),
        {"rank": 5, "n_features": 20, "n": 1000},
    ),
    "normal loss": (lambda gammas: normal_loss(linear_case(gammas)), {"gammas": GAMMAS}),
    "tilt": (lambda gammas: tilt(linear_case(gammas)), {"gammas": GAMMAS}),
}
