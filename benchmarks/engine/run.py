"""From the cells of artefacts to the runs they need, and from runs to jobs that share a training stage."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from benchmarks.engine.profiles import Profile, Settings
from benchmarks.errors import CallError
from benchmarks.paper.tasks import Task, without_negatives
from benchmarks.registry import MODELS, STAGES, model

# Raised when a change of the code changes results, so that old records are not taken for new ones.
RESULTS_VERSION = 1
# Settings that came when there were records, and what those were made with: at that value they change no id.
_CAME_LATER = {"activation": "tanh"}


@dataclass(frozen=True, eq=False)
class Run:
    """One model trained on one task with one seed; ``id`` is a hash of exactly what can change its result.

    ``variants`` says of each data set it reads which variant that is ('' = the complete official set), and
    ``preparation`` how negatives of another data set were made. Device and versions are not in the hash: they are
    written in the record.
    """

    task: Task
    model: str
    seed: int
    settings: Settings
    limits: Mapping[str, int]
    variants: Mapping[str, str]
    preparation: Settings = field(default_factory=dict)

    def identity(self) -> dict[str, Any]:
        """What is hashed, as plain data."""
        identity = {
            "results_version": RESULTS_VERSION,
            "task": asdict(self.task),
            "model": self.model,
            "seed": self.seed,
            "settings": _hashed(self.settings),
            "limits": dict(self.limits),
            "variants": dict(self.variants),
        }
        return identity | ({"preparation": self.preparation} if self.preparation else {})

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits."""
        text = json.dumps(self.identity(), sort_keys=True, separators=(",", ":"))
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

    def seconds(self, profile: Profile) -> float:
        """How long it takes where the profile was measured."""
        return sum(profile.seconds(run.model, run.task.dataset) for run in self.runs)


def make_run(
    task: Task,
    model_name: str,
    seed: int,
    profile: Profile,
    variants: Mapping[str, str],
    *,
    latent_dim: int | None = None,
) -> Run:
    """The run of a model on a task under a profile.

    Args:
        task: what to learn.
        model_name: the model, as the paper prints it.
        seed: decides everything random.
        profile: gives the settings.
        variants: the variant of all data sets that may be read.
        latent_dim: a latent width instead of the profile's.

    Raises:
        CallError: for a model that needs negatives and a task without any.
    """
    chosen = model(model_name)
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
        variants={name: variants.get(name, "") for name in sorted(used)},
        preparation=profile.preparation(task.negatives.dataset) if task.negatives and foreign else {},
    )


def changed(run: Run, change: Mapping[str, Any]) -> Run | None:
    """The run under other settings; None where its model lacks one of them.

    Args:
        run: under the settings of a profile.
        change: values by the names of settings; a dot leads to the settings of its stage.
    """
    settings: Settings | None = run.settings
    for name, value in change.items():
        settings = _with(settings, name.split("."), value) if settings is not None else None
    return None if settings is None else replace(run, settings=settings)


def _with(settings: Settings, path: Sequence[str], value: Any) -> Settings | None:
    """Settings with another value at a path, or None where there is nothing at it."""
    first, *rest = path
    if first not in settings:
        return None
    inner = _with(settings[first], rest, value) if rest else value
    return None if inner is None else settings | {first: inner}


def stage_of(run: Run) -> Run | None:
    """The run whose trained model ``run`` begins from, itself if others begin from it, None for a model on its own."""
    if run.model in STAGES:
        return run
    chosen = MODELS[run.model]
    if chosen.begins_from is None:
        return None
    task = without_negatives(run.task.dataset, *run.task.normal)
    variants = {task.dataset: run.variants[task.dataset]}
    return Run(task, chosen.begins_from, run.seed, run.settings[chosen.stage_argument], run.limits, variants)


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
