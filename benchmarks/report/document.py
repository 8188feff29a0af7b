"""The parts of a report, and of a table on its own, whatever format they are written in."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import ClassVar, NamedTuple

DASH, MISSING = "-", "missing"


class Field(NamedTuple):
    """A place of a table: its text, and a background for formats that have one ('' for none)."""

    text: str
    colour: str = ""


class Heading(NamedTuple):
    """The head of a column: its name, the kind of its fields, and a name shared with its neighbours ('' for none).

    ``kind`` is ``number``, ``label`` (a few words that stay on a line) or ``prose`` (which may break).
    """

    name: str
    kind: str = "number"
    group: str = ""


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    kind: ClassVar[str] = "prose"

    text: str


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    kind: ClassVar[str] = "points"

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Tabular:
    """A table: its rows are as long as ``headings``. ``command`` makes it, '' where the report alone holds it."""

    kind: ClassVar[str] = "table"

    id: str
    caption: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Field, ...], ...]
    notes: tuple[str, ...] = ()
    command: str = ""

    @property
    def grouped(self) -> bool:
        """True for a table whose rows have several labels: those that share the first one are a group."""
        return len(self.headings) > 1 and self.headings[1].kind == "label"

    @property
    def begins(self) -> tuple[bool, ...]:
        """For each row, True where another group begins than that of the row above."""
        labels = [row[0].text for row in self.rows]
        return tuple(self.grouped and i > 0 and label != labels[i - 1] for i, label in enumerate(labels))

    @property
    def groups(self) -> list[tuple[str, int]]:
        """The shared names of columns from left to right, each with the number of columns below it."""
        return [(name, len(list(found))) for name, found in groupby(heading.group for heading in self.headings)]


@dataclass(frozen=True)
class Picture:
    """A figure: a PNG beside the report, None where it could not be drawn; ``notes`` say what is missing from it."""

    kind: ClassVar[str] = "picture"

    id: str
    caption: str
    path: Path | None
    notes: tuple[str, ...]
    command: str


Block = Prose | Points | Tabular | Picture


class Section(NamedTuple):
    """A part of the report; ``id`` is for links to it."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """The whole: the facts of the first screen, the headline numbers, and the sections."""

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    headline: Tabular
    sections: tuple[Section, ...]


def tabular(
    table_id: str,
    caption: str,
    columns: Mapping[str, str],
    rows: Iterable[Sequence[str | Field]],
    notes: Sequence[str] = (),
    *,
    command: str = "",
) -> Tabular:
    """Make a table without shared headings; ``columns`` gives the kind of each column by its name."""
    return Tabular(
        table_id,
        caption,
        tuple(Heading(name, kind) for name, kind in columns.items()),
        tuple(tuple(one if isinstance(one, Field) else Field(one) for one in row) for row in rows),
        tuple(notes),
        command,
    )


def trimmed(digits: str) -> str:
    """Drop the zero before the point of a number written out: ``-0.05`` becomes ``-.05``, ``10.05`` stays."""
    return re.sub(r"^([-+]?)0\.", r"\1.", digits)


def short(number: float, decimals: int) -> str:
    """Write a number without the zero before the point, such as .912 or 1.00."""
    return trimmed(f"{round(number, decimals) + 0.0:.{decimals}f}")


def signed(number: float, decimals: int) -> str:
    """Write a difference with its sign, and without one where it rounds to nothing."""
    rounded = round(number, decimals) + 0.0
    sign = "" if not rounded else "+" if rounded > 0 else "\N{MINUS SIGN}"
    return sign + short(abs(rounded), decimals)
