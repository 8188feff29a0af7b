"""One call of the benchmark, from what was asked for to the files written."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import joblib
from rich.console import Console

from benchmarks.artefacts import Table, Term
from benchmarks.data import cached_variant, load
from benchmarks.errors import CallError, UnavailableError
from benchmarks.execute import Failure, execute
from benchmarks.measure import Context
from benchmarks.negatives import STROKES, STROKES_VARIANT
from benchmarks.plan import Job, Run, make_jobs, make_run
from benchmarks.profiles import Profile
from benchmarks.progress import duration, progress
from benchmarks.registry import model
from benchmarks.render import Source, write_table
from benchmarks.store import Record, Store
from benchmarks.tasks import Negatives, Task
from lisae.training import resolve_device


@dataclass(frozen=True)
class Request:
    """What was asked for, checked; None for ``models``, ``datasets`` and ``jobs`` means all, all and as many as fit.

    ``strokes``: drawn strokes are the negatives wherever the paper takes Omniglot.
    """

    tables: tuple[Table, ...]
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
    def command(self) -> str:
        """The command that makes the same results, without what cannot change them (folders, --jobs)."""
        words = [self.command_for(*self.tables)]
        for option, names in (("--models", self.models), ("--datasets", self.datasets)):
            words += [option, shlex.quote(",".join(names))] if names is not None else []
        return " ".join(words)

    def command_for(self, *tables: Table) -> str:
        """The command that makes the whole of these tables."""
        words = ["python", "-m", "benchmarks.reproduce"]
        words += [word for table in tables for word in ("--table", table.id)]
        words += ["--profile", self.profile.name]
        if self.seeds != self.profile.seeds:
            words += ["--seeds", ",".join(map(str, self.seeds)) + ("," if len(self.seeds) == 1 else "")]
        words += ["--negatives", STROKES] if self.strokes else []
        return shlex.join(words)


class Session:
    """Plan, train what is missing, render.

    Raises ``CallError``, before anything is trained, for a device that is not there and a results directory
    that cannot be written or is damaged.
    """

    def __init__(self, request: Request, console: Console) -> None:
        self.request = request
        self.console = console
        self.store = Store(request.results_dir)
        self._written_before: dict[str, int] = {}
        self._runs: dict[tuple[Task, str, int, int | None], Run] = {}
        try:
            self.device = resolve_device(request.device)
        except ValueError as error:
            raise CallError(str(error)) from error

    def show_plan(self) -> None:
        """Print the runs of the call and how long they may take."""
        runs = [run for job in self.jobs for run in job.runs]
        for run in runs:
            negatives = run.task.negatives
            classes = ",".join(map(str, negatives.classes)) or "all" if negatives else ""
            against = f", negatives {negatives.dataset} {classes}" if negatives else ""
            state = "to do" if run.id in self.todo else "done"
            normal = ",".join(map(str, run.task.normal))
            print(f"{run.id}  {state:<5}  {run.model}: {run.task.dataset} {normal}{against}, seed {run.seed}")
        seconds = sum(self._seconds(run) for run in runs if run.id in self.todo)
        workers = min(self.n_jobs, max(1, len(self.pending)))
        print(
            f"{len(runs)} runs, {len(self.todo)} to do: about {duration(seconds / workers)} with --jobs {self.n_jobs}, "
            "from the times that earlier runs took here or, before there are any, on the maintainers' two cores"
        )

    def run(self) -> bool:
        """Train what is missing and write everything asked for; tell whether nothing is missing from it."""
        self.store.check()
        self._written_before = {run: self._written(run) for run in self.todo}
        failures = self._fetch_data()
        todo = self.todo - {failure.run for failure in failures}
        try:
            failures += self._train(todo)
        except UnavailableError as error:
            failures += [Failure(run, str(error)) for run in todo if not self._is_done(run)]
        finally:
            self.store.write_csv()
        reasons = self._left_out() | {failure.run: failure.reason for failure in failures}
        for table in self.request.tables:
            written = write_table(
                table,
                Source(self._lookup, self._widths, self.request.seeds),
                command=self.request.command_for(table),
                reasons=self._lacking(table, reasons),
                results_dir=self.request.results_dir,
                reports_dir=self.request.reports_dir,
            )
            if not self.request.quiet:
                self.console.print(f"table {table.id}: {', '.join(map(str, written))}", markup=False)
        return self._report(failures)

    @cached_property
    def n_jobs(self) -> int:
        """How many processes train side by side."""
        return self.request.jobs or (1 if self.device.type == "cuda" else joblib.cpu_count())

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
    def _variants(self) -> dict[str, str]:
        """Which variant of each data set this call is about: the cached one, else the one of the records there are."""
        recorded = {name: v for record in self.store.records() for name, v in record.identity["variants"].items()}
        tasks = [self._task(term) for term in self._terms]
        names = {task.dataset for task in tasks} | {task.negatives.dataset for task in tasks if task.negatives}
        cached = {name: cached_variant(name, self.request.data_dir) for name in names - {STROKES}}
        variants = {name: recorded.get(name, "") if v is None else v for name, v in cached.items()}
        return variants | {STROKES: STROKES_VARIANT}

    @cached_property
    def _terms(self) -> list[Term]:
        return [term for table in self.request.tables for cell in table.cells for term in cell.terms]

    def _asked_for(self) -> list[Run]:
        models, datasets = self.request.models, self.request.datasets
        terms = [
            term
            for term in self._terms
            if (models is None or term.model in models) and (datasets is None or term.task.dataset in datasets)
        ]
        if not terms:
            raise CallError("nothing is left to make: no cell of the tables has one of these --models and --datasets.")
        oracle = {term for table in self.request.tables if table.oracle for cell in table.cells for term in cell.terms}
        return [
            self._run(term, seed, width)
            for term in terms
            for seed in self.request.seeds
            for width in (self._widths(term) if term in oracle else [None])
        ]

    def _run(self, term: Term, seed: int, width: int | None = None) -> Run:
        key = term.task, term.model, seed, width
        if key not in self._runs:
            self._runs[key] = make_run(
                self._task(term), term.model, seed, self.request.profile, self._variants, latent_dim=width
            )
        return self._runs[key]

    def _task(self, term: Term) -> Task:
        negatives = term.task.negatives
        if self.request.strokes and negatives is not None and negatives.dataset == "omniglot":
            return replace(term.task, negatives=Negatives(STROKES))
        return term.task

    def _widths(self, term: Term) -> tuple[int | None, ...]:
        """The latent widths that ``oracle`` chooses from, the fixed one first; None alone for a model without any."""
        return self.request.profile.latent_dims(model(term.model), term.task.dataset) or (None,)

    def _lookup(self, term: Term, seed: int, width: int | None) -> Record | None:
        return self.store.get(self._run(term, seed, width))

    def _fetch_data(self) -> list[Failure]:
        """Have every data set in the cache before anything is trained; a set that cannot be had fails its runs."""
        reasons = {}
        pending = [run for job in self.pending for run in job.runs]
        for name in sorted({name for run in pending for name in run.variants} - {STROKES}):
            try:
                variant = load(
                    name, self.request.data_dir, offline=self.request.offline, quiet=self.request.quiet
                ).variant
                if variant != self._variants[name]:
                    raise CallError(f"{name} was replaced by another variant ({variant!r}) just now: run it again.")
            except UnavailableError as error:
                reasons[name] = str(error)
        return [Failure(run.id, reasons[name]) for run in pending for name in run.variants if name in reasons]

    def _train(self, todo: frozenset[str]) -> list[Failure]:
        request = self.request
        context = Context(
            results_dir=request.results_dir,
            data_dir=request.data_dir,
            device=self.device.type,
            todo=todo,
            command=request.command,
            profile=request.profile.name,
        )
        jobs = [job for job in self.pending if any(run.id in todo for run in job.runs)]
        weights = {run.id: self._seconds(run) for job in jobs for run in job.runs if run.id in todo}
        with progress(weights, self._is_done, quiet=request.quiet):
            return [failure for failures in execute(jobs, context, self.n_jobs) for failure in failures]

    def _is_done(self, run: str) -> bool:
        """Whether this call wrote the record of a run that was to do: with --fresh there may be an old one."""
        return self._written(run) != self._written_before[run]

    def _written(self, run: str) -> int:
        path = self.store.record_path(run)
        return path.stat().st_mtime_ns if path.exists() else 0

    @cached_property
    def _measured(self) -> dict[tuple[str, str], float]:
        """What runs of each model and data set took here under this profile, on average."""
        times: dict[tuple[str, str], list[float]] = {}
        for record in self.store.records():
            if record.profile == self.request.profile.name:
                key = record.identity["model"], record.identity["task"]["dataset"]
                times.setdefault(key, []).append(record.fit_seconds + record.score_seconds)
        return {key: sum(values) / len(values) for key, values in times.items()}

    def _seconds(self, run: Run) -> float:
        key = run.model, run.task.dataset
        return self._measured.get(key) or self.request.profile.seconds(*key)

    def _lacking(self, table: Table, reasons: Mapping[str, str]) -> dict[str, list[str]]:
        """The cells of a table that lack one of the runs with a reason: the names of the cells by reason."""
        lacking: dict[str, list[str]] = {}
        for cell in table.cells:
            runs = [
                self._run(term, seed, width)
                for term in cell.terms
                for seed in self.request.seeds
                for width in (self._widths(term) if table.oracle else [None])
            ]
            for reason in dict.fromkeys(reasons[run.id] for run in runs if run.id in reasons):
                lacking.setdefault(reason, []).append(f"{cell.row} / {cell.column}")
        return lacking

    def _left_out(self) -> dict[str, str]:
        """Runs that no record is there of and that this call was not asked for."""
        asked = {run.id for job in self.jobs for run in job.runs}
        runs = (self._run(term, seed) for term in self._terms for seed in self.request.seeds)
        reason = "left out of this call by --models or --datasets"
        return {run.id: reason for run in runs if run.id not in asked and not self.store.has(run)}

    def _report(self, failures: list[Failure]) -> bool:
        """Name every cell that could not be made, with its reason; tell whether there is none."""
        reasons = {failure.run: failure.reason for failure in failures}
        for table in self.request.tables:
            for reason, cells in self._lacking(table, reasons).items():
                names = "; ".join(cells)
                self.console.print(f"error: table {table.id} lacks {names}\n  reason: {reason}", markup=False)
        return not failures
