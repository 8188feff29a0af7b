"""Train and score one run: the images of a task, a detector, and a record of what it measured."""

import inspect
import platform
import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.data import Dataset, load
from benchmarks.data.negatives import PREPARATIONS, STROKES, contaminated, resampled, some
from benchmarks.engine.records import Record, Score
from benchmarks.engine.run import Run
from benchmarks.own.contract import check_scores, size_of
from benchmarks.own.scores import ScoresSource
from benchmarks.own.sources import Source, libraries
from benchmarks.paper.tasks import Negatives
from benchmarks.registry import MODELS
from lisae import CollapseError, Detector, __version__
from lisae.stacks import Learning, timed

_LIBRARIES = ("torch", "numpy", "scikit-learn")  # whose versions go into records
_CONSTANT = 1e-12  # scores that differ by less, relative to the largest, are rounding errors: their AUC says nothing
_ACCEPTED = np.linspace(0, 1, 101)  # shares of the normal images at which the trade-off curve is taken


@dataclass(frozen=True)
class Context:
    """The facts that every job of a call is told: folders, device, models, and what its records say of the call."""

    results_dir: Path
    data_dir: Path
    device: str  # cpu or cuda
    command: str
    profile: str
    own: tuple[Source, ...] = ()  # the models that come from outside


def build(name: str, settings: Mapping[str, Any], seed: int, device: str, stage: Detector | None = None) -> Detector:
    """Make an untrained detector of a model with the settings of a profile.

    ``stage`` is the trained detector that a model begins from; without it the detector trains one of its own.
    """
    detector, arguments = MODELS[name].detector, dict(settings)
    if detector.stage:
        argument, kind = detector.stage
        arguments[argument] = stage or _made(kind, settings[argument], seed, device)
    return _made(detector, arguments, seed, device)


def _made(detector: type[Detector], arguments: Mapping[str, Any], seed: int, device: str) -> Detector:
    chosen_device: dict[str, Any] = {"device": device} if "device" in inspect.signature(detector).parameters else {}
    # The paper's models learn from every normal image, and no table asks for a threshold.
    return detector(**arguments, **chosen_device, random_state=seed, validation_fraction=0.0)


def evaluate(run: Run, context: Context, stage: Detector | None = None) -> Learning[tuple[Detector, Record]]:
    """Train and score a run, and return the trained detector and its record; yields what is to be trained.

    ``stage`` is the trained detector that it begins from, for a model that begins from another's.

    Raises ``CollapseError`` for a detector that learned nothing or gives all test images the same score, and
    ``ContractError`` for scores that are no scores.
    """
    task, origin = run.task, MODELS[run.model].origin
    data = _load(task.dataset, context.data_dir)
    detector = build(run.model, run.settings, run.seed, context.device, stage)
    training, labels = training_images(run, data, context.data_dir, with_negatives=detector.uses_negatives)
    started = time.process_time()
    _, fit_seconds = yield from timed(detector.fitting(training, labels))
    fitted = time.perf_counter()
    test = scored_images(run, data)
    groups, images = np.cumsum([len(one) for one in test])[:-1], np.concatenate(test)
    if isinstance(origin, ScoresSource):
        given = origin.of(task, run.seed, len(data.test_labels))
        classes = (task.normal, *((c,) for c in task.outliers))
        chosen = [images_of_classes(given, data.test_labels, one, run.limits["test"]) for one in classes]
        answers = np.concatenate(chosen)
    else:
        answers = detector.anomaly_score(images)
    check_scores(answers, len(images))
    if np.ptp(answers) <= _CONSTANT * np.abs(answers).max():
        raise CollapseError(f"gave all {len(answers)} test images the same score")
    normal, *outliers = np.split(answers, groups)
    further = {name: np.split(of, groups, axis=-1) for name, of in detector.extra_scores(images).items()}
    thresholds = np.quantile(normal, _ACCEPTED)
    scores = []
    for place, (outlier, anomalous) in enumerate(zip(task.outliers, outliers, strict=True), start=1):
        is_outlier = np.repeat([0, 1], [len(normal), len(anomalous)])
        auc = float(roc_auc_score(is_outlier, np.concatenate([normal, anomalous])))
        detected = tuple(round(float((anomalous > threshold).mean()), 4) for threshold in thresholds)
        extra_aucs = {name: detector.extra_auc(name, of[0], of[place]) for name, of in further.items()}
        scores.append(Score(outlier, auc, len(anomalous), detected, extra_aucs))
    score_seconds, processor_seconds = time.perf_counter() - fitted, time.process_time() - started
    return detector, Record(
        run=run.id,
        identity=run.identity(),
        scores=tuple(scores),
        n_normal=len(normal),
        restarts=getattr(detector, "restarts_", 0),
        profile=context.profile,
        device=device_name(context.device),
        precision=detector.precision_,
        versions={"lisae": __version__} | versions([*_LIBRARIES, *libraries(origin)]),
        command=context.command,
        fit_seconds=round(fit_seconds, 3),
        score_seconds=round(score_seconds, 3),
        size=None if isinstance(origin, ScoresSource) else size_of(detector),
        # On a GPU this process trains many networks at a time.
        processor_seconds=round(processor_seconds, 3) if context.device == "cpu" else None,
    )


def training_images(
    run: Run, data: Dataset, data_dir: Path, *, with_negatives: bool
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images that a run learns from, and their labels: +1 for normal ones, -1 for negatives.

    ``data`` is the data set of the task. Normal images that are among the negatives are left out of the normal ones,
    also without the negatives. A limit of the images of a class is one of a count of negatives too.
    """
    task, limit = run.task, run.limits["train"]
    normal = images_of_classes(data.train_images, data.train_labels, task.normal, limit)
    if task.validation:
        normal = normal[~_kept_out(len(normal), task.validation)]
    if task.negatives is None or not (with_negatives or task.negatives.contaminated):
        return normal, np.ones(len(normal), dtype=np.int64)
    negatives = negatives_of(run, normal.shape[1:], data_dir)
    if count := task.negatives.count:
        negatives = some(negatives, min(count, limit or count), run.seed)
    normal, negatives = contaminated(normal, negatives, task.negatives.contaminated, run.seed)
    images = [normal, negatives] if with_negatives else [normal]
    return np.concatenate(images), np.repeat([1, -1], [len(normal), len(negatives)])[: sum(map(len, images))]


def scored_images(run: Run, data: Dataset) -> list[NDArray[np.uint8]]:
    """Return the images that a run is scored on, normal ones first, then those of each outlier class.

    They are test images, or on a task of validation training images that the run has not learned from.
    """
    task = run.task
    if not task.validation:
        classes = (task.normal, *((c,) for c in task.outliers))
        return [images_of_classes(data.test_images, data.test_labels, one, run.limits["test"]) for one in classes]
    train, limit = (data.train_images, data.train_labels), run.limits["train"]
    normal = images_of_classes(*train, task.normal, limit)
    normal = normal[_kept_out(len(normal), task.validation)]
    return [normal, *(images_of_classes(*train, (c,), limit)[: len(normal)] for c in task.outliers)]


def _kept_out(n: int, share: float) -> NDArray[np.bool_]:
    """Mark ``share`` of ``n`` images, evenly spread, which are kept out of training."""
    marks = np.floor(np.arange(n + 1) * share)
    return marks[1:] > marks[:-1]


def negatives_of(run: Run, shape: tuple[int, ...], data_dir: Path) -> NDArray[np.uint8]:
    """Return all images that the negatives of a run are drawn from, (n, *shape)."""
    negatives = run.task.negatives
    assert negatives is not None  # make_run saw to it
    preparation = tuple(run.preparation.items()) if negatives.dataset != run.task.dataset else None
    drawn_from = Negatives(negatives.dataset, negatives.classes)
    return _negatives(drawn_from, shape, run.seed, run.limits["train"], data_dir, preparation=preparation)


Prepared = tuple[tuple[str, Any], ...] | None  # settings, so that they can be hashed


@lru_cache(maxsize=1)  # the next run of a worker mostly has the same
def _negatives(
    negatives: Negatives, shape: tuple[int, ...], seed: int, limit: int, data_dir: Path, *, preparation: Prepared
) -> NDArray[np.uint8]:
    images = np.empty((0, *shape), dtype=np.uint8)
    if negatives.dataset != STROKES:
        data = _load(negatives.dataset, data_dir)
        images = data.train_images
        if negatives.classes:
            images = images_of_classes(images, data.train_labels, negatives.classes, limit)
        elif limit:  # a whole set counts as ten classes, whatever it has
            images = images[:: max(1, len(images) // (10 * limit))]
    if preparation is None:
        return images
    prepare = PREPARATIONS.get(negatives.dataset, resampled)
    return prepare(images, shape, seed, **dict(preparation))


def images_of_classes(
    images: NDArray[Any], labels: NDArray[np.int64], classes: tuple[int, ...], limit: int
) -> NDArray[Any]:
    """Return the images of these classes, or what belongs to them, class by class, the first ``limit`` of each.

    A limit of 0 is all.
    """
    return images[np.concatenate([np.flatnonzero(labels == c)[: limit or None] for c in classes])]


@lru_cache(maxsize=2)  # the images of a task and of its negatives
def _load(name: str, data_dir: Path) -> Dataset:
    return load(name, data_dir, offline=True, quiet=True)


def device_name(device: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the name of the GPU, for a device other than ``cpu`` where there is one, or else of the processor.

    The processor's name is read from ``cpuinfo`` on Linux and asked of ``sysctl`` on macOS. Where neither tells it, the
    name is what ``platform`` knows, which may be the architecture alone. No error is raised.
    """
    if device != "cpu" and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    with suppress(OSError):
        if found := re.search(r"^model name[ \t]*:[ \t]*(\S.*)", cpuinfo.read_text(errors="replace"), re.MULTILINE):
            return found[1].strip()
    command = ("sysctl", "-n", "machdep.cpu.brand_string")
    with suppress(OSError):
        asked = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if asked.returncode == 0 and asked.stdout.strip():
            return asked.stdout.strip()
    return platform.processor() or platform.machine()


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the version of Python and of each of these libraries that is installed, in this order."""
    found = {"python": platform.python_version()}
    for library in libraries:
        with suppress(metadata.PackageNotFoundError):
            found[library] = metadata.version(library)
    return found
