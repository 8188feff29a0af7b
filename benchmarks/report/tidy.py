"""From records to one tidy row for each cell, ours beside the paper's, and to a note of how the numbers were made."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.engine.records import Record, mean_auc, mean_detected, variant_text
from benchmarks.paper.tables import Artefact, Cell, Measurement, Table

COMPLETE = "complete official sets"
_NAMED = 6  # missing parts that a note names
Reasons = Mapping[str, Sequence[str]]  # why parts of a table or figure are missing, each with their names


@dataclass(frozen=True)
class RecordLookup:
    """The source of the numbers of tables and figures.

    ``record`` gives the record of a measurement for a seed and a latent width (None: the fixed one), or None.
    ``widths`` gives the latent widths that the protocol ``oracle`` chooses from, the fixed one first, or
    (None,) for a model without a latent layer. ``seeds`` are averaged over.
    """

    record: Callable[[Measurement, int, int | None], Record | None]
    widths: Callable[[Measurement], Sequence[int | None]]
    seeds: Sequence[int]

    def records(self, artefact: Artefact) -> list[Record]:
        """List the records of what an artefact measures, at every latent width that it shows."""
        found = (
            self.record(measurement, seed, width)
            for measurement in artefact.measurements
            for width in (self.widths(measurement) if artefact.oracle else (None,))
            for seed in self.seeds
        )
        return [record for record in found if record is not None]


@dataclass(frozen=True)
class Measured:
    """The mean of some measurements at one latent width: one value for each seed of which every run is there."""

    values: list[float]
    detected: list[float]
    variants: set[str]
    latent_dim: int | None

    @property
    def mean(self) -> float:
        """The mean over seeds, NaN for none."""
        return float(np.mean(self.values)) if self.values else np.nan

    @property
    def std(self) -> float:
        """The standard deviation over seeds (n - 1), NaN for fewer than two."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else np.nan


def tidy(table: Table, lookup: RecordLookup) -> pd.DataFrame:
    """Return a row for each cell, in the paper's order.

    Columns: ``row, column, paper, mean, std, n_seeds, ci_low, ci_high, delta, data_variant``. A seed counts where
    every run of the cell is there; ``std`` is over seeds (n - 1), ``ci_low`` and ``ci_high`` the 95 % t interval of
    the mean over seeds, both empty for fewer than two; ``delta`` is ``mean`` - ``paper``, both empty for a cell that
    the paper does not have. All AUCs are in [0, 1].

    A table with the protocol ``oracle`` has six more: ``latent_dim`` is the width of all the above, chosen
    beforehand, ``oracle_latent_dim, oracle_mean, oracle_std, oracle_delta`` are of the width of the grid with the
    highest mean test AUC, and ``oracle_task_mean`` is the mean where the best width is taken for each task by itself.
    They are empty for a model without a latent layer; those of the oracle also while a width of the grid is not
    measured.

    The last column is ``detected_at_5``: the mean share of outliers, as AUCs are averaged, that is detected at the
    threshold where 5 % of the normal test images are false alarms. It is empty for a further way to decide, such as
    the label sweep.
    """
    return pd.DataFrame([_row(table, cell, lookup) for cell in table.cells])


def _row(table: Table, cell: Cell, lookup: RecordLookup) -> dict[str, object]:
    found = table.printed(cell)
    printed = found.value if found else np.nan
    widths = lookup.widths(cell.measurements[0]) if table.oracle else (None,)
    fixed = measured(cell.measurements, lookup, widths[0])
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
    detected = {"detected_at_5": float(np.mean(fixed.detected)) if fixed.detected else np.nan}
    if not table.oracle:
        return row | detected
    grid = () if widths[0] is None else widths
    best = _best(cell.measurements, lookup, grid)
    by_task = [_best([one], lookup, grid).mean for one in cell.measurements]
    return row | {
        "latent_dim": str(widths[0] or ""),  # text, so that a column with gaps does not become one of floats
        "oracle_latent_dim": str(best.latent_dim or ""),
        "oracle_mean": best.mean,
        "oracle_std": best.std,
        "oracle_delta": best.mean - printed,
        "oracle_task_mean": float(np.mean(by_task)),
        **detected,
    }


def measured(measurements: Sequence[Measurement], lookup: RecordLookup, latent_dim: int | None) -> Measured:
    """Return the mean AUC of measurements at a latent width, None for the one chosen beforehand."""
    values, detected, variants = [], [], set()
    for seed in lookup.seeds:
        found = [(lookup.record(one, seed, latent_dim), one) for one in measurements]
        means = [mean_auc(record, one.outliers, one.extra) for record, one in found if record is not None]
        if len(means) == len(found):
            values.append(float(np.mean(means)))
            if not any(one.extra for one in measurements):
                detected.append(float(np.mean([mean_detected(r, one.outliers) for r, one in found if r is not None])))
            variants |= {variant_text(record.identity["variants"]) for record, _ in found if record} - {""}
    return Measured(values, detected, variants, latent_dim)


def _best(measurements: Sequence[Measurement], lookup: RecordLookup, widths: Sequence[int | None]) -> Measured:
    """Return the measurements at the width with their highest mean; nothing while a width is not measured."""
    found = [measured(measurements, lookup, width) for width in widths]
    none = Measured([], [], set(), None)
    return max(found, key=lambda one: one.mean, default=none) if all(one.values for one in found) else none


def note(artefact: Artefact, lookup: RecordLookup, command: str = "", reasons: Reasons = MappingProxyType({})) -> str:
    """Say how a table or figure was made: profile, seeds, devices, data variants, and latent widths.

    ``command`` makes it, '' where that stands elsewhere.
    """
    end = f"; command: {command}." if command else "."
    if not artefact.needs:  # no run: there is only its seed to tell
        return " ".join([f"Seed {lookup.seeds[0]}{end}", *missing_texts(reasons)])
    records = lookup.records(artefact)
    profiles = " and ".join(sorted({record.profile for record in records})) or "not yet run"
    averaged = " (mean ± standard deviation)" if artefact.kind == "table" else " (mean)"
    sentences = [
        f"Profile {profiles}, {seeds_text(lookup.seeds)}{averaged if len(lookup.seeds) > 1 else ''}; "
        f"trained on {hardware(records) or 'nothing yet'}; data: {data_text(records)}{end}"
    ]
    if artefact.oracle:
        grids = [lookup.widths(need.measurements[0]) for need in artefact.needs]
        if tried := sorted({width for grid in grids if len(grid) > 1 for width in grid if width is not None}):
            sentences.append(
                "Fixed width: the latent width was chosen beforehand, one for each data set; oracle width: the best of "
                f"the grid by test AUC, the paper's protocol (widths tried: {', '.join(map(str, tried))}). "
                "A model without a latent layer has no oracle."
            )
        else:
            sentences.append("The latent width was chosen beforehand, one for each data set.")
    return " ".join([*sentences, *missing_texts(reasons)])


def missing_texts(reasons: Reasons) -> list[str]:
    """Say which parts are missing for which reason, a sentence for each reason, which names some of many parts."""
    texts = []
    for reason, names in reasons.items():
        more = f"; and {len(names) - _NAMED} more" if len(names) > _NAMED + 1 else ""
        some = names[:_NAMED] if more else names
        texts.append(f"Missing for this reason: {reason.removesuffix('.')} ({'; '.join(some)}{more}).")
    return texts


def seeds_text(seeds: Sequence[int]) -> str:
    """Name the seeds."""
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def hardware(records: Iterable[Record]) -> str:
    """Name every device with the precisions that it computed in, '' where there is no record."""
    precisions: dict[str, set[str]] = {}
    for record in records:
        precisions.setdefault(record.device, set()).add(record.precision)
    return " and ".join(f"{device} ({', '.join(sorted(found))})" for device, found in sorted(precisions.items()))


def data_text(records: Iterable[Record]) -> str:
    """Name the data sets behind records that are not the complete official ones."""
    texts = {variant_text({name: v}) for record in records for name, v in record.identity["variants"].items()} - {""}
    return "; ".join(sorted(texts)) or COMPLETE
