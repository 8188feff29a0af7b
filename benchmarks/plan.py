"""From the cells of artefacts to the runs they need, and from runs to jobs that share a training stage."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from benchmarks.profiles import Profile, Settings
from benchmarks.registry import MODELS, model
from benchmarks.tasks import Task

# Raised when a change of the code changes results, so that old records are not taken for new ones.
RESULTS_VERSION = 1


@dataclass(frozen=True, eq=False)
class Run:
    """One model trained on one task with one seed; ``id`` is a hash of exactly what can change its result.

    ``variants`` says of each data set it reads which variant that is ('' = the complete official set). Device and
    versions are not in the hash: they are written in the record.
    """

    task: Task
    model: str
    seed: int
    settings: Settings
    limits: Mapping[str, int]
    variants: Mapping[str, str]

    def identity(self) -> dict[str, Any]:
        """What is hashed, as plain data."""
        return {
            "results_version": RESULTS_VERSION,
            "task": asdict(self.task),
            "model": self.model,
            "seed": self.seed,
            "settings": self.settings,
            "limits": dict(self.limits),
            "variants": dict(self.variants),
        }

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits."""
        text = json.dumps(self.identity(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Job:
    """Runs executed together: those that begin from the AE ``stage``, or a single run without one."""

    runs: tuple[Run, ...]
    stage: Run | None = None

    def seconds(self, profile: Profile) -> float:
        """How long it takes where the profile was measured."""
        return sum(profile.seconds.get(run.model, 0.0) for run in self.runs)


def make_run(task: Task, model_name: str, seed: int, profile: Profile, variants: Mapping[str, str]) -> Run:
    """The run of a model on a task under a profile; ``variants`` of all data sets that may be read."""
    used = {task.dataset} | ({task.negatives.dataset} if task.negatives else set())
    return Run(
        task=task,
        model=model_name,
        seed=seed,
        settings=profile.settings(model(model_name), task.dataset),
        limits=profile.limits,
        variants={name: variants.get(name, "") for name in sorted(used)},
    )


def stage_of(run: Run) -> Run | None:
    """The AE run whose weights ``run`` begins from, itself for AE, None for a model that trains alone."""
    if run.model == "AE":
        return run
    if not MODELS[run.model].shares_stage:
        return None
    task = Task(run.task.dataset, run.task.normal, run.task.outliers)
    variants = {run.task.dataset: run.variants[run.task.dataset]}
    return Run(task, "AE", run.seed, run.settings["autoencoder"], run.limits, variants)


def make_jobs(runs: Iterable[Run], profile: Profile) -> list[Job]:
    """Group runs that share a stage, the stage's own run first, and put the longest jobs first."""
    distinct = {run.id: run for run in runs}
    shared: dict[str, list[Run]] = {}
    jobs = []
    for run in distinct.values():
        stage = stage_of(run)
        if stage is None:
            jobs.append(Job((run,)))
        else:
            # The stage is a result in its own right: it is measured whether or not a table asked for it.
            shared.setdefault(stage.id, [stage]).extend([run] if run.id != stage.id else [])
    jobs += [Job(tuple(members), stage=members[0]) for members in shared.values()]
    return sorted(jobs, key=lambda job: -job.seconds(profile))
