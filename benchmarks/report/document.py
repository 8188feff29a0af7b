"""What a report is made of, whatever the format it ends in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

MISSING = "missing"


class Cell(NamedTuple):
    """A place of a table: its text, and a background for formats that have one ('' for none)."""

    text: str
    colour: str = ""


class Column(NamedTuple):
    """A column: its name, the heading that it shares with its neighbours ('' for none), and what is in it.

    ``kind`` is ``number``, ``label`` (a few words that stay on a line) or ``prose`` (which may break).
    """

    name: str
    group: str = ""
    kind: str = "number"


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
class Grid:
    """A table: its rows are as long as ``columns``. ``command`` makes it, '' where the report alone holds it."""

    kind: ClassVar[str] = "grid"

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    command: str = ""

    @property
    def begins(self) -> tuple[bool, ...]:
        """For each row, whether a group begins with it: rows of several labels that share the first."""
        grouped = len(self.columns) > 1 and self.columns[1].kind == "label"
        first = [row[0].text for row in self.rows]
        return tuple(grouped and i > 0 and label != first[i - 1] for i, label in enumerate(first))

    @property
    def headings(self) -> list[tuple[str, int]]:
        """The shared headings from left to right, each with the number of columns below it."""
        found: list[tuple[str, int]] = []
        for column in self.columns:
            if found and found[-1][0] == column.group:
                found[-1] = column.group, found[-1][1] + 1
            else:
                found.append((column.group, 1))
        return found


@dataclass(frozen=True)
class Picture:
    """A figure: a PNG beside the report, None where it could not be drawn; ``notes`` say what is missing from it."""

    kind: ClassVar[str] = "picture"

    id: str
    caption: str
    path: Path | None
    notes: tuple[str, ...]
    command: str


Block = Prose | Points | Grid | Picture


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
    headline: Grid
    sections: tuple[Section, ...]

    @property
    def blocks(self) -> Iterator[Block]:
        """Every block, in the order of reading."""
        yield self.headline
        for section in self.sections:
            yield from section.blocks


def row_of(*texts: str) -> tuple[Cell, ...]:
    """A row of plain cells."""
    return tuple(map(Cell, texts))
