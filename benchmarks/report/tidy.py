"""The numbers of a table: from records to one tidy row a cell, ours beside the paper's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks import paper
from benchmarks.engine.records import Record, mean_auc, variant_text
from benchmarks.paper.tables import Cell, Measurement, Table


@dataclass(frozen=True)
class RecordLookup:
    """Where the numbers of a table come from.

    ``record`` gives the record of a measurement for a seed and a latent width (None: the fixed one), or None.
    ``widths`` gives the latent widths that the protocol ``oracle`` chooses from, the fixed one first, or
    (None,) for a model without a latent layer. ``seeds`` are averaged over.
    """

    record: Callable[[Measurement, int, int | None], Record | None]
    widths: Callable[[Measurement], Sequence[int | None]]
    seeds: Sequence[int]


@dataclass(frozen=True)
class _Measured:
    """A cell at one latent width: one value for each seed of which every run is there."""

    values: list[float]
    variants: set[str]
    latent_dim: int | None

    @property
    def mean(self) -> float:
        return float(np.mean(self.values)) if self.values else np.nan

    @property
    def std(self) -> float:
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else np.nan


def tidy(table: Table, lookup: RecordLookup) -> pd.DataFrame:
    """One row a cell, in the paper's order.

    Columns: ``row, column, paper, mean, std, n_seeds, ci_low, ci_high, delta, data_variant``. A seed counts where
    every run of the cell is there; ``std`` is over seeds (n - 1), ``ci_low`` and ``ci_high`` the 95 % t interval of
    the mean over seeds, both empty for fewer than two; ``delta`` is ``mean`` - ``paper``. All AUCs are in [0, 1].

    A table with the protocol ``oracle`` has five more: ``latent_dim`` is the width of all the above, chosen
    beforehand, and ``oracle_latent_dim, oracle_mean, oracle_std, oracle_delta`` are of the width of the grid with
    the highest mean test AUC. They are empty for a model without a latent layer.
    """
    return pd.DataFrame([_row(table, cell, lookup) for cell in table.cells])


def _row(table: Table, cell: Cell, lookup: RecordLookup) -> dict[str, object]:
    printed = paper.printed()[paper.Cell(table.id, cell.printed_row, cell.column)].value
    widths = lookup.widths(cell.measurements[0]) if table.oracle else (None,)
    fixed = _measured(cell, lookup, widths[0])
    n = len(fixed.values)
    margin = float(stats.t.ppf(0.975, n - 1)) * fixed.std / n**0.5 if n > 1 else np.nan
    row = {
        "row": cell.row,
        "column": cell.column,
        "paper": printed,
        "mean": fixed.mean,
        "std": fixed.std,
        "n_seeds": n,
        "ci_low": fixed.mean - margin,
        "ci_high": fixed.mean + margin,
        "delta": fixed.mean - printed,
        "data_variant": "; ".join(sorted(fixed.variants)),
    }
    if not table.oracle:
        return row
    candidates = [] if widths[0] is None else [fixed, *(_measured(cell, lookup, width) for width in widths[1:])]
    best = max((one for one in candidates if one.values), key=lambda one: one.mean, default=_Measured([], set(), None))
    return row | {
        "latent_dim": _whole(widths[0]),
        "oracle_latent_dim": _whole(best.latent_dim),
        "oracle_mean": best.mean,
        "oracle_std": best.std,
        "oracle_delta": best.mean - printed,
    }


def _measured(cell: Cell, lookup: RecordLookup, latent_dim: int | None) -> _Measured:
    values, variants = [], set()
    for seed in lookup.seeds:
        found = [
            (r, measurement)
            for measurement in cell.measurements
            if (r := lookup.record(measurement, seed, latent_dim)) is not None
        ]
        if len(found) == len(cell.measurements):
            means = [
                mean_auc(record, measurement.outliers, label_sweep=measurement.label_sweep)
                for record, measurement in found
            ]
            values.append(float(np.mean(means)))
            variants |= {variant_text(record.identity["variants"]) for record, _ in found} - {""}
    return _Measured(values, variants, latent_dim)


def _whole(number: int | None) -> str:
    """A whole number as text, so that a column with gaps does not become one of floats."""
    return "" if number is None else str(number)
