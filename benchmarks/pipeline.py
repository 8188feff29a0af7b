"""One call of the benchmark: plan, fetch, train, compute, write."""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TypeVar

import joblib
import pandas as pd

from benchmarks.claims import checks
from benchmarks.claims.evidence import evidence_of
from benchmarks.claims.ledger import write_claims
from benchmarks.claims.search import write_search
from benchmarks.data import load
from benchmarks.data.negatives import STROKES
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, Give, Outcome, Weights, keep_outcome, local
from benchmarks.engine.merge import merge
from benchmarks.engine.plan import Computation, Plan, Request
from benchmarks.engine.ray_backend import on_ray
from benchmarks.engine.records import Store
from benchmarks.engine.run import Job, Run
from benchmarks.engine.trial import broken_contracts
from benchmarks.errors import CallError, UnavailableError
from benchmarks.files import ByteLocks, check_usable
from benchmarks.paper.tables import Artefact, Table
from benchmarks.progress import Messages, duration, progress
from benchmarks.report.beside import write_beside
from benchmarks.report.figures import Figure, write_figure
from benchmarks.report.leaderboard import write_leaderboard
from benchmarks.report.sections import write_report
from benchmarks.report.sensitivity import write_sensitivity
from benchmarks.report.tables import write_table
from benchmarks.report.tidy import RecordLookup, note
from lisae.backbone import resolve_device
from lisae.process import spare_memory

# What executes jobs, by its name: it is given the jobs, what each is told, how many may go side by side, and what takes
# outcomes, and it raises as ``local`` does. A job that it has not asked for yet may be taken by another call.
BACKENDS: Mapping[str, Callable[[Iterable[Job], Context, int, Give], None]] = {"local": local, "ray": on_ray}

_LOOK_SECONDS = 1.0  # from one look at what other calls have trained to the next
_TO_WRITE = 2**28  # bytes that trainings leave for the tables and pictures, and for the end of Python itself


Made = TypeVar("Made")


class Pipeline:
    """The steps of one call, in order; each leaves what it did on disk.

    Raises ``CallError``, before anything is trained, for a device that is not there and for a results directory that
    cannot be written or is damaged.
    """

    def __init__(self, request: Request, messages: Messages) -> None:
        self.request, self.messages = request, messages
        self.store = Store(request.results_dir, request.beside)
        self.plan = Plan(request, self.store)
        try:
            device = resolve_device(request.device).type
        except ValueError as error:
            raise CallError(str(error)) from error
        self.n_jobs = request.jobs or (1 if device == "cuda" else joblib.cpu_count())
        facts = (request.results_dir, request.data_dir, device, request.command, request.profile.name)
        self.context = Context(*facts, request.own)
        self.unavailable: dict[str, str] = {}  # why data sets cannot be read, by their names
        self.reasons: dict[str, str] = {}  # why runs failed, by their ids
        self.faults: list[str] = []  # why files could not be written
        self._told: dict[str, str] = {}  # the whole reason of the first run that failed so

    def show_plan(self) -> None:
        """Print the runs of the call and how long they may take."""
        plan, todo = self.plan, self._todo()
        runs = [run for job in plan.jobs for run in job.runs]
        for run in runs:
            negatives = run.task.negatives
            classes = ",".join(map(str, negatives.classes)) or "all" if negatives else ""
            against = f", negatives {negatives.dataset} {classes}{negatives.remark}" if negatives else ""
            change = f", {plan.changes[run.id]}" if run.id in plan.changes else ""
            state = "to do" if run.id in todo else "done"
            print(f"{run.id}  {state:<5}  {_named(run, ': ')}{against}{change}, seed {run.seed}")
        seconds = sum(map(plan.seconds, todo.values())) / min(self.n_jobs, max(1, len(plan.pending)))
        print(
            f"{len(runs)} runs, {len(todo)} to do: about {duration(seconds)} with --jobs {self.n_jobs}, from the times "
            "that earlier runs took here or, before there are any, on the maintainers' two cores"
        )

    def run(self) -> bool:
        """Train what is missing and write everything asked for; tell whether nothing is missing from it."""
        self.store.check()
        if self.request.artefacts or self.request.report:
            # Before days of training, after which nothing could be written.
            check_usable(self.request.reports_dir, f"the reports directory {self.request.reports_dir}")
        for folder in self.request.merge:
            merge(folder, self.store, self.messages)
        self._fetch()
        try:
            with spare_memory(_TO_WRITE):
                self._train()
            computed = {one.file: self._attempt(one.file, self._compute, one) for one in self._computations()}
        finally:
            self.store.write_csv()
        if self.request.shard is None:
            self._write(computed)
        else:
            self.messages.tell(self._share_in_words(*self.request.shard))
        for fault in (*self._lacking(), *self.faults):
            self.messages.tell(f"error: {fault}")
        return not self.reasons and not self.faults

    def _share_in_words(self, number: int, total: int) -> str:
        runs = [run for job in self.plan.jobs for run in job.runs]
        return (
            f"part {number} of {total}: {sum(map(self.store.has, runs))} of its {len(runs)} runs are done. A part "
            f"makes no table, figure or claim: a call without --shard does, with --merge {self.request.results_dir}."
        )

    def _todo(self) -> dict[str, Run]:
        return {run.id: run for job in self.plan.pending for run in job.runs if run.id in self.plan.todo}

    def _computations(self) -> list[Computation]:
        """List what the figures and the ledger show and no record holds; nothing for a part of the jobs."""
        if self.request.shard is not None:
            return []
        found = [one.computation(self.plan) for one in self.request.figures]
        return [one for one in found if one] + self._checks()

    def _checks(self) -> list[Computation]:
        return checks.computations(evidence_of(self.plan)) if self.request.claims else []

    def _fetch(self) -> None:
        """Have every data set that is to be read in the cache and whole, or note why it is not.

        The plan is made again: the data that arrive may be others than those of the records that it went by.
        """
        runs = list(self._todo().values())
        runs += [run for one in self._computations() if self._kept(one) is None for run in one.runs.values()]
        for name in sorted({name for run in runs for name in run.data} - {STROKES}):
            try:
                load(name, self.request.data_dir, offline=self.request.offline, quiet=self.request.quiet)
            except UnavailableError as error:
                self.unavailable[name] = str(error)
        self.plan = self.plan.again()

    def _with_data(self, runs: Mapping[str, Run]) -> dict[str, Run]:
        """Return the runs whose data sets are there, and note the reason for the others."""
        why = self.unavailable
        lacking = {run.id: why[name] for run in runs.values() for name in run.data if name in why}
        self.reasons |= lacking
        return {name: run for name, run in runs.items() if run.id not in lacking}

    def _with_contract(self, runs: Mapping[str, Run]) -> dict[str, Run]:
        """Return the runs without those of models from outside that break the contract, and note how."""
        why = broken_contracts(self.request.own, runs.values(), self.context.device)
        self.reasons |= {name: why[run.model] for name, run in runs.items() if run.model in why}
        return {name: run for name, run in runs.items() if run.model not in why}

    def _train(self) -> None:
        """Train the runs that are to do and have their data; every one ends with a record or a reason.

        Calls at the same time on one results folder share the jobs: each takes those that no other has, and then waits
        for what the others train.
        """
        left = self._with_contract(self._with_data(self._todo()))
        waiting = [job for job in (job.of(left) for job in self.plan.pending) if job.runs]
        seconds = {name: self.plan.seconds(run) for name, run in left.items()}
        with (
            ByteLocks(self.store.root / ".lock") as locks,
            progress(seconds, quiet=self.request.quiet) as ended,
        ):

            def finish(run_id: str) -> None:
                del left[run_id]
                ended(run_id)

            def take(outcome: Outcome) -> None:
                if isinstance(outcome, Weights):
                    self._keep(outcome)
                elif outcome.run in left:
                    self._keep(outcome)
                    finish(outcome.run)

            def mine() -> Iterator[Job]:
                for job in list(waiting):
                    is_mine = locks.take(int(job.id, 16))
                    for run in job.of(left).runs if not self.request.fresh else ():
                        if self.store.has(run):  # another call has trained it meanwhile
                            finish(run.id)
                    own = job.of(left)
                    if is_mine or not own.runs:
                        waiting.remove(job)
                    if is_mine and own.runs:
                        yield own

            why = f"the backend {self.request.backend} gave no outcome for it: run the same command again"
            try:
                while waiting:
                    jobs = mine()
                    if first := next(jobs, None):
                        BACKENDS[self.request.backend](chain([first], jobs), self.context, self.n_jobs, take)
                        locks.give_back()  # nobody waits for another who waits for a run that failed here
                    elif waiting:  # another call on this results folder trains them
                        time.sleep(_LOOK_SECONDS)
            except UnavailableError as error:
                why = str(error)
        self.reasons |= dict.fromkeys(left, why)

    def _keep(self, outcome: Outcome) -> None:
        if failure := keep_outcome(outcome, self.store):  # runs that fail alike are told of together
            plain = outcome.reason if isinstance(outcome, Failure) else failure.reason
            self.reasons[failure.run] = self._told.setdefault(plain, failure.reason)

    def _usable(self, one: Computation) -> dict[str, Run]:
        """Return the runs that a computation can be made from: those with a record, where it needs records."""
        return {name: run for name, run in one.runs.items() if not one.are_recorded or self.store.has(run)}

    def _kept(self, one: Computation) -> pd.DataFrame | None:
        ids = {run.id for run in self._usable(one).values()}
        return None if self.request.fresh else one.kept(self.request.results_dir, ids)

    def _compute(self, one: Computation) -> pd.DataFrame | None:
        """Return the rows of a computation, kept or made now; None where there is nothing to make it from."""
        if (kept := self._kept(one)) is not None:
            return kept
        usable = self._with_data(self._usable(one))
        if not usable and not one.are_recorded:
            return None
        frame, failures = one.compute(usable, self.context)
        for failure in failures:
            self._keep(failure)
        one.keep(frame, self.request.results_dir)
        return frame

    def _write(self, computed: Mapping[str, pd.DataFrame | None]) -> None:
        plan, request = self.plan, self.request
        reasons = plan.left_out() | {run: request.without_folders(text) for run, text in self.reasons.items()}
        lookup = RecordLookup(cache(plan.record), plan.widths, request.seeds)  # tables share their records
        drawn: list[str] = []

        def write_artefact(one: Artefact) -> list[Path]:
            command, lacking = request.command_for(one), plan.lacking(one, reasons)
            folders = {"results_dir": request.results_dir, "reports_dir": request.reports_dir}
            if isinstance(one, Table):
                return write_table(one, lookup, command=command, reasons=lacking, **folders)
            assert isinstance(one, Figure)  # the engine, below, knows only that it may be computable
            computation = one.computation(plan)
            frame = computed[computation.file] if computation else one.points(lookup)
            if frame is None:
                return []
            paths = write_figure(one, frame, note(one, lookup, command, lacking), **folders)
            drawn.append(one.id)
            return paths

        for one in request.artefacts:
            self._name(f"{one.kind} {one.id}", write_artefact, one)
        if request.beside:
            self._name("beside", write_beside, plan, lookup)
        if request.claims:
            self._name("claims", lambda: [write_claims(plan, request.results_dir)])
        if request.search:
            log = self._attempt("search", write_search, plan, request.results_dir)
            self._name("search", lambda: [log, *write_sensitivity(log, request.reports_dir)] if log else [])
        if request.report:
            self._name("report", write_report, plan, lookup, reasons, drawn)
            self._name("leaderboard", write_leaderboard, plan, lookup)

    def _name(self, name: str, write: Callable[..., list[Path]], *arguments: object) -> None:
        """Write files and name them."""
        paths = self._attempt(name, write, *arguments)
        if paths and not self.request.quiet:
            self.messages.tell(f"{name}: {', '.join(map(str, paths))}")

    def _attempt(self, name: str, make: Callable[..., Made], *arguments: object) -> Made | None:
        """Return what is made, or note the fault and return None: one in a picture must not cost the rest."""
        try:
            return make(*arguments)
        except UnavailableError as error:
            self.faults.append(str(error))
        except Exception as error:
            details = self.store.put_failure(name.replace(" ", "_"), traceback.format_exc())
            self.faults.append(f"{name} could not be made: {type(error).__name__}: {error} (traceback in {details})")
        return None

    def _lacking(self) -> Iterator[str]:
        for one in self.request.artefacts:
            for reason, parts in self.plan.lacking(one, self.reasons).items():
                yield f"{one.kind} {one.id} lacks {'; '.join(parts)}; reason: {reason}"
        judged = [(run, f"{_named(run, ' of ')}, {change}") for run, change in self.plan.studies]
        judged += [(run, f"the check {name!r}") for one in self._checks() for name, run in one.runs.items()]
        for run, name in judged:
            if run.id in self.reasons:
                yield f"the claims or searches lack {name}; reason: {self.reasons[run.id]}"


def _named(run: Run, between: str) -> str:
    return f"{run.model}{between}{run.task.dataset} {','.join(map(str, run.task.normal))}"
