"""A run: one model trained on one task, known by a hash of exactly what can change its result.

That includes the source. ``python -m benchmarks.engine.run`` prints the digest of the source as it is.
"""

import ast
import copy
import hashlib
import json
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.data import DataIdentity
from benchmarks.engine.profiles import Profile, Settings, settings_of
from benchmarks.errors import CallError
from benchmarks.paper.tasks import Task, without_negatives
from benchmarks.registry import MODELS, STAGES

# Raised when a change of the code changes results, so that old records are not taken for new ones.
RESULTS_VERSION = 1
# The digest of the source for which somebody decided that RESULTS_VERSION is right.
DECIDED_FOR = "2f64b0dbfe0d6ce7"

_DECIDES = (
    *("lisae", "baselines", "benchmarks/registry.py", "benchmarks/data/negatives.py"),
    *("benchmarks/engine/evaluate.py", "benchmarks/paper/section_4.py"),
)
# Settings, and fields of tasks and negatives, that came when there were records, and the value that those were made
# with: at that value they change no id.
_CAME_LATER = {
    "activation": "tanh",
    "adam_beta2": 0.999,
    "addressing": "cosine",
    "channel_factor": 1.0,
    "contaminated": 0.0,
    "contrast": "none",
    "count": 0,
    "inner_weight": 0.0,
    "length_scale": "variance",
    "min_images": 0,
    "min_steps": 0,
    "squash": True,
    "strokes": 0.0,
    "validation": 0.0,
}
# Settings that had another name when there were records: for a value of before, what is hashed in its place.
_RENAMED: dict[str, dict[Any, Settings]] = {"reading": {"absolute": {"hinge": False}, "hinge": {"hinge": True}}}


@dataclass(frozen=True, eq=False)
class Run:
    """One model trained on one task with one seed.

    Device and versions are no part of its identity: they are written in the record.
    """

    task: Task
    model: str  # as the paper prints it
    seed: int  # decides everything random
    settings: Settings  # every constructor argument that decides a result; those of a stage are nested
    limits: Mapping[str, int]  # at most so many images of a class, ``train`` and ``test``; 0 is all
    data: Mapping[str, DataIdentity]  # of each data set that is read, by its name
    preparation: Settings = field(default_factory=dict)  # by which images of another data set become negatives
    origin: Mapping[str, str] = field(default_factory=dict)  # of a model from outside: which one of its name it is

    @property
    def variants(self) -> dict[str, str]:
        """The variant of each data set that is read; '' is the complete official set."""
        return {name: one.variant for name, one in self.data.items()}

    def identity(self) -> dict[str, Any]:
        """Return what is hashed, as plain data.

        A data set enters by its variant and, unless the catalogue knows its content, by the digest of its images.
        """
        found = {
            "results_version": RESULTS_VERSION,
            "task": _hashed(asdict(self.task)),
            "model": self.model,
            "seed": self.seed,
            "settings": _hashed(self.settings),
            "limits": dict(self.limits),
            "variants": self.variants,
        }
        digests = {name: one.digest for name, one in self.data.items() if one.digest}
        sometimes = {"digests": digests, "preparation": self.preparation, "origin": dict(self.origin)}
        return found | {name: value for name, value in sometimes.items() if value}

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits, whatever the order of settings."""
        return id_of(self.identity())


def id_of(identity: Mapping[str, Any]) -> str:
    """Return the id of the run with an identity, whether this is a run's own or was read from a record."""
    return digest_of(compact(identity))


# Write a value as JSON on one line, the same for equal values. Raises ``ValueError`` for NaN and infinity.
compact = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def digest_of(text: str) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _hashed(settings: Settings) -> Settings:
    """Leave out what came later and is as it was before, and call what had another name by that name."""
    found: Settings = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            found[key] = _hashed(value)
        elif key in _RENAMED:
            found |= _RENAMED[key].get(value, {key: value})
        elif key not in _CAME_LATER or value != _CAME_LATER[key]:
            found[key] = value
    return found


@dataclass(frozen=True, eq=False)
class Job:
    """Runs executed together: those that begin from the trained model ``stage``, or a single run without one.

    The stage is one of ``runs`` if it is to be measured too.
    """

    runs: tuple[Run, ...]
    stage: Run | None = None

    @property
    def id(self) -> str:
        """The id of the run that the others wait for."""
        return (self.stage or self.runs[0]).id

    @property
    def dependants(self) -> tuple[Run, ...]:
        """The runs that begin from the stage."""
        return tuple(run for run in self.runs if run is not self.stage)

    @property
    def stage_alone(self) -> "Job":
        """The job without its dependants."""
        return replace(self, runs=tuple(run for run in self.runs if run is self.stage))

    def of(self, ids: Container[str]) -> "Job":
        """Return the job with those of its runs that have these ids."""
        return replace(self, runs=tuple(run for run in self.runs if run.id in ids))

    def seconds(self, profile: Profile) -> float:
        """Estimate its time on the machine that the profile was measured on."""
        return sum(profile.seconds(run.model, run.task.dataset) for run in self.runs)


class Shard(NamedTuple):
    """The part ``number``, from 1 to ``total``, of all jobs; the id of a job alone says which part it is in."""

    number: int
    total: int

    def holds(self, job: Job) -> bool:
        """Tell whether a job, a stage with all that begins from it, is in this part."""
        return int(job.id, 16) % self.total == self.number - 1


def make_run(
    task: Task,
    model_name: str,
    seed: int,
    profile: Profile,
    data: Mapping[str, DataIdentity],
    *,
    latent_dim: int | None = None,
) -> Run:
    """Return the run of a model, named as the paper prints it, on a task with the settings of a profile.

    ``data`` is the identity of each data set that may be read: the complete official set where one is not named.
    ``latent_dim`` is a latent width instead of the profile's.

    Raises ``CallError`` for an unknown model, and for one that needs negatives and a task without any.
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
        data={name: data.get(name, DataIdentity()) for name in sorted(used)},
        preparation=profile.preparation(task.negatives.dataset) if task.negatives and foreign else {},
        origin=chosen.origin.identity(task, seed) if chosen.origin else {},
    )


def unhashed(settings: Settings, detector: Callable[..., Any]) -> Settings:
    """Return the settings of a detector by those that an identity has of it: under the names and with all of today."""
    known = settings_of(detector)
    found = {key: value for key, value in _CAME_LATER.items() if key in known} | settings
    for name in known.keys() & _RENAMED.keys():
        for value, before in _RENAMED[name].items():
            if before.items() <= found.items():
                found = {key: one for key, one in found.items() if key not in before} | {name: value}
    return found


def changed(run: Run, change: Mapping[str, Any]) -> Run | None:
    """Return the run under other settings, or None where its model or its negatives lack one of them.

    ``change`` has values by the names of settings; a dot leads to the settings of its stage, and ``negatives.`` to the
    fields of the task's negatives.
    """
    settings, task = copy.deepcopy(run.settings), run.task
    for name, value in change.items():
        *arguments, key = name.split(".")
        if arguments == ["negatives"]:
            if task.negatives is None or key not in vars(task.negatives):
                return None
            task = replace(task, negatives=replace(task.negatives, **{key: value}))
            continue
        table = settings
        for argument in arguments:
            table = table.get(argument, {})
        if key not in table:
            return None
        table[key] = value
    return replace(run, task=task, settings=settings)


def stage_of(run: Run) -> Run | None:
    """Return the run whose trained model ``run`` begins from.

    That is the run itself if others begin from it, and None for a model that stands on its own. It is one without
    negatives, so that many runs share it, unless some of its normal images are among these.
    """
    if run.model in STAGES:
        return run
    begins_from, stage = MODELS[run.model].begins_from, MODELS[run.model].detector.stage
    if begins_from is None or stage is None:
        return None
    if run.task.negatives is not None and run.task.negatives.contaminated:
        return replace(run, model=begins_from, settings=run.settings[stage.argument])
    if run.task.validation:
        task = replace(run.task, negatives=None)
        return replace(run, task=task, model=begins_from, settings=run.settings[stage.argument], preparation={})
    task = without_negatives(run.task.dataset, *run.task.normal)
    data = {task.dataset: run.data[task.dataset]}
    return Run(task, begins_from, run.seed, run.settings[stage.argument], run.limits, data)


def make_jobs(runs: Iterable[Run], profile: Profile) -> list[Job]:
    """Group runs that share a stage, the stage's own run first, and put the longest jobs first."""
    groups: dict[str, tuple[Run | None, dict[str, Run]]] = {}
    for run in runs:
        stage = stage_of(run)
        # The stage is a result in its own right: it is measured whether or not a table asked for it.
        first = stage or run
        _, members = groups.setdefault(first.id, (stage, {first.id: first}))
        members.setdefault(run.id, run)
    jobs = [Job(tuple(members.values()), stage) for stage, members in groups.values()]
    return sorted(jobs, key=lambda job: (-job.seconds(profile), job.stage is not None))


def source_digest(root: Path = Path(__file__).parents[2]) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of all source that decides results, under ``root``.

    Comments, docstrings and layout do not count, and the digest is the same for every version of Python.
    """
    digest = hashlib.sha256()
    for place in (root / name for name in _DECIDES):
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(_code(ast.parse(path.read_text(encoding="utf-8"))).encode())
    return digest.hexdigest()[:16]


def _code(node: object) -> str:
    """Write a syntax tree as text, without docstrings and without fields that are empty.

    ``ast.dump`` would do, but the fields that it shows depend on the version of Python.
    """
    if isinstance(node, list):
        return f"[{','.join(map(_code, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: value for name, value in ast.iter_fields(node) if value is not None and value != []}
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
        fields["body"] = node.body[1:]
    return f"{type(node).__name__}({','.join(f'{name}={_code(value)}' for name, value in fields.items())})"


if __name__ == "__main__":
    print(source_digest())
