"""What is found beyond single numbers: the ledger of claims, and the theory of Section 4."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.claims import CONFIRMED, NOT_CONFIRMED, NOT_MEASURED, UNDECIDED
from benchmarks.report import words
from benchmarks.report.document import Block, Cell, Column, Grid, Points, Prose, row_of
from benchmarks.report.grid import DASH
from benchmarks.report.material import Material

# Told apart with any colour vision; the word stands in the cell as well.
_COLOURS = {CONFIRMED: "#d3e0f3", NOT_CONFIRMED: "#f9d9b8", UNDECIDED: "#f6f0cf", NOT_MEASURED: "#eaeaea"}
_CROSS_SECTION = "cross_section"


def claims(material: Material) -> Grid:
    """A row a claim."""
    columns = (
        Column("verdict", kind="label"),
        Column("claim", kind="prose"),
        Column("section", kind="prose"),
        Column("value"),
        Column("95% interval"),
        Column("n"),
        Column("reason", kind="prose"),
        Column("statistic", kind="prose"),
    )
    rows = []
    for claim in material.ledger:
        interval = f"{claim['ci_low']} to {claim['ci_high']}" if claim["ci_low"] else DASH
        rows.append(
            (
                Cell(claim["verdict"], _COLOURS[claim["verdict"]]),
                *row_of(claim["claim"], claim["section"]),
                *row_of(claim["value"] or DASH, interval, claim["n"] or DASH),
                *row_of(material.plan.without_folders(claim["reason"]), claim["statistic"] or DASH),
            )
        )
    return Grid("claims-ledger", "The ledger of claims", columns, tuple(rows))


def theory(material: Material) -> Iterator[Block]:
    """What Section 4 says and how it is checked, with the tilts of the cross-section where that was drawn."""
    yield Prose(words.THEORY)
    yield Points(words.THEORY_CHECKS)
    if _CROSS_SECTION not in material.drawn:
        return
    request = material.plan.request
    frame = pd.read_csv(request.results_dir / f"figure_{_CROSS_SECTION}.csv")
    tilts = frame[frame["points"] == "linear LIS-AE"].groupby("gamma")["tilt"].first()
    yield Grid(
        "cross-section",
        "Section 4.2: the tilt |g| of the trained encoder, and where negatives at a distance of 1 reach gamma",
        (Column("gamma"), Column("|g| trained"), Column("|g| expected"), Column("half-axis in z")),
        tuple(
            row_of(f"{gamma:g}", f"{g:.3f}", f"{np.sqrt(gamma**2 - 1):.3f}", f"{1 / np.sqrt(1 + g**2):.3f}")
            for gamma, g in zip(tilts.index.to_numpy(float), tilts.to_numpy(float), strict=True)
        ),
        ("Half-axis: where the contour of loss 1, a circle for the linear autoencoder, crosses the z-axis.",),
        request.command_for(*(figure for figure in request.figures if figure.id == _CROSS_SECTION)),
    )
