"""Runs on a real Ray cluster of nodes on this machine, with the faults that such clusters have: tox -e ray."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.data import identify
from benchmarks.engine import ray_backend
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Outcome, Weights, keep_outcome
from benchmarks.engine.profiles import Profile
from benchmarks.engine.ray_backend import drive
from benchmarks.engine.ray_cluster import RayCluster
from benchmarks.engine.ray_node import PACKAGES
from benchmarks.engine.records import Record, Store
from benchmarks.engine.run import Job, make_jobs, make_run
from benchmarks.errors import UnavailableError
from benchmarks.paper.tasks import with_classes
from tests.cluster.small import ROOT, STORE, Nodes, OnRay, Taker, runs_of, save, tell, timeless

pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("default"),  # Ray and what it starts leave files and processes to be closed
]


def test_records_are_those_of_one_machine(
    on_ray: OnRay, jobs: list[Job], context: Context, expected: dict[str, Record], nodes: Nodes
) -> None:
    outcomes: list[Outcome] = []
    begun = time.monotonic()
    on_ray(jobs, context, outcomes.append)
    tell(f"{len(outcomes)} outcomes in {time.monotonic() - begun:.1f} s")
    assert timeless(outcomes) == expected
    assert {one.run for one in outcomes if isinstance(one, Weights)} == {job.stage.id for job in jobs if job.stage}
    assert len(outcomes) == len(expected) + 2
    # Weights that were kept are where the next call begins; data that lie on a node are not sent again.
    (kept,) = nodes.folder.glob("lisae-*/*.npz")
    arrived = kept.stat().st_mtime_ns
    store = Store(context.results_dir)
    for one in outcomes:
        if isinstance(one, Weights):
            keep_outcome(one, store)
    left = [replace(job, runs=job.dependants) for job in jobs if job.stage]
    dependants = {run.id for job in left for run in job.runs}
    again: list[Outcome] = []
    on_ray(left, context, again.append)
    assert timeless(again) == {name: one for name, one in expected.items() if name in dependants}
    assert {type(one) for one in again} == {Record}
    assert kept.stat().st_mtime_ns == arrived


def test_a_node_killed_midway_costs_nothing(
    on_ray: OnRay, jobs: list[Job], context: Context, expected: dict[str, Record], nodes: Nodes
) -> None:
    taker, begun = Taker(nodes.kill), time.monotonic()
    on_ray(jobs, context, taker.take)
    tell(f"one of two nodes killed: done after {time.monotonic() - begun:.1f} s")
    assert timeless(taker) == expected


def test_all_nodes_gone_and_one_returns(
    ray: Any, jobs: list[Job], context: Context, expected: dict[str, Record], nodes: Nodes
) -> None:
    class Returning(RayCluster):
        def slots(self) -> int:
            count = super().slots()
            if not count:
                nodes.add()
            return count

    def all_gone() -> None:
        nodes.kill()
        nodes.kill()

    taker, begun = Taker(all_gone), time.monotonic()
    drive(Returning(ray, "cpu"), jobs, context, taker.take, 120)
    tell(f"both nodes killed, one back when that is noticed: done after {time.monotonic() - begun:.1f} s")
    assert timeless(taker) == expected


def test_all_nodes_gone_for_good_end_the_call(on_ray: OnRay, jobs: list[Job], context: Context, nodes: Nodes) -> None:
    gone: list[float] = []

    def all_gone() -> None:
        nodes.kill()
        nodes.kill()
        gone.append(time.monotonic())

    taker = Taker(all_gone)
    with pytest.raises(UnavailableError, match="no node with a CPU for 10 s"):
        on_ray(jobs, context, taker.take, patience=10)
    seconds = time.monotonic() - gone[0]
    tell(f"no node: ended after {seconds:.1f} s with a patience of 10 s")
    assert seconds < 10 + 60
    assert timeless(taker)


def test_a_store_smaller_than_the_data_spills(
    on_ray: OnRay, context: Context, tiny: Profile, tmp_path: Path, expected: dict[str, Record]
) -> None:
    folder = save(tmp_path, 5000)
    size = (folder / "cifar10.npz").stat().st_size
    assert size > 1.8 * STORE
    jobs = make_jobs([run for run in runs_of(folder, tiny) if run.model == "AE"], tiny)
    context = replace(context, data_dir=folder)
    outcomes: list[Outcome] = []
    begun = time.monotonic()
    on_ray(jobs, context, outcomes.append)
    tell(f"{size / 1e6:.0f} MB of data through stores of {STORE / 1e6:.0f} MB in {time.monotonic() - begun:.1f} s")
    found = timeless(outcomes)
    assert found.keys() == {run.id for job in jobs for run in job.runs}
    # The images of the task are those of the small set.
    of_small = sorted(str(one.scores) for one in expected.values() if one.identity["model"] == "AE")
    assert sorted(str(one.scores) for one in found.values()) == of_small


def test_an_exception_keeps_its_traceback(on_ray: OnRay, jobs: list[Job], context: Context) -> None:
    shared = next(job for job in jobs if job.stage)
    assert shared.stage is not None
    broken = replace(shared.stage, settings=shared.stage.settings | {"batch_size": 0})
    job = Job((broken, *shared.dependants), broken)
    outcomes: list[Outcome] = []
    on_ray([job], context, outcomes.append)
    assert sorted(one.run for one in outcomes) == sorted(run.id for run in job.runs)
    for one in outcomes:
        assert isinstance(one, Failure)
        assert "batch" in one.reason
        assert "Traceback" in one.details
        assert "execute.py" in one.details


def die() -> None:
    os._exit(1)


def test_a_worker_that_dies_each_time_is_a_failure_of_its_run_alone(
    ray: Any, jobs: list[Job], context: Context
) -> None:
    cluster = RayCluster(ray, "cpu")
    deadly = jobs[-1].runs[0].id

    class Deadly:
        def __getattr__(self, name: str) -> Any:
            return getattr(cluster, name)

        def submit(self, jobs: Any, brief: Any, begun: Any) -> Any:
            if jobs[0].runs[0].id == deadly:
                return ray.remote(max_retries=1)(die).remote()
            return cluster.submit(jobs, brief, begun)

    outcomes: list[Outcome] = []
    drive(Deadly(), jobs[-2:], context, outcomes.append, 60)  # type: ignore[arg-type]
    failures = [one for one in outcomes if isinstance(one, Failure)]
    assert [one.run for one in failures] == [deadly]
    assert "lost" in failures[0].reason
    assert len(timeless(outcomes)) == 1


def test_a_node_that_computes_otherwise_is_refused(
    on_ray: OnRay, jobs: list[Job], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = jobs[-1].runs
    job = Job((replace(run, settings=run.settings | {"precision": "auto"}),))
    monkeypatch.setattr(ray_backend, "automatic_precision", lambda _: "float8")
    with pytest.raises(UnavailableError, match=r"node .*'auto' is \w+ there and float8"):
        on_ray([job], context, list[Outcome]().append)


VANISHING = """
import os, sys
from benchmarks.engine.ray_node import code_digest
from benchmarks.engine.ray_cluster import connected

own = code_digest()

def whereabouts():
    import benchmarks
    from benchmarks.engine.ray_node import code_digest
    return benchmarks.__file__, code_digest(), os.environ["OMP_NUM_THREADS"]

with connected(os.environ["RAY_ADDRESS"]) as ray:
    os.rename(sys.argv[1], sys.argv[1] + "-gone")
    print(own, *ray.get(ray.remote(whereabouts).remote()))
"""


def test_workers_get_the_code_of_the_call(tmp_path: Path) -> None:
    """They find none of their own, since the only copy in reach is renamed once it was sent."""
    code, script = tmp_path / "code", tmp_path / "script.py"
    for name in PACKAGES:
        shutil.copytree(ROOT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    script.write_text(VANISHING)
    environment = os.environ | {"PYTHONPATH": str(code)}
    command = [sys.executable, str(script), str(code)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    own, file, theirs, threads = done.stdout.split()
    assert "py_modules" in file
    assert theirs == own
    assert threads == "1"


def test_bytes_of_a_task_do_not_grow_with_the_runs(ray: Any, data_dir: Path, tiny: Profile, context: Context) -> None:
    identity = identify("cifar10", data_dir)
    assert identity is not None
    sizes = {}
    for count in (10, 10_000):
        runs = [
            make_run(with_classes("cifar10", 1, (5,)), "LIS-AE", seed, tiny, {"cifar10": identity})
            for seed in range(count // 2)
        ]
        sent: list[int] = []

        class Weighed(RayCluster):
            def submit(self, jobs: Any, brief: Any, begun: Any, sent: list[int] = sent) -> Any:
                sent.append(len(ray.cloudpickle.dumps((jobs, brief, begun))))
                return len(sent)

            def wait(self, references: Any, seconds: float) -> Any:
                return references[:1]

            def get(self, reference: Any) -> Any:
                return []

        jobs = make_jobs(runs, tiny)
        begun = time.monotonic()
        drive(Weighed(ray, "cpu"), jobs, context, list[Outcome]().append, 60)
        assert len(sent) == count
        sizes[count] = max(sent)
        tell(f"{count} runs: {max(sent)} bytes a task at most, {time.monotonic() - begun:.1f} s in all")
    assert sizes[10_000] <= 1.05 * sizes[10]
    assert sizes[10_000] < 10_000
