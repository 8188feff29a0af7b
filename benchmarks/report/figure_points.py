"""Figures whose points are no records: images of trained detectors, and the linear case of Section 4.

The points of such a figure are made once and are its CSV; the column ``run`` says what they are made from. As long as
that is what the call is about, nothing is loaded or trained again.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.data import CLASS_NAMES, load
from benchmarks.engine.evaluate import Context, images_of_classes, negatives_of
from benchmarks.engine.execute import Failure, rebuilt
from benchmarks.engine.records import variant_text
from benchmarks.engine.run import Run
from benchmarks.paper.figures import INPUT, Figure, Line, Reconstructions
from benchmarks.paper.section_4 import cross_section_points, figure_2_points
from lisae import CollapseError
from lisae.reconstruction import ReconstructionDetector

_PLACES = ["run", "pane", "model", "column", "class"]


def kept(path: Path, made_from: set[str]) -> pd.DataFrame | None:
    """The points of a CSV that was made from exactly these runs, None for any other file or none."""
    if not path.is_file():
        return None
    try:
        # Points have four decimals at most; some versions of pandas read the last bit of a float wrongly.
        frame = pd.read_csv(path, dtype={"run": str, "class": str}).round(4)
        return frame if set(frame["run"]) == made_from else None
    except (ValueError, KeyError, OSError):
        return None  # damaged: made anew


def make_points(figure: Figure, runs: Mapping[str, Run], context: Context) -> tuple[pd.DataFrame | None, list[Failure]]:
    """Make the points of Figure 3 or of a figure of the linear case.

    Args:
        figure: which.
        runs: the finished run of each line that there is, by its name; for the linear case the one that names what
            the figure is made from.
        context: where data and weights are.

    Returns:
        The points, or None where there are none; and what failed.
    """
    if isinstance(figure, Reconstructions):
        return _reconstructions(figure, runs, context)
    return (_linear(next(iter(runs.values())), context) if runs else None), []


def _reconstructions(
    figure: Reconstructions, runs: Mapping[str, Run], context: Context
) -> tuple[pd.DataFrame, list[Failure]]:
    """An image a row: ``run, pane, model, column, class`` and the pixels ``p0, p1, ...``.

    Pixels are 0 to 255, line by line, red, green and blue; the inputs of a pane have the run of its first line.
    """
    frames: list[pd.DataFrame] = []
    failures = []
    panes = set()
    for line in figure.lines:
        if line.name not in runs:
            continue
        run = runs[line.name]
        images, classes = _shown(figure, line, context)
        try:
            detector = rebuilt(run, context)
        except CollapseError as error:
            failures.append(Failure(run.id, str(error)))
            continue
        assert isinstance(detector, ReconstructionDetector)
        if line.pane not in panes:
            frames.append(_rows((run.id, line.pane, INPUT, range(len(images)), classes), images))
            panes.add(line.pane)
        made = np.round(255 * detector.reconstruct(images)).astype(np.uint8)
        frames.append(_rows((run.id, line.pane, line.model, range(len(images)), classes), made))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=_PLACES), failures


def _shown(figure: Reconstructions, line: Line, context: Context) -> tuple[NDArray[np.uint8], list[str]]:
    """The test images of a pane, (n, h, w, c), and the class of each."""
    task, outliers = line.measurement.task, line.measurement.outliers
    data = load(task.dataset, context.data_dir, offline=True, quiet=True)
    normal = images_of_classes(data.test_images, data.test_labels, task.normal, figure.n_normal)
    anomalous = images_of_classes(data.test_images, data.test_labels, outliers, 1)
    names = CLASS_NAMES[task.dataset]
    return np.concatenate([normal, anomalous]), [line.task] * len(normal) + [names[c] for c in outliers]


def _rows(places: tuple[object, ...], images: NDArray[np.uint8]) -> pd.DataFrame:
    pixels = pd.DataFrame(images.reshape(len(images), -1)).add_prefix("p")
    return pd.concat([pd.DataFrame(dict(zip(_PLACES, places, strict=True))), pixels], axis=1)


def _linear(run: Run, context: Context) -> pd.DataFrame:
    """See ``benchmarks.paper.section_4``; the cross-section draws samples of its own and has no data set."""
    if not run.task.dataset:
        return cross_section_points(seed=run.seed).assign(run=run.id)
    data = load(run.task.dataset, context.data_dir, offline=True, quiet=True)
    frame = figure_2_points(
        data.train_images,
        data.train_labels,
        negatives_of(run, data.train_images.shape[1:], context.data_dir),
        data.test_images,
        data.test_labels,
        **run.settings,
        seed=run.seed,
        data_variant=variant_text(dict(run.variants)),
    )
    return frame.assign(run=run.id)
