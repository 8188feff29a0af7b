"""The Ray backend on a made-up cluster, which needs no Ray: what is submitted, when, and what becomes of it."""

import importlib.util
import pickle
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.engine import ray_backend
from benchmarks.engine import ray_node as node
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Outcome, Weights, local
from benchmarks.engine.profiles import Profile
from benchmarks.engine.ray_backend import Cluster, drive
from benchmarks.engine.ray_cluster import cluster_address, connected
from benchmarks.engine.ray_node import Brief, work
from benchmarks.engine.records import Record, Store
from benchmarks.engine.run import Job, Run, make_jobs
from benchmarks.errors import CallError, UnavailableError
from benchmarks.paper.tasks import with_classes, without_negatives
from benchmarks.reproduce import main

MakeRun = Callable[..., Run]


class MadeUpCluster(Cluster):
    """A cluster in this process: a task is executed when it is waited for, after those that it needs."""

    def __init__(self) -> None:
        self.values: dict[int, Any] = {}
        self.open: dict[int, tuple[Sequence[Job], Brief, Sequence[int | None]]] = {}
        self.sizes: list[int] = []  # bytes of each task
        self.most_open = 0
        self.taken: list[int] = []

    def put(self, value: object) -> int:
        self.values[len(self.values)] = value
        return len(self.values) - 1

    def get(self, reference: int) -> Any:
        self.taken.append(reference)
        if isinstance(self.values[reference], OSError):  # the task was lost
            raise self.values[reference]
        return self.values[reference]

    def submit(self, jobs: Sequence[Job], brief: Brief, begun: Sequence[int | None]) -> int:
        self.sizes.append(len(pickle.dumps((jobs, brief, begun))))
        task = self.put(None)
        self.open[task] = jobs, brief, begun
        self.most_open = max(self.most_open, len(self.open))
        return task

    def wait(self, references: Sequence[int], seconds: float) -> Sequence[int]:
        jobs, brief, begun = pickle.loads(pickle.dumps(self.open.pop(references[0])))
        self.values[references[0]] = self.execute(
            jobs, brief, [None if one is None else self.values[one] for one in begun]
        )
        return references[:1]

    def execute(self, jobs: Sequence[Job], brief: Brief, begun: Sequence[Any]) -> object:
        lost = next((one for one in begun if isinstance(one, OSError)), None)
        return lost or work(jobs, brief, self.get, begun)

    def slots(self) -> int:
        return 2


class Idle(MadeUpCluster):
    """A cluster whose tasks give nothing."""

    def execute(self, jobs: Sequence[Job], brief: Brief, begun: Sequence[Any]) -> object:
        return []


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of the node, which nothing was placed in."""
    folder = tmp_path / "node"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def jobs(drawn_run: MakeRun, tiny: Profile) -> list[Job]:
    runs = [drawn_run(without_negatives("cifar10", 1), model) for model in ("AE", "IF")]
    return make_jobs([*runs, *(drawn_run(with_classes("cifar10", 1, (n,)), "LIS-AE") for n in (5, 6))], tiny)


def outcomes_of(jobs: Sequence[Job], context: Context, cluster: Cluster) -> list[Outcome]:
    outcomes: list[Outcome] = []
    drive(cluster, jobs, context, outcomes.append, 60)
    return outcomes


def ids_of(jobs: Sequence[Job]) -> set[str]:
    return {run.id for job in jobs for run in job.runs}


def timeless(outcomes: Sequence[Outcome]) -> dict[str, Record]:
    return {
        one.run: replace(one, fit_seconds=0, score_seconds=0, processor_seconds=0)
        for one in outcomes
        if isinstance(one, Record)
    }


def test_nodes_give_what_this_machine_gives(jobs: list[Job], context: Context, own_folder: Path) -> None:
    here: list[Outcome] = []
    local(jobs, context, 1, here.append)
    cluster = MadeUpCluster()
    there = outcomes_of(jobs, context, cluster)
    assert timeless(there) == timeless(here)
    assert timeless(there).keys() == ids_of(jobs)
    assert len(there) == len(here)
    # Records come last, so that what is needed to go on from them is kept before.
    assert [type(one) for one in there if one.run == jobs[0].runs[0].id] == [Weights, Record]
    # Every run was a task, and the data arrived once.
    assert len(cluster.sizes) == len(ids_of(jobs))
    (arrived,) = own_folder.glob("lisae-*/*.npz")
    assert arrived.read_bytes() == (context.data_dir / "cifar10.npz").read_bytes()
    assert len(cluster.taken) == len(ids_of(jobs)) + 2


def test_kept_weights_are_where_dependants_begin(jobs: list[Job], context: Context) -> None:
    store, first = Store(context.results_dir), outcomes_of(jobs, context, MadeUpCluster())
    (weights,) = (one for one in first if isinstance(one, Weights))
    left = [replace(job, runs=job.dependants) for job in jobs if job.stage]
    store.put_weights(weights.run, weights.content)
    path = store.weights_path(weights.run)
    whole = path.read_bytes()
    for content, types in ((whole, [Record, Record]), (whole[:99], [Weights, Record, Record])):
        path.write_bytes(content)
        again = outcomes_of(left, context, MadeUpCluster())
        assert [type(one) for one in again] == types
        assert timeless(again) == {name: one for name, one in timeless(first).items() if name in ids_of(left)}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_stage_that_fails_fails_its_dependants(
    jobs: list[Job], context: Context, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = next(job for job in jobs if job.stage)
    assert shared.stage is not None
    broken = replace(shared.stage, settings=shared.stage.settings | {"batch_size": 0})
    job = Job((broken, *shared.dependants), broken)
    outcomes = outcomes_of([job], replace(context, device=device), MadeUpCluster())
    assert sorted(one.run for one in outcomes) == sorted(run.id for run in job.runs)
    assert all(isinstance(one, Failure) and "Traceback" in one.details for one in outcomes)


def test_a_lost_task_costs_its_run_and_what_begins_from_it(jobs: list[Job], context: Context) -> None:
    class Losing(MadeUpCluster):
        def execute(self, jobs: Sequence[Job], brief: Brief, begun: Sequence[Any]) -> object:
            is_stage = jobs[0].stage is not None and begun == [None]
            return OSError("the worker died\nat night") if is_stage else super().execute(jobs, brief, begun)

    outcomes = outcomes_of(jobs, context, Losing())
    failures = [one for one in outcomes if isinstance(one, Failure)]
    assert {one.run for one in failures} == {run.id for run in jobs[0].runs}
    assert {one.reason.split(": ", 1)[1] for one in failures} == {"OSError: the worker died"}
    assert {one.details for one in failures} == {"the worker died\nat night"}
    assert len(timeless(outcomes)) == 1


def test_a_gpu_gets_jobs_whole_and_many_at_once(
    jobs: list[Job], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Seen(Idle):
        def slots(self) -> int:
            return 1

        def execute(self, jobs: Sequence[Job], brief: Brief, begun: Sequence[Any]) -> object:
            return work(jobs, replace(brief, context=replace(brief.context, device="cpu")), self.get, begun)

    cluster = Seen()
    outcomes = outcomes_of(jobs, replace(context, device="cuda"), cluster)
    assert len(cluster.sizes) == 1
    assert timeless(outcomes).keys() == ids_of(jobs)


def test_a_window_of_tasks_whose_bytes_do_not_grow(drawn_run: MakeRun, tiny: Profile, context: Context) -> None:
    most = []
    for count in (10, 600):
        seeds = range(count // 2)
        jobs = make_jobs([drawn_run(with_classes("cifar10", 1, (5,)), "LIS-AE", seed) for seed in seeds], tiny)
        cluster = Idle()
        outcomes_of(jobs, context, cluster)
        assert len(cluster.sizes) == count
        assert cluster.most_open == min(count, 200)
        most.append(max(cluster.sizes))
    assert most[1] < 1.05 * most[0]
    assert most[0] < 10_000


def test_without_nodes_the_call_ends(jobs: list[Job], context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(Idle):
        def slots(self) -> int:
            return 0

        def wait(self, references: Sequence[int], seconds: float) -> Sequence[int]:
            return []

    monkeypatch.setattr(ray_backend, "_LOOK_SECONDS", 0)
    with pytest.raises(UnavailableError, match="no node with a CPU for 0 s, and 4 tasks wait"):
        drive(Gone(), jobs, context, list[Outcome]().append, 0.05)


def test_a_node_with_another_precision_or_other_code_is_refused(
    jobs: list[Job], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = jobs[-1].runs
    job = Job((replace(run, settings={"autoencoder": {"precision": "auto"}}),))
    monkeypatch.setattr(ray_backend, "automatic_precision", lambda _: "float8")
    with pytest.raises(UnavailableError, match=r"node .*'auto' is \w+ there and float8 where the call"):
        outcomes_of([job], context, MadeUpCluster())
    assert timeless(outcomes_of(jobs[-1:], context, MadeUpCluster()))  # no run says auto
    monkeypatch.setattr(ray_backend, "code_digest", lambda: "another")
    with pytest.raises(UnavailableError, match="other code"):
        outcomes_of(jobs, context, MadeUpCluster())


def test_data_that_a_node_has_are_checked(
    jobs: list[Job], context: Context, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def placed() -> Path:
        monkeypatch.setattr(node, "_checked", set[Path]())  # another process
        assert timeless(outcomes_of(jobs[-1:], context, MadeUpCluster()))
        (path,) = own_folder.glob("lisae-*/*.npz")
        return path

    path = placed()
    whole_file, written = path.read_bytes(), path.stat().st_mtime_ns
    assert placed().stat().st_mtime_ns == written
    path.write_bytes(whole_file[:-1])
    assert placed().read_bytes() == whole_file

    class Damaging(MadeUpCluster):
        def get(self, reference: int) -> Any:
            value = super().get(reference)
            return value[:-1] if reference == 0 else value

    path.unlink()
    monkeypatch.setattr(node, "_checked", set[Path]())
    with pytest.raises(UnavailableError, match="cifar10 did not arrive whole"):
        outcomes_of(jobs[-1:], context, Damaging())


@pytest.mark.parametrize(
    ("more", "address", "message"),
    [
        ([], None, "a cluster that exists: give its address with --address"),
        ([], "local", "got 'local'"),
        ([], "auto", "HOST:PORT, as 'ray start --head' prints it; got 'auto'"),
        (["--address", "ray://head:10001"], None, "got 'ray://head:10001'"),
        (["--address", "head"], "127.0.0.1:6379", "got 'head'"),
    ],
)
def test_a_call_without_a_cluster(
    more: list[str], address: str | None, message: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if address:
        monkeypatch.setenv("RAY_ADDRESS", address)
    assert main(["--table", "4", "--backend", "ray", *more]) == 2
    assert message in capsys.readouterr().err


def test_ray_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CallError, match=r"pip install -e '\.\[ray\]'"):
        cluster_address("head:6379")


def test_a_cluster_that_nobody_reaches_is_refused() -> None:
    pytest.importorskip("ray")
    with pytest.raises(CallError, match=r"could be joined at 127\.0\.0\.1:1"), connected("127.0.0.1:1"):
        pass


def test_an_address_without_its_backend(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--table", "4", "--address", "head:6379"]) == 2
    assert "--backend ray" in capsys.readouterr().err
