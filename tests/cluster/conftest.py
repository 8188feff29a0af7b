"""A cluster of nodes on this machine, and small runs for it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Outcome, local
from benchmarks.engine.profiles import Profile, load_profile
from benchmarks.engine.ray_backend import drive
from benchmarks.engine.ray_cluster import RayCluster, connected
from benchmarks.engine.records import Record
from benchmarks.engine.run import Job, make_jobs
from tests.cluster.small import Nodes, runs_of, save, timeless


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


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("data"), 30)


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
