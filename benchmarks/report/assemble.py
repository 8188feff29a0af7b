"""The content of a report, in the order of reading; nothing here trains."""

from benchmarks.report import words
from benchmarks.report.document import Prose, Report, Section
from benchmarks.report.findings import claims, theory
from benchmarks.report.material import Material
from benchmarks.report.prints import deviations, errata
from benchmarks.report.results import pictures, tables
from benchmarks.report.sections import commands, hardware, settings
from benchmarks.report.style import TINT_LEGEND
from benchmarks.report.summary import facts, headline


def assemble(material: Material) -> Report:
    """Put everything together."""
    return Report(
        title=words.TITLE,
        lead=words.LEAD,
        facts=tuple(facts(material)),
        headline=headline(material.frames),
        sections=(
            Section("protocol", "What the numbers can be compared with", (Prose(words.PROTOCOL),)),
            Section("tables", "Tables", (Prose(f"{words.TABLES} {TINT_LEGEND}"), *tables(material))),
            Section("figures", "Figures", tuple(pictures(material))),
            Section("claims", "Claims of the paper", (Prose(words.CLAIMS), claims(material))),
            Section("theory", "Theory (Section 4)", tuple(theory(material))),
            Section("errata", "Errata of the paper", (Prose(words.ERRATA), errata())),
            Section("deviations", "Rivals that end far from print", tuple(deviations())),
            Section("settings", "Settings", (Prose(words.SETTINGS), *settings(material))),
            Section("hardware", "Hardware and versions", (Prose(words.HARDWARE), hardware(material))),
            Section("commands", "Commands", (Prose(words.COMMANDS), commands(material))),
        ),
    )
