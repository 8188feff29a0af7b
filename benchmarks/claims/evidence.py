"""From the selections of a claim to the numbers of records that they stand for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims.intervals import Case, Sample, auc_variance, estimate
from benchmarks.data.cache import CATALOGUE
from benchmarks.engine.plan import Plan
from benchmarks.engine.records import Record, Store, aucs_of, variant_text
from benchmarks.engine.run import Run, changed
from benchmarks.paper.claims import Selection, Sides, TaskKey, common_keys
from benchmarks.paper.tables import Measurement


class NotMeasured(Exception):
    """A claim cannot be decided yet; the text says what is missing."""


class Finding(NamedTuple):
    """The value of a computation, the number of values behind it, what else a reader should know of it, and its ends.

    ``low`` and ``high`` are the ends of its 95 % interval, NaN where nothing is drawn by chance.
    """

    value: float
    n: int
    remark: str
    low: float = np.nan
    high: float = np.nan


def finding_over(values: Sequence[float], remark: str) -> Finding:
    """Return the mean of the values of some tasks of one kind, with its interval over tasks: endless for one task."""
    if len(values) == 1:
        return Finding(values[0], 1, remark, -np.inf, np.inf)
    column = np.array(values)[:, None]
    found = estimate([(Sample(tuple(("", (task,)) for task in range(len(values))), column, np.zeros_like(column)),)])
    return Finding(found.value, found.n, remark, found.low, found.high)


def mean_and_variance(record: Record, measurement: Measurement) -> tuple[float, float]:
    """Return a run's mean AUC over the outliers of a measurement, and the variance of it over test images."""
    aucs = np.array(aucs_of(record, measurement.outliers, measurement.extra))
    n_outliers = {score.outlier: score.n_outlier for score in record.scores}
    counts = np.array([n_outliers[outlier] for outlier in measurement.outliers])
    return float(aucs.mean()), float(auc_variance(aucs, record.n_normal, counts).mean() / len(counts))


Needed = Sequence[tuple[Selection, Sequence[TaskKey]]]
ValueAndVariance = tuple[Any, float]  # a float, or the points of a curve
Number = Callable[[Selection, TaskKey, int], ValueAndVariance]  # of a task and a seed


def make_case(sides: Sides, number: Number, seeds: Sequence[int], *, paired: bool) -> Case:
    """Return the differences of a case, task by task, or its two sides where their tasks are not the same.

    A ``number`` that is a curve and not a scalar becomes the share of its points where the difference is above 0, of
    those where there is one: where both curves detect everything, neither can be the higher. It is a half where the
    curves are the same.

    Raises ValueError for pairs without a common task.
    """
    if not paired:
        return tuple(_sample([(1, selection)], list(selection.cells), number, seeds, sign) for sign, selection in sides)
    return (_sample(sides, common_keys(sides), number, seeds, 1),)


def _sample(sides: Sides, keys: Sequence[TaskKey], number: Number, seeds: Sequence[int], sign: int) -> Sample:
    values, variances = np.empty((2, len(keys), len(seeds)))
    for i, key in enumerate(keys):
        for j, seed in enumerate(seeds):
            numbers = [(one, *number(selection, key, seed)) for one, selection in sides]
            difference = np.sum([one * value for one, value, _ in numbers], axis=0)
            values[i, j] = _share_above(difference) if difference.ndim else difference
            variances[i, j] = sum(variance for *_, variance in numbers)
    return Sample(tuple(keys), values, variances, sign, len(sides))


def _share_above(difference: NDArray[np.float64]) -> float:
    signs = np.sign(difference.round(9))  # means of the same shares in another order differ by rounding
    unlike = signs[signs != 0]
    return float((unlike > 0).mean()) if len(unlike) else 0.5


@dataclass(frozen=True)
class Evidence:
    """The records that claims are judged by: those of the ``seeds`` asked for.

    ``run`` gives the run of a measurement and a seed under the profile. ``store`` holds the records, and beside them
    what was computed for the ledger. ``command`` makes what is missing.
    """

    run: Callable[[Measurement, int], Run]
    store: Store
    seeds: Sequence[int]
    command: str = "python -m benchmarks.reproduce --claims"
    _records: dict[str, Record | None] = field(default_factory=dict, repr=False)

    def record(self, measurement: Measurement, seed: int, change: Mapping[str, Any]) -> Record | None:
        """Return the record of a measurement under changed settings, or None.

        Raises ``NotMeasured`` for a setting that its model does not have.
        """
        run = changed(self.run(measurement, seed), change)
        if run is None:
            names = " or ".join(map(repr, change))
            raise NotMeasured(f"{measurement.model} has no setting {names} here, and so no such run")
        if run.id not in self._records:
            self._records[run.id] = self.store.get(run)
        return self._records[run.id]

    def seeds_of(self, needed: Needed) -> list[int]:
        """Return the seeds of which every record is there. Raises ``NotMeasured`` where there is none."""
        wanted = {
            (one.task, one.model, tuple(change.items())): (one, change)
            for selection, keys in needed
            for change in selection.changes
            for one in selection.measurements(keys)
        }.values()
        missing = {seed: [one for one in wanted if self.record(one[0], seed, one[1]) is None] for seed in self.seeds}
        if complete := [seed for seed in self.seeds if not missing[seed]]:
            return complete
        seed = min(missing, key=lambda seed: len(missing[seed]))
        measurement, change = missing[seed][0]
        with_change = "".join(f" with {setting} = {value!r}" for setting, value in change.items())
        raise NotMeasured(
            f"no record of {len(missing[seed])} of {len(wanted)} runs, such as {measurement.model} on "
            f"{measurement.task.dataset} {','.join(map(str, measurement.task.normal))}{with_change}, seed {seed}"
        )

    def number(self, selection: Selection, key: TaskKey, seed: int) -> ValueAndVariance:
        """Give a ``Number`` of the records: AUC, or its range over several changes (taken without a variance)."""
        values, variances = [], []
        for measurement, records in self._found(selection, key, seed):
            means, of_means = zip(*(mean_and_variance(record, measurement) for record in records), strict=True)
            values.append(means[0] if len(means) == 1 else np.ptp(means))
            variances.append(of_means[0] if len(means) == 1 else 0.0)
        return np.mean(values), float(np.mean(variances)) / len(variances)

    def curve(self, selection: Selection, key: TaskKey, seed: int) -> ValueAndVariance:
        """Give a ``Number`` of the records: the share of anomalies found where 1 to 99 % of normal images pass."""
        curves = [
            np.mean([score.detected[1:-1] for score in record.scores if score.outlier in measurement.outliers], axis=0)
            for measurement, records in self._found(selection, key, seed)
            for record in records
        ]
        return np.mean(curves, axis=0), 0.0

    def detected(self, selection: Selection, key: TaskKey, seed: int) -> ValueAndVariance:
        """Give a ``Number`` of the records: the share of anomalies found where 95 % of normal images pass."""
        shares = [
            np.mean([score.detected_at_5 for score in record.scores if score.outlier in measurement.outliers])
            for measurement, records in self._found(selection, key, seed)
            for record in records
        ]
        return np.mean(shares), 0.0

    def restarts(self, selection: Selection, key: TaskKey, seed: int) -> ValueAndVariance:
        """Give a ``Number`` of the records: how many trainings collapsed and were begun again."""
        found = [record.restarts for _, records in self._found(selection, key, seed) for record in records]
        return np.mean(found), 0.0

    def variants(self, needed: Needed) -> str:
        """Name the data sets behind these tasks that are not the complete official ones, with a word on each."""
        runs = [self.run(one, self.seeds[0]) for selection, keys in needed for one in selection.measurements(keys)]
        found = sorted({(name, variant) for run in runs for name, variant in run.variants.items() if variant})
        words = {(name, variant): text for name, of in CATALOGUE.items() for variant, text in of.variants.items()}
        notes = [f" ({words[one]})" if one in words else "" for one in found]
        return "; ".join(f"{variant_text(dict([one]))}{note}" for one, note in zip(found, notes, strict=True))

    def _found(self, selection: Selection, key: TaskKey, seed: int) -> Iterator[tuple[Measurement, list[Record]]]:
        for measurement in selection.measurements([key]):
            records = [self.record(measurement, seed, change) for change in selection.changes]
            yield measurement, [record for record in records if record is not None]


def evidence_of(plan: Plan) -> Evidence:
    """Return the evidence that a call is about."""
    return Evidence(plan.run, plan.store, plan.request.seeds, f"{plan.request.command_for()} --claims")
