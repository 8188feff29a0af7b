"""The page of ``lisae score --html``: ranked images beside their reconstructions and errors, in one file."""

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lisae.images import Images

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }}
body {{ margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ padding: .4rem .6rem; text-align: left; vertical-align: middle; border-bottom: 1px solid #8884; }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
td.file {{ overflow-wrap: anywhere; }}
tr.anomalous td.label {{ color: #c0392b; font-weight: 600; }}
img {{ display: block; width: 6rem; image-rendering: pixelated; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{summary}</p>
<table>
<thead><tr><th>rank</th><th>image</th><th>reconstruction</th><th>error</th><th>score</th><th>probability</th>
<th>label</th><th>file</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""
_ROW = (
    '<tr class="{label}"><td class="number">{rank}</td>{pictures}<td class="number">{score}</td>'
    '<td class="number">{probability}</td><td class="label">{label}</td><td class="file">{file}</td></tr>'
)


def write_report(
    path: Path, detector: Any, images: Images, rows: Sequence[tuple[str, str, str, str]], model: str
) -> None:
    """Write the page, which opens without a network.

    Args:
        path: the file to write.
        detector: the fitted detector.
        images: those to show, the most anomalous first, (m, h, w, c), uint8.
        rows: file, score, probability and label of all images in the same order, (n, 4); m of n are shown.
        model: the name of the model's file.
    """
    reconstructions = np.rint(255 * detector.reconstruct(images).clip(0, 1)).astype(np.uint8)
    errors = detector.error_map(images)
    heat = heat_map(errors / max(float(errors.max()), 1e-12))
    shown = []
    for rank, (file, score, probability, label) in enumerate(rows[: len(images)]):
        pictures = "".join(
            f'<td><img alt="{alt}" src="{_png(one[rank])}"></td>'
            for alt, one in (("image", images), ("reconstruction", reconstructions), ("error of each pixel", heat))
        )
        fields = {"rank": rank + 1, "score": score, "probability": probability, "label": label}
        shown.append(_ROW.format(file=html.escape(file), pictures=pictures, **fields))
    anomalous = sum(row[3] == "anomalous" for row in rows)
    summary = (
        f"{len(rows)} images, of which {anomalous} score above the threshold {detector.threshold_:.6g}; "
        f"the {len(images)} most anomalous are shown. The probability is the share of normal training images that "
        "score lower. Errors of all images have one scale, from black (0) over red and yellow to white "
        f"({float(errors.max()):.3g})."
    )
    title = f"Anomaly scores, {html.escape(model)}"
    path.write_text(_PAGE.format(title=title, summary=summary, rows="\n".join(shown)), encoding="utf-8")


def heat_map(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Colour values in [0, 1] from black over red and yellow to white, (n, h, w) -> (n, h, w, 3)."""
    return np.rint(255 * (3 * values[..., None] - np.arange(3)).clip(0, 1)).astype(np.uint8)


def _png(image: NDArray[np.uint8]) -> str:
    content = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
