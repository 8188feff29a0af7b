"""Checks of trained networks: what shaping does to errors, what an encoder separates, what it could never reconstruct.

Networks are those of recorded runs, rebuilt from the weights that were kept or trained again from the same settings
and seed. An error is L(x) of Section 3.4, the norm of an image's residual.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.claims.evidence import Finding, finding_over
from benchmarks.data import load
from benchmarks.engine.evaluate import Context, build, evaluate, images_of_classes, negatives_of
from benchmarks.engine.execute import rebuild
from benchmarks.engine.run import Run, stage_of
from lisae import LISAE, BackboneDetector
from lisae.stacks import train_alone

NORMAL_LOSS = "normal loss of networks"
OUTLIER_LOSS = "outlier loss of networks"
SEPARABLE = "separable features"
MORE_SEPARABLE = "more separable features"
FOREIGN = "foreign negatives"

_NEGATIVES = 5000  # at most, whose errors are taken: every second one, every third, ...

Images = NDArray[np.uint8]


class TaskImages(NamedTuple):
    """The images of a task, (n, h, w[, c]): normal and negative training images, and test images."""

    normal: Images
    negatives: Images
    test_normal: Images
    test_outliers: Images


def networks(
    shaped_runs: Sequence[Run], linsep_runs: Sequence[Run], context: Context, *, images_of_a_side: int
) -> Mapping[str, Finding]:
    """Compare AE with the LIS-AE that begins from it, and with phase one of LinSep-LIS-AE.

    The linear probe is a logistic regression on standardised features of training images. It is judged by its balanced
    accuracy on test images of the normal class and of the negative classes, which no network and no probe has seen.

    Args:
        shaped_runs, linsep_runs: of LIS-AE and of LinSep-LIS-AE, on the same tasks in the same order.
        context: folders and device.
        images_of_a_side: training images of the probe, normal ones and as many negatives, evenly spaced.

    Returns:
        ``NORMAL_LOSS``: the relative change of the mean error of normal test images. ``OUTLIER_LOSS``: the share of
        outliers whose error is not lower than before. ``SEPARABLE``: the accuracy of the probe on LinSep's features.
        ``MORE_SEPARABLE``: by how much it is above that on AE's. Each is a mean over tasks.
    """
    found: dict[str, list[float]] = {}
    for shaped_run, linsep_run in zip(shaped_runs, linsep_runs, strict=True):
        images = images_of(shaped_run, context)
        plain = _autoencoder(shaped_run, context)
        shaped = train_alone(evaluate(shaped_run, context, plain))[0]
        before, after = ([model.anomaly_score(one) for one in images] for model in (plain, shaped))
        values = {
            NORMAL_LOSS: after[2].mean() / before[2].mean() - 1,
            "training": after[0].mean() / before[0].mean() - 1,
            OUTLIER_LOSS: (after[3] >= before[3]).mean(),
            SEPARABLE: _probed(_linsep(linsep_run, images, context), linsep_run, images, context, images_of_a_side),
            "AE": _probed(plain, shaped_run, images, context, images_of_a_side),
        }
        for name, value in values.items():
            found.setdefault(name, []).append(float(value))
    found[MORE_SEPARABLE] = np.subtract(found[SEPARABLE], found["AE"]).tolist()
    of_training = f"; of normal training images {_by_task(shaped_runs, found['training'], '+.1%')}"
    linsep, plain_ae = (_by_task(shaped_runs, found[name], ".3f") for name in (SEPARABLE, "AE"))
    probed = f"a linear probe, {images_of_a_side} training images a side, has on LinSep {linsep}; on AE {plain_ae}"
    remarks = {
        NORMAL_LOSS: f"of normal test images {_by_task(shaped_runs, found[NORMAL_LOSS], '+.1%')}{of_training}",
        OUTLIER_LOSS: _by_task(shaped_runs, found[OUTLIER_LOSS], ".3f"),
        SEPARABLE: probed,
        MORE_SEPARABLE: probed,
    }
    return {name: finding_over(found[name], remark) for name, remark in remarks.items()}


def foreign_negatives(*runs_of_sets: Sequence[Run], context: Context) -> Mapping[str, Finding]:
    """Compare what AE makes of negatives of another data set and of outliers, before any shaping.

    Args:
        runs_of_sets: of LIS-AE with foreign negatives, those of each pair of data sets together.
        context: folders and device.

    Returns:
        ``FOREIGN``: the mean error of negatives, divided by that of outliers, as a mean over tasks; that of the pair of
        data sets which is the least certain to be above 1.
    """
    texts, findings = [], []
    for runs in runs_of_sets:
        ratios, of_normal, beyond = [], [], []
        for run in runs:
            images, plain = images_of(run, context), _autoencoder(run, context)
            negatives = images.negatives[:: max(1, len(images.negatives) // _NEGATIVES)]
            errors = plain.anomaly_score(negatives)
            of_outliers = plain.anomaly_score(images.test_outliers).mean()
            ratios.append(float(errors.mean() / of_outliers))
            of_normal.append(plain.anomaly_score(images.test_normal).mean() / of_outliers)
            beyond.append((errors > run.settings["gamma"]).mean())
        task = runs[0].task
        assert task.negatives is not None
        texts.append(
            f"{task.negatives.dataset} beside {task.dataset}: {_by_task(runs, ratios, '.2f')} times the error of "
            f"outliers (normal images {np.mean(of_normal):.2f} times), {np.mean(beyond):.0%} are above gamma already"
        )
        findings.append(finding_over(ratios, ""))
    return {FOREIGN: min(findings, key=lambda one: one.low)._replace(remark="; ".join(texts))}


def images_of(run: Run, context: Context) -> TaskImages:
    """Return the images of a run, as it is trained and tested on them."""
    task, limits = run.task, run.limits
    data = load(task.dataset, context.data_dir, offline=True, quiet=True)
    normal = images_of_classes(data.train_images, data.train_labels, task.normal, limits["train"])
    inside, outside = (
        images_of_classes(data.test_images, data.test_labels, classes, limits["test"])
        for classes in (task.normal, task.outliers)
    )
    return TaskImages(normal, negatives_of(run, normal.shape[1:], context.data_dir), inside, outside)


def _probed(detector: BackboneDetector, run: Run, images: TaskImages, context: Context, images_of_a_side: int) -> float:
    """Return the balanced accuracy of a linear probe that tells normal from negative test images."""
    negatives = run.task.negatives
    assert negatives is not None
    data = load(negatives.dataset, context.data_dir, offline=True, quiet=True)
    others = images_of_classes(data.test_images, data.test_labels, negatives.classes, run.limits["test"])
    training = [side[:: max(1, len(side) // images_of_a_side)] for side in (images.normal, images.negatives)]
    features, labels = [], []
    for sides in (training, (images.test_normal, others)):
        features.append(detector._features(np.concatenate(sides)).float().cpu().numpy())
        labels.append(np.repeat([1, 0], [len(side) for side in sides]))
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)).fit(features[0], labels[0])
    return float(balanced_accuracy_score(labels[1], probe.predict(features[1])))


def _autoencoder(run: Run, context: Context) -> BackboneDetector:
    """Return the AE that a run of LIS-AE begins from."""
    stage = stage_of(run)
    assert stage is not None
    detector = rebuild(stage, context)
    assert isinstance(detector, BackboneDetector)
    return detector


def _linsep(run: Run, images: TaskImages, context: Context) -> BackboneDetector:
    """Return phase one of a run of LinSep-LIS-AE."""
    detector = build(run.model, run.settings, run.seed, context.device)
    assert isinstance(detector, LISAE)
    assert detector.autoencoder is not None
    labels = np.repeat([1, -1], [len(images.normal), len(images.negatives)])
    return detector.autoencoder.fit(np.concatenate([images.normal, images.negatives]), labels)


def _by_task(runs: Sequence[Run], values: Sequence[float], form: str) -> str:
    return ", ".join(f"{value:{form}} ({run.task.normal[0]})" for run, value in zip(runs, values, strict=True))
