"""A report, or a table on its own, as Markdown, HTML and LaTeX. Each format escapes every value in one place."""

import base64
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from benchmarks.report.document import Heading, Report, Tabular

_GAP = 0.14  # cm between columns of a table
_LONGEST_LABEL = 32  # letters; longer ones are set as prose
# Signs that LaTeX reads as its own, signs that pdflatex's oldest fonts lack, which need no package, and the star and
# the bracket, which would be options after the end of a row.
_SIGNS = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
          "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "±": r"$\pm$",
          "|": r"\textbar{}", "\N{MINUS SIGN}": "$-$", "²": "$^2$", "\N{MULTIPLICATION SIGN}": r"$\times$",
          "[": "{[}", "*": "{*}", "<": "$<$", ">": "$>$"}  # fmt: skip


@dataclass(frozen=True)
class _Sheet:
    """The room that a table has: cm across, and the sizes of its letters, each with about the cm that one takes."""

    across: float
    sizes: Mapping[str, float]


_LANDSCAPE = _Sheet(24.8, {r"\scriptsize": 0.125, r"\tiny": 0.09})  # of the report
_PORTRAIT = _Sheet(17.0, {r"\small": 0.153, r"\footnotesize": 0.136, r"\scriptsize": 0.119, r"\tiny": 0.09})


def markdown(content: Report | Tabular) -> str:
    """Write Markdown with pipe tables; pictures are named by their files."""
    return _written(content, "md", finalize=_escaping(_md))


def html(report: Report) -> str:
    """Write one HTML file that needs no other: pictures, style and the sorting of tables are in it."""
    return _written(
        report, "html", autoescape=True, finalize=lambda value: _plain(value) if type(value) is str else value
    )


def latex(content: Report | Tabular) -> str:
    """Write LaTeX for pdflatex: a document beside its pictures, or a ``table`` environment for A4 with 2 cm margins.

    The packages are array and booktabs, and for a document longtable, graphicx and geometry.
    """
    marks = {"block_start_string": "<%", "block_end_string": "%>", "variable_start_string": "<<",
             "variable_end_string": ">>", "comment_start_string": "<#", "comment_end_string": "#>"}  # fmt: skip
    return _written(content, "tex", finalize=_escaping(_tex), **marks)


FORMATS: Mapping[str, Callable[[Report], str]] = {"md": markdown, "html": html, "tex": latex}


def _written(content: Report | Tabular, suffix: str, **settings: Any) -> str:
    alone = isinstance(content, Tabular)
    environment = Environment(
        loader=PackageLoader("benchmarks.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **settings,
    )
    environment.globals |= {
        "alone": alone,
        "raw": lambda text: Markup(_plain(text)),
        "lines": Markup,
        "data_uri": _data_uri,
        "layout_of": lambda block: _Layout(block, _PORTRAIT if alone else _LANDSCAPE),
    }
    if alone:
        return environment.get_template(f"block.{suffix}").render(block=content).strip() + "\n"
    return environment.get_template(f"appendix.{suffix}").render(report=content)


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _escaping(escape: Callable[[str], str]) -> Callable[[object], str]:
    """Escape every value of a template, unless it is marked as text of the format itself."""
    return lambda value: value if isinstance(value, Markup) else escape(_plain(str(value)))


def _plain(text: str) -> str:
    """Drop control characters, and take any run of white space as one blank."""
    letters = (letter if letter.isprintable() or letter.isspace() else "" for letter in text)
    return " ".join("".join(letters).split())


def _md(text: str) -> str:
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", text)


def _tex(text: str) -> str:
    """Write text in the letters of pdflatex's fonts: accents are dropped, and any other sign becomes a '?'."""
    letters = []
    for letter in text:
        plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode("ascii")
        letters.append(_SIGNS.get(letter) or plain or "?")
    return "".join(letters).replace("--", "-{}-")


@dataclass(frozen=True)
class _Layout:
    """A table as LaTeX sets it on a sheet."""

    block: Tabular
    sheet: _Sheet

    @cached_property
    def size(self) -> Markup:
        """The largest size of letters at which the table is no wider than the sheet."""
        fitting = (size for size, letter in self.sheet.sizes.items() if self._across(letter) <= self.sheet.across)
        return Markup(next(fitting, list(self.sheet.sizes)[-1]))

    @property
    def columns(self) -> Markup:
        """The specification of the columns."""
        kinds = []
        for place, width in enumerate(self._final_widths):
            wraps = rf">{{\raggedright\arraybackslash}}p{{{width:.2f}cm}}"
            number = self.block.headings[place].kind == "number"
            kinds.append(wraps if self._breaks(place) else "r" if number else "l")
        return Markup("".join(kinds))

    @property
    def groups(self) -> Markup:
        """The row of the names that columns share, with a rule below each."""
        first, fields, rules = 0, [], []
        for text, count in self.block.groups:
            if not text:
                fields += [""] * count
                first += count
                continue
            width = sum(self._final_widths[first : first + count]) + _GAP * (count - 1)
            centred = rf">{{\centering\arraybackslash}}p{{{width:.2f}cm}}"
            fields.append(rf"\multicolumn{{{count}}}{{{centred}}}{{{_tex(_plain(text))}}}")
            rules.append(rf"\cmidrule(lr){{{first + 1}-{first + count}}}")
            first += count
        return Markup(" & ".join(fields) + " \\\\\n" + "".join(rules))

    @property
    def names(self) -> Markup:
        """The row of the names of columns."""
        return Markup(" & ".join(map(self._name, self.block.headings)) + r" \\")

    @cached_property
    def _final_widths(self) -> list[float]:
        return self._widths(self.sheet.sizes[self.size])

    def _widths(self, letter: float) -> list[float]:
        """Give each column the cm of its longest text, and one of prose a share of what is left."""
        longest = [max(_head_length(one), self._longest(place)) for place, one in enumerate(self.block.headings)]
        widths = [letter * (length + 1) for length in longest]
        prose = [place for place in range(len(widths)) if self._breaks(place)]
        left = self.sheet.across - _GAP * len(widths) - sum(w for place, w in enumerate(widths) if place not in prose)
        # A long text takes more of what is left than a short one, and none more than it needs.
        shares = [min(longest[place], 400) ** 0.5 for place in prose]
        for place, share in zip(prose, shares, strict=True):
            widths[place] = min(widths[place], max(2.0, left * share / sum(shares)))
        return widths

    def _across(self, letter: float) -> float:
        return sum(self._widths(letter)) + _GAP * len(self.block.headings)

    def _longest(self, place: int) -> int:
        return max((len(row[place].text) for row in self.block.rows), default=0)

    def _breaks(self, place: int) -> bool:
        return self.block.headings[place].kind == "prose" or self._longest(place) > _LONGEST_LABEL

    def _name(self, heading: Heading) -> str:
        """Write the name of a column, above numbers a word a line."""
        words = [_tex(_plain(word)) for word in heading.name.split()]
        if heading.kind != "number" or len(words) == 1:
            return " ".join(words)
        stacked = r"\\".join(words)
        return rf"\shortstack[r]{{{stacked}}}"


def _head_length(heading: Heading) -> int:
    """Count the letters of the longest line of a name, which is set a word a line above numbers."""
    return max(map(len, heading.name.split())) if heading.kind == "number" else len(heading.name)
