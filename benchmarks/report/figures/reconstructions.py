"""Figure 3: test images, and their reconstructions by AE and LIS-AE."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.data import CLASS_NAMES, load
from benchmarks.engine.evaluate import Context, images_of_classes
from benchmarks.engine.execute import Failure, rebuild
from benchmarks.engine.plan import Computation, Plan
from benchmarks.engine.run import Run
from benchmarks.report.figures.base import Line, LineFigure, lines_of, unsupervised
from benchmarks.report.style import FAINT, SIDE, Page
from lisae import CollapseError
from lisae.reconstruction import ReconstructionDetector

INPUT = "Input"  # the row of the images themselves
_PLACES = ["run", "pane", "model", "column", "class"]
_CELL, _LABEL, _SPACE, _HEAD, _NUMBER = 0.56, 0.55, 0.3, 0.5, 0.17  # inches


@dataclass(frozen=True)
class Reconstructions(LineFigure):
    """Test images, and below them their reconstructions by the model of each line.

    Records hold no images, so that the rows of this figure are computed once and kept as its CSV. The columns are
    the first ``n_normal`` test images of the normal class and the first of each outlier class: none was chosen.
    """

    n_normal: int = 4

    def computation(self, plan: Plan) -> Computation:
        """Reconstruct the images with the detectors of the first seed."""
        runs = {line.name: plan.run(line.measurement, plan.request.seeds[0]) for line in self.lines}
        return Computation(f"figure_{self.id}.csv", runs, True, self._compute)

    def _compute(self, runs: Mapping[str, Run], context: Context) -> tuple[pd.DataFrame, list[Failure]]:
        """Return a row for each image: ``run, pane, model, column, class`` and the pixels ``p0, p1, ...``.

        Pixels are 0 to 255, line by line, red, green and blue; the inputs of a pane have the run of its first line.
        """
        frames: list[pd.DataFrame] = []
        failures = []
        for line in (line for line in self.lines if line.name in runs):
            run, (images, classes) = runs[line.name], self._images(line, context)
            try:
                detector = rebuild(run, context)
            except CollapseError as error:
                failures.append(Failure(run.id, str(error)))
                continue
            assert isinstance(detector, ReconstructionDetector)
            shown = {line.model: np.round(255 * detector.reconstruct(images)).astype(np.uint8)}
            if not any(line.pane in frame["pane"].array for frame in frames):
                shown = {INPUT: images} | shown
            for model, pixels in shown.items():
                places = (run.id, line.pane, model, range(len(images)), classes)
                of_pixels = pd.DataFrame(pixels.reshape(len(images), -1)).add_prefix("p")
                frames.append(pd.concat([pd.DataFrame(dict(zip(_PLACES, places, strict=True))), of_pixels], axis=1))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=_PLACES), failures

    def _images(self, line: Line, context: Context) -> tuple[NDArray[np.uint8], list[str]]:
        """Return the test images of a pane, (n, h, w, c), and the class of each."""
        task, outliers = line.measurement.task, line.measurement.outliers
        data = load(task.dataset, context.data_dir, offline=True, quiet=True)
        normal = images_of_classes(data.test_images, data.test_labels, task.normal, self.n_normal)
        anomalous = images_of_classes(data.test_images, data.test_labels, outliers, 1)
        names = [line.task] * len(normal) + [CLASS_NAMES[task.dataset][c] for c in outliers]
        return np.concatenate([normal, anomalous]), names

    def draw(self, frame: pd.DataFrame, note: str) -> Page:
        """Draw a block for each pane: inputs above, a row for each model below, normal columns apart from anomalous."""
        panes = list(dict.fromkeys(line.pane for line in self.lines))
        rows = [INPUT, *dict.fromkeys(line.model for line in self.lines)]
        block = (self.n_normal + len(self.lines[0].measurement.outliers)) * _CELL + _SPACE / 2
        width = SIDE + _LABEL + len(panes) * (block + _SPACE) - _SPACE + SIDE
        text = f"The number is the error L(x), the Euclidean norm of the residual. {note}"
        page = Page(width, _HEAD + len(rows) * (_CELL + _NUMBER), self.title, text)
        for row, model in enumerate(rows):
            page.write(SIDE, _top_of(page, row) + _CELL / 2, model, fontsize=7.5, va="center")
        for place, pane in enumerate(panes):
            left = SIDE + _LABEL + place * (block + _SPACE)
            (task,) = {line.task for line in self.lines if line.pane == pane}
            page.write(left, page.top + 0.1, f"{pane}, normal: {task}", fontsize=8, weight="bold", va="center")
            _draw_block(page, frame[frame["pane"] == pane], rows, task, left)
        return page


def _draw_block(page: Page, frame: pd.DataFrame, rows: list[str], task: str, left: float) -> None:
    images = {}
    for model, lines in frame.groupby("model"):
        pixels = lines.sort_values("column").filter(regex=r"^p\d+$").to_numpy(dtype=np.int64)
        side = round((pixels.shape[1] / 3) ** 0.5)
        images[model] = pixels.reshape(-1, side, side, 3)
    classes = frame.loc[frame["model"] == INPUT, "class"].to_list()
    for row, model in enumerate(rows):
        top = _top_of(page, row)
        if model not in images:
            page.write(left, top + _CELL / 2, "missing", fontsize=7.5, color=FAINT, va="center")
        for column, image in enumerate(images.get(model, ())):
            x = left + column * _CELL + (0 if classes[column] == task else _SPACE / 2)
            axes = page.axes(x, top - page.top, 0.96 * _CELL, 0.96 * _CELL)
            axes.axis("off")
            axes.imshow(image)
            text, y = classes[column], top - 0.07
            if model != INPUT:
                text, y = f"{np.linalg.norm((image - images[INPUT][column]) / 255):.1f}", top + _CELL + 0.05
            page.write(x + 0.48 * _CELL, y, text, fontsize=6.5, color=FAINT, ha="center", va="center")


def _top_of(page: Page, row: int) -> float:
    """Return the inches from the top of the page to the images of a row."""
    return page.top + _HEAD - 0.05 + row * (_CELL + _NUMBER) - (0 if row else 0.03)


_LINES = (
    *lines_of("CIFAR-10", "cifar10", [1], "LIS-AE", unsupervised),
    *lines_of("SVHN", "svhn", [0], "LIS-AE", unsupervised),
)
_CAPTION = "Inputs and their reconstructions by AE and LIS-AE, trained on Car of CIFAR-10 and digit 0 of SVHN"
FIGURES = (Reconstructions("3", _CAPTION, _LINES),)
