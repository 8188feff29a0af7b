"""A job trains what is to do, scores it against each outlier class, and gives failures as values."""

import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.data import load
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, execute, run_job, running
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Store
from benchmarks.engine.run import Job, Run, make_jobs, make_run
from benchmarks.errors import UnavailableError
from benchmarks.paper.tasks import with_classes, without_negatives
from benchmarks.registry import build
from lisae import AutoEncoder, CollapseError
from lisae.stacks import train_together
from lisae.training import Training, train

VARIANTS = {"cifar10": "drawn waves"}


@pytest.fixture
def runs(profile_path: Path) -> tuple[Run, Run]:
    """AE of class 1, and the LIS-AE that begins from it."""
    profile = load_profile(str(profile_path))
    return (
        make_run(without_negatives("cifar10", 1), "AE", 0, profile, VARIANTS),
        make_run(with_classes("cifar10", 1, (5, 6)), "LIS-AE", 0, profile, VARIANTS),
    )


@pytest.fixture
def context(tmp_path: Path, data_dir: Path, runs: tuple[Run, Run]) -> Context:
    return Context(tmp_path, data_dir, "cpu", frozenset(run.id for run in runs), "the command", "tiny")


@pytest.fixture
def job(runs: tuple[Run, Run], profile_path: Path) -> Job:
    (job,) = make_jobs(runs, load_profile(str(profile_path)))
    return job


def test_a_record_is_what_training_by_hand_gives(job: Job, context: Context, runs: tuple[Run, Run]) -> None:
    assert run_job(job, context) == []
    ae, lis = runs
    data = load("cifar10", context.data_dir)
    normal, negative = (np.isin(data.train_labels, c) for c in ([1], [5, 6]))
    images = [data.train_images[data.train_labels == c][:24] for c in (1, 5, 6)]
    labels = np.repeat([1, -1], [24, 48])
    assert normal.sum() == 30  # so the limit of 24 matters
    assert negative.sum() == 60

    fitted = build("AE", ae.settings, 0, "cpu").fit(images[0])
    shaped = build("LIS-AE", lis.settings, 0, "cpu", fitted).fit(np.concatenate(images), labels)  # type: ignore[arg-type]
    for run, detector in ((ae, fitted), (lis, shaped)):
        record = Store(context.results_dir).get(run)
        assert record is not None
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
    assert (record.command, record.profile, record.precision) == ("the command", "tiny", "float32")
    assert record.fit_seconds > 0
    assert {"lisae", "python", "torch"} <= set(record.versions)


def test_workers_give_what_this_process_gives(job: Job, context: Context, tmp_path: Path) -> None:
    in_workers = replace(context, results_dir=tmp_path / "workers")
    assert list(execute([job], context, 1)) == [[]]
    assert list(execute([job, job], in_workers, 2)) == [[], []]
    here, there = Store(context.results_dir).records(), Store(in_workers.results_dir).records()
    assert [replace(r, fit_seconds=0, score_seconds=0) for r in here] == [
        replace(r, fit_seconds=0, score_seconds=0) for r in there
    ]
    assert len(here) == 2


def test_jobs_side_by_side_give_what_they_give_alone(
    context: Context, profile_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU: the stages of all jobs are one stack, and what begins from them the next.

    Two epochs each, so that rounding has not grown to where it changes the order of scores.
    """
    monkeypatch.setattr("lisae.backbone_detector.check_alive", lambda *_: None)
    profile = load_profile(str(profile_path))
    tasks = [(without_negatives("cifar10", c), with_classes("cifar10", c, (5, 6))) for c in (1, 2, 3)]
    runs = []
    for pair in tasks:
        ae, lis = (
            make_run(task, model, 0, profile, VARIANTS) for task, model in zip(pair, ("AE", "LIS-AE"), strict=True)
        )
        short = dict(ae.settings) | {"epochs": 2}
        runs += [
            replace(ae, settings=short),
            replace(lis, settings={**lis.settings, "epochs": 2, "autoencoder": short}),
        ]
    jobs = make_jobs(runs, profile)
    alone = replace(context, todo=frozenset(run.id for run in runs))
    beside = replace(alone, results_dir=tmp_path / "beside")
    sizes: list[int] = []

    def spied(trainings: Sequence[Training]) -> Any:
        sizes.append(len(trainings))
        return train(trainings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lisae.stacks.train", spied)
        assert list(train_together((running(job, beside) for job in jobs), 8)) == [[], [], []]
    assert sizes == [3, 3]
    assert list(execute(jobs, alone, 1)) == [[], [], []]
    for run in runs:
        first, second = (Store(folder).get(run) for folder in (alone.results_dir, beside.results_dir))
        assert first is not None
        assert second is not None
        for one, other in zip(first.scores, second.scores, strict=True):
            assert other.auc == pytest.approx(one.auc, abs=0.01)  # a pair of 12 x 12
        assert second.fit_seconds > 0


def test_kept_weights_give_what_training_in_one_go_gives(job: Job, context: Context, runs: tuple[Run, Run]) -> None:
    run_job(job, context)
    store, (ae, lis) = Store(context.results_dir), runs
    first = store.get(lis)
    assert first is not None
    ae_written = store.record_path(ae.id).stat().st_mtime_ns
    for damage in (lambda path: None, Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:100])):
        store.record_path(lis.id).unlink()
        damage(store.weights_path(ae))
        run_job(job, replace(context, todo=frozenset({lis.id})))
        again = store.get(lis)
        assert again is not None
        assert again.scores == first.scores
    # The record of the stage was there, and stays as it was even where its weights were trained again.
    assert store.record_path(ae.id).stat().st_mtime_ns == ae_written


def test_finished_runs_are_not_trained_again(job: Job, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    run_job(job, context)
    monkeypatch.setattr("lisae.stacks.train", lambda *_: pytest.fail("trained again"))
    assert run_job(job, replace(context, todo=frozenset())) == []


def collapse(*_: object) -> None:
    raise CollapseError("the latent layer is constant")


def test_a_collapsed_stage_fails_its_runs_and_is_no_result(
    job: Job, context: Context, runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lisae.backbone_detector.check_alive", collapse)
    failures = run_job(job, context)
    assert [failure.run for failure in failures] == [run.id for run in runs]
    assert {failure.reason for failure in failures} == {failures[0].reason}
    assert failures[0].reason.startswith("AE collapsed from 4 seeds in a row, at last because the latent layer is")
    assert Store(context.results_dir).records() == []
    assert not (context.results_dir / "weights").exists()


@pytest.mark.parametrize("model", ["LIS-AE", "LinSep-LIS-AE"])
def test_a_collapse_that_a_restart_mends_is_recorded(
    context: Context, runs: tuple[Run, Run], profile_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    collapses = iter([True])

    def once(*_: object) -> None:
        if next(collapses, False):
            raise CollapseError("the latent layer is constant")

    monkeypatch.setattr("lisae.backbone_detector.check_alive", once)
    profile = load_profile(str(profile_path))
    (job,) = make_jobs([make_run(runs[1].task, model, 0, profile, VARIANTS)], profile)
    assert run_job(job, replace(context, todo=frozenset(run.id for run in job.runs))) == []
    records = Store(context.results_dir).records()
    assert len(records) == len(job.runs)
    assert {record.restarts for record in records} == {1}


def test_an_unexpected_fault_costs_one_run_and_leaves_its_traceback(
    job: Job, context: Context, runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("lisae.lisae.LISAE._features", broken)
    (failure,) = run_job(job, context)
    assert failure.run == runs[1].id
    assert failure.reason.startswith("unexpected KeyError: 'oops'")
    assert "in broken" in (context.results_dir / "failures" / f"{runs[1].id}.txt").read_text()
    assert Store(context.results_dir).has(runs[0])


def test_a_full_disk_stops_the_call(job: Job, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("benchmarks.files.os.fsync", full)
    with pytest.raises(UnavailableError, match="No space left on device"):
        list(execute([job], context, 1))


def test_a_job_whose_caller_is_gone_stops(job: Job, context: Context) -> None:
    assert run_job(job, context, parent=os.getpid()) == []  # nobody is their own parent
    assert Store(context.results_dir).records() == []


def test_a_killed_worker_is_one_clear_message(job: Job, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.engine.execute.run_job", _die)
    with pytest.raises(UnavailableError, match=r"a worker process was killed.*fewer than 2 --jobs"):
        list(execute([job, job], context, 2))


def _die(*_: object) -> list[Failure]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def test_a_model_is_not_handed_what_it_does_not_use(
    context: Context, runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    fitting = AutoEncoder.fitting
    monkeypatch.setattr(AutoEncoder, "fitting", lambda self, X, y=None: (seen.append(len(X)), fitting(self, X, y))[1])
    plain = replace(runs[0], task=runs[1].task)  # AE on a task that has negatives
    run_job(Job((plain,)), replace(context, todo=frozenset({plain.id})))
    assert seen == [24]
