"""Claims that are computed rather than read off AUCs: what shaping leaves alone, and the linear case of Section 4.

They are computed before anything is written and kept as ``checks.csv``, a row for each check: ``run`` (the id of what
it was made from), ``check``, ``value``, ``n`` and ``remark``. The ledger only reads them.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from benchmarks.claims.evidence import Evidence, NotMeasured
from benchmarks.data.cache import CATALOGUE
from benchmarks.engine.evaluate import Context, build
from benchmarks.engine.execute import Failure, prepare_process, stage_from
from benchmarks.engine.plan import Computation
from benchmarks.engine.records import Store
from benchmarks.engine.run import Run, stage_of
from benchmarks.paper.claims import claims, common_keys
from benchmarks.paper.section_4 import GAMMAS, gaussian_case, linear_case, tilt_of
from benchmarks.paper.tasks import Task
from lisae import LISAE, BackboneDetector, CollapseError, Detector

FILE = "checks.csv"
SAME_WEIGHTS = "same weights"

_COLUMNS = pd.Index(["run", "check", "value", "n", "remark"])
_IMAGES = 64  # of noise, or waves
_QUICK = {"epochs": 30, "batch_size": 16}

Pairs = Sequence[tuple[Run, Run]]  # LIS-AE, and the AE beside it in the tables


class Finding(NamedTuple):
    """The value of a check, the number of values behind it, and what else a reader should know of it."""

    value: float
    n: int
    remark: str


class Check(Computation):
    """A computation of one row, which is kept beside the rows that were made from other runs."""

    def kept(self, results_dir: Path, ids: set[str]) -> pd.DataFrame | None:
        """Return all rows as text, if there is one that was made from the run with this id; None otherwise."""
        rows = _rows(results_dir)
        return rows if ids <= set(rows["run"]) else None

    def keep(self, frame: pd.DataFrame, results_dir: Path) -> None:
        """Write the row after those of other runs. Raises ``UnavailableError`` when they cannot be written."""
        rows = pd.concat([_rows(results_dir), frame.astype(str)])
        super().keep(rows.drop_duplicates("run", keep="last"), results_dir)


def computations(evidence: Evidence) -> list[Computation]:
    """Return the computation of every check; that of weights is left out where its records are missing."""
    found: list[Computation] = []
    for check in (*LINEAR, SAME_WEIGHTS):
        with suppress(NotMeasured):
            found.append(_computation(check, evidence))
    return found


def finding(check: str, evidence: Evidence) -> Finding:
    """Read what was computed of a check. Raises ``NotMeasured`` where there is nothing, or records are missing."""
    (run,) = _computation(check, evidence).runs.values()
    rows = _rows(evidence.store.root)
    for _, _, value, n, remark in rows[rows["run"] == run.id].to_numpy():
        return Finding(float(value), int(n), remark)
    raise NotMeasured(f"{FILE} does not hold this computation: {evidence.command} makes it or says why it cannot")


def _rows(results_dir: Path) -> pd.DataFrame:
    """Return the rows that are kept, as text; those that are damaged are left out."""
    try:
        rows = pd.read_csv(results_dir / FILE, dtype=str)[_COLUMNS].dropna()
        return rows[rows[["value", "n"]].apply(pd.to_numeric, errors="coerce").notna().all(axis=1)]
    except (OSError, KeyError, ValueError):
        return pd.DataFrame(columns=_COLUMNS)


def _computation(check: str, evidence: Evidence) -> Check:
    """Give a check what it is made from, as a run that nobody trains or records. Raises as ``finding`` does."""
    name_run = partial(Run, Task("", (), ()), check, 0, limits={}, data={})
    find: Callable[[Context], Finding]
    if check == SAME_WEIGHTS:
        pairs = weight_pairs(evidence)
        run, find = name_run(settings={shaped.id: plain.id for shaped, plain in pairs}), partial(same_weights, pairs)
    else:
        of_settings, settings = LINEAR[check]
        run, find = name_run(settings=settings), lambda _: of_settings(**settings)

    def compute(_: Mapping[str, Run], context: Context) -> tuple[pd.DataFrame, list[Failure]]:
        prepare_process()
        try:
            return pd.DataFrame([(run.id, check, *find(context))], columns=_COLUMNS), []
        except CollapseError as error:
            return pd.DataFrame(columns=_COLUMNS), [Failure(run.id, f"a training of it failed: {error}")]

    return Check(FILE, {check: run}, are_recorded=False, compute=compute)


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
