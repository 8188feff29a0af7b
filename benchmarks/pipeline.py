"""One call of the benchmark, from what was asked for to the files written."""

from collections.abc import Collection
from functools import cache, cached_property
from pathlib import Path

import joblib
import pandas as pd
from rich.console import Console

from benchmarks.claims import Evidence, write_claims
from benchmarks.data import load
from benchmarks.data.preparation import STROKES
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, execute
from benchmarks.engine.plan import Plan, Request
from benchmarks.engine.records import Store
from benchmarks.engine.run import Run
from benchmarks.errors import CallError, UnavailableError
from benchmarks.paper.tables import Artefact
from benchmarks.progress import duration, progress
from benchmarks.report.figures import write_figure
from benchmarks.report.figures.base import Figure
from benchmarks.report.sections import write_report
from benchmarks.report.tables import write_table
from benchmarks.report.tidy import RecordLookup, note
from lisae.device import resolve_device


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
        self.plan = Plan(request, self.store)
        try:
            self.device = resolve_device(request.device)
        except ValueError as error:
            raise CallError(str(error)) from error

    def show_plan(self) -> None:
        """Print the runs of the call and how long they may take."""
        runs = [run for job in self.plan.jobs for run in job.runs]
        for run in runs:
            negatives = run.task.negatives
            classes = ",".join(map(str, negatives.classes)) or "all" if negatives else ""
            against = f", negatives {negatives.dataset} {classes}" if negatives else ""
            state = "to do" if run.id in self.plan.todo else "done"
            normal = ",".join(map(str, run.task.normal))
            change = f", {self.plan.changes[run.id]}" if run.id in self.plan.changes else ""
            print(f"{run.id}  {state:<5}  {run.model}: {run.task.dataset} {normal}{against}{change}, seed {run.seed}")
        seconds = sum(self.plan.seconds(run) for run in runs if run.id in self.plan.todo)
        workers = min(self.n_jobs, max(1, len(self.plan.pending)))
        print(
            f"{len(runs)} runs, {len(self.plan.todo)} to do: about {duration(seconds / workers)} "
            f"with --jobs {self.n_jobs}, from the times that earlier runs took here "
            "or, before there are any, on the maintainers' two cores"
        )

    def run(self) -> bool:
        """Train what is missing and write everything asked for; tell whether nothing is missing from it."""
        self.store.check()
        self._written_before = {run: self._written(run) for run in self.plan.todo}
        failures = self._fetch_data([run for job in self.plan.pending for run in job.runs if run.id in self.plan.todo])
        todo = self.plan.todo - {failure.run for failure in failures}
        try:
            failures += self._train(todo)
        except UnavailableError as error:
            failures += [Failure(run, str(error)) for run in todo if not self._is_done(run)]
        finally:
            self.store.write_csv()
        computed, more = self._compute()
        failures += more
        reasons = self.plan.left_out() | self._for_files(failures)
        lookup = RecordLookup(
            cache(self.plan.lookup), self.plan.widths, self.request.seeds
        )  # tables share their records
        folders = {"results_dir": self.request.results_dir, "reports_dir": self.request.reports_dir}
        for table in self.request.tables:
            command, lacking = self.request.command_for(table), self.plan.lacking(table, reasons)
            self._tell(table, write_table(table, lookup, command=command, reasons=lacking, **folders))
        drawn = []
        for figure in self.request.figures:
            assert isinstance(figure, Figure)
            frame = computed.get(figure.id) if figure.computation(self.plan) else figure.points(lookup)
            text = note(figure, lookup, self.request.command_for(figure), self.plan.lacking(figure, reasons))
            if frame is not None:
                self._tell(figure, write_figure(figure, frame, text, **folders))
                drawn.append(figure.id)
        if self.request.claims:
            evidence = Evidence(self.plan.run, self.store, self.request.seeds)
            self._tell("claims", [write_claims(evidence, self.request.results_dir)])
        if self.request.report:
            self._tell("report", write_report(self.plan, lookup, reasons, drawn))
        return self._report(failures)

    def _for_files(self, failures: list[Failure]) -> dict[str, str]:
        """The reason of each run that failed, as files tell it."""
        return {failure.run: self.plan.without_folders(failure.reason) for failure in failures}

    def _tell(self, what: Artefact | str, written: list[Path]) -> None:
        if not self.request.quiet:
            name = what if isinstance(what, str) else f"{what.kind} {what.id}"
            self.console.print(f"{name}: {', '.join(map(str, written))}", markup=False)

    def _compute(self) -> tuple[dict[str, pd.DataFrame], list[Failure]]:
        """Return the rows of each figure that no record holds, as they were kept or computed now, and the failures."""
        frames, failures = {}, []
        for figure in self.request.figures:
            if (computation := figure.computation(self.plan)) is None:
                continue
            runs = {
                name: run
                for name, run in computation.runs.items()
                if not computation.are_recorded or self.store.has(run)
            }
            ids = {run.id for run in runs.values()}
            frame = None if self.request.fresh else computation.kept(self.request.results_dir, ids)
            if frame is None:
                failed = self._fetch_data(runs.values())
                failures += failed
                runs = {name: run for name, run in runs.items() if run.id not in {failure.run for failure in failed}}
                if not (runs or computation.are_recorded):
                    continue
                frame, more = computation.compute(runs, self._context(frozenset()))
                failures += more
                computation.keep(frame, self.request.results_dir)
            frames[figure.id] = frame
        return frames, failures

    @cached_property
    def n_jobs(self) -> int:
        """How many processes train side by side."""
        return self.request.jobs or (1 if self.device.type == "cuda" else joblib.cpu_count())

    def _fetch_data(self, runs: Collection[Run]) -> list[Failure]:
        """Have every data set of these runs in the cache; a set that cannot be had fails its runs."""
        reasons: dict[str, str] = {}
        for name in sorted({name for run in runs for name in run.variants} - {STROKES}):
            try:
                variant = load(
                    name, self.request.data_dir, offline=self.request.offline, quiet=self.request.quiet
                ).variant
                if variant != self.plan.variants[name]:
                    raise CallError(f"{name} was replaced by another variant ({variant!r}) just now: run it again.")
            except UnavailableError as error:
                reasons[name] = str(error)
        return [Failure(run.id, reasons[name]) for run in runs for name in run.variants if name in reasons]

    def _train(self, todo: frozenset[str]) -> list[Failure]:
        jobs = [job for job in self.plan.pending if any(run.id in todo for run in job.runs)]
        weights = {run.id: self.plan.seconds(run) for job in jobs for run in job.runs if run.id in todo}
        with progress(weights, self._is_done, quiet=self.request.quiet):
            return [failure for failures in execute(jobs, self._context(todo), self.n_jobs) for failure in failures]

    def _context(self, todo: frozenset[str]) -> Context:
        return Context(
            results_dir=self.request.results_dir,
            data_dir=self.request.data_dir,
            device=self.device.type,
            todo=todo,
            command=self.request.command,
            profile=self.request.profile.name,
        )

    def _is_done(self, run: str) -> bool:
        """Whether this call wrote the record of a run that was to do: with --fresh there may be an old one."""
        return self._written(run) != self._written_before[run]

    def _written(self, run: str) -> int:
        path = self.store.record_path(run)
        return path.stat().st_mtime_ns if path.exists() else 0

    def _report(self, failures: list[Failure]) -> bool:
        """Name everything that could not be made, with its reason; tell whether there is nothing."""
        reasons = {failure.run: failure.reason for failure in failures}
        for one in self.request.artefacts:
            for reason, parts in self.plan.lacking(one, reasons).items():
                names = "; ".join(parts)
                self.console.print(f"error: {one.kind} {one.id} lacks {names}\n  reason: {reason}", markup=False)
        for run, change in self.plan.studies:
            if run.id in reasons:
                names = f"{run.model} of {run.task.dataset} {','.join(map(str, run.task.normal))}, {change}"
                self.console.print(f"error: the claims lack {names}\n  reason: {reasons[run.id]}", markup=False)
        return not failures
