"""The published ledger is that of the published records and computations."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.claims import checks
from benchmarks.claims.evidence import evidence_of
from benchmarks.claims.ledger import write_claims
from benchmarks.engine.plan import Plan
from benchmarks.engine.records import Store
from benchmarks.reproduce import command_line, request_of

PUBLISHED = Path(__file__).parents[3] / "results" / "published"

pytestmark = pytest.mark.published


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    arguments = ["--claims", "--results-dir", str(PUBLISHED), "--data-dir", str(tmp_path)]
    request = request_of(command_line().parse_args(arguments))
    return Plan(request, Store(PUBLISHED))


def test_it_is_written_byte_for_byte(plan: Plan, tmp_path: Path) -> None:
    path = write_claims(plan, tmp_path)
    assert path.read_bytes() == (PUBLISHED / "claims.csv").read_bytes()


def test_its_checks_are_those_of_its_runs_and_come_out_again(plan: Plan) -> None:
    kept = pd.read_csv(PUBLISHED / checks.FILE).set_index("run")
    computations = checks.computations(evidence_of(plan))
    assert set(kept.index) == {run.id for computation in computations for run in computation.runs.values()}
    for check, (compute, settings) in checks.LINEAR.items():
        (row,) = (row for _, row in kept.iterrows() if row["check"] == check)
        found = compute(**settings)
        assert (row["value"], row["n"]) == (pytest.approx(found.value, rel=1e-3, abs=1e-12), found.n)
        assert row["remark"] == found.remark
