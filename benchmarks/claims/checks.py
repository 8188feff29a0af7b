"""Claims that are computed rather than read off AUCs: the linear case of Section 4, and what networks do inside.

They are computed before anything is written and kept as ``checks.csv``, a row for each check: ``run`` (the id of what
it was made from), ``check``, ``value``, ``n``, ``remark``, and ``low`` and ``high``, the ends of a 95 % interval, empty
where there is no chance in it. The ledger only reads them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from benchmarks.claims.evidence import Evidence, Finding, NotMeasured
from benchmarks.claims.linear_checks import ARBITRARY_TILT, LINEAR, arbitrary_tilt
from benchmarks.claims.network_checks import (
    FOREIGN,
    MORE_SEPARABLE,
    NORMAL_LOSS,
    OUTLIER_LOSS,
    SEPARABLE,
    foreign_negatives,
    networks,
)
from benchmarks.claims.same_weights import SAME_WEIGHTS, same_weights, weight_pairs
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure, prepare_process
from benchmarks.engine.plan import Computation
from benchmarks.engine.run import Run
from benchmarks.paper.claims import select
from benchmarks.paper.tasks import Task
from lisae import CollapseError

FILE = "checks.csv"

_WANTED = ["run", "check", "value", "n", "remark"]
_COLUMNS = pd.Index([*_WANTED, "low", "high"])


class OfRecords(NamedTuple):
    """Checks that are computed together from recorded runs.

    ``find`` is given the runs of each of the ``selections`` (see ``claims.toml``), the context, and the settings that
    decide its result. The runs are of these normal ``classes``, all where none is named.
    """

    checks: tuple[str, ...]
    find: Callable[..., Mapping[str, Finding]]
    selections: tuple[str, ...]
    settings: dict[str, Any]
    classes: tuple[int, ...] = ()


# Car and Deer, which the paper shows one by one, and the classes at the same places of the other half.
_FOUR = (1, 4, 6, 9)
OF_RECORDS = (
    OfRecords(
        (NORMAL_LOSS, OUTLIER_LOSS, SEPARABLE, MORE_SEPARABLE),
        networks,
        ("2 / LIS-AE / CIFAR-10", "2 / LinSep-LIS-AE / CIFAR-10"),
        {"images_of_a_side": 2500},
        _FOUR,
    ),
    OfRecords((FOREIGN,), foreign_negatives, ("3 / Fashion / MNIST", "3 / CIFAR-10 / SVHN"), {}, _FOUR),
    OfRecords(
        (ARBITRARY_TILT,),
        arbitrary_tilt,
        ("1 / LIS-AE / MNIST",),
        {"latent_dim": 16, "reach": 1.5, "epochs": 10, "learning_rate": 1e-2, "draws": 5},
    ),
)
CHECKS = (*LINEAR, SAME_WEIGHTS, *(check for one in OF_RECORDS for check in one.checks))


class Check(Computation):
    """A computation of a few rows, which are kept beside those that were made from other runs."""

    def kept(self, results_dir: Path, ids: set[str]) -> pd.DataFrame | None:
        """Return all rows as text, if there are some that were made from the run with this id; None otherwise."""
        rows = _rows(results_dir)
        return rows if ids <= set(rows["run"]) else None

    def keep(self, frame: pd.DataFrame, results_dir: Path) -> None:
        """Write the rows after those of other runs. Raises ``UnavailableError`` when they cannot be written."""
        rows = pd.concat([_rows(results_dir), frame.astype(str).replace("nan", "")])
        super().keep(rows.drop_duplicates(["run", "check"], keep="last"), results_dir)


def computations(evidence: Evidence) -> list[Computation]:
    """Return the computation of every check; those made from records are left out where these are missing."""
    found: dict[str, Computation] = {}
    for check in CHECKS:
        with suppress(NotMeasured):
            computation = _computation(check, evidence)
            found |= {run.id: computation for run in computation.runs.values()}
    return list(found.values())


def finding(check: str, evidence: Evidence) -> Finding:
    """Read what was computed of a check. Raises ``NotMeasured`` where there is nothing, or records are missing."""
    (run,) = _computation(check, evidence).runs.values()
    rows = _rows(evidence.store.root)
    for _, _, value, n, remark, *ends in rows[(rows["run"] == run.id) & (rows["check"] == check)].to_numpy():
        return Finding(float(value), int(n), remark, *(float(end or "nan") for end in ends))
    raise NotMeasured(f"{FILE} does not hold this computation: {evidence.command} makes it or says why it cannot")


def _rows(results_dir: Path) -> pd.DataFrame:
    """Return the rows that are kept, as text; those that are damaged are left out."""
    try:
        rows = pd.read_csv(results_dir / FILE, dtype=str).dropna(subset=_WANTED).reindex(columns=_COLUMNS).fillna("")
        numbers = rows[["value", "n", "low", "high"]].replace("", "0").apply(pd.to_numeric, errors="coerce")
        return rows[numbers.notna().all(axis=1)]
    except (OSError, KeyError, ValueError):
        return pd.DataFrame(columns=_COLUMNS)


def _computation(check: str, evidence: Evidence) -> Check:
    """Give a check what it is made from, as a run that nobody trains or records. Raises as ``finding`` does."""
    name_run = partial(Run, Task("", (), ()), check, 0, limits={})
    find: Callable[[Context], Mapping[str, Finding]]
    if check == SAME_WEIGHTS:
        pairs = weight_pairs(evidence)
        run = name_run(settings={shaped.id: plain.id for shaped, plain in pairs}, data={})
        find = lambda context: {check: same_weights(pairs, context)}  # noqa: E731
    elif check in LINEAR:
        of_settings, settings = LINEAR[check]
        run, find = name_run(settings=settings, data={}), lambda _: {check: of_settings(**settings)}
    else:
        (one,) = (one for one in OF_RECORDS if check in one.checks)
        runs = _runs(one, evidence)
        data = {name: identity for of_one in runs for run in of_one for name, identity in run.data.items()}
        ids = [run.id for of_one in runs for run in of_one]
        run = Run(Task("", (), ()), ", ".join(one.checks), 0, one.settings | {"runs": ids}, {}, data)
        find = lambda context: one.find(*runs, context=context, **one.settings)  # noqa: E731

    def compute(_: Mapping[str, Run], context: Context) -> tuple[pd.DataFrame, list[Failure]]:
        prepare_process()
        try:
            rows = [(run.id, name, *found) for name, found in find(context).items()]
            return pd.DataFrame(rows, columns=_COLUMNS), []
        except CollapseError as error:
            return pd.DataFrame(columns=_COLUMNS), [Failure(run.id, f"a training of it failed: {error}")]

    return Check(FILE, {check: run}, are_recorded=False, compute=compute)


def _runs(one: OfRecords, evidence: Evidence) -> Sequence[Sequence[Run]]:
    """Return the runs of each selection, of the first seed that has all records. Raises as ``finding`` does."""
    needed = [
        (selection, [key for key in selection.cells if not one.classes or key[1][0] in one.classes])
        for selection in map(select, one.selections)
    ]
    seed = evidence.seeds_of(needed)[0]
    return [[evidence.run(measurement, seed) for measurement in of.measurements(keys)] for of, keys in needed]
