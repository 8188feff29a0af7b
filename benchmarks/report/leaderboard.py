"""The leaderboard: every model that has records, in each column of Tables 1 and 2, as one page made from records alone.

Models of this package stand as the profile of the call has them. Models from outside are told apart by what their
records say of them, the digest of a file or a package with its version, and by their settings: nothing of them is
needed but their records.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.data import DataIdentity
from benchmarks.engine.plan import Plan
from benchmarks.engine.records import Record
from benchmarks.engine.run import compact
from benchmarks.files import write_text
from benchmarks.own.scores import ScoresSource
from benchmarks.paper.own_rows import with_rows
from benchmarks.paper.tables import Measurement, Table, table
from benchmarks.paper.tasks import Task
from benchmarks.report import document
from benchmarks.report.document import DASH, Report, Section, Tabular, short
from benchmarks.report.ranking import RankedRow, by_rank, paired, ranked_rows
from benchmarks.report.sections import PROSE
from benchmarks.report.summary import HEADLINE
from benchmarks.report.tidy import RecordLookup, data_text, hardware

_HERE = "this package"
_WORDS = PROSE["leaderboard"]


@dataclass(frozen=True)
class _Entry:
    """A model from outside with its settings: its records by task and seed."""

    name: str
    origin: str
    settings: str
    records: dict[tuple[Task, int], Record] = field(default_factory=dict)

    @property
    def uses_negatives(self) -> bool:
        return any(record.identity["task"]["negatives"] for record in self.records.values())

    def record(self, measurement: Measurement, seed: int, latent_dim: int | None) -> Record | None:
        return self.records.get((measurement.task, seed))


def write_leaderboard(plan: Plan, lookup: RecordLookup) -> list[Path]:
    """Write ``leaderboard.html`` from the records of a call and return its path.

    Raises ``UnavailableError`` when it cannot be written, and ``CallError`` for a damaged record.
    """
    path = plan.request.reports_dir / "leaderboard.html"
    write_text(path, document.written(_Board(plan, lookup).report(), "html"))
    return [path]


def _entries(records: Iterable[Record]) -> list[_Entry]:
    found: dict[tuple[str, str, str], _Entry] = {}
    for record in records:
        identity = record.identity
        if origin := identity.get("origin"):
            words = "scores computed elsewhere" if "scores" in origin else ", ".join(origin.values())
            key = identity["model"], words, _settings_text(identity["settings"])
            entry = found.setdefault(key, _Entry(*key))
            entry.records[Task.of(identity["task"]), identity["seed"]] = record
    return [found[key] for key in sorted(found)]


def _compares(record: Record, plan: Plan) -> bool:
    """Tell whether a record stands beside those of a call: as many images, the same data, the scores given now."""
    identity, digests = record.identity, record.identity.get("digests", {})
    data = {name: DataIdentity(one, digests.get(name, "")) for name, one in identity["variants"].items()}
    sources = {source.name: source for source in plan.request.own if isinstance(source, ScoresSource)}
    given = sources.get(identity["model"])
    return (
        identity["limits"] == plan.request.profile.limits
        and all(plan.data.get(name, one) == one for name, one in data.items())
        and (given is None or given.identity(Task.of(identity["task"]), identity["seed"]) == identity.get("origin"))
    )


def _settings_text(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {compact(value)}" for key, value in sorted(settings.items()))


@dataclass(frozen=True)
class _Board:
    """The parts of the page; the arguments are those of ``write_leaderboard``."""

    plan: Plan
    lookup: RecordLookup

    def report(self) -> Report:
        entries = _entries(one for one in self.plan.store.records() if _compares(one, self.plan))
        columns = {name: self._rows(table(table_id), name, entries) for table_id, name in HEADLINE}
        records = [record for rows in columns.values() for row, _ in rows for record in row.records.values()]
        facts = (
            (
                "Seeds",
                ", ".join(
                    map(str, sorted({seed for rows in columns.values() for row, _ in rows for seed in row.seeds}))
                ),
            ),
            ("Data", data_text(records)),
            ("Trained on", hardware(records) or "nothing yet"),
            ("Command", f"{self.plan.request.command_for()} --all"),
        )
        sections = [
            Section(f"column-{place}", name, (_tabular(f"board-{place}", name, rows),))
            for place, (name, rows) in enumerate(columns.items(), start=1)
        ]
        return Report(_WORDS["title"], _WORDS["lead"], facts, _overview(columns), tuple(sections))

    def _rows(self, one: Table, column: str, entries: Iterable[_Entry]) -> list[tuple[RankedRow, str]]:
        """Return the rows of a column, and where each model is from; supervised bounds are left out."""
        rows = [(row, _HERE) for row in ranked_rows(one, column, self.lookup)]
        for entry in entries:
            own = with_rows(one, [(entry.name, entry.uses_negatives)])
            seeds = sorted({seed for _, seed in entry.records})
            found = ranked_rows(own, column, RecordLookup(entry.record, lambda _: (None,), seeds))
            origin = ", ".join(filter(None, (entry.origin, entry.settings)))
            rows += [(row, origin) for row in found if row.cell.measurements[0].model == entry.name]
        return [(row, origin) for row, origin in rows if row.records and not row.cell.row.startswith("Sup. ")]


def _tabular(name: str, column: str, rows: list[tuple[RankedRow, str]]) -> Tabular:
    origins = {id(row): origin for row, origin in rows}
    ranked = by_rank(row for row, _ in rows)
    lines = []
    for rank, row in enumerate(ranked, start=1):
        first, last = _range(row, ranked)
        found = row.estimate
        lines.append(
            (
                *(str(rank), f"{first} to {last}", row.cell.row, short(found.value, 3)),
                f"{short(found.low, 3)} to {short(min(1.0, found.high), 3)}",
                *(", ".join(map(str, row.seeds)), "yes" if _sees(row) else "no"),
                *(_seconds(row), _size(row), origins[id(row)]),
            )
        )
    lacking = [row.cell.row for row, _ in rows if not row.seeds]
    note = f"Without a rank, since some of their records are missing: {', '.join(lacking)}." if lacking else ""
    return document.tabular(name, _WORDS["caption"].format(column=column), _WORDS["columns"], lines, note=note)


def _range(row: RankedRow, ranked: list[RankedRow]) -> tuple[int, int]:
    """Return the ranks that the intervals leave open: behind all that are surely better, before all surely worse."""
    pairs = [pair for other in ranked if other is not row and (pair := paired(row, other))]
    better, worse = sum(pair.found.high < 0 for pair in pairs), sum(pair.found.low > 0 for pair in pairs)
    return 1 + better, len(ranked) - worse


def _sees(row: RankedRow) -> bool:
    return row.cell.measurements[0].task.negatives is not None


def _seconds(row: RankedRow) -> str:
    seconds = fmean(record.fit_seconds + record.score_seconds for record in row.records.values())
    return f"{seconds:.1f}" if seconds else DASH


def _size(row: RankedRow) -> str:
    sizes = [record.size for record in row.records.values() if record.size is not None]
    return f"{fmean(sizes) / 1e6:.2f}" if sizes else DASH


def _overview(columns: Mapping[str, list[tuple[RankedRow, str]]]) -> Tabular:
    """Set the mean AUC of every model in every column in the order of its mean rank, those with most columns first."""
    means: dict[tuple[str, str], dict[str, tuple[int, float]]] = {}
    for column, rows in columns.items():
        origins = {id(row): origin for row, origin in rows}
        for rank, row in enumerate(by_rank(row for row, _ in rows), start=1):
            means.setdefault((row.cell.row, origins[id(row)]), {})[column] = rank, row.mean
    order = sorted(means, key=lambda name: (-len(means[name]), fmean(rank for rank, _ in means[name].values())))
    lines = [(name[0], *_means(means[name], columns)) for name in order]
    headings = {"model": "label"} | dict.fromkeys(columns, "number") | {"mean rank": "number"}
    return document.tabular("overview", _WORDS["overview"], headings, lines)


def _means(found: Mapping[str, tuple[int, float]], columns: Iterable[str]) -> Iterator[str]:
    for column in columns:
        yield short(found[column][1], 3) if column in found else DASH
    yield f"{fmean(rank for rank, _ in found.values()):.1f}"
