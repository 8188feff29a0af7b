"""From what a call asks for to the runs that it takes."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path

import pandas as pd

from benchmarks.data import DataIdentity, identify
from benchmarks.data.negatives import STROKES, STROKES_VARIANT
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure
from benchmarks.engine.past import Past, past_of
from benchmarks.engine.profiles import Profile
from benchmarks.engine.records import Record, Store
from benchmarks.engine.run import Job, Run, Shard, changed, make_jobs, make_run, stage_of
from benchmarks.engine.search import Trial, all_trials
from benchmarks.errors import CallError
from benchmarks.files import write_text
from benchmarks.own.sources import Source
from benchmarks.paper.claims import studied
from benchmarks.paper.tables import TABLES, Artefact, Measurement, Table
from benchmarks.paper.tasks import Task
from benchmarks.registry import MODELS

LEFT_OUT = "left out of this call by --models or --datasets"


@dataclass(frozen=True)
class Computation:
    """Rows that no record holds, computed once from runs, or from data that a run names, and kept as a CSV.

    The column ``run`` of the CSV holds the ids of the runs, so that rows made from anything else are not taken for
    these. ``are_recorded`` tells that the detectors of the runs are rebuilt, so that only runs with a record can be
    used. Otherwise a run only names task, settings, seed and data: nobody trains or records it.
    """

    file: str  # the name of the CSV in the results directory, such as figure_3.csv
    runs: Mapping[str, Run]  # what it is made from, by the name that messages give it
    are_recorded: bool
    # Gives the rows of those runs that are there, and the runs that failed.
    compute: Callable[[Mapping[str, Run], Context], tuple[pd.DataFrame, list[Failure]]]

    def kept(self, results_dir: Path, ids: set[str]) -> pd.DataFrame | None:
        """Return the rows that were kept, if they were made from exactly the runs with these ids; None otherwise."""
        try:
            # Rows have four decimals at most; some versions of pandas read the last bit of a float wrongly.
            frame = pd.read_csv(results_dir / self.file, dtype={"run": str, "class": str}).round(4)
            return frame if set(frame["run"]) == ids else None
        except (ValueError, KeyError, OSError):
            return None  # missing or damaged: computed anew

    def keep(self, frame: pd.DataFrame, results_dir: Path) -> None:
        """Write the rows. Raises ``UnavailableError`` when they cannot be written."""
        write_text(results_dir / self.file, frame.to_csv(index=False, lineterminator="\n"))


@dataclass(frozen=True)
class Computable(Artefact):
    """An artefact that may show what no record holds."""

    def computation(self, plan: "Plan") -> Computation | None:
        """Return what has to be computed for it; None for an artefact made from records alone."""
        return None


@dataclass(frozen=True, kw_only=True)
class Request:
    """A checked call; None for ``models``, ``datasets`` and ``jobs`` means all, all and as many as fit.

    ``strokes``: drawn strokes are the negatives wherever the paper takes Omniglot. ``claims``: write the ledger, and
    train what it alone needs. ``search``: train the trials of the searches for settings, and write their log.
    ``report``: write the report. ``backend``: the name of what executes the jobs. ``merge``: results folders whose
    records are copied first. ``shard``: the part of the jobs that is trained, of which no artefact is made; None for
    all. ``own``: the models that come from outside. ``overrides``: settings of this call, which the profile has
    already. ``beside``: a results folder whose records are used as they are.
    """

    tables: tuple[Table, ...]
    figures: tuple[Computable, ...]
    profile: Profile
    seeds: tuple[int, ...]
    data_dir: Path
    results_dir: Path
    reports_dir: Path
    claims: bool = False
    search: bool = False
    report: bool = False
    models: tuple[str, ...] | None = None
    datasets: tuple[str, ...] | None = None
    strokes: bool = False
    device: str = "auto"
    jobs: int | None = None
    backend: str = "local"
    offline: bool = False
    fresh: bool = False
    quiet: bool = False
    merge: tuple[Path, ...] = ()
    shard: Shard | None = None
    own: tuple[Source, ...] = ()
    overrides: tuple[str, ...] = ()
    beside: Path | None = None

    @property
    def artefacts(self) -> tuple[Artefact, ...]:
        """Its tables and figures."""
        return (*self.tables, *self.figures)

    @property
    def command(self) -> str:
        """The command that makes the same results, without what cannot change them (folders, --jobs)."""
        words = [self.command_for(*self.artefacts)]
        words += [f"--{name}" for name in ("claims", "search") if getattr(self, name)]
        for option, names in (("--models", self.models), ("--datasets", self.datasets)):
            words += [option, shlex.quote(",".join(names))] if names is not None else []
        return " ".join(words)

    def command_for(self, *artefacts: Artefact) -> str:
        """Return the command that makes the whole of these tables and figures."""
        words = ["python", "-m", "benchmarks.reproduce"]
        words += [word for one in artefacts for word in (f"--{one.kind}", one.id)]
        words += ["--profile", self.profile.name]
        if self.seeds != self.profile.seeds:
            words += ["--seeds", ",".join(map(str, self.seeds)) + ("," if len(self.seeds) == 1 else "")]
        words += ["--negatives", STROKES] if self.strokes else []
        words += [word for one in self.own for word in one.words]
        words += [word for one in self.overrides for word in ("--set", one)]
        return shlex.join(words)

    def without_folders(self, text: str) -> str:
        """Return a reason without the folders of the machine that it was met on, for files that others read."""
        for name in ("data_dir", "results_dir", "reports_dir"):
            text = text.replace(str(getattr(self, name)), f"<{name.replace('_', '-')}>")
        return text

    def includes(self, measurement: Measurement) -> bool:
        """Tell whether --models and --datasets leave a measurement in."""
        asked = ((self.models, measurement.model), (self.datasets, measurement.task.dataset))
        return all(names is None or name in names for names, name in asked)

    def task(self, task: Task) -> Task:
        """Return the task with drawn strokes for Omniglot, where these were asked for."""
        if self.strokes and task.negatives is not None and task.negatives.dataset == "omniglot":
            return replace(task, negatives=replace(task.negatives, dataset=STROKES, classes=()))
        return task


class Plan:
    """The runs that a request takes, by what they are for; nothing here trains or writes.

    ``past`` returns what the records say; without it they are read, once, when that is first asked for.
    """

    def __init__(self, request: Request, store: Store, past: Callable[[], Past] | None = None) -> None:
        self.request = request
        self.store = store
        self._past = past or cache(partial(past_of, store, request.profile.name))
        self._runs: dict[tuple[Measurement, int, int | None], Run] = {}

    def again(self) -> "Plan":
        """Return the plan for the data that are there now; records that were read are not read again."""
        return Plan(self.request, self.store, self._past)

    @cached_property
    def jobs(self) -> list[Job]:
        """The jobs of all runs asked for, finished ones included."""
        chosen = [one for one in self._measurements if self.request.includes(one)]
        if (self._measurements or self.request.claims or self.request.search) and not chosen and not self.studies:
            raise CallError("nothing is left to make: no run of what was asked has these --models and --datasets.")
        oracle = {one for artefact in self.request.artefacts if artefact.oracle for one in artefact.measurements}
        runs = [run for one in chosen for run in self.runs(one, oracle=one in oracle)]
        jobs = make_jobs([*runs, *(run for run, _ in self.studies)], self.request.profile)
        return [job for job in jobs if self.request.shard is None or self.request.shard.holds(job)]

    @cached_property
    def todo(self) -> frozenset[str]:
        """The ids of the runs to train."""
        runs = (run for job in self.jobs for run in job.runs)
        return frozenset(run.id for run in runs if self.request.fresh or not self.store.has(run))

    @cached_property
    def pending(self) -> list[Job]:
        """The jobs of the runs to train."""
        return [job for job in (job.of(self.todo) for job in self.jobs) if job.runs]

    @cached_property
    def data(self) -> dict[str, DataIdentity]:
        """The data sets that this call is about: those that are cached, else those of the records there are."""
        judged = TABLES if self.request.claims else ()
        tasks = [self.request.task(task) for one in (*self.request.artefacts, *judged) for task in one.tasks]
        tasks += [trial.measurement.task for trial in self._trials]
        names = {task.dataset for task in tasks} | {task.negatives.dataset for task in tasks if task.negatives}
        found = {STROKES: DataIdentity(STROKES_VARIANT)}
        for name in names - {STROKES}:
            found[name] = identify(name, self.request.data_dir) or self._past().data.get(name, DataIdentity())
        return found

    @cached_property
    def _measurements(self) -> list[Measurement]:
        return [one for artefact in self.request.artefacts for one in artefact.measurements]

    def runs(self, measurement: Measurement, *, oracle: bool) -> list[Run]:
        """Return the runs of a measurement for every seed, at the fixed latent width or at all those of ``oracle``."""
        widths = self.widths(measurement) if oracle else (None,)
        return [self.run(measurement, seed, width) for seed in self.request.seeds for width in widths]

    @cached_property
    def studies(self) -> list[tuple[Run, str]]:
        """The runs under other settings that the ledger and the searches need, each with what is changed, in words."""
        judged = studied() if self.request.claims else []
        trials = [Trial(*one, seed) for one in judged for seed in self.request.seeds] + self._trials
        found = [(self.trial(one), one) for one in trials if self.request.includes(one.measurement)]
        return [(run, one.text) for run, one in found if run is not None]

    @cached_property
    def _trials(self) -> list[Trial]:
        return all_trials() if self.request.search else []

    def trial(self, trial: Trial) -> Run | None:
        """Return the run of a trial, or None where its model or its negatives lack a setting that is changed."""
        return changed(self.run(trial.measurement, trial.seed), trial.change)

    @cached_property
    def changes(self) -> dict[str, str]:
        """The changes of the runs that no table has, in words, by the ids of these and of their stages."""
        plain = {one.id for run in self._runs.values() for one in (run, stage_of(run)) if one}
        runs = [(one, text) for run, text in self.studies for one in (run, stage_of(run)) if one]
        return {one.id: text for one, text in runs if one.id not in plain}

    def run(self, measurement: Measurement, seed: int, width: int | None = None) -> Run:
        """Return the run of a measurement, at a latent width or at the fixed one."""
        key = measurement, seed, width
        if key not in self._runs:
            task, profile = self.request.task(measurement.task), self.request.profile
            self._runs[key] = make_run(task, measurement.model, seed, profile, self.data, latent_dim=width)
        return self._runs[key]

    def widths(self, measurement: Measurement) -> tuple[int | None, ...]:
        """Return the latent widths that ``oracle`` chooses from, the fixed one first, or None alone."""
        return self.request.profile.latent_dims(MODELS[measurement.model], measurement.task.dataset) or (None,)

    def record(self, measurement: Measurement, seed: int, width: int | None) -> Record | None:
        """Return the record of a measurement's run, or None."""
        return self.store.get(self.run(measurement, seed, width))

    def runs_of(self, artefact: Artefact) -> dict[str, list[Run]]:
        """Return the runs that each part of a table or figure needs, by its name."""
        computation = artefact.computation(self) if isinstance(artefact, Computable) else None
        if computation is not None and not artefact.needs:
            return {name: [run] for name, run in computation.runs.items()}
        return {
            need.name: [run for one in need.measurements for run in self.runs(one, oracle=artefact.oracle)]
            for need in artefact.needs
        }

    def lacking(self, artefact: Artefact, reasons: Mapping[str, str]) -> dict[str, list[str]]:
        """Name the parts of a table or figure that lack a run, by the reason that ``reasons`` has for the run.

        Parts that lack no more than latent widths for ``oracle`` to choose from are one part together.
        """
        fixed = {run.id for one in artefact.measurements for run in self.runs(one, oracle=False)}
        lacking: dict[str, dict[str, None]] = {}
        for name, runs in self.runs_of(artefact).items():
            missing = [run.id for run in runs if run.id in reasons]
            part = "other latent widths" if artefact.oracle and fixed.isdisjoint(missing) else name
            for run_id in missing:
                lacking.setdefault(reasons[run_id], {})[part] = None
        return {reason: list(parts) for reason, parts in lacking.items()}

    def left_out(self) -> dict[str, str]:
        """Return the runs that this call excludes and that have no record, each with the reason."""
        asked = {run.id for job in self.jobs for run in job.runs}
        runs = (run for one in self._measurements for run in self.runs(one, oracle=False))
        why = "it is not among the records that --beside names" if self.request.beside else LEFT_OUT
        return {run.id: why for run in runs if run.id not in asked and not self.store.has(run)}

    def seconds(self, run: Run) -> float:
        """Estimate the time of a run by the mean of what others took here, or else from the profile."""
        key = run.model, run.task.dataset
        return self._past().seconds.get(key) or self.request.profile.seconds(*key)
