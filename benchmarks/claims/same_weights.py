"""The check that latent shaping leaves alone what it does not train: AE and LIS-AE have the same other weights."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import torch

from benchmarks.claims.evidence import Evidence, Finding
from benchmarks.data.cache import CATALOGUE
from benchmarks.engine.evaluate import Context, build
from benchmarks.engine.execute import stage_from
from benchmarks.engine.records import Store
from benchmarks.engine.run import Run, stage_of
from benchmarks.paper.claims import claims, common_keys
from lisae import LISAE, BackboneDetector, Detector

SAME_WEIGHTS = "same weights"

_IMAGES = 64  # of noise, or waves
_QUICK = {"epochs": 30, "batch_size": 16}

Pairs = Sequence[tuple[Run, Run]]  # LIS-AE, and the AE beside it in the tables


def weight_pairs(evidence: Evidence) -> Pairs:
    """Return the pairs of runs whose weights are claimed to be the same, of the first seed that has all records.

    Raises ``NotMeasured`` where there is none.
    """
    (claim,) = (claim for claim in claims() if claim.check == SAME_WEIGHTS)
    sides = claim.sides({})
    keys = common_keys(sides)
    seed = evidence.seeds_of([(selection, keys) for _, selection in sides])[0]
    runs = [[evidence.run(one, seed) for one in selection.measurements(keys)] for _, selection in sides]
    return list(zip(*runs, strict=True))


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
        if difference := _difference(shaped, plain, kept):
            classes = ",".join(map(str, shaped.task.normal))
            differences.append(f"{shaped.model} on {shaped.task.dataset} {classes} {difference}")
    remark = (
        "phase one of every LIS-AE run is the AE run beside it, and an epoch of shaping, repeated on noise, changed no "
        f"weight outside the latent layer: from the kept weights of {n_kept} of {len(pairs)} AE runs, else from an AE "
        "trained on drawn waves"
    )
    if differences:
        remark = f"{len(differences)} of {len(pairs)} pairs differ, such as: {differences[0]}"
    return Finding(1 - len(differences) / len(pairs), len(pairs), remark)


def _difference(shaped: Run, plain: Run, kept: Detector | None) -> str:
    """Tell what makes the two differ, '' for nothing."""
    stage = stage_of(shaped)
    if stage is None or stage.id != plain.id:
        return "began from another run than the AE beside it"
    settings = json.dumps(plain.settings | _QUICK, sort_keys=True)
    before = kept or _trained_on_waves(plain.model, settings, CATALOGUE[plain.task.dataset].image_shape)
    after = build(shaped.model, shaped.settings | {"epochs": 1}, shaped.seed, "cpu", before)
    assert isinstance(before, BackboneDetector)
    assert isinstance(after, LISAE)
    noise = np.random.default_rng(0).integers(0, 256, (2 * _IMAGES, *before.image_shape_), dtype=np.uint8)
    weights = after.fit(noise, np.repeat([1, -1], _IMAGES)).network_.state_dict()
    unlike = (name for name, weight in before.network_.state_dict().items() if not torch.equal(weight, weights[name]))
    changed = {name.partition(".")[0] for name in unlike}
    return "" if changed == {"latent"} else f"had {', '.join(sorted(changed)) or 'nothing'} changed by shaping"


@cache
def _trained_on_waves(model: str, settings: str, shape: tuple[int, ...]) -> Detector:
    """Train phase one with these settings, given as JSON, on waves of any phase and height."""
    random = np.random.default_rng(0)
    phases, heights = random.uniform(0, 2 * np.pi, (_IMAGES, 1)), random.uniform(30, 120, (_IMAGES, 1))
    waves = 127 + heights * np.sin(np.linspace(0, 2 * np.pi, math.prod(shape)) + phases)
    return build(model, json.loads(settings), 0, "cpu").fit(waves.astype(np.uint8).reshape(_IMAGES, *shape))
