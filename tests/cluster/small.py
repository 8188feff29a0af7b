"""What the tests on a cluster share: nodes of this machine, and a small set to train on."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.data import identify
from benchmarks.engine.execute import Outcome
from benchmarks.engine.profiles import Profile
from benchmarks.engine.records import Record
from benchmarks.engine.run import Run, make_run
from benchmarks.paper.tasks import with_classes, without_negatives

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
    labels, few, test = (np.repeat(np.arange(10), n) for n in (count, 30, 15))
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


def runs_of(data_dir: Path, profile: Profile) -> list[Run]:
    identity = identify("cifar10", data_dir)
    assert identity is not None
    tasks = [(without_negatives("cifar10", c), model) for c in (1, 2) for model in ("AE", "IF", "KDE")]
    tasks += [(with_classes("cifar10", c, (n,)), "LIS-AE") for c in (1, 2) for n in (5, 6, 7)]
    return [make_run(task, model, 0, profile, {"cifar10": identity}) for task, model in tasks]


def timeless(outcomes: list[Outcome]) -> dict[str, Record]:
    times = {"fit_seconds": 0, "score_seconds": 0, "processor_seconds": 0}
    return {one.run: replace(one, **times) for one in outcomes if isinstance(one, Record)}


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
