"""Figure 3: test images, and what AE and LIS-AE make of them."""

import numpy as np
import pandas as pd

from benchmarks.paper.figures import INPUT, Reconstructions
from benchmarks.report.style import FAINT, SIDE, Page

_CELL, _LABEL, _SPACE, _HEAD, _NUMBER = 0.56, 0.55, 0.3, 0.5, 0.17  # inches


def draw(figure: Reconstructions, frame: pd.DataFrame, note: str) -> Page:
    """Draw a block a pane, side by side: inputs above, a row a model below, normal columns apart from anomalous."""
    panes = list(dict.fromkeys(line.pane for line in figure.lines))
    rows = [INPUT, *dict.fromkeys(line.model for line in figure.lines)]
    block = figure.n_columns * _CELL + _SPACE / 2
    width = SIDE + _LABEL + len(panes) * (block + _SPACE) - _SPACE + SIDE
    below = "The number is the error L(x), the Euclidean norm of the residual."
    body = _HEAD + len(rows) * (_CELL + _NUMBER)
    page = Page(width, body, figure.title, f"{below} {note}")
    for row, model in enumerate(rows):
        page.write(SIDE, _top_of(page, row) + _CELL / 2, model, fontsize=7.5, va="center")
    for place, pane in enumerate(panes):
        left = SIDE + _LABEL + place * (block + _SPACE)
        (task,) = {line.task for line in figure.lines if line.pane == pane}
        page.write(left, page.top + 0.1, f"{pane}, normal: {task}", fontsize=8, weight="bold", va="center")
        _draw_block(page, frame[frame["pane"] == pane], rows, task, left)
    return page


def _draw_block(page: Page, frame: pd.DataFrame, rows: list[str], task: str, left: float) -> None:
    images = {model: _images(lines) for model, lines in frame.groupby("model")}
    classes = frame.loc[frame["model"] == INPUT, "class"].to_list()
    for row, model in enumerate(rows):
        top = _top_of(page, row)
        if model not in images:
            page.write(left, top + _CELL / 2, "missing", fontsize=7.5, color=FAINT, va="center")
            continue
        for column, image in enumerate(images[model]):
            x = left + column * _CELL + (0 if classes[column] == task else _SPACE / 2)
            axes = page.axes(x, top - page.top, 0.96 * _CELL, 0.96 * _CELL)
            axes.axis("off")
            axes.imshow(image)
            if model == INPUT:
                text, y = classes[column], top - 0.07
            else:
                text, y = f"{np.linalg.norm((image - images[INPUT][column]) / 255):.1f}", top + _CELL + 0.05
            page.write(x + 0.48 * _CELL, y, text, fontsize=6.5, color=FAINT, ha="center", va="center")


def _top_of(page: Page, row: int) -> float:
    """Inches from the top of the page to the images of a row."""
    return page.top + _HEAD - 0.05 + row * (_CELL + _NUMBER) - (0 if row else 0.03)


def _images(lines: pd.DataFrame) -> np.ndarray:
    """The images of these lines of the CSV, (n, side, side, 3), 0 to 255."""
    pixels = lines.sort_values("column").filter(regex=r"^p\d+$").to_numpy(dtype=np.int64)
    side = round((pixels.shape[1] / 3) ** 0.5)
    return pixels.reshape(len(pixels), side, side, 3)
