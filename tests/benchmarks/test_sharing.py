"""Calls at the same time on one results folder share the work, and none of it is done twice."""

import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

import pytest

from benchmarks import pipeline
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Give
from benchmarks.engine.run import Job
from benchmarks.files import ByteLocks
from benchmarks.reproduce import main
from tests.benchmarks.calls import Call, rows

SPAWN = multiprocessing.get_context("spawn")


def noted_call(arguments: list[str], log: Path) -> None:
    """Make a call, and note the runs that it trains."""
    local = pipeline.BACKENDS["local"]

    def noting(jobs: Iterable[Job], *given: Any) -> None:
        def noted() -> Iterator[Job]:
            for job in jobs:
                with log.open("a") as file:
                    file.writelines(f"{run.id}\n" for run in job.runs)
                yield job

        local(noted(), *given)

    pipeline.BACKENDS = {"local": noting}  # of this process alone
    raise SystemExit(main([*arguments, "--table", "4", "--quiet", "--jobs", "1"]))


def failing_call(arguments: list[str], meeting: Any) -> None:
    """Make a call in which every run fails, once the others have begun too."""

    def failing(jobs: Iterable[Job], context: Context, n_jobs: int, give: Give) -> None:
        for job in jobs:
            with suppress(BrokenBarrierError):
                meeting.wait(20)
            for run in job.runs:
                give(Failure(run.id, "it fails here"))

    pipeline.BACKENDS = {"local": failing}  # of this process alone
    raise SystemExit(main([*arguments, "--table", "4", "--models", "AE", "--quiet"]))


def take_and_wait(lock: Path, number: int, taken: Any, ending: Any) -> None:
    with ByteLocks(lock) as locks:
        taken.put(locks.take(number))
        ending.wait(60)


def test_three_calls_at_once_train_every_run_once(call: Call, arguments: list[str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    calls = [SPAWN.Process(target=noted_call, args=(arguments, log)) for _ in range(3)]
    for one in calls:
        one.start()
    for one in calls:
        one.join(300)
    assert [one.exitcode for one in calls] == [0, 0, 0]
    trained = Counter(log.read_text().split())
    assert set(trained.values()) == {1}
    assert len(trained) == len(list((tmp_path / "results" / "runs").glob("*.json"))) == 16
    assert call("--table", "4", "--quiet", "--results-dir", str(tmp_path / "alone")) == 0
    assert rows(tmp_path / "results") == rows(tmp_path / "alone")


def test_calls_whose_runs_fail_do_not_wait_for_each_other(arguments: list[str], tmp_path: Path) -> None:
    """Each has a job whose runs failed, and asks for that of the other."""
    meeting = SPAWN.Barrier(2)
    calls = [SPAWN.Process(target=failing_call, args=(arguments, meeting)) for _ in range(2)]
    for one in calls:
        one.start()
    try:
        for one in calls:
            one.join(120)
        assert [one.exitcode for one in calls] == [3, 3]
    finally:
        for one in calls:
            one.kill()


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    """However that ends; and other numbers are free meanwhile."""
    lock, (taken, ending) = tmp_path / "lock", (SPAWN.Queue(), SPAWN.Event())
    other = SPAWN.Process(target=take_and_wait, args=(lock, 2**64 - 1, taken, ending))
    other.start()
    assert taken.get(timeout=60)
    with ByteLocks(lock) as locks:
        assert not locks.take(2**64 - 1)
        assert locks.take(2**63 + 1)
        assert locks.take(0)
        other.kill()
        other.join()
        assert locks.take(2**64 - 1)
        assert locks.take(2**64 - 1)  # it has it


def test_a_call_waits_for_what_another_trains_and_takes_over_what_that_leaves(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other call ends without a record: its job is free then, and trained here."""
    taken, ending = SPAWN.Queue(), SPAWN.Event()
    begun: list[str] = []
    local = pipeline.BACKENDS["local"]

    def noting(jobs: Iterable[Job], *given: Any) -> None:
        for job in jobs:
            begun.append(job.id)
            local([job], *given)
        ending.set()  # all that is free has been trained

    monkeypatch.setattr(pipeline, "BACKENDS", {"local": noting})
    monkeypatch.setattr(pipeline, "_LOOK_SECONDS", 0.05)
    assert call("--table", "4", "--models", "AE", "--quiet", "--results-dir", str(tmp_path / "first")) == 0
    held = begun.pop()
    (tmp_path / "results").mkdir()
    other = SPAWN.Process(target=take_and_wait, args=(tmp_path / "results" / ".lock", int(held, 16), taken, ending))
    ending.clear()
    other.start()
    assert taken.get(timeout=60)
    begun.clear()
    assert call("--table", "4", "--models", "AE", "--quiet") == 0
    assert begun[-1] == held
    assert len(begun) == 2
    other.join()
