"""From the selections of a claim to the numbers of records, and of the paper, that they stand for."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import paper
from benchmarks.claims.bootstrap import Case, Key, Sample, auc_variance
from benchmarks.engine.records import Record, Store, mean_auc, variant_text
from benchmarks.engine.run import Run, changed
from benchmarks.paper.tables import AVERAGE, TABLES, Cell, Measurement


class NotMeasured(Exception):
    """A claim cannot be decided yet; the text says what is missing."""


@dataclass(frozen=True)
class Sweep:
    """A setting and the values it takes; a dot leads to the settings of phase one."""

    setting: str
    values: tuple[Any, ...]


class _Part(NamedTuple):
    """A cell's measurement, and the number that the paper prints for the cell."""

    measurement: Measurement
    printed: float


@dataclass(frozen=True)
class Selection:
    """Cells of tables by task, under the profile's settings or under changed ones (see ``claims.toml``).

    ``changes``: settings in place of the profile's; where there are several, the value is the range over them.
    """

    text: str
    parts: Mapping[Key, tuple[_Part, ...]]
    changes: tuple[Mapping[str, Any], ...]


def select(text: str, sweeps: Mapping[str, Sweep]) -> Selection:
    """Find the cells of a selection. Raises ValueError for one that names no cell, or a sweep that is not there."""
    cells, _, change = text.partition(" @ ")
    table_id, row, column = cells.split(" / ")
    parts: dict[Key, dict[_Part, None]] = {}
    for table in TABLES:
        for cell in table.cells if fnmatchcase(table.id, table_id) else ():
            if fnmatchcase(cell.row, row) and fnmatchcase(cell.column, column):
                for measurement in cell.measurements:
                    part = _Part(measurement, _printed(table.id, cell))
                    parts.setdefault((measurement.task.dataset, measurement.task.normal), {})[part] = None
    if not parts:
        raise ValueError(f"no cell of the tables is selected by {cells!r}.")
    return Selection(text, {key: tuple(found) for key, found in parts.items()}, _changes(change, sweeps))


def _changes(text: str, sweeps: Mapping[str, Sweep]) -> tuple[Mapping[str, Any], ...]:
    setting, given, value = text.partition("=")
    if given:
        return ({setting: json.loads(value)},)
    if not text:
        return ({},)
    if text not in sweeps:
        raise ValueError(f"there is no sweep {text!r}.")
    return tuple({sweeps[text].setting: value} for value in sweeps[text].values)


@cache
def _printed(table_id: str, cell: Cell) -> float:
    """What the paper prints for a cell; an average is that of its row, since many printed ones are slips."""
    printed = paper.printed()
    if cell.column == AVERAGE:
        row = [value for at, value in printed.items() if at[:2] == (table_id, cell.row) and at.column != AVERAGE]
        return float(np.mean([value.value for value in row]))
    return printed[paper.Place(table_id, cell.printed_row, cell.column)].value


Sides = Sequence[tuple[int, Selection]]  # with their signs
Needed = Sequence[tuple[Selection, Sequence[Key]]]
Number = Callable[[Selection, Key, int], tuple[NDArray[np.float64], float]]  # value and variance of a task and seed


def make_case(sides: Sides, number: Number, seeds: Sequence[int], *, paired: bool) -> Case:
    """The differences of a case, task by task, or its two sides where their tasks are not the same.

    A ``number`` that is a curve and not a scalar becomes the share of its points where the difference is above 0.

    Raises ValueError for pairs without a common task.
    """
    if not paired:
        return tuple(_sample([(1, selection)], list(selection.parts), number, seeds, sign) for sign, selection in sides)
    return (_sample(sides, common_keys(sides), number, seeds, 1),)


def common_keys(sides: Sides) -> list[Key]:
    """The tasks that all sides have. Raises ValueError where there is none."""
    keys = [key for key in sides[0][1].parts if all(key in selection.parts for _, selection in sides)]
    if not keys:
        raise ValueError(f"{', '.join(selection.text for _, selection in sides)} have no task in common.")
    return keys


def _sample(sides: Sides, keys: Sequence[Key], number: Number, seeds: Sequence[int], sign: int) -> Sample:
    values, variances = np.empty((2, len(keys), len(seeds)))
    for i, key in enumerate(keys):
        for j, seed in enumerate(seeds):
            numbers = [(one, *number(selection, key, seed)) for one, selection in sides]
            difference = np.sum([one * value for one, value, _ in numbers], axis=0)
            values[i, j] = (difference > 0).mean() if difference.ndim else difference
            variances[i, j] = sum(variance for *_, variance in numbers)
    return Sample(tuple(keys), values, variances, sign)


def printed_number(selection: Selection, key: Key, seed: int) -> tuple[NDArray[np.float64], float]:
    """A ``Number`` of the paper's own tables, without a variance."""
    return np.asarray(np.mean([part.printed for part in selection.parts[key]])), 0.0


@dataclass(frozen=True)
class Evidence:
    """The records that claims are judged by.

    Args:
        run: gives the run of a measurement and a seed under the profile.
        store: where its record lies.
        seeds: those asked for.
    """

    run: Callable[[Measurement, int], Run]
    store: Store
    seeds: Sequence[int]
    _records: dict[str, Record | None] = field(default_factory=dict, repr=False)

    def record(self, measurement: Measurement, seed: int, change: Mapping[str, Any]) -> Record | None:
        """The record of a measurement under changed settings, or None.

        Raises ``NotMeasured`` for a setting that its model does not have.
        """
        run = self._changed(measurement, seed, change)
        if run.id not in self._records:
            self._records[run.id] = self.store.get(run)
        return self._records[run.id]

    def _changed(self, measurement: Measurement, seed: int, change: Mapping[str, Any]) -> Run:
        run = changed(self.run(measurement, seed), change)
        if run is None:
            raise NotMeasured(
                f"{measurement.model} has no setting {' or '.join(map(repr, change))} here, and so no such run"
            )
        return run

    def seeds_of(self, needed: Needed) -> list[int]:
        """The seeds of which every record is there. Raises ``NotMeasured`` where there is none."""
        wanted = {
            (part.measurement.task, part.measurement.model, tuple(change.items())): (part.measurement, change)
            for selection, keys in needed
            for change in selection.changes
            for key in keys
            for part in selection.parts[key]
        }
        missing = {
            seed: [
                (measurement, change)
                for measurement, change in wanted.values()
                if self.record(measurement, seed, change) is None
            ]
            for seed in self.seeds
        }
        complete = [seed for seed in self.seeds if not missing[seed]]
        if not complete:
            seed = min(self.seeds, key=lambda seed: len(missing[seed]))
            measurement, change = missing[seed][0]
            with_change = "".join(f" with {setting} = {value!r}" for setting, value in change.items())
            raise NotMeasured(
                f"no record of {len(missing[seed])} of {len(wanted)} runs, such as {measurement.model} on "
                f"{measurement.task.dataset} {','.join(map(str, measurement.task.normal))}{with_change}, seed {seed}"
            )
        return complete

    def number(self, selection: Selection, key: Key, seed: int) -> tuple[NDArray[np.float64], float]:
        """A ``Number`` of the records: AUC, or its range over several changes (taken without a variance)."""
        aucs, variances = [], []
        for measurement, records in self._found(selection, key, seed):
            values = [mean_auc(record, measurement.outliers, label_sweep=measurement.label_sweep) for record in records]
            aucs.append(max(values) - min(values) if len(values) > 1 else values[0])
            variances.append(0.0 if len(values) > 1 else _mean_variance(records[0], measurement))
        return np.asarray(np.mean(aucs)), float(np.sum(variances)) / len(variances) ** 2

    def curve(self, selection: Selection, key: Key, seed: int) -> tuple[NDArray[np.float64], float]:
        """A ``Number`` of the records: share of anomalies detected where 1 to 99 % of normal images are accepted."""
        curves = [
            np.mean([score.detected[1:-1] for score in record.scores if score.outlier in measurement.outliers], axis=0)
            for measurement, records in self._found(selection, key, seed)
            for record in records
        ]
        return np.mean(curves, axis=0), 0.0

    def variants(self, needed: Needed) -> str:
        """The data sets behind these tasks that are not the complete official ones; '' for none."""
        measurements = [part.measurement for selection, keys in needed for key in keys for part in selection.parts[key]]
        return "; ".join(
            sorted(
                {variant_text(dict(self.run(measurement, self.seeds[0]).variants)) for measurement in measurements}
                - {""}
            )
        )

    def _found(self, selection: Selection, key: Key, seed: int) -> list[tuple[Measurement, list[Record]]]:
        found = []
        for part in selection.parts[key]:
            records = [self.record(part.measurement, seed, change) for change in selection.changes]
            found.append((part.measurement, [record for record in records if record is not None]))
        return found


def _mean_variance(record: Record, measurement: Measurement) -> float:
    """The variance, over test images, of the mean AUC over the outlier classes of a measurement."""
    scores = [score for score in record.scores if score.outlier in measurement.outliers]
    aucs = [
        score.label_sweep_auc if measurement.label_sweep and score.label_sweep_auc else score.auc for score in scores
    ]
    return (
        sum(auc_variance(auc, record.n_normal, score.n_outlier) for auc, score in zip(aucs, scores, strict=True))
        / len(scores) ** 2
    )
