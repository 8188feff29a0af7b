"""An empty results directory, and the evidence that it gives."""

from pathlib import Path

import pytest

from benchmarks.claims.evidence import Evidence
from benchmarks.engine.records import Store
from tests.benchmarks.claims.made_up import run_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def evidence(store: Store) -> Evidence:
    return Evidence(run_of, store, seeds=(0, 1))
