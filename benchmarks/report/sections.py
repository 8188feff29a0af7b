"""The report: its content in the order of reading, and its files. Nothing here trains."""

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.claims.ledger import CONFIRMED, NOT_CONFIRMED, NOT_MEASURED, UNDECIDED, VERDICTS
from benchmarks.data.cache import CATALOGUE
from benchmarks.engine.evaluate import build
from benchmarks.engine.plan import Computable, Plan
from benchmarks.engine.profiles import CHOSEN, has_latent_layer
from benchmarks.engine.records import Record
from benchmarks.files import write_text
from benchmarks.paper.printed import DEVIATIONS, errata
from benchmarks.paper.tables import Artefact, Measurement, Table
from benchmarks.registry import MODELS
from benchmarks.report import document, sensitivity
from benchmarks.report.document import (
    DASH,
    Block,
    Field,
    Picture,
    Points,
    Prose,
    Report,
    Row,
    Section,
    Tabular,
    settings_text,
    short,
    signed,
)
from benchmarks.report.figures import FIGURE_SETTINGS
from benchmarks.report.style import TINT_LEGEND, drawn_from
from benchmarks.report.summary import RIVAL, SEEING_RIVAL, caveats, standings, verdict
from benchmarks.report.tables import NO_RECORD, in_columns
from benchmarks.report.tidy import RecordLookup, data_text, hardware, note, seeds_text, tidy

PROSE = tomllib.loads((Path(__file__).parent / "prose.toml").read_text(encoding="utf-8"))
_DEFAULTS = Path(__file__).parents[1] / "beyond" / "defaults.csv"
# Told apart with any colour vision; the word stands in the field as well.
_VERDICT_COLOURS = {CONFIRMED: "#d3e0f3", NOT_CONFIRMED: "#f9d9b8", UNDECIDED: "#f6f0cf", NOT_MEASURED: "#eaeaea"}


def write_report(plan: Plan, lookup: RecordLookup, reasons: Mapping[str, str], drawn: Collection[str]) -> list[Path]:
    """Write ``appendix.md``, ``.html`` and ``.tex`` beside the pictures of figures, and return their paths.

    ``claims.csv`` and ``figure_<id>.csv`` are read from the results of the plan; ``reasons`` says why runs are
    missing, by their ids; ``drawn`` has the ids of the figures whose PNG this call wrote.
    Raises ``UnavailableError`` when a file cannot be written.
    """
    report = _Content(plan, lookup, reasons, drawn).report()
    paths = {suffix: plan.request.reports_dir / f"appendix.{suffix}" for suffix in document.FORMATS}
    for suffix, path in paths.items():
        write_text(path, document.written(report, suffix))
    return list(paths.values())


@dataclass(frozen=True)
class _Content:
    """The parts of a report; the arguments are those of ``write_report``."""

    plan: Plan
    lookup: RecordLookup
    reasons: Mapping[str, str]
    drawn: Collection[str]

    def report(self) -> Report:
        blocks: dict[str, Iterable[Block]] = {
            "tables": (Prose(TINT_LEGEND), *map(self._table, self.plan.request.tables)),
            "figures": map(self._picture, self.plan.request.figures),
            "claims": (self._claims(),),
            "theory": (Points(tuple(PROSE["sections"]["theory"]["points"])), *self._tilts()),
            "errata": (self._errata(),),
            "deviations": markdown_blocks(DEVIATIONS, "Deviations from print"),
            "beyond": (self._made_negatives(),),
            "settings": (self._models(), self._other_settings()),
            "chosen": markdown_blocks(CHOSEN, "Settings and what chose them"),
            "searches": self._searches(),
            "hardware": (self._machines(),),
            "commands": (self._commands(),),
        }
        sections = (
            Section(name, one["title"], (*map(Prose, filter(None, [one.get("text")])), *blocks.get(name, ())))
            for name, one in PROSE["sections"].items()
        )
        return Report(PROSE["title"], PROSE["lead"], tuple(self._facts()), self._headline(), tuple(sections))

    @cached_property
    def _frames(self) -> dict[str, pd.DataFrame]:
        return {table.id: tidy(table, self.lookup) for table in self.plan.request.tables}

    @cached_property
    def _measurements(self) -> list[Measurement]:
        return list(dict.fromkeys(one for table in self.plan.request.tables for one in table.measurements))

    @cached_property
    def _records(self) -> list[Record]:
        records = (record for table in self.plan.request.tables for record in self.lookup.records(table))
        return list({record.run: record for record in records}.values())

    @cached_property
    def _ledger(self) -> list[Any]:
        path = self.plan.request.results_dir / "claims.csv"
        return list(pd.read_csv(path, dtype=str, keep_default_na=False).itertuples())

    def _tabular(self, name: str, rows: Iterable[Row], command: str = "") -> Tabular:
        """Make one of the tables that stand in the report alone."""
        one = PROSE["tables"][name]
        caption = one["caption"].format(profile=self.plan.request.profile.name)
        return document.tabular(name, caption, one["columns"], rows, note=one.get("note", ""), command=command)

    def _facts(self) -> Iterator[tuple[str, str]]:
        """List name and value of what a reader wants to know first."""
        request = self.plan.request
        if found := verdict(self._frames, self.plan.request.tables):
            yield "Does it reproduce?", found
            yield "Caveats", caveats(self._records, request.seeds)
        cells = pd.concat(self._frames.values())
        yield "Cells of tables", f"{cells['mean'].notna().sum()} of {len(cells)} measured"
        delta = cells["delta"].dropna()
        if len(delta):
            median = f"ours minus printed is {signed(delta.median(), 3)} in the median cell"
            yield "Against print", f"{median}; {(delta.abs() <= 0.02).mean():.0%} of cells lie within .02"
        verdicts = Counter(claim.verdict for claim in self._ledger)
        yield "Claims", ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in VERDICTS)
        yield "Profile", f"{request.profile.name}, {seeds_text(request.seeds)}"
        yield "Data", data_text(self._records)
        yield "Trained on", hardware(self._records) or "nothing yet"
        yield "Command", f"{request.command_for()} --all"

    def _headline(self) -> Tabular:
        shown = ("AE", "LIS-AE", "LinSep-LIS-AE", RIVAL, SEEING_RIVAL)
        found = standings(self._frames, self.plan.request.tables).items()
        return self._tabular("headline", [(column, *(texts[row] for row in shown)) for column, texts in found])

    def _lacking(self, artefact: Artefact) -> tuple[list[str], dict[str, str]]:
        """Number the reasons why parts are missing, and give each missing part the numbers of its reasons."""
        texts, numbers = [], dict[str, str]()
        for number, (reason, names) in enumerate(self.plan.lacking(artefact, self.reasons).items(), start=1):
            texts.append(f"[{number}] Missing, {len(names)} of {len(artefact.needs) or 1}: {reason}")
            numbers |= {name: f"{numbers.get(name, '')}[{number}]" for name in names}
        return texts, numbers

    def _table(self, table: Table) -> Tabular:
        lacking, numbers = self._lacking(table)
        notes = (note(table, self.lookup), *lacking)
        return in_columns(table, self._frames[table.id], numbers, notes, self.plan.request.command_for(table))

    def _picture(self, figure: Computable) -> Picture:
        request = self.plan.request
        path = request.reports_dir / f"figure_{figure.id}.png" if figure.id in self.drawn else None
        lacking = self._lacking(figure)[0] or ([] if path else [f"Missing: {NO_RECORD}."])
        return Picture(f"figure-{figure.id}", figure.title, path, tuple(lacking), request.command_for(figure))

    def _claims(self) -> Tabular:
        rows = []
        for claim in self._ledger:
            verdict = Field(claim.verdict, _VERDICT_COLOURS[claim.verdict])
            interval = f"{claim.ci_low} to {claim.ci_high}" if claim.ci_low else DASH
            reason = self.plan.request.without_folders(claim.reason)
            numbers = (claim.value or DASH, interval, claim.n or DASH)
            rows.append((verdict, claim.claim, claim.section, *numbers, reason, claim.statistic or DASH))
        return self._tabular("claims-ledger", rows)

    def _tilts(self) -> Iterator[Tabular]:
        """Give the tilts of the cross-section, where that was drawn."""
        request = self.plan.request
        for figure in (one for one in request.figures if one.id == "cross_section" and one.id in self.drawn):
            frame = pd.read_csv(request.results_dir / f"figure_{figure.id}.csv")
            tilts = frame[frame["points"] == "linear LIS-AE"].groupby("gamma")["tilt"].first()
            rows = [
                (f"{gamma:g}", f"{g:.3f}", f"{np.sqrt(gamma**2 - 1):.3f}", f"{1 / np.sqrt(1 + g**2):.3f}")
                for gamma, g in zip(tilts.index.to_numpy(float), tilts.to_numpy(float), strict=True)
            ]
            yield self._tabular("cross-section", rows, request.command_for(figure))

    def _errata(self) -> Tabular:
        rows = []
        for one in errata():
            place = f"Table {one.table}, {one.row}" if one.table else f"Section {one.section}"
            kind = f"{one.kind}, could be rounding" if one.could_be_rounding else one.kind
            rows.append((kind, place, one.column or DASH, one.printed, one.expected, one.text))
        return self._tabular("slips", rows)

    def _made_negatives(self) -> Tabular:
        """Give the AUCs with negatives that are made, class by class, and what they come to on each data set."""
        frame = pd.read_csv(_DEFAULTS)
        found = frame[frame["measure"] == "negatives"].pivot(index=["dataset", "normal"], columns="way", values="auc")
        ways = list(PROSE["tables"]["made-negatives"]["columns"])[2:]
        rows: list[Row] = []
        for dataset, part in found[ways].groupby("dataset"):
            aucs = part.to_numpy()
            names = [*map(str, part.index.get_level_values("normal")), "mean"]
            for name, line in zip(names, [*aucs, aucs.mean(axis=0)], strict=True):
                rows.append((str(dataset), name, *(short(auc, 3) for auc in line)))
            rows.append((str(dataset), "above AE", DASH, *map(str, (aucs[:, 1:] > aucs[:, :1]).sum(axis=0))))
        return self._tabular("made-negatives", rows)

    def _models(self) -> Tabular:
        """Give the settings of every model and the steps of its trainings, data sets with the same ones together."""
        used: dict[tuple[str, str, str], list[str]] = {}
        for name, dataset in dict.fromkeys((one.model, one.task.dataset) for one in self._measurements):
            settings = self.plan.request.profile.settings(MODELS[name], dataset)
            steps = build(name, settings, 0, "cpu").steps(self._images_of_a_class(dataset)).items()
            texts = ", ".join(f"{phase} {count:,}" for phase, count in steps), settings_text(settings)
            used.setdefault((name, texts[0] or DASH, texts[1] or "none to choose"), []).append(dataset)
        return self._tabular("models", [(name, ", ".join(found), *texts) for (name, *texts), found in used.items()])

    def _images_of_a_class(self, dataset: str) -> int:
        """Return how many training images a class has on average, in the variant that the records are of."""
        found = (record.identity["variants"].get(dataset) for record in self._records)
        entry = CATALOGUE[dataset]
        counts = entry.variant_counts.get(next(filter(None, found), ""), entry.counts)
        images = counts[0] // len(entry.class_names)
        return min(images, self.plan.request.profile.limits["train"] or images)

    def _other_settings(self) -> Tabular:
        profile = self.plan.request.profile
        rows = {f"images of a class, {part}": str(limit or "all") for part, limit in profile.limits.items()}
        for dataset in dict.fromkeys(one.task.dataset for one in self._measurements):
            widths = profile.latent_dims(MODELS["AE"], dataset)
            rows[f"latent widths of oracle, {dataset}"] = ", ".join(map(str, widths))
            for name, model in MODELS.items():
                if has_latent_layer(model) and (dead := set(widths) - set(profile.latent_dims(model, dataset))):
                    without = ", ".join(map(str, sorted(dead)))
                    rows[f"latent widths at which {name} collapses, {dataset}"] = without
        for name in sorted({one.task.negatives.dataset for one in self._measurements if one.task.negatives}):
            if prepared := profile.preparation(name):
                rows[f"negatives from {name}"] = settings_text(prepared)
        figures = {f"Figure {name}": profile.figure(name, known) for name, known in FIGURE_SETTINGS.items()}
        rows |= {name: settings_text(settings) for name, settings in figures.items()}
        return self._tabular("limits", rows.items())

    def _searches(self) -> Iterator[Block]:
        """Give the log of the searches and the picture of it, where a call has made them."""
        request = self.plan.request
        log, picture = request.results_dir / "search.csv", request.reports_dir / "search.png"
        command = f"{request.command_for()} --search"
        if not log.exists():
            yield Prose(f"None was made in this folder yet: {command} makes them.")
            return
        if picture.exists() and drawn_from(picture, log.read_text(encoding="utf-8")):
            yield Picture("search", sensitivity.TITLE, picture, (), command)
        yield self._tabular("search-log", sensitivity.rows(pd.read_csv(log)), command)

    def _machines(self) -> Tabular:
        seconds: dict[tuple[str, ...], list[float]] = {}
        for record in self._records:
            versions = ", ".join(f"{name} {version}" for name, version in sorted(record.versions.items()))
            found = seconds.setdefault((record.device, record.precision, versions), [])
            found.append(record.fit_seconds + record.score_seconds)
        rows = [(*names, str(len(found)), f"{sum(found) / 3600:.2f}") for names, found in sorted(seconds.items())]
        return self._tabular("machines", rows)

    def _commands(self) -> Tabular:
        request = self.plan.request
        rows = [("This report", f"{request.command_for()} --all")]
        rows += [(f"{one.kind.capitalize()} {one.id}", request.command_for(one)) for one in request.artefacts]
        return self._tabular("all-commands", rows)


def markdown_blocks(path: Path, caption: str) -> Iterator[Block]:
    """Read the paragraphs, lists and pipe tables of a file; its headings become paragraphs, but for the first.

    ``caption`` is that of its tables.
    """
    for number, part in enumerate(re.split(r"\n\s*\n", path.read_text(encoding="utf-8").strip()), start=1):
        lines = [line.strip() for line in part.splitlines() if not line.startswith("# ")]
        if not lines:
            continue
        if lines[0].startswith("|"):
            head, _, *rows = [[_unmarked(text.strip()) for text in line.strip("|").split("|")] for line in lines]
            longest = [max(map(len, texts)) for texts in zip(head, *rows, strict=True)]
            columns = {name: "prose" if size > 15 else "label" for name, size in zip(head, longest, strict=True)}
            yield document.tabular(f"{path.stem}-{number}", caption, columns, rows)
        elif lines[0].startswith(("- ", "* ")):
            yield Points(tuple(_unmarked(item) for item in re.split(r"(?:^|\n)[-*] ", "\n".join(lines))[1:]))
        else:
            yield Prose(_unmarked(" ".join(line.lstrip("# ") for line in lines)))


def _unmarked(text: str) -> str:
    """Drop the marks of Markdown."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text.replace("\n", " "))
    return text.replace("**", "").replace("`", "")
