"""A job of two runs on drawn images: AE of a class, and the LIS-AE that begins from it."""

from pathlib import Path

import pytest

from benchmarks.data import identify
from benchmarks.engine.evaluate import Context
from benchmarks.engine.profiles import Profile, load_profile
from benchmarks.engine.run import Job, Run, make_jobs, make_run
from benchmarks.paper.tasks import Task, with_classes, without_negatives


@pytest.fixture(scope="session")
def tiny(profile_path: Path) -> Profile:
    return load_profile(str(profile_path))


@pytest.fixture(scope="session")
def drawn_run(tiny: Profile, data_dir: Path):  # type: ignore[no-untyped-def]
    """Make runs on the drawn images."""
    identity = identify("cifar10", data_dir)
    assert identity is not None

    def make(task: Task, model: str, seed: int = 0) -> Run:
        return make_run(task, model, seed, tiny, {"cifar10": identity})

    return make


@pytest.fixture
def runs(drawn_run) -> tuple[Run, Run]:  # type: ignore[no-untyped-def]
    return drawn_run(without_negatives("cifar10", 1), "AE"), drawn_run(with_classes("cifar10", 1, (5, 6)), "LIS-AE")


@pytest.fixture
def context(tmp_path: Path, data_dir: Path) -> Context:
    return Context(tmp_path, data_dir, "cpu", "the command", "tiny")


@pytest.fixture
def job(runs: tuple[Run, Run], tiny: Profile) -> Job:
    (job,) = make_jobs(runs, tiny)
    return job
