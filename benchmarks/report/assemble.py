"""From records, the ledger and the paper's data to the content of a report; nothing here trains."""

import csv
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from benchmarks.agenda import Agenda
from benchmarks.artefacts import Artefact, Table, Term
from benchmarks.figures import Figure
from benchmarks.profiles import Settings
from benchmarks.registry import model
from benchmarks.render import Source, note
from benchmarks.render.grid import DASH, Entry, make_grid
from benchmarks.render.style import TINT_LEGEND, tint
from benchmarks.render.tidy import tidy
from benchmarks.report import words
from benchmarks.report.content import Block, Cell, Column, Grid, Picture, Points, Prose, Report, Section, row_of
from benchmarks.report.prints import deviations, errata
from benchmarks.store import Record, variant_text

MISSING = "missing"
NO_RECORD = "there is no record of it"
_VERDICTS = {"confirmed": "#d9ecd9", "not confirmed": "#f6dccb", "undecided": "#f3ecc8", "not measured": "#e8e8e8"}
# The first screen: where the numbers of a data set stand, and the models that the paper is about.
_HEADLINE = (("1", "MNIST"), ("1", "Fashion-MNIST"), ("1", "2-Class MNIST"), ("2", "SVHN"), ("2", "CIFAR-10"))
_HEADLINE_ROWS = ("AE", "LIS-AE", "LinSep-LIS-AE")


@dataclass(frozen=True)
class Assembly:
    """What a report is made from.

    Args:
        agenda: the call's runs and folders; ``claims.csv`` and ``figure_<id>.csv`` are read from its results.
        source: gives the records of tables.
        reasons: why runs are missing, by their ids.
        drawn: the ids of the figures whose PNG this call wrote.
    """

    agenda: Agenda
    source: Source
    reasons: Mapping[str, str]
    drawn: Collection[str]

    def report(self) -> Report:
        """Put everything together, in the order of reading."""
        return Report(
            title=words.TITLE,
            lead=words.LEAD,
            facts=tuple(self._facts()),
            headline=self._headline(),
            sections=(
                Section("protocol", "What the numbers can be compared with", (Prose(words.PROTOCOL),)),
                Section("tables", "Tables", (Prose(f"{words.TABLES} {TINT_LEGEND}"), *self._tables)),
                Section("figures", "Figures", tuple(self._picture(one) for one in self.agenda.request.figures)),
                Section("claims", "Claims of the paper", (Prose(words.CLAIMS), self._claims())),
                Section("theory", "Theory (Section 4)", tuple(self._theory())),
                Section("errata", "Errata of the paper", (Prose(words.ERRATA), errata())),
                Section("deviations", "Rivals that end far from print", tuple(deviations())),
                Section("settings", "Settings", (Prose(words.SETTINGS), *self._settings())),
                Section("hardware", "Hardware and versions", (Prose(words.HARDWARE), self._hardware())),
                Section("commands", "Commands", (Prose(words.COMMANDS), self._commands())),
            ),
        )

    # ---- The first screen

    def _facts(self) -> Iterator[tuple[str, str]]:
        request = self.agenda.request
        cells = pd.concat(self._frames.values())
        measured = cells["mean"].notna()
        yield "Cells of tables", f"{measured.sum()} of {len(cells)} measured"
        if measured.any():
            delta = cells["delta"].dropna()
            near = (delta.abs() <= 0.02).mean()
            median = f"ours minus printed is {_signed(delta.median(), 3)} in the median cell"
            yield "Against print", f"{median}; {near:.0%} of cells lie within .02"
        verdicts = Counter(claim["verdict"] for claim in self._ledger)
        yield "Claims", ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in _VERDICTS)
        seeds = request.seeds
        yield "Profile", f"{request.profile.name}, {'seeds' if len(seeds) > 1 else 'seed'} {', '.join(map(str, seeds))}"
        variants = {variant_text(record.identity["variants"]) for record in self._records} - {""}
        yield "Data", "; ".join(sorted(variants)) or "complete official sets"
        yield "Trained on", "; ".join(sorted({f"{r.device}, {r.precision}" for r in self._records})) or "nothing yet"
        yield "Command", f"{request.command_for()} --all"

    def _headline(self) -> Grid:
        rows = []
        for table, column in _HEADLINE:
            frame = self._frames.get(table, pd.DataFrame(columns=["row", "column"]))
            found = {line.row: line for line in frame[frame["column"] == column].itertuples()}
            texts = [_beside(found.get(row)) for row in _HEADLINE_ROWS]
            rows.append(row_of(column, *texts))
        return Grid(
            "headline",
            "Mean AUC of Tables 1 and 2: ours, and the paper's in brackets",
            (Column("Data set", kind="label"), *(Column(row) for row in _HEADLINE_ROWS)),
            tuple(rows),
        )

    # ---- Tables and figures

    @cached_property
    def _frames(self) -> dict[str, pd.DataFrame]:
        return {table.id: tidy(table, self.source) for table in self.agenda.request.tables}

    @cached_property
    def _tables(self) -> list[Grid]:
        return [self._table(table) for table in self.agenda.request.tables]

    def _table(self, table: Table) -> Grid:
        command = self.agenda.request.command_for(table)
        made = note(table, self.source, command, {}).replace(f"; command: {command}", "")  # it stands by itself
        grid = make_grid(table, self._frames[table.id], made)
        lacking, numbers = self._lacking(table)
        columns = [Column(name, kind="label") for name in grid.row_header]
        n_protocols = len(grid.columns) // len(table.columns)
        for place, column in enumerate(grid.columns):
            width, _, variant = column.note.partition("; ") if table.oracle else ("", "", column.note)
            group = f"{column.name} ({variant})" if variant else column.name
            columns += [] if place % n_protocols else [Column("paper", group)]  # printed once for both widths
            columns += [Column(f"ours, {width}" if width else "ours", group), Column("difference", group)]
        rows = []
        labels: tuple[str, ...] = ()
        for names, entries in (row for group in grid.groups for row in group):
            labels = tuple(name or above for name, above in zip(names, labels or names, strict=True))
            cells = [Cell(label) for label in labels]
            for place, entry in enumerate(entries):
                name = f"{' | '.join(labels)} / {table.columns[place // n_protocols]}"
                of_entry = _cells(entry, numbers.get(name, f"({NO_RECORD})"))
                cells += of_entry[1:] if place % n_protocols else of_entry
            rows.append(tuple(cells))
        caption = f"Table {table.id}. {table.caption}"
        return Grid(f"table-{table.id}", caption, tuple(columns), tuple(rows), (grid.note, *lacking), command)

    def _picture(self, figure: Figure) -> Picture:
        request = self.agenda.request
        path = request.reports_dir / f"figure_{figure.id}.png"
        lacking = self._lacking(figure)[0]
        if figure.id not in self.drawn and not lacking:
            lacking = [f"Missing: {NO_RECORD}."]
        return Picture(
            f"figure-{figure.id}",
            f"Figure {figure.id}. {figure.caption}",
            path if figure.id in self.drawn else None,
            tuple(lacking),
            request.command_for(figure),
        )

    def _lacking(self, artefact: Artefact) -> tuple[list[str], dict[str, str]]:
        """The reasons why parts are missing, numbered, and by the name of a part the numbers of its reasons."""
        lacking = self.agenda.lacking(artefact, self.reasons)
        numbers: dict[str, str] = {}
        for number, names in enumerate(lacking.values(), start=1):
            for name in names:
                numbers[name] = f"{numbers.get(name, '')}[{number}]"
        texts = [
            f"[{number}] Missing, {len(names)} of {len(artefact.parts) or 1}: {reason}"
            for number, (reason, names) in enumerate(lacking.items(), start=1)
        ]
        return texts, numbers

    # ---- The ledger and the theory

    @cached_property
    def _ledger(self) -> list[dict[str, str]]:
        path = self.agenda.request.results_dir / "claims.csv"
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def _claims(self) -> Grid:
        columns = (
            Column("verdict", kind="label"),
            Column("claim", kind="prose"),
            Column("section", kind="label"),
            Column("value"),
            Column("95 % interval"),
            Column("n"),
            Column("reason", kind="prose"),
            Column("statistic", kind="prose"),
        )
        rows = []
        for claim in self._ledger:
            interval = f"{claim['ci_low']} to {claim['ci_high']}" if claim["ci_low"] else DASH
            rows.append(
                (
                    Cell(claim["verdict"], _VERDICTS[claim["verdict"]]),
                    *row_of(claim["claim"], claim["section"]),
                    *row_of(claim["value"] or DASH, interval, claim["n"] or DASH),
                    *row_of(self.agenda.without_folders(claim["reason"]), claim["statistic"] or DASH),
                )
            )
        return Grid("claims-ledger", "The ledger of claims", columns, tuple(rows))

    def _theory(self) -> Iterator[Block]:
        yield Prose(words.THEORY)
        yield Points(words.THEORY_CHECKS)
        path = self.agenda.request.results_dir / "figure_cross_section.csv"
        if "cross_section" not in self.drawn:
            return
        frame = pd.read_csv(path)
        tilts = frame[frame["points"] == "linear LIS-AE"].groupby("gamma")["tilt"].first()
        yield Grid(
            "cross-section",
            "Section 4.2: the tilt |g| of the trained encoder, and where negatives at a distance of 1 reach gamma",
            (Column("gamma"), Column("|g| trained"), Column("|g| expected"), Column("half-axis in z")),
            tuple(
                row_of(f"{gamma:g}", f"{g:.3f}", f"{np.sqrt(gamma**2 - 1):.3f}", f"{1 / np.sqrt(1 + g**2):.3f}")
                for gamma, g in zip(tilts.index.to_numpy(float), tilts.to_numpy(float), strict=True)
            ),
            ("Half-axis: where the contour of loss 1, a circle for the linear autoencoder, crosses the z-axis.",),
            self.agenda.request.command_for(*(f for f in self.agenda.request.figures if f.id == "cross_section")),
        )

    # ---- How it was made

    @cached_property
    def _terms(self) -> dict[Term, None]:
        tables = self.agenda.request.tables
        return dict.fromkeys(term for table in tables for part in table.parts for term in part.terms)

    @cached_property
    def _records(self) -> list[Record]:
        found = (self.source.lookup(term, seed, None) for term in self._terms for seed in self.source.seeds)
        return list({record.run: record for record in found if record is not None}.values())

    def _settings(self) -> Iterator[Grid]:
        profile = self.agenda.request.profile
        used: dict[tuple[str, str], list[str]] = {}
        for name, dataset in dict.fromkeys((term.model, term.task.dataset) for term in self._terms):
            settings = profile.settings(model(name), dataset)
            text = ", ".join(f"{key} = {_plain(value)}" for key, value in _flat(settings))
            used.setdefault((name, text or "none to choose"), []).append(dataset)
        yield Grid(
            "models",
            f"Settings of profile {profile.name}",
            (Column("model", kind="label"), Column("data sets", kind="label"), Column("settings", kind="prose")),
            tuple(row_of(name, ", ".join(datasets), text) for (name, text), datasets in used.items()),
        )
        limits = {f"images of a class, {part}": str(limit or "all") for part, limit in profile.limits.items()}
        widths = {
            f"latent widths of oracle, {dataset}": ", ".join(map(str, profile.latent_dims(model("AE"), dataset)))
            for dataset in dict.fromkeys(term.task.dataset for term in self._terms)
        }
        preparation = {
            f"negatives from {name}": ", ".join(f"{key} = {_plain(value)}" for key, value in _flat(prepared))
            for name in sorted({t.task.negatives.dataset for t in self._terms if t.task.negatives})
            if (prepared := profile.preparation(name))
        }
        yield Grid(
            "limits",
            "Images, latent widths and preparation of negatives",
            (Column("what", kind="label"), Column("value", kind="prose")),
            tuple(row_of(*item) for item in (limits | widths | preparation).items()),
        )

    def _hardware(self) -> Grid:
        groups: dict[tuple[str, ...], list[Record]] = {}
        for record in self._records:
            versions = ", ".join(f"{name} {version}" for name, version in sorted(record.versions.items()))
            groups.setdefault((record.device, record.precision, versions), []).append(record)
        rows = []
        for names, records in sorted(groups.items()):
            hours = sum(record.fit_seconds + record.score_seconds for record in records) / 3600
            rows.append(row_of(*names, str(len(records)), f"{hours:.2f}"))
        return Grid(
            "machines",
            "What the records were trained on",
            (
                Column("device", kind="label"),
                Column("precision", kind="label"),
                Column("versions", kind="prose"),
                Column("runs"),
                Column("hours"),
            ),
            tuple(rows),
            () if rows else ("No run has a record yet.",),
        )

    def _commands(self) -> Grid:
        request = self.agenda.request
        rows = [("This report", f"{request.command_for()} --all")]
        rows += [(f"{one.kind.capitalize()} {one.id}", request.command_for(one)) for one in request.artefacts]
        columns = (Column("what", kind="label"), Column("command", kind="prose"))
        return Grid(
            "all-commands", "The exact command of every table and figure", columns, tuple(row_of(*r) for r in rows)
        )


def _cells(entry: Entry | None, why: str) -> list[Cell]:
    """Paper, ours and difference of a place of a table."""
    if entry is None:
        return [Cell(DASH)] * 3
    if not entry.ours:
        return [Cell(entry.paper), Cell(f"{MISSING} {why}"), Cell(DASH)]
    decimals = min(3, max(2, len(entry.paper.partition(".")[2])))
    red, green, blue, *_ = tint(entry.delta)
    return [Cell(entry.paper), Cell(entry.ours), Cell(_signed(entry.delta, decimals), to_hex((red, green, blue)))]


def _beside(line: Any | None) -> str:
    """Ours and, in brackets, the paper's, of a line of a tidy table; a dash where the paper has nothing."""
    if line is None:
        return DASH
    return f"{MISSING if pd.isna(line.mean) else _short(line.mean, 3)} ({_short(line.paper, 3)})"


def _short(number: float, decimals: int) -> str:
    return f"{number:.{decimals}f}".replace("0.", ".", 1)


def _signed(number: float, decimals: int) -> str:
    """A difference with its sign, and none for what rounds to nothing."""
    rounded = round(number, decimals) + 0.0
    sign = "" if not rounded else "+" if rounded > 0 else "\N{MINUS SIGN}"
    return sign + _short(abs(rounded), decimals)


def _flat(settings: Settings, prefix: str = "") -> Iterable[tuple[str, object]]:
    """Settings with those of a stage under a dotted name."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _plain(value: object) -> str:
    """A setting as TOML writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
