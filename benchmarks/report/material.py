"""What a report is made from, and what several of its parts ask of it."""

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from benchmarks.engine.plan import Plan
from benchmarks.engine.records import Record
from benchmarks.paper.tables import Artefact, Measurement
from benchmarks.report.tables import RecordLookup
from benchmarks.report.tidy import tidy


@dataclass(frozen=True)
class Material:
    """Records, the ledger and the call that they belong to.

    Args:
        plan: the call's runs and folders; ``claims.csv`` and ``figure_<id>.csv`` are read from its results.
        lookup: gives the records of tables.
        reasons: why runs are missing, by their ids.
        drawn: the ids of the figures whose PNG this call wrote.
    """

    plan: Plan
    lookup: RecordLookup
    reasons: Mapping[str, str]
    drawn: Collection[str]

    @cached_property
    def frames(self) -> dict[str, pd.DataFrame]:
        """The tidy cells of every table, by its id."""
        return {table.id: tidy(table, self.lookup) for table in self.plan.request.tables}

    @cached_property
    def measurements(self) -> list[Measurement]:
        """What the cells of all tables are means of."""
        tables = self.plan.request.tables
        return list(
            dict.fromkeys(measurement for table in tables for part in table.needs for measurement in part.measurements)
        )

    @cached_property
    def records(self) -> list[Record]:
        """The records behind the tables at the latent width chosen beforehand."""
        found = (
            self.lookup.record(measurement, seed, None)
            for measurement in self.measurements
            for seed in self.lookup.seeds
        )
        return list({record.run: record for record in found if record is not None}.values())

    @cached_property
    def ledger(self) -> list[dict[str, str]]:
        """The rows of ``claims.csv``."""
        path = self.plan.request.results_dir / "claims.csv"
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def lacking(self, artefact: Artefact) -> tuple[list[str], dict[str, str]]:
        """The reasons why parts are missing, numbered, and by the name of a part the numbers of its reasons."""
        lacking = self.plan.lacking(artefact, self.reasons)
        numbers: dict[str, str] = {}
        for number, names in enumerate(lacking.values(), start=1):
            for name in names:
                numbers[name] = f"{numbers.get(name, '')}[{number}]"
        texts = [
            f"[{number}] Missing, {len(names)} of {len(artefact.needs) or 1}: {reason}"
            for number, (reason, names) in enumerate(lacking.items(), start=1)
        ]
        return texts, numbers
