"""A job trains what is to do, scores it against each outlier class, and gives failures as values."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_info

from baselines.isolation_forest import IsolationForest
from benchmarks.data import load
from benchmarks.engine import execute as module
from benchmarks.engine.evaluate import Context, build
from benchmarks.engine.execute import Failure, Outcome, Weights, execute, keep_outcome, rebuild
from benchmarks.engine.profiles import Profile
from benchmarks.engine.records import Record, Store
from benchmarks.engine.run import Job, Run, make_jobs
from benchmarks.errors import UnavailableError
from benchmarks.paper.tasks import with_classes, without_negatives
from lisae import LISAE, AutoEncoder, BackboneDetector, CollapseError
from lisae.stacks import train_alone, train_together
from lisae.training import Training, train

MakeRun = Callable[..., Run]


def done(job: Job, context: Context, weights: bytes | None = None) -> list[Outcome]:
    outcomes: list[Outcome] = []
    train_alone(execute(job, context, weights, outcomes.append))
    return outcomes


def records(outcomes: Sequence[Outcome]) -> list[Record]:
    return [one for one in outcomes if isinstance(one, Record)]


def failures(outcomes: Sequence[Outcome]) -> list[Failure]:
    return [one for one in outcomes if isinstance(one, Failure)]


def weights_of(outcomes: Sequence[Outcome]) -> bytes:
    (weights,) = [one for one in outcomes if isinstance(one, Weights)]
    return weights.content


def test_a_record_is_what_training_by_hand_gives(job: Job, context: Context, runs: tuple[Run, Run]) -> None:
    outcomes = done(job, context)
    ae, lis = runs
    data = load("cifar10", context.data_dir)
    normal, negative = (np.isin(data.train_labels, c) for c in ([1], [5, 6]))
    images = [data.train_images[data.train_labels == c][:24] for c in (1, 5, 6)]
    labels = np.repeat([1, -1], [24, 48])
    assert normal.sum() == 30  # so the limit of 24 matters
    assert negative.sum() == 60

    fitted = build("AE", ae.settings, 0, "cpu").fit(images[0])
    shaped = build("LIS-AE", lis.settings, 0, "cpu", fitted).fit(np.concatenate(images), labels)
    for run, record, detector in zip((ae, lis), records(outcomes), (fitted, shaped), strict=True):
        assert record.run == run.id
        test = [data.test_images[data.test_labels == c][:12] for c in (1, 0, 2, 3, 4)]
        scores = detector.anomaly_score(np.concatenate(test)).reshape(5, 12)
        assert [score.outlier for score in record.scores] == [0, 2, 3, 4]
        assert record.n_normal == 12
        for score, anomalous in zip(record.scores, scores[1:], strict=True):
            assert score.n_outlier == 12
            assert score.auc == roc_auc_score([0] * 12 + [1] * 12, np.concatenate([scores[0], anomalous]))
            # Where half of the normal images are accepted, so many outliers are detected.
            assert score.detected[50] == round(float((anomalous > np.quantile(scores[0], 0.5)).mean()), 4)
            assert len(score.detected) == 101
            assert list(score.detected) == sorted(score.detected, reverse=True)
        assert (record.command, record.profile) == ("the command", "tiny")
        assert record.fit_seconds > 0


def test_records_come_as_they_are_made_and_before_weights(job: Job, context: Context) -> None:
    assert [type(outcome) for outcome in done(job, context)] == [Record, Weights, Record]


def test_the_precision_of_a_record_is_that_of_its_training(job: Job, context: Context, runs: tuple[Run, Run]) -> None:
    ae = runs[0]
    for precision in ("float32", "bfloat16"):
        run = replace(ae, settings=ae.settings | {"precision": precision})
        outcomes = done(Job((run,), run), context)
        assert [record.precision for record in records(outcomes)] == [precision]


def test_jobs_side_by_side_give_what_they_give_alone(
    context: Context, tiny: Profile, drawn_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU: the stages of all jobs are one stack, and what begins from them the next.

    Two epochs each, so that rounding has not grown to where it changes the order of scores.
    """
    monkeypatch.setattr(BackboneDetector, "_check_alive", lambda *_: None)
    runs = []
    for c in (1, 2, 3):
        ae = drawn_run(without_negatives("cifar10", c), "AE")
        lis = drawn_run(with_classes("cifar10", c, (5, 6)), "LIS-AE")
        short = dict(ae.settings) | {"epochs": 2}
        runs += [
            replace(ae, settings=short),
            replace(lis, settings={**lis.settings, "epochs": 2, "autoencoder": short}),
        ]
    jobs = make_jobs(runs, tiny)
    sizes: list[int] = []

    def spied(trainings: Sequence[Training]) -> Any:
        sizes.append(len(trainings))
        return train(trainings)

    beside: list[Outcome] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lisae.stacks.train", spied)
        list(train_together((execute(job, context, None, beside.append) for job in jobs), 8))
    assert sizes == [3, 3]
    alone = {one.run: one for job in jobs for one in records(done(job, context))}
    assert alone.keys() == {run.id for run in runs}
    for one in records(beside):
        for first, second in zip(alone[one.run].scores, one.scores, strict=True):
            assert second.auc == pytest.approx(first.auc, abs=0.01)  # a pair of 12 x 12
        assert one.fit_seconds > 0


def test_weights_give_what_training_in_one_go_gives(job: Job, context: Context, runs: tuple[Run, Run]) -> None:
    first = done(job, context)
    whole = weights_of(first)
    for weights in (whole, None, whole[:100], whole[:-9] + b"\0" + whole[-8:], b""):
        again = done(replace(job, runs=(runs[1],)), context, weights)
        assert [record.scores for record in records(again)] == [records(first)[1].scores]
        # Where the weights were not there or damaged, the stage was trained again; its record stays as it was.
        assert [type(one) for one in again] == [Record] if weights == whole else [Weights, Record]


def test_finished_runs_are_not_trained_again(job: Job, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = weights_of(done(job, context))
    monkeypatch.setattr("lisae.stacks.train", lambda *_: pytest.fail("trained again"))
    assert done(replace(job, runs=()), context, weights) == []


def test_a_finished_run_can_be_rebuilt(job: Job, context: Context, runs: tuple[Run, Run]) -> None:
    store, images = Store(context.results_dir), load("cifar10", context.data_dir).test_images
    outcomes = done(job, context)
    trained_again = [rebuild(run, context).anomaly_score(images) for run in runs]
    store.put_weights(runs[0].id, weights_of(outcomes))
    from_weights = [rebuild(run, context).anomaly_score(images) for run in runs]
    np.testing.assert_array_equal(trained_again, from_weights)
    assert store.ids() == []


def test_results_that_are_not_possible_are_a_failure(job: Job, context: Context) -> None:
    record, store = records(done(job, context))[0], Store(context.results_dir)
    for auc in (float("nan"), 1.5):
        scores = tuple(replace(score, auc=auc) for score in record.scores)
        failure = keep_outcome(replace(record, scores=scores), store)
        assert failure is not None
        assert failure.run == record.run
        assert "its results are not possible" in failure.reason
    assert store.ids() == []
    assert keep_outcome(record, store) is None
    assert store.ids() == [record.run]


def collapse(*_: object) -> None:
    raise CollapseError("the latent layer is constant")


def test_a_collapsed_stage_fails_its_runs_and_is_no_result(
    job: Job, context: Context, runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BackboneDetector, "_check_alive", collapse)
    outcomes = done(job, context)
    assert [one.run for one in failures(outcomes)] == [run.id for run in runs]
    assert len(outcomes) == 2
    assert {one.reason for one in failures(outcomes)} == {failures(outcomes)[0].reason}
    assert failures(outcomes)[0].reason.startswith("AE collapsed from 4 seeds in a row")


@pytest.mark.parametrize("model", ["LIS-AE", "LinSep-LIS-AE"])
def test_a_collapse_that_a_restart_mends_is_recorded(
    context: Context, drawn_run: MakeRun, tiny: Profile, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    collapses = iter([True])

    def once(*_: object) -> None:
        if next(collapses, False):
            collapse()

    monkeypatch.setattr(BackboneDetector, "_check_alive", once)
    (job,) = make_jobs([drawn_run(with_classes("cifar10", 1, (5, 6)), model)], tiny)
    outcomes = done(job, context)
    assert len(records(outcomes)) == len(job.runs)
    assert {record.restarts for record in records(outcomes)} == {1}


def test_an_unexpected_fault_costs_one_run_and_leaves_its_traceback(
    job: Job, context: Context, runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(LISAE, "_features", broken)
    outcomes = done(job, context)
    (failure,) = failures(outcomes)
    assert (failure.run, failure.reason) == (runs[1].id, "unexpected KeyError: 'oops'")
    assert "in broken" in failure.details
    assert [record.run for record in records(outcomes)] == [runs[0].id]


def test_a_model_that_leaves_the_program_fails_alone(
    job: Job, context: Context, runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(*_: object, **__: object) -> None:
        raise SystemExit("no license\nfor \x1b[31mthis")

    monkeypatch.setattr(LISAE, "_features", leave)
    outcomes = done(job, context)
    (failure,) = failures(outcomes)
    assert (failure.run, failure.reason) == (runs[1].id, "unexpected SystemExit: no license for [31mthis")
    assert "\x1b" not in failure.details
    assert [record.run for record in records(outcomes)] == [runs[0].id]


def test_an_interrupt_is_no_failure_of_a_run(job: Job, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LISAE, "_features", interrupted)
    with pytest.raises(KeyboardInterrupt):
        done(job, context)


@pytest.mark.parametrize("score", [0.0, 0.5, -1e3])
def test_one_score_for_all_test_images_is_a_failure(
    score: float, drawn_run: MakeRun, context: Context, tiny: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = drawn_run(without_negatives("cifar10", 1), "IF")
    (job,) = make_jobs([run], tiny)

    def constant(_: object, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        return score * (1 + 1e-15 * np.arange(len(images)))

    monkeypatch.setattr(IsolationForest, "_anomaly_score", constant)
    (failure,) = done(job, context)
    assert isinstance(failure, Failure)
    assert failure.reason.startswith("IF gave all 60 test images the same score")
    assert not failure.details


def test_nothing_goes_on_without_data(job: Job, context: Context) -> None:
    with pytest.raises(UnavailableError, match="cifar10 is not in"):
        done(job, replace(context, data_dir=context.results_dir))


def test_a_model_is_not_handed_what_it_does_not_use(
    context: Context, runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    fitting = AutoEncoder.fitting
    monkeypatch.setattr(AutoEncoder, "fitting", lambda self, X, y=None: (seen.append(len(X)), fitting(self, X, y))[1])
    plain = replace(runs[0], task=runs[1].task)  # AE on a task that has negatives
    done(Job((plain,)), context)
    assert seen == [24]


def test_a_job_computes_with_one_thread(job: Job, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results must not depend on how many cores there are."""
    seen: list[tuple[int, set[int]]] = []

    def spied(*_: object) -> Any:
        seen.append((torch.get_num_threads(), {pool["num_threads"] for pool in threadpool_info()}))
        raise CollapseError("enough")
        yield

    monkeypatch.setattr(module, "evaluate", spied)
    torch.set_num_threads(2)
    done(job, context)
    assert seen == [(1, {1})]
