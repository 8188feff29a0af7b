"""The numbers of a table: from records to one tidy row a cell, ours beside the paper's."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks import paper
from benchmarks.artefacts import Cell, Table, Term
from benchmarks.store import Record, mean_auc, variant_text

Lookup = Callable[[Term, int], Record | None]


def tidy(table: Table, lookup: Lookup, seeds: Sequence[int]) -> pd.DataFrame:
    """One row a cell, in the paper's order.

    Columns: ``row, column, paper, mean, std, n_seeds, ci_low, ci_high, delta, data_variant``. A seed counts where
    every run of the cell is there; ``std`` is over seeds (n - 1), ``ci_low`` and ``ci_high`` the 95 % t interval of
    the mean over seeds, both empty for fewer than two; ``delta`` is ``mean`` - ``paper``. All AUCs are in [0, 1].

    Args:
        table: what to fill.
        lookup: gives the record of a term for a seed, or None.
        seeds: which seeds to average over.
    """
    return pd.DataFrame([_row(table, cell, lookup, seeds) for cell in table.cells])


def _row(table: Table, cell: Cell, lookup: Lookup, seeds: Sequence[int]) -> dict[str, object]:
    printed = paper.printed()[paper.Cell(table.id, cell.row, cell.column)].value
    values, variants = [], set()
    for seed in seeds:
        found = [(record, term) for term in cell.terms if (record := lookup(term, seed)) is not None]
        if len(found) == len(cell.terms):
            values.append(float(np.mean([mean_auc(record, term.outliers) for record, term in found])))
            variants |= {variant_text(record.identity["variants"]) for record, _ in found} - {""}
    mean = float(np.mean(values)) if values else np.nan
    std = float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
    margin = float(stats.t.ppf(0.975, len(values) - 1)) * std / len(values) ** 0.5 if len(values) > 1 else np.nan
    return {
        "row": cell.row,
        "column": cell.column,
        "paper": printed,
        "mean": mean,
        "std": std,
        "n_seeds": len(values),
        "ci_low": mean - margin,
        "ci_high": mean + margin,
        "delta": mean - printed,
        "data_variant": "; ".join(sorted(variants)),
    }
