"""A run: one model trained on one task, known by a hash of exactly what can change its result."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from benchmarks.data import DataIdentity
from benchmarks.engine.profiles import Profile, Settings
from benchmarks.engine.source import RESULTS_VERSION
from benchmarks.errors import CallError
from benchmarks.paper.tasks import Task, without_negatives
from benchmarks.registry import MODELS, STAGES

# Settings that came when there were records, and the value that those were made with: at that value they change no id.
_CAME_LATER = {"activation": "tanh"}
_OFFICIAL = DataIdentity()


@dataclass(frozen=True, eq=False)
class Run:
    """One model trained on one task with one seed.

    Attributes:
        task, model, seed: the task, the name of the model as the paper prints it, and what decides everything random.
        settings: every constructor argument that decides a result; those of a stage are nested.
        limits: at most so many images of a class, ``train`` and ``test``; 0 is all.
        data: the identity of each data set that is read, by its name.
        preparation: the settings by which images of another data set become negatives.

    Device and versions are no part of the identity: they are written in the record.
    """

    task: Task
    model: str
    seed: int
    settings: Settings
    limits: Mapping[str, int]
    data: Mapping[str, DataIdentity]
    preparation: Settings = field(default_factory=dict)

    @property
    def variants(self) -> dict[str, str]:
        """The variant of each data set that is read; '' is the complete official set."""
        return {name: one.variant for name, one in self.data.items()}

    def identity(self) -> dict[str, Any]:
        """Return what is hashed, as plain data.

        A data set enters by its variant and, unless the catalogue knows its content, by the digest of its images.
        """
        digests = {name: one.digest for name, one in self.data.items() if one.digest}
        return (
            {
                "results_version": RESULTS_VERSION,
                "task": asdict(self.task),
                "model": self.model,
                "seed": self.seed,
                "settings": _hashed(self.settings),
                "limits": dict(self.limits),
                "variants": self.variants,
            }
            | ({"digests": digests} if digests else {})
            | ({"preparation": self.preparation} if self.preparation else {})
        )

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits."""
        return id_of(self.identity())


def id_of(identity: Mapping[str, Any]) -> str:
    """Hash an identity: 16 hexadecimal digits, whatever the order of its keys."""
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _hashed(settings: Settings) -> Settings:
    return {
        key: _hashed(value) if isinstance(value, dict) else value
        for key, value in settings.items()
        if key not in _CAME_LATER or value != _CAME_LATER[key]
    }


@dataclass(frozen=True, eq=False)
class Job:
    """Runs executed together: those that begin from the trained model ``stage``, or a single run without one."""

    runs: tuple[Run, ...]
    stage: Run | None = None

    @property
    def dependants(self) -> tuple[Run, ...]:
        """The runs that begin from the stage."""
        return tuple(run for run in self.runs if run is not self.stage)

    def seconds(self, profile: Profile) -> float:
        """Estimate its time on the machine that the profile was measured on."""
        return sum(profile.seconds(run.model, run.task.dataset) for run in self.runs)


def make_run(
    task: Task,
    model_name: str,
    seed: int,
    profile: Profile,
    data: Mapping[str, DataIdentity],
    *,
    latent_dim: int | None = None,
) -> Run:
    """Return the run of a model on a task under a profile.

    Args:
        task: the one-class problem.
        model_name: the model, as the paper prints it.
        seed: decides everything random.
        profile: gives the settings.
        data: the identity of every data set that may be read; the complete official set where one is not named.
        latent_dim: a latent width instead of the profile's.

    Raises:
        CallError: for a model that needs negatives and a task without any.
    """
    chosen = MODELS[model_name]
    if chosen.detector.uses_negatives and task.negatives is None:
        raise CallError(
            f"{model_name} learns from negatives, and the task of {task.dataset} "
            f"{', '.join(map(str, task.normal))} has none: give it negatives, or take AE."
        )
    used = {task.dataset} | ({task.negatives.dataset} if task.negatives else set())
    foreign = task.negatives is not None and task.negatives.dataset != task.dataset
    return Run(
        task=task,
        model=model_name,
        seed=seed,
        settings=profile.settings(chosen, task.dataset, latent_dim),
        limits=profile.limits,
        data={name: data.get(name, _OFFICIAL) for name in sorted(used)},
        preparation=profile.preparation(task.negatives.dataset) if task.negatives and foreign else {},
    )


def changed(run: Run, change: Mapping[str, Any]) -> Run | None:
    """Return the run under other settings, or None where its model lacks one of them.

    Args:
        run: under the settings of a profile.
        change: values by the names of settings; a dot leads to the settings of its stage.
    """
    settings: Settings | None = run.settings
    for name, value in change.items():
        settings = _with(settings, name.split("."), value) if settings is not None else None
    return None if settings is None else replace(run, settings=settings)


def _with(settings: Settings, path: Sequence[str], value: Any) -> Settings | None:
    """Return settings with another value at a path, or None where there is nothing at it."""
    first, *rest = path
    if first not in settings:
        return None
    inner = _with(settings[first], rest, value) if rest else value
    return None if inner is None else settings | {first: inner}


def stage_of(run: Run) -> Run | None:
    """Return the run whose trained model ``run`` begins from.

    That is the run itself if others begin from it, and None for a model that stands on its own.
    """
    if run.model in STAGES:
        return run
    begins_from, stage = MODELS[run.model].begins_from, MODELS[run.model].detector.stage
    if begins_from is None or stage is None:
        return None
    task = without_negatives(run.task.dataset, *run.task.normal)
    data = {task.dataset: run.data[task.dataset]}
    return Run(task, begins_from, run.seed, run.settings[stage.argument], run.limits, data)


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
