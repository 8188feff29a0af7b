"""The report: ``appendix.md``, ``appendix.html`` and ``appendix.tex``, one content set in three formats."""

from collections.abc import Collection, Mapping
from pathlib import Path

from benchmarks.engine.plan import Plan
from benchmarks.files import write_text
from benchmarks.report.assemble import assemble
from benchmarks.report.material import Material
from benchmarks.report.tables import RecordLookup
from benchmarks.report.writers import FORMATS

__all__ = ["write_report"]


def write_report(plan: Plan, lookup: RecordLookup, reasons: Mapping[str, str], drawn: Collection[str]) -> list[Path]:
    """Write the report beside the pictures of figures, and give its paths.

    Args:
        plan: the call's runs; its results directory holds ``claims.csv``.
        lookup: gives the records.
        reasons: why runs are missing, by their ids.
        drawn: the ids of the figures that this call drew.

    Raises ``UnavailableError`` when a file cannot be written.
    """
    report = assemble(Material(plan, lookup, reasons, drawn))
    paths = []
    for suffix, render in FORMATS.items():
        paths.append(plan.request.reports_dir / f"appendix.{suffix}")
        write_text(paths[-1], render(report))
    return paths
