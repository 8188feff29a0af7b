"""What a call is asked to make, and the runs that this takes."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from benchmarks.claims import studied
from benchmarks.data import cached_variant
from benchmarks.data.preparation import STROKES, STROKES_VARIANT
from benchmarks.engine.computations import Computation
from benchmarks.engine.profiles import Profile
from benchmarks.engine.records import Record, Store
from benchmarks.engine.run import Job, Run, changed, make_jobs, make_run, stage_of
from benchmarks.errors import CallError
from benchmarks.paper.tables import TABLES, Artefact, Measurement, Table
from benchmarks.paper.tasks import Negatives, Task
from benchmarks.registry import model

LEFT_OUT = "left out of this call by --models or --datasets"


@dataclass(frozen=True)
class Request:
    """What was asked for, checked; None for ``models``, ``datasets`` and ``jobs`` means all, all and as many as fit.

    ``strokes``: drawn strokes are the negatives wherever the paper takes Omniglot. ``claims``: write the ledger, and
    train what it alone needs. ``report``: write the report.
    """

    tables: tuple[Table, ...]
    figures: tuple["Computable", ...]
    claims: bool
    report: bool
    profile: Profile
    seeds: tuple[int, ...]
    models: tuple[str, ...] | None
    datasets: tuple[str, ...] | None
    strokes: bool
    device: str
    jobs: int | None
    data_dir: Path
    results_dir: Path
    reports_dir: Path
    offline: bool
    fresh: bool
    quiet: bool

    @property
    def artefacts(self) -> tuple[Artefact, ...]:
        """Tables and figures."""
        return (*self.tables, *self.figures)

    @property
    def command(self) -> str:
        """The command that makes the same results, without what cannot change them (folders, --jobs)."""
        words = [self.command_for(*self.artefacts), *(["--claims"] if self.claims else [])]
        for option, names in (("--models", self.models), ("--datasets", self.datasets)):
            words += [option, shlex.quote(",".join(names))] if names is not None else []
        return " ".join(words)

    def command_for(self, *artefacts: Artefact) -> str:
        """The command that makes the whole of these tables and figures."""
        words = ["python", "-m", "benchmarks.reproduce"]
        words += [word for one in artefacts for word in (f"--{one.kind}", one.id)]
        words += ["--profile", self.profile.name]
        if self.seeds != self.profile.seeds:
            words += ["--seeds", ",".join(map(str, self.seeds)) + ("," if len(self.seeds) == 1 else "")]
        words += ["--negatives", STROKES] if self.strokes else []
        return shlex.join(words)


class Computable(Artefact):
    """An artefact that may show rows that no record holds."""

    def computation(self, plan: "Plan") -> Computation | None:
        """Return what computes its rows; None for one made from records."""
        return None


class Plan:
    """The runs that a request takes, by what they are for; nothing here trains or writes."""

    def __init__(self, request: Request, store: Store) -> None:
        self.request = request
        self.store = store
        self._runs: dict[tuple[Task, str, int, int | None], Run] = {}

    @cached_property
    def jobs(self) -> list[Job]:
        """The jobs of all runs asked for, finished ones included."""
        return make_jobs(self._asked_for(), self.request.profile)

    @cached_property
    def todo(self) -> frozenset[str]:
        """The ids of the runs to train."""
        runs = (run for job in self.jobs for run in job.runs)
        return frozenset(run.id for run in runs if self.request.fresh or not self.store.has(run))

    @cached_property
    def pending(self) -> list[Job]:
        """The jobs with a run to train."""
        return [job for job in self.jobs if any(run.id in self.todo for run in job.runs)]

    @cached_property
    def variants(self) -> dict[str, str]:
        """Which variant of each data set this call is about: the cached one, else the one of the records there are."""
        recorded = {name: v for record in self.store.records() for name, v in record.identity["variants"].items()}
        judged = TABLES if self.request.claims else ()
        tasks = [self.task(task) for one in (*self.request.artefacts, *judged) for task in one.tasks]
        names = {task.dataset for task in tasks} | {task.negatives.dataset for task in tasks if task.negatives}
        cached = {name: cached_variant(name, self.request.data_dir) for name in names - {STROKES}}
        variants = {name: recorded.get(name, "") if v is None else v for name, v in cached.items()}
        return variants | {STROKES: STROKES_VARIANT}

    @cached_property
    def _terms(self) -> list[Measurement]:
        return [
            measurement for one in self.request.artefacts for part in one.needs for measurement in part.measurements
        ]

    def _asked_for(self) -> list[Run]:
        measurements = [measurement for measurement in self._terms if self._is_chosen(measurement)]
        if (self._terms or self.request.claims) and not measurements and not self.studies:
            raise CallError("nothing is left to make: no run of what was asked has these --models and --datasets.")
        oracle = {
            measurement
            for one in self.request.artefacts
            if one.oracle
            for part in one.needs
            for measurement in part.measurements
        }
        return [
            self.run(measurement, seed, width)
            for measurement in measurements
            for seed in self.request.seeds
            for width in (self.widths(measurement) if measurement in oracle else [None])
        ] + [run for run, _ in self.studies]

    def _is_chosen(self, measurement: Measurement) -> bool:
        """Whether --models and --datasets leave it in."""
        models, datasets = self.request.models, self.request.datasets
        return (models is None or measurement.model in models) and (
            datasets is None or measurement.task.dataset in datasets
        )

    @cached_property
    def studies(self) -> list[tuple[Run, str]]:
        """The runs under other settings that the ledger needs, each with what is changed, in words."""
        found = []
        for measurement, change in studied() if self.request.claims else []:
            for seed in self.request.seeds if self._is_chosen(measurement) else ():
                run = changed(self.run(measurement, seed), change)
                if run is not None:
                    found.append((run, ", ".join(f"{name} = {value}" for name, value in change.items())))
        return found

    @cached_property
    def changes(self) -> dict[str, str]:
        """What is changed in the runs that no table has, in words, by the ids of these and of their stages."""
        plain = {one.id for run in self._runs.values() for one in (run, stage_of(run)) if one}
        runs = [(one, text) for run, text in self.studies for one in (run, stage_of(run)) if one]
        return {one.id: text for one, text in runs if one.id not in plain}

    def run(self, measurement: Measurement, seed: int, width: int | None = None) -> Run:
        """The run of a measurement, at a latent width or at the fixed one."""
        key = measurement.task, measurement.model, seed, width
        if key not in self._runs:
            self._runs[key] = make_run(
                self.task(measurement.task),
                measurement.model,
                seed,
                self.request.profile,
                self.variants,
                latent_dim=width,
            )
        return self._runs[key]

    def task(self, task: Task) -> Task:
        """Return the task with drawn strokes for Omniglot, where these were asked for."""
        if self.request.strokes and task.negatives is not None and task.negatives.dataset == "omniglot":
            return replace(task, negatives=Negatives(STROKES))
        return task

    def widths(self, measurement: Measurement) -> tuple[int | None, ...]:
        """The latent widths that ``oracle`` chooses from, the fixed one first; None alone for a model without any."""
        return self.request.profile.latent_dims(model(measurement.model), measurement.task.dataset) or (None,)

    def lookup(self, measurement: Measurement, seed: int, width: int | None) -> Record | None:
        """The record of a measurement's run, or None."""
        return self.store.get(self.run(measurement, seed, width))

    def runs_of(self, artefact: Artefact) -> dict[str, list[Run]]:
        """The runs that each part of a table or figure needs, by its name."""
        computation = artefact.computation(self) if isinstance(artefact, Computable) else None
        if computation is not None and not artefact.needs:
            return {name: [run] for name, run in computation.runs.items()}
        return {
            part.name: [
                self.run(measurement, seed, width)
                for measurement in part.measurements
                for seed in self.request.seeds
                for width in (self.widths(measurement) if artefact.oracle else [None])
            ]
            for part in artefact.needs
        }

    def lacking(self, artefact: Artefact, reasons: Mapping[str, str]) -> dict[str, list[str]]:
        """The parts of a table or figure that lack one of the runs with a reason: their names by reason."""
        lacking: dict[str, list[str]] = {}
        for name, runs in self.runs_of(artefact).items():
            for reason in dict.fromkeys(reasons[run.id] for run in runs if run.id in reasons):
                lacking.setdefault(reason, []).append(name)
        return lacking

    def left_out(self) -> dict[str, str]:
        """Runs that no record is there of and that this call was not asked for."""
        asked = {run.id for job in self.jobs for run in job.runs}
        runs = (self.run(measurement, seed) for measurement in self._terms for seed in self.request.seeds)
        return {run.id: LEFT_OUT for run in runs if run.id not in asked and not self.store.has(run)}

    def without_folders(self, text: str) -> str:
        """A reason without the folders of the machine that it was met on, for files that others read."""
        request = self.request
        folders = {"data-dir": request.data_dir, "results-dir": request.results_dir, "reports-dir": request.reports_dir}
        for name, folder in folders.items():
            text = text.replace(str(folder), f"<{name}>")
        return text

    @cached_property
    def _measured(self) -> dict[tuple[str, str], float]:
        """What runs of each model and data set took here under this profile, on average."""
        times: dict[tuple[str, str], list[float]] = {}
        for record in self.store.records():
            if record.profile == self.request.profile.name:
                key = record.identity["model"], record.identity["task"]["dataset"]
                times.setdefault(key, []).append(record.fit_seconds + record.score_seconds)
        return {key: sum(values) / len(values) for key, values in times.items()}

    def seconds(self, run: Run) -> float:
        """How long a run may take, from what others took here or else from the profile."""
        key = run.model, run.task.dataset
        return self._measured.get(key) or self.request.profile.seconds(*key)
