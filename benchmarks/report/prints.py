"""What the paper's data files say of print, as parts of a report: its slips, and the rivals that end far from it."""

import re
from collections.abc import Iterator

from benchmarks import paper
from benchmarks.report.document import Block, Column, Grid, Points, Prose, row_of
from benchmarks.report.grid import DASH


def errata() -> Grid:
    """A row a slip."""
    rows = []
    for one in paper.errata():
        where = f"Table {one.table}, {one.row}" if one.table else f"Section {one.section}"
        kind = f"{one.kind}, could be rounding" if one.could_be_rounding else one.kind
        rows.append(row_of(kind, where, one.column or DASH, one.printed, one.expected, one.text))
    columns = (
        Column("kind", kind="label"),
        Column("where", kind="label"),
        Column("column", kind="label"),
        Column("printed"),
        Column("expected"),
        Column("what is off", kind="prose"),
    )
    return Grid("slips", "Slips of the paper", columns, tuple(rows))


def deviations() -> Iterator[Block]:
    """The paragraphs, lists and pipe tables of ``deviations.md``; its headings become paragraphs."""
    text = paper.DEVIATIONS.read_text(encoding="utf-8") if paper.DEVIATIONS.is_file() else "None is described yet."
    for number, part in enumerate(re.split(r"\n\s*\n", text.strip()), start=1):
        lines = [line.strip() for line in part.splitlines() if not line.startswith("# ")]
        if not lines:
            continue
        if lines[0].startswith("|"):
            yield _pipe_table(f"deviations-{number}", lines)
        elif lines[0].startswith(("- ", "* ")):
            yield Points(tuple(_unmarked(item) for item in re.split(r"(?:^|\n)[-*] ", "\n".join(lines))[1:]))
        else:
            yield Prose(_unmarked(" ".join(line.lstrip("# ") for line in lines)))


def _pipe_table(name: str, lines: list[str]) -> Grid:
    header, _, *rows = [[_unmarked(text.strip()) for text in line.strip("|").split("|")] for line in lines]
    longest = [max((len(row[place]) for row in rows), default=0) for place in range(len(header))]
    columns = [Column(text, kind="prose" if size > 30 else "label") for text, size in zip(header, longest, strict=True)]
    return Grid(name, "Deviations from print", tuple(columns), tuple(row_of(*row) for row in rows))


def _unmarked(text: str) -> str:
    """Text without Markdown's marks."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text.replace("\n", " "))
    return text.replace("**", "").replace("`", "")
