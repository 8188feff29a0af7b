"""The numbers of a table: means and spreads over seeds, the width of the oracle, and a note of how they were made."""

import math
from dataclasses import replace

import pandas as pd
import pytest
from scipy import stats

from benchmarks.engine.records import Record
from benchmarks.paper.tables import Measurement, table
from benchmarks.report.document import written
from benchmarks.report.tables import side_by_side
from benchmarks.report.tidy import note, tidy
from tests.benchmarks.report.records import TABLE, a_part, at, auc, lookup, nothing, record_of


def test_numbers_of_one_seed() -> None:
    frame = tidy(TABLE, lookup())
    columns = ["row", "column", "paper", "mean", "std", "n_seeds", "ci_low", "ci_high", "delta", "data_variant"]
    assert list(frame.columns) == [*columns, "detected_at_5"]
    assert len(frame) == 80
    measurement = next(
        cell.measurements[0] for cell in TABLE.cells if (cell.row, cell.column) == ("Deer | Ship 8", "Bird")
    )
    line = at(frame, "Deer | Ship 8", "Bird")
    assert (line["paper"], line["mean"], line["n_seeds"]) == (0.63, auc(measurement, 2, 0), 1)
    assert line["delta"] == pytest.approx(auc(measurement, 2, 0) - 0.63)
    assert math.isnan(line["std"])
    assert math.isnan(line["ci_low"])
    average = at(frame, "Deer | Ship 8", "Avg.")
    assert average["mean"] == pytest.approx(sum(auc(measurement, o, 0) for o in (0, 1, 2, 3)) / 4)


def test_spread_over_seeds() -> None:
    seeds = [0, 1, 4]
    line = at(tidy(TABLE, lookup(seeds=seeds)), "Car | None", "Plane")
    measurement = next(
        cell.measurements[0] for cell in TABLE.cells if (cell.row, cell.column) == ("Car | None", "Plane")
    )
    values = [auc(measurement, 0, seed) for seed in seeds]
    assert line["mean"] == pytest.approx(sum(values) / 3)
    assert line["std"] == pytest.approx(pd.Series(values).std())
    interval = stats.t.interval(0.95, 2, loc=line["mean"], scale=stats.sem(values))
    assert (line["ci_low"], line["ci_high"]) == pytest.approx(interval)
    assert line["n_seeds"] == 3


def test_a_seed_without_its_record_does_not_count() -> None:
    frame = tidy(TABLE, lookup(lambda one, seed, _: record_of(one, seed) if seed == 1 else None, [0, 1]))
    assert set(frame["n_seeds"]) == {1}
    empty = tidy(TABLE, lookup(nothing))
    assert empty["mean"].isna().all()
    assert (empty["n_seeds"] == 0).all()
    assert empty["paper"].notna().all()


def test_detection_is_that_at_5_percent_of_false_alarms() -> None:
    def better_with_the_seed(measurement: Measurement, seed: int, _: int | None) -> Record:
        def curve(outlier: int) -> tuple[float, ...]:
            return tuple(1 - i / 1000 - outlier / 100 - seed / 10 for i in range(101))

        record = record_of(measurement, seed)
        return replace(record, scores=tuple(replace(one, detected=curve(one.outlier)) for one in record.scores))

    frame = tidy(TABLE, lookup(better_with_the_seed, [0, 1]))
    assert at(frame, "Car | None", "Bird")["detected_at_5"] == pytest.approx(0.905 - 0.02 - 0.05)
    assert at(frame, "Car | None", "Avg.")["detected_at_5"] == pytest.approx(0.905 - 0.0225 - 0.05)
    assert tidy(TABLE, lookup(nothing))["detected_at_5"].isna().all()
    of_table_1 = tidy(table("1"), lookup(better_with_the_seed))
    assert math.isnan(at(of_table_1, "OC-SVM, label sweep", "MNIST")["detected_at_5"])
    assert not math.isnan(at(of_table_1, "OC-SVM", "MNIST")["detected_at_5"])


def test_a_variant_of_the_data_is_told_with_the_number() -> None:
    frame = tidy(TABLE, lookup(a_part))
    assert set(frame["data_variant"]) == {"cifar10: a part"}
    assert set(tidy(TABLE, lookup())["data_variant"]) == {""}


def wider_is_better_to_32(measurement: Measurement, seed: int, latent_dim: int | None) -> Record:
    gain = {None: 0.0, 16: 0.0, 32: 0.05, 64: 0.01}[latent_dim]
    record = record_of(measurement, seed)
    return replace(record, scores=tuple(replace(score, auc=score.auc + gain) for score in record.scores))


def test_oracle_is_the_best_width_of_the_grid_beside_the_fixed_one() -> None:
    frame = tidy(table("3"), lookup(wider_is_better_to_32, [0, 1], [16, 32, 64]))
    oracle = [f"oracle_{name}" for name in ("latent_dim", "mean", "std", "delta", "task_mean")]
    assert list(frame.columns[-7:]) == ["latent_dim", *oracle, "detected_at_5"]
    assert set(frame["latent_dim"]) == {"16"}
    assert set(frame["oracle_latent_dim"]) == {"32"}
    assert (frame["oracle_mean"] - frame["mean"]).to_list() == pytest.approx([0.05] * len(frame))
    gain = (frame["oracle_delta"] - frame["delta"]).dropna()  # where the paper prints something
    assert gain.to_list() == pytest.approx([0.05] * frame["paper"].notna().sum())
    text = written(side_by_side(table("3"), frame), "md")
    assert "| Negative Data | MNIST: fixed width | MNIST: oracle width | Fashion: fixed width |" in text


def test_oracle_of_a_task_takes_the_best_width_of_that_task() -> None:
    def best_of_odd_and_even(measurement: Measurement, seed: int, latent_dim: int | None) -> Record:
        record = record_of(measurement, seed)
        gain = 0.1 if latent_dim == (16 if measurement.task.normal[0] % 2 else 32) else 0.0
        return replace(record, scores=tuple(replace(score, auc=score.auc + gain) for score in record.scores))

    frame = tidy(table("3"), lookup(best_of_odd_and_even, [0], [16, 32]))
    assert (frame["oracle_mean"] - frame["mean"]).abs().max() == pytest.approx(
        0, abs=1e-9
    )  # five of ten tasks either way
    assert (frame["oracle_task_mean"] - frame["mean"]).to_list() == pytest.approx([0.05] * len(frame))


def test_the_oracle_of_one_width_is_not_shown() -> None:
    frame = tidy(table("3"), lookup(widths=[16]))
    assert set(frame["latent_dim"]) == set(frame["oracle_latent_dim"]) == {"16"}
    assert (frame["oracle_mean"] == frame["mean"]).all()
    assert "oracle" not in written(side_by_side(table("3"), frame), "md")
    assert "oracle" not in note(table("3"), lookup(widths=[16]))


def test_oracle_waits_for_every_width() -> None:
    def without_32(measurement: Measurement, seed: int, latent_dim: int | None) -> Record | None:
        return None if latent_dim == 32 else wider_is_better_to_32(measurement, seed, latent_dim)

    for look in (without_32, nothing):
        frame = tidy(table("3"), lookup(look, [0], [16, 32, 64]))
        assert frame[["oracle_mean", "oracle_task_mean"]].isna().all(axis=None)
        assert set(frame["oracle_latent_dim"]) == {""}
        assert frame["mean"].isna().all() == (look is nothing)


def test_the_label_sweep_stands_beside_the_printed_oc_svm() -> None:
    def swept(measurement: Measurement, seed: int, latent_dim: int | None) -> Record:
        record = record_of(measurement, seed)
        return replace(
            record, scores=tuple(replace(score, extra_aucs={"label sweep": 0.25}) for score in record.scores)
        )

    frame = tidy(table("2"), lookup(swept))
    score, sweep = (at(frame, row, "CIFAR-10") for row in ("OC-SVM", "OC-SVM, label sweep"))
    assert score["paper"] == sweep["paper"] == 0.5651
    assert sweep["mean"] == 0.25
    assert score["mean"] != 0.25


def test_the_note_says_how_and_why_not() -> None:
    text = note(table("1"), lookup(widths=[16, 8]), "the command", {"mnist is not there": ["KDE / MNIST"]})
    assert "command: the command." in text
    assert "Missing for this reason: mnist is not there (KDE / MNIST)." in text
    assert "widths tried: 8, 16" in text


@pytest.mark.parametrize(
    ("count", "end"), [(1, "(0)."), (7, "; 6)."), (8, "; 5; and 2 more)."), (90, "; and 84 more).")]
)
def test_of_many_missing_parts_some_are_named(count: int, end: str) -> None:
    text = note(table("1"), lookup(), reasons={"it is gone.": [str(number) for number in range(count)]})
    assert "reason: it is gone (" in text
    assert text.endswith(end)
