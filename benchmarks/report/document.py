"""The parts of a report, or of a table on its own, and one way to write them as Markdown, HTML and LaTeX."""

import base64
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from benchmarks.errors import one_line

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

    kind = "prose"

    text: str


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    kind = "points"

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Tabular:
    """A table: its rows are as long as ``headings``. ``command`` makes it, '' where the report alone holds it.

    ``parts`` are lines of text across the table, by the number of the row that they stand above.
    """

    kind = "table"

    id: str
    caption: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Field, ...], ...]
    notes: tuple[str, ...] = ()
    command: str = ""
    parts: Mapping[int, str] = field(default_factory=dict)

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

    kind = "picture"

    id: str
    caption: str
    path: Path | None
    notes: tuple[str, ...]
    command: str


Row = Iterable[str | Field]
Block = Prose | Points | Tabular | Picture


class Section(NamedTuple):
    """A part of the report; ``id`` is for links to it."""

    id: str
    title: str
    blocks: tuple[Block, ...]


class Report(NamedTuple):
    """The whole: the facts of the first screen, the headline numbers, and the sections."""

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    headline: Tabular
    sections: tuple[Section, ...]


def tabular(
    name: str, caption: str, columns: Mapping[str, str], rows: Iterable[Row], *, note: str = "", command: str = ""
) -> Tabular:
    """Make a table without shared headings; ``columns`` gives the kind of each column by its name."""
    headings = tuple(Heading(column, kind) for column, kind in columns.items())
    fields = (tuple(one if isinstance(one, Field) else Field(one) for one in row) for row in rows)
    return Tabular(name, caption, headings, tuple(fields), (note,) if note else (), command)


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


def settings_text(settings: Mapping[str, Any], prefix: str = "") -> str:
    """Write settings as TOML does, those of a stage under a dotted name."""
    return ", ".join(
        settings_text(value, f"{prefix}{key}.")
        if isinstance(value, dict)
        else f"{prefix}{key} = {str(value).lower() if isinstance(value, bool) else value}"
        for key, value in settings.items()
    )


def written(content: Report | Tabular, suffix: str) -> str:
    """Write a report or a table as ``md`` with pipe tables, as ``html`` or as ``tex`` for pdflatex.

    HTML is one file that needs no other; the pictures of the others lie beside them. A table as LaTeX is a ``table``
    environment. Every value is escaped here, in one place.
    """
    escaped, marks = FORMATS[suffix]
    alone = isinstance(content, Tabular)
    environment = Environment(
        loader=PackageLoader("benchmarks.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: value if isinstance(value, Markup) else escaped(one_line(str(value))),
        **marks,
    )
    environment.globals |= {
        "alone": alone,
        "as_it_is": lambda text: Markup(one_line(text)),
        "base64": lambda path: base64.b64encode(path.read_bytes()).decode("ascii"),
        "layout_of": _layout_of,
    }
    name = "block" if alone else "report"
    return environment.get_template(f"{name}.{suffix}").render({name: content}).strip() + "\n"


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", text)


# Signs that LaTeX reads as its own, signs that pdflatex's oldest fonts lack, which need no package, and the star and
# the bracket, which would be options after the end of a row.
_SIGNS = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
          "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "±": r"$\pm$",
          "|": r"\textbar{}", "\N{MINUS SIGN}": "$-$", "²": "$^2$", "\N{MULTIPLICATION SIGN}": r"$\times$",
          "[": "{[}", "*": "{*}", "<": "$<$", ">": "$>$"}  # fmt: skip


def _latex(text: str) -> str:
    """Write text in the letters of pdflatex's fonts: accents are dropped, and any other sign becomes a '?'."""
    letters = []
    for letter in text:
        plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode("ascii")
        letters.append(_SIGNS.get(letter) or plain or "?")
    return "".join(letters).replace("--", "-{}-")


FORMATS: dict[str, tuple[Callable[[str], str], dict[str, Any]]] = {  # how values are escaped, and Jinja's own marks
    "md": (_markdown, {}),
    "html": (escape, {}),
    "tex": (_latex, {"block_start_string": "<%", "block_end_string": "%>", "variable_start_string": "<<",
                     "variable_end_string": ">>", "comment_start_string": "<#", "comment_end_string": "#>"}),
}  # fmt: skip
_ACROSS, _GAP, _LEAST = 25.65, 0.21, 2.0  # cm: a page of the report in LaTeX, between two columns, a column of prose
_SIZES = {r"\scriptsize": 0.13, r"\tiny": 0.1}  # of its letters, each with about the cm that one takes


def _layout_of(block: Tabular) -> tuple[str, str]:
    """Give LaTeX's size of letters and specification of the columns of a table in a report.

    Columns of prose share what the others leave of the page: a long text takes more of it than a short one.
    """
    fields = [(*heading.name.split(), *(row[i].text for row in block.rows)) for i, heading in enumerate(block.headings)]
    longest = np.array([max(map(len, texts)) for texts in fields])
    is_prose = np.array([heading.kind == "prose" for heading in block.headings])
    letters = (longest + 1)[~is_prose].sum()
    left = {size: _ACROSS - _GAP * len(fields) - cm * letters for size, cm in _SIZES.items()}
    size = r"\scriptsize" if left[r"\scriptsize"] >= _LEAST * is_prose.sum() else r"\tiny"
    shares = is_prose * np.minimum(longest, 400) ** 0.5
    widths = np.maximum(_LEAST, left[size] * shares / (shares.sum() or 1))
    prose = [rf">{{\raggedright\arraybackslash}}p{{{width:.2f}cm}}" for width in widths]
    kinds = {"number": "r", "label": "l"}
    columns = [kinds.get(heading.kind, wide) for heading, wide in zip(block.headings, prose, strict=True)]
    return Markup(size), Markup("".join(columns))
