"""Runs on a real Ray cluster of nodes on this machine, with the faults that such clusters have: tox -e ray."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.data import identify
from benchmarks.engine import ray_backend
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Outcome, Weights, keep_outcome, local
from benchmarks.engine.profiles import Profile, load_profile
from benchmarks.engine.ray_backend import drive
from benchmarks.engine.ray_cluster import RayCluster, connected
from benchmarks.engine.ray_node import PACKAGES
from benchmarks.engine.records import Record, Store
from benchmarks.engine.run import Job, Run, make_jobs, make_run
from benchmarks.errors import UnavailableError
from benchmarks.paper.tasks import with_classes, without_negatives

pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("default"),  # Ray and what it starts leave files and processes to be closed
]
OnRay = Callable[..., None]
ROOT = Path(__file__).parents[2]
STORE = 80 * 2**20  # bytes of a node's object store; Ray allows no fewer than 75 MiB


class Nodes:
    """A cluster whose head executes nothing, and two nodes with a CPU each, in a folder of their own."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster  # noqa: PLC0415  # imported where the marker asks for it alone

        self.folder = Path(tempfile.mkdtemp(prefix="lisae-"))  # short: it holds the names of sockets
        before = os.getcwd()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TMPDIR", str(self.folder))
            patch.setattr(tempfile, "tempdir", None)
            patch.chdir(self.folder)
            head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
            self._cluster = Cluster(initialize_head=True, head_node_args=head)
        assert os.getcwd() == before
        self.address: str = self._cluster.address
        self.alive: list[Any] = []
        self.two()

    def add(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TMPDIR", str(self.folder))
            patch.chdir(self.folder)
            self.alive.append(self._cluster.add_node(num_cpus=1, object_store_memory=STORE, wait=False))

    def two(self) -> None:
        while len(self.alive) < 2:
            self.add()

    def kill(self) -> None:
        """Kill the raylet of a node, and with it the node."""
        self.alive.pop().kill_raylet(check_alive=False)

    def lose_head(self) -> None:
        """Kill the processes of the head that hold the cluster together."""
        self._cluster.head_node.kill_gcs_server(check_alive=False)

    def shutdown(self) -> None:
        for node in self._cluster.list_all_nodes():
            raylets = [one.process.pid for one in node.all_processes.get("raylet", ())]
            agents = [Path(f"/proc/{pid}/task/{pid}/children") for pid in raylets]
            pids = [int(word) for path in agents if path.exists() for word in path.read_text().split()]
            node.kill_all_processes(check_alive=False, allow_graceful=False)
            for pid in pids:  # they would stay for minutes
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    nodes = Nodes()
    yield nodes
    nodes.shutdown()


@pytest.fixture(scope="module")
def ray(cluster: Nodes) -> Iterator[Any]:
    """One connection for all tests, since every other one has workers of its own, which import PyTorch."""
    with connected(cluster.address) as ray:
        yield ray


@pytest.fixture
def on_ray(ray: Any) -> Callable[..., None]:
    def execute(jobs: list[Job], context: Context, give: Callable[[Outcome], object], patience: float = 120) -> None:
        drive(RayCluster(ray, "cpu"), jobs, context, give, patience)

    return execute


@pytest.fixture(autouse=True)
def nodes(cluster: Nodes, monkeypatch: pytest.MonkeyPatch) -> Nodes:
    cluster.two()
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    return cluster


@pytest.fixture(scope="module")
def tiny(tiny_path: Path) -> Profile:
    return load_profile(str(tiny_path))


@pytest.fixture(scope="module")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "tiny.toml"
    path.write_text(
        'extends = "smoke"\nseeds = [0]\nlimits = { train = 24, test = 12 }\n'
        "latent_dim.cifar10 = { fixed = 8, grid = [8] }\n"
        'models.AE = { epochs = 12, batch_size = 8, learning_rate = 5e-3, precision = "float32" }\n'
        "models.LIS-AE = { epochs = 2, gamma = 15.0 }\n"
    )
    return path


def waves(labels: np.ndarray, seed: int) -> np.ndarray:
    """Waves whose direction says the class, at random phases."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    angles, phases = (np.pi * labels / 10)[:, None, None], random.uniform(0, 6, (len(labels), 1, 1))
    images = 127 + 90 * np.sin(5 * (np.cos(angles) * x + np.sin(angles) * y) + phases)
    return images[..., None].repeat(3, axis=-1).astype(np.uint8)


def save(folder: Path, count: int) -> Path:
    """Write a ``cifar10`` of 10 * count training images, of which the first 30 of each class are waves."""
    rest = np.zeros((10 * count, 32, 32, 3), dtype=np.uint8)
    labels, few, test = np.repeat(np.arange(10), count), np.repeat(np.arange(10), 30), np.repeat(np.arange(10), 15)
    rest.reshape(10, count, 32, 32, 3)[:, :30] = waves(few, 0).reshape(10, 30, 32, 32, 3)
    np.savez(
        folder / "cifar10.npz",
        train_images=rest,
        train_labels=labels,
        test_images=waves(test, 1),
        test_labels=test,
        variant="drawn waves",
    )
    return folder


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("data"), 30)


def runs_of(data_dir: Path, profile: Profile) -> list[Run]:
    identity = identify("cifar10", data_dir)
    assert identity is not None
    tasks = [(without_negatives("cifar10", c), model) for c in (1, 2) for model in ("AE", "IF", "KDE")]
    tasks += [(with_classes("cifar10", c, (n,)), "LIS-AE") for c in (1, 2) for n in (5, 6, 7)]
    return [make_run(task, model, 0, profile, {"cifar10": identity}) for task, model in tasks]


@pytest.fixture(scope="module")
def jobs(data_dir: Path, tiny: Profile) -> list[Job]:
    return make_jobs(runs_of(data_dir, tiny), tiny)


@pytest.fixture
def context(data_dir: Path, tmp_path: Path) -> Context:
    return Context(tmp_path, data_dir, "cpu", "the command", "tiny")


@pytest.fixture(scope="module")
def expected(jobs: list[Job], data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    outcomes: list[Outcome] = []
    local(
        jobs,
        Context(tmp_path_factory.mktemp("local"), data_dir, "cpu", "the command", "tiny"),
        1,
        outcomes.append,
    )
    return timeless(outcomes)


def timeless(outcomes: list[Outcome]) -> dict[str, Record]:
    return {one.run: replace(one, fit_seconds=0, score_seconds=0) for one in outcomes if isinstance(one, Record)}


def tell(text: str) -> None:
    print(f"measured: {text}")


class Taker(list[Outcome]):
    """Take outcomes, and call ``then`` at the first record."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__()
        self._then = then

    def take(self, outcome: Outcome) -> None:
        self.append(outcome)
        if isinstance(outcome, Record) and sum(isinstance(one, Record) for one in self) == 1:
            self._then()


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
    folder = save(tmp_path, 7500)
    size = (folder / "cifar10.npz").stat().st_size
    assert size > 2.5 * STORE
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


@pytest.fixture
def command(tmp_path: Path, data_dir: Path, tiny_path: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "benchmarks.reproduce", "--table", "4", "--models", "AE,LIS-AE", "--quiet"),
        *("--profile", str(tiny_path), "--data-dir", str(data_dir), "--offline"),
        *("--results-dir", str(tmp_path / "results"), "--reports-dir", str(tmp_path / "reports")),
    ]


def start(command: list[str], cwd: Path) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=cwd, env=environment, stderr=subprocess.PIPE, text=True)


def wait_for_records(folder: Path, count: int, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 120
    while len(list(folder.glob("*.json"))) < count:
        assert time.monotonic() < deadline, "no record in two minutes"
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def records_of(results: Path) -> dict[str, Record]:
    return timeless(list(Store(results).records()))


def test_a_killed_call_goes_on_where_it_was_in_another_working_directory(command: list[str], tmp_path: Path) -> None:
    with start([*command, "--backend", "ray"], tmp_path) as process:
        wait_for_records(tmp_path / "results" / "runs", 2, process)
        process.kill()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "runs").glob("*.json")}
    (tmp_path / "elsewhere").mkdir()
    begun = time.monotonic()
    address = os.environ.pop("RAY_ADDRESS")  # restored by the fixture
    with start([*command, "--backend", "ray", "--address", address], tmp_path / "elsewhere") as process:
        _, error = process.communicate(timeout=200)
    tell(f"killed with {len(kept)} records; the rest of 16 in {time.monotonic() - begun:.1f} s")
    assert (process.returncode, error) == (0, "")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    with start([*command, "--jobs", "1", "--results-dir", str(tmp_path / "local")], tmp_path) as process:
        process.communicate(timeout=200)
    assert len(records_of(tmp_path / "results")) == 16
    assert records_of(tmp_path / "results") == records_of(tmp_path / "local")


def test_a_terminated_call_says_so_and_nothing_else(command: list[str], tmp_path: Path) -> None:
    with start([*command, "--backend", "ray", "--seeds", "5"], tmp_path) as process:
        wait_for_records(tmp_path / "results" / "runs", 1, process)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=60)
    tell(f"SIGTERM: ended after {time.monotonic() - begun:.1f} s")
    assert process.returncode == 130
    assert error.splitlines() == ["interrupted: finished runs are kept, and the same command goes on from here."]


def test_a_head_that_is_lost_ends_the_call(command: list[str], tmp_path: Path, cluster: Nodes) -> None:
    """The last test: the cluster is of no use afterwards."""
    with start([*command, "--backend", "ray", "--seeds", "50"], tmp_path) as process:
        wait_for_records(tmp_path / "results" / "runs", 1, process)
        begun = time.monotonic()
        cluster.lose_head()
        _, error = process.communicate(timeout=150)
    tell(f"head killed: ended after {time.monotonic() - begun:.1f} s")
    assert process.returncode == 3, error
    assert "the head of the Ray cluster at" in error
    assert "Traceback" not in error
