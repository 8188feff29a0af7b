"""Training and scoring the runs of a job, in this process or in workers side by side."""

import os
import platform
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

import joblib
import numpy as np
import torch
from joblib.externals.loky.process_executor import TerminatedWorkerError
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.data import Dataset, load
from benchmarks.errors import UnavailableError
from benchmarks.files import write_text, written_whole
from benchmarks.plan import Job, Run
from benchmarks.registry import build
from benchmarks.store import Record, Score, Store
from lisae import AutoEncoder, CollapseError, Detector, __version__
from lisae.reconstruction import ReconstructionDetector

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


@dataclass(frozen=True)
class Failure:
    """A run that gave no result, and why, in one line."""

    run: str
    reason: str


def execute(jobs: list[Job], context: Context, n_jobs: int) -> Iterator[list[Failure]]:
    """Run jobs, ``n_jobs`` at a time, a process and a thread each; give the failures of each job as it ends.

    Results are the same for every ``n_jobs``. Records are written by the workers, run by run, so that what is
    finished survives whatever happens to this process.

    Raises ``UnavailableError`` when a record cannot be written or a worker was killed.
    """
    if n_jobs == 1:
        for job in jobs:
            yield run_job(job, context)
        return
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered", pre_dispatch="all", batch_size=1)
    try:
        yield from parallel(joblib.delayed(run_job)(job, context, os.getpid()) for job in jobs)
    except TerminatedWorkerError as error:
        raise UnavailableError(
            "a worker process was killed, most often because memory ran out. What is finished is kept: "
            f"run the same command with fewer than {n_jobs} --jobs."
        ) from error


def run_job(job: Job, context: Context, parent: int | None = None) -> list[Failure]:
    """Train and score the runs of a job that are still to do, and write their records.

    Args:
        job: its runs, the stage's own first.
        context: what every job of the call is told.
        parent: the process that asked; when it is gone, the rest of the job is left for the next call.
    """
    # One thread a process: faster than threading one small network, and the result depends on nothing else.
    torch.set_num_threads(1)
    store = Store(context.results_dir)
    failures: list[Failure] = []
    stage: AutoEncoder | None = None
    for run in job.runs:
        if parent is not None and os.getppid() != parent:
            break
        if run is not job.stage and run.id not in context.todo:
            continue
        try:
            if run is job.stage:
                stage = _stage(run, store, context)
            elif job.stage is not None and stage is None:
                failures.append(Failure(run.id, failures[0].reason))
            else:
                store.put(_train_and_score(run, context, stage)[1])
        except UnavailableError:
            raise
        except CollapseError as error:
            failures.append(Failure(run.id, f"{run.model} {error}; its settings do not suit these images"))
        except Exception as error:  # a fault in one model must not cost the others their hours
            path = context.results_dir / "failures" / f"{run.id}.txt"
            write_text(path, traceback.format_exc())
            failures.append(Failure(run.id, f"unexpected {type(error).__name__}: {error} (traceback in {path})"))
    return failures


def _stage(run: Run, store: Store, context: Context) -> AutoEncoder:
    """The fitted AE that the job's other runs begin from: as it was kept, or trained."""
    path = store.weights_path(run)
    if run.id not in context.todo and path.is_file():
        kept = build(run.model, run.settings, run.seed, context.device)
        assert isinstance(kept, AutoEncoder)
        try:
            return kept.load(path)
        except ValueError:
            pass  # a damaged file is only time lost: the same weights are trained again
    detector, record = _train_and_score(run, context)
    assert isinstance(detector, AutoEncoder)
    with written_whole(path) as temporary:
        detector.save(temporary)
    if run.id in context.todo:
        store.put(record)
    return detector


def _train_and_score(run: Run, context: Context, stage: AutoEncoder | None = None) -> tuple[Detector, Record]:
    task = run.task
    data = _load(task.dataset, context.data_dir)
    training = images_of_classes(data.train_images, data.train_labels, task.normal, run.limits["train"])
    labels = np.ones(len(training), dtype=np.int64)
    detector = build(run.model, run.settings, run.seed, context.device, stage)
    if task.negatives is not None and detector.uses_negatives:
        source = _load(task.negatives.dataset, context.data_dir)
        negatives = images_of_classes(
            source.train_images, source.train_labels, task.negatives.classes, run.limits["train"]
        )
        training = np.concatenate([training, negatives])
        labels = np.concatenate([labels, np.full(len(negatives), -1)])
    started = time.perf_counter()
    detector.fit(training, labels)
    fitted = time.perf_counter()
    test = [
        images_of_classes(data.test_images, data.test_labels, classes, run.limits["test"])
        for classes in (task.normal, *((c,) for c in task.outliers))
    ]
    scores = np.split(detector.anomaly_score(np.concatenate(test)), np.cumsum([len(images) for images in test])[:-1])
    return detector, Record(
        run=run.id,
        identity=run.identity(),
        scores=tuple(_score(c, scores[0], s) for c, s in zip(task.outliers, scores[1:], strict=True)),
        n_normal=len(scores[0]),
        restarts=getattr(detector, "restarts_", 0),
        profile=context.profile,
        device=_device_name(context.device),
        precision=_precision(detector),
        versions=_versions(),
        command=context.command,
        fit_seconds=round(fitted - started, 3),
        score_seconds=round(time.perf_counter() - fitted, 3),
    )


def _score(outlier: int, normal: NDArray[np.float64], anomalous: NDArray[np.float64]) -> Score:
    is_outlier = np.repeat([0, 1], [len(normal), len(anomalous)])
    thresholds = np.quantile(normal, _CURVE)
    detected = [round(float((anomalous > threshold).mean()), 4) for threshold in thresholds]
    auc = float(roc_auc_score(is_outlier, np.concatenate([normal, anomalous])))
    return Score(outlier, auc, len(anomalous), tuple(detected))


def images_of_classes(
    images: NDArray[np.uint8], labels: NDArray[np.int64], classes: tuple[int, ...], limit: int
) -> NDArray[np.uint8]:
    """The images of these classes, class by class, the first ``limit`` of each; 0 is all."""
    return images[np.concatenate([np.flatnonzero(labels == c)[: limit or None] for c in classes])]


@cache
def _load(name: str, data_dir: Path) -> Dataset:
    return load(name, data_dir, offline=True, quiet=True)


def _precision(detector: Detector) -> str:
    if isinstance(detector, ReconstructionDetector):
        return str(detector.arithmetic()[1]).removeprefix("torch.")
    return "float64"


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
