"""Jobs of a profile, run as ``benchmarks.reproduce`` runs them, so that they can be measured."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.data import data_directory
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Outcome, local
from benchmarks.engine.profiles import Profile
from benchmarks.engine.records import Record
from benchmarks.engine.run import Run, make_jobs


def train_and_score(runs: Iterable[Run], profile: Profile) -> list[Record]:
    """Train and score runs one after another in this process, in a temporary folder, and return their records.

    Raises ``RuntimeError`` when a run failed or began again after a collapse, since its time would say nothing.
    """
    jobs = make_jobs(runs, profile)
    with tempfile.TemporaryDirectory() as folder:
        context = Context(Path(folder), data_directory(), "cpu", "", profile.name)
        outcomes: list[Outcome] = []
        local(jobs, context, 1, outcomes.append)
    failures = [one for one in outcomes if isinstance(one, Failure)]
    records = [one for one in outcomes if isinstance(one, Record)]
    restarted = [record.run for record in records if record.restarts]
    if failures or restarted:
        raise RuntimeError(f"not timed: {len(failures)} runs failed {failures[:1]}, {len(restarted)} began again.")
    return records
