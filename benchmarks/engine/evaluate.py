"""Training and scoring one run."""

import platform
import time
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.data import Dataset, load
from benchmarks.data.preparation import STROKES, preparation_of
from benchmarks.engine.records import Record, Score
from benchmarks.engine.run import Run
from benchmarks.paper.tasks import Negatives
from benchmarks.registry import build
from lisae import Detector, __version__
from lisae.stacks import Learning, timed

_LIBRARIES = ("torch", "numpy", "scikit-learn")
_CURVE = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Context:
    """What every job of a call is told.

    ``todo`` are the ids of the runs to train; ``command`` and ``profile`` go into the records.
    """

    results_dir: Path
    data_dir: Path
    device: str
    todo: frozenset[str]
    command: str
    profile: str


def evaluating(run: Run, context: Context, stage: Detector | None = None) -> Learning[tuple[Detector, Record]]:
    """Train and score a run and give the trained detector and what was measured; yields what is to be trained.

    Args:
        run: what to train.
        context: where data are, and what goes into the record.
        stage: the trained detector that it begins from, for a model that begins from another's.
    """
    task = run.task
    data = _load(task.dataset, context.data_dir)
    training = images_of_classes(data.train_images, data.train_labels, task.normal, run.limits["train"])
    labels = np.ones(len(training), dtype=np.int64)
    detector = build(run.model, run.settings, run.seed, context.device, stage)
    if detector.uses_negatives:
        negatives = negatives_of(run, training.shape[1:], context.data_dir)
        training = np.concatenate([training, negatives])
        labels = np.concatenate([labels, np.full(len(negatives), -1)])
    _, fit_seconds = yield from timed(detector.fitting(training, labels))
    fitted = time.perf_counter()
    test = [
        images_of_classes(data.test_images, data.test_labels, classes, run.limits["test"])
        for classes in (task.normal, *((c,) for c in task.outliers))
    ]
    groups = np.cumsum([len(images) for images in test])[:-1]
    images = np.concatenate(test)
    scores = np.split(detector.anomaly_score(images), groups)
    extra = {name: np.split(answers, groups, axis=-1) for name, answers in detector.extra_scores(images).items()}
    return detector, Record(
        run=run.id,
        identity=run.identity(),
        scores=tuple(
            _score(
                outlier,
                scores[0],
                scores[i],
                {name: detector.extra_auc(name, answers[0], answers[i]) for name, answers in extra.items()},
            )
            for i, outlier in enumerate(task.outliers, 1)
        ),
        n_normal=len(scores[0]),
        restarts=getattr(detector, "restarts_", 0),
        profile=context.profile,
        device=_device_name(context.device),
        precision=detector.precision_,
        versions=_versions(),
        command=context.command,
        fit_seconds=round(fit_seconds, 3),
        score_seconds=round(time.perf_counter() - fitted, 3),
    )


def negatives_of(run: Run, shape: tuple[int, ...], data_dir: Path) -> NDArray[np.uint8]:
    """The negatives of a run as images (n, *shape)."""
    negatives = run.task.negatives
    assert negatives is not None  # make_run saw to it
    limit = run.limits["train"]
    if negatives.dataset != run.task.dataset:
        preparation = tuple(run.preparation.items())
        return _prepared(negatives, shape, seed=run.seed, preparation=preparation, limit=limit, data_dir=data_dir)
    source = _load(negatives.dataset, data_dir)
    return images_of_classes(source.train_images, source.train_labels, negatives.classes, limit)


@lru_cache(maxsize=1)  # the next run of a worker mostly has the same
def _prepared(
    negatives: Negatives,
    shape: tuple[int, ...],
    *,
    seed: int,
    preparation: tuple[tuple[str, Any], ...],
    limit: int,
    data_dir: Path,
) -> NDArray[np.uint8]:
    """Images of another data set, made ready; a whole set counts as ten classes for the limit."""
    images = np.empty((0, *shape), dtype=np.uint8)
    if negatives.dataset != STROKES:
        images = _load(negatives.dataset, data_dir).train_images
    if limit:
        images = images[:: max(1, len(images) // (10 * limit))]
    return preparation_of(negatives.dataset)(images, shape, seed, **dict(preparation))


def _score(
    outlier: int,
    normal: NDArray[np.float64],
    anomalous: NDArray[np.float64],
    extra: dict[str, float],
) -> Score:
    is_outlier = np.repeat([0, 1], [len(normal), len(anomalous)])
    thresholds = np.quantile(normal, _CURVE)
    detected = [round(float((anomalous > threshold).mean()), 4) for threshold in thresholds]
    auc = float(roc_auc_score(is_outlier, np.concatenate([normal, anomalous])))
    return Score(outlier, auc, len(anomalous), tuple(detected), extra.get("label sweep"))


def images_of_classes(
    images: NDArray[np.uint8], labels: NDArray[np.int64], classes: tuple[int, ...], limit: int
) -> NDArray[np.uint8]:
    """The images of these classes, class by class, the first ``limit`` of each; 0 is all."""
    return images[np.concatenate([np.flatnonzero(labels == c)[: limit or None] for c in classes])]


@lru_cache(maxsize=2)  # the images of a task and of its negatives
def _load(name: str, data_dir: Path) -> Dataset:
    return load(name, data_dir, offline=True, quiet=True)


def _device_name(device: str) -> str:
    if device != "cpu" and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    cpuinfo = Path("/proc/cpuinfo")
    names = (
        [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")] if cpuinfo.exists() else []
    )
    return names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()


@cache
def _versions() -> dict[str, str]:
    libraries = {name: metadata.version(name) for name in _LIBRARIES}
    return {"lisae": __version__, "python": platform.python_version()} | libraries
