"""One call of the benchmark: plan, fetch, train, compute, write."""

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import joblib
import pandas as pd
from rich.console import Console

from benchmarks.claims import checks
from benchmarks.claims.evidence import evidence_of
from benchmarks.claims.ledger import write_claims
from benchmarks.data import load
from benchmarks.data.negatives import STROKES
from benchmarks.engine.backends import BACKENDS
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Outcome, Weights, keep_outcome
from benchmarks.engine.plan import Computation, Plan, Request
from benchmarks.engine.records import Store
from benchmarks.engine.run import Run
from benchmarks.errors import CallError, UnavailableError
from benchmarks.progress import duration, progress
from benchmarks.report.figures import Figure, write_figure
from benchmarks.report.sections import write_report
from benchmarks.report.tables import write_table
from benchmarks.report.tidy import RecordLookup, note
from lisae.backbone import resolve_device


class Pipeline:
    """The steps of one call, in order; each leaves what it did on disk.

    Raises ``CallError``, before anything is trained, for a device that is not there and for a results directory that
    cannot be written or is damaged.
    """

    def __init__(self, request: Request, console: Console) -> None:
        self.request = request
        self.console = console
        self.store = Store(request.results_dir)
        self.plan = Plan(request, self.store)
        try:
            self.device = resolve_device(request.device).type
        except ValueError as error:
            raise CallError(str(error)) from error
        self.n_jobs = request.jobs or (1 if self.device == "cuda" else joblib.cpu_count())
        self.reasons: dict[str, str] = {}  # why runs failed, by their ids

    def show_plan(self) -> None:
        """Print the runs of the call and how long they may take."""
        plan = self.plan
        runs = [run for job in plan.jobs for run in job.runs]
        for run in runs:
            negatives = run.task.negatives
            classes = ",".join(map(str, negatives.classes)) or "all" if negatives else ""
            against = f", negatives {negatives.dataset} {classes}" if negatives else ""
            state = "to do" if run.id in plan.todo else "done"
            normal = ",".join(map(str, run.task.normal))
            change = f", {plan.changes[run.id]}" if run.id in plan.changes else ""
            print(f"{run.id}  {state:<5}  {run.model}: {run.task.dataset} {normal}{against}{change}, seed {run.seed}")
        seconds = sum(plan.seconds(run) for run in runs if run.id in plan.todo)
        workers = min(self.n_jobs, max(1, len(plan.pending)))
        print(
            f"{len(runs)} runs, {len(plan.todo)} to do: about {duration(seconds / workers)} "
            f"with --jobs {self.n_jobs}, from the times that earlier runs took here "
            "or, before there are any, on the maintainers' two cores"
        )

    def run(self) -> bool:
        """Train what is missing and write everything asked for; tell whether nothing is missing from it."""
        self.store.check()
        unavailable = self._fetch()
        try:
            self._train(unavailable)
            computed = {one.file: self._compute(one, unavailable) for one in self._computations()}
        finally:
            self.store.write_csv()
        faults = list(self._write(computed))
        return self._report(faults)

    def _computations(self) -> list[Computation]:
        """List what the figures and the ledger show and no record holds."""
        found = [one.computation(self.plan) for one in self.request.figures]
        found += checks.computations(evidence_of(self.plan)) if self.request.claims else []
        return [one for one in found if one]

    # Data

    def _fetch(self) -> dict[str, str]:
        """Have every data set that is to be read in the cache and whole; return the reasons for those that are not.

        With data that arrive may come other runs than those that records of other data let expect: the plan is made
        again.
        """
        runs = [run for job in self.plan.pending for run in job.runs if run.id in self.plan.todo]
        runs += [run for one in self._computations() if self._kept(one) is None for run in one.runs.values()]
        reasons: dict[str, str] = {}
        for name in sorted({name for run in runs for name in run.data} - {STROKES}):
            try:
                load(name, self.request.data_dir, offline=self.request.offline, quiet=self.request.quiet)
            except UnavailableError as error:
                reasons[name] = str(error)
        self.plan = Plan(self.request, self.store)
        return reasons

    def _without_data(self, runs: Iterable[Run], unavailable: Mapping[str, str]) -> set[str]:
        """Note the reason for each run that lacks a data set, and return the ids of these."""
        lacking = {run.id: unavailable[name] for run in runs for name in run.data if name in unavailable}
        self.reasons |= lacking
        return set(lacking)

    # Training and computing

    def _train(self, unavailable: Mapping[str, str]) -> None:
        """Train the runs that are to do and have their data; every one ends with a record or a reason."""
        left = {run.id: run for job in self.plan.pending for run in job.runs if run.id in self.plan.todo}
        for lacking in self._without_data(left.values(), unavailable):
            del left[lacking]
        jobs = [job for job in self.plan.pending if any(run.id in left for run in job.runs)]
        context = self._context(frozenset(left))
        with progress({name: self.plan.seconds(run) for name, run in left.items()}, quiet=self.request.quiet) as done:

            def take(outcome: Outcome) -> None:
                if outcome.run in left or isinstance(outcome, Weights):
                    self._keep(outcome)
                if not isinstance(outcome, Weights) and outcome.run in left:
                    del left[outcome.run]
                    done(outcome.run)

            why = f"the backend {self.request.backend} gave no outcome for it: run the same command again"
            try:
                if jobs:
                    BACKENDS[self.request.backend](jobs, context, self.n_jobs, take)
            except UnavailableError as error:
                why = str(error)
        self.reasons |= dict.fromkeys(left, why)

    def _keep(self, outcome: Outcome) -> None:
        """Write an outcome, and note why it is a failure if it is one."""
        if failure := keep_outcome(outcome, self.store):
            self.reasons[failure.run] = failure.reason

    def _context(self, todo: frozenset[str]) -> Context:
        return Context(
            results_dir=self.request.results_dir,
            data_dir=self.request.data_dir,
            device=self.device,
            todo=todo,
            command=self.request.command,
            profile=self.request.profile.name,
        )

    def _usable(self, one: Computation) -> dict[str, Run]:
        """Return the runs that a computation can be made from: those with a record, where it needs records."""
        return {name: run for name, run in one.runs.items() if not one.are_recorded or self.store.has(run)}

    def _kept(self, one: Computation) -> pd.DataFrame | None:
        ids = {run.id for run in self._usable(one).values()}
        return None if self.request.fresh else one.kept(self.request.results_dir, ids)

    def _compute(self, one: Computation, unavailable: Mapping[str, str]) -> pd.DataFrame | None:
        """Return the rows of a computation, kept or made now; None where there is nothing to make it from."""
        frame = self._kept(one)
        if frame is not None:
            return frame
        usable = self._usable(one)
        lacking = self._without_data(usable.values(), unavailable)
        usable = {name: run for name, run in usable.items() if run.id not in lacking}
        if not usable and not one.are_recorded:
            return None
        frame, failures = one.compute(usable, self._context(frozenset()))
        for failure in failures:
            self._keep(failure)
        one.keep(frame, self.request.results_dir)
        return frame

    # Writing

    def _write(self, computed: Mapping[str, pd.DataFrame | None]) -> Iterator[str]:
        """Write everything asked for; give a sentence for each file that could not be written, and go on."""
        plan, folders = self.plan, {"results_dir": self.request.results_dir, "reports_dir": self.request.reports_dir}
        reasons = plan.left_out() | {run: self.request.without_folders(text) for run, text in self.reasons.items()}
        lookup = RecordLookup(cache(plan.record), plan.widths, self.request.seeds)  # tables share their records
        drawn: list[str] = []

        def draw(figure: Figure) -> list[Path]:
            computation = figure.computation(plan)
            frame = computed[computation.file] if computation else figure.points(lookup)
            if frame is None:
                return []
            text = note(figure, lookup, self.request.command_for(figure), plan.lacking(figure, reasons))
            paths = write_figure(figure, frame, text, **folders)
            drawn.append(figure.id)
            return paths

        writers: list[tuple[str, Callable[[], list[Path]]]] = []
        for table in self.request.tables:
            command, lacking = self.request.command_for(table), plan.lacking(table, reasons)
            of_table = partial(write_table, table, lookup, command=command, reasons=lacking, **folders)
            writers.append((f"table {table.id}", of_table))
        for figure in self.request.figures:
            assert isinstance(figure, Figure)  # the engine, below, knows only that it may be computable
            writers.append((f"figure {figure.id}", partial(draw, figure)))
        if self.request.claims:
            writers.append(("claims", lambda: [write_claims(plan, self.request.results_dir)]))
        if self.request.report:
            writers.append(("report", lambda: write_report(plan, lookup, reasons, drawn)))
        for name, write in writers:
            try:
                paths = write()
            except UnavailableError as error:
                yield str(error)
            except Exception as error:  # a fault in one picture must not cost the rest
                details = self.store.put_failure(name.replace(" ", "_"), traceback.format_exc())
                yield f"{name} could not be made: {type(error).__name__}: {error} (traceback in {details})"
            else:
                if paths and not self.request.quiet:
                    self.console.print(f"{name}: {', '.join(map(str, paths))}", markup=False)

    def _report(self, faults: Sequence[str]) -> bool:
        """Name everything that could not be made, with its reason; tell whether there is nothing."""
        for one in self.request.artefacts:
            for reason, parts in self.plan.lacking(one, self.reasons).items():
                self._complain(f"{one.kind} {one.id} lacks {'; '.join(parts)}\n  reason: {reason}")
        for run, change in self.plan.studies:
            if run.id in self.reasons:
                self._complain(f"the claims lack {_named(run)}, {change}\n  reason: {self.reasons[run.id]}")
        for computation in checks.computations(evidence_of(self.plan)) if self.request.claims else []:
            for name, run in computation.runs.items():
                if run.id in self.reasons:
                    self._complain(f"the claims lack the check {name!r}\n  reason: {self.reasons[run.id]}")
        for fault in faults:
            self._complain(fault)
        return not self.reasons and not faults

    def _complain(self, text: str) -> None:
        self.console.print(f"error: {text}", markup=False)


def _named(run: Run) -> str:
    return f"{run.model} of {run.task.dataset} {','.join(map(str, run.task.normal))}"
