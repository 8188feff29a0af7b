"""A report as Markdown, as one HTML file and as LaTeX. Whatever comes from data is escaped by each template."""

import base64
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from benchmarks.report.document import Column, Grid, Report
from benchmarks.report.text import tex

_LOADER = PackageLoader("benchmarks.report")
_PAGE, _GAP = 24.8, 0.14  # cm of a landscape page: across, and between columns
_SIZES = {r"\scriptsize": 0.125, r"\tiny": 0.09}  # of tables, and cm of a letter, about
_LONGEST_LABEL = 32  # letters; longer ones are set as prose
# Beside what `tex` knows: signs that pdflatex's oldest fonts lack, which need no package, and the bracket that would be
# an option after the end of a row.
_SIGNS = {
    "\N{MINUS SIGN}": "$-$",
    "²": "$^2$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "[": "{[}",
    "<": "$<$",
    ">": "$>$",
}


def html(report: Report) -> str:
    """One file without any other: pictures, style and the sorting of tables are in it."""
    environment = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=True, **_TRIM)
    return environment.get_template("appendix.html").render(report=report, data_uri=_data_uri)


def markdown(report: Report) -> str:
    """Markdown with pipe tables; pictures by their file names."""
    environment = Environment(loader=_LOADER, undefined=StrictUndefined, finalize=_escaping(_md), **_TRIM)
    return environment.get_template("appendix.md").render(report=report, raw=Markup)


def latex(report: Report) -> str:
    """A document for pdflatex beside the pictures; packages: booktabs, longtable, graphicx, array, geometry."""
    environment = Environment(
        loader=_LOADER,
        undefined=StrictUndefined,
        finalize=_escaping(_tex),
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        **_TRIM,
    )
    return environment.get_template("appendix.tex").render(
        report=report, raw=Markup, size=_size, tabular=_tabular, headings=_headings, rules=_rules, heading=_heading
    )


_TRIM: dict[str, Any] = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
FORMATS: Mapping[str, Callable[[Report], str]] = {"md": markdown, "html": html, "tex": latex}


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _escaping(escape: Callable[[str], str]) -> Callable[[object], str]:
    """What a template does with every value: escape it, unless it is marked as text of the format itself."""
    return lambda value: value if isinstance(value, Markup) else escape(str(value))


def _md(text: str) -> str:
    for mark in "\\`*_|<>[]":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


def _tex(text: str) -> str:
    """Text for LaTeX, in what pdflatex's fonts have: accents are dropped, and any other sign becomes a '?'."""
    letters = []
    for letter in tex(" ".join(text.split())).replace("--", "-{}-"):
        plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode("ascii")
        letters.append(_SIGNS.get(letter, plain or "?"))
    return "".join(letters)


def _widths(grid: Grid, letter: float) -> list[float]:
    """The width of each column in cm: as long as its longest text, and for prose a share of what is left."""
    longest = [max(_head_length(column), _longest(grid, place)) for place, column in enumerate(grid.columns)]
    widths = [letter * (length + 1) for length in longest]
    prose = [place for place in range(len(widths)) if _breaks(grid, place)]
    left = _PAGE - _GAP * len(widths) - sum(width for place, width in enumerate(widths) if place not in prose)
    # A long text takes more of what is left than a short one, and none more than it needs.
    shares = [min(longest[place], 400) ** 0.5 for place in prose]
    for place, share in zip(prose, shares, strict=True):
        widths[place] = min(widths[place], max(2.0, left * share / sum(shares)))
    return widths


def _longest(grid: Grid, place: int) -> int:
    return max((len(row[place].text) for row in grid.rows), default=0)


def _head_length(column: Column) -> int:
    """The letters of a line of its name, which is set a word a line above numbers."""
    return max(map(len, column.name.split())) if column.kind == "number" else len(column.name)


def _breaks(grid: Grid, place: int) -> bool:
    return grid.columns[place].kind == "prose" or _longest(grid, place) > _LONGEST_LABEL


def _size(grid: Grid) -> Markup:
    """The largest size at which a table is no wider than the page."""
    fitting = (size for size, letter in _SIZES.items() if _across(grid, letter) <= _PAGE)
    return Markup(next(fitting, list(_SIZES)[-1]))


def _across(grid: Grid, letter: float) -> float:
    return sum(_widths(grid, letter)) + _GAP * len(grid.columns)


def _tabular(grid: Grid) -> Markup:
    """The columns of a longtable."""
    kinds = []
    for place, width in enumerate(_widths(grid, _SIZES[_size(grid)])):
        wraps = rf">{{\raggedright\arraybackslash}}p{{{width:.2f}cm}}"
        kinds.append(wraps if _breaks(grid, place) else "r" if grid.columns[place].kind == "number" else "l")
    return Markup("".join(kinds))


def _heading(column: Column) -> Markup:
    """The name of a column."""
    words = [_tex(word) for word in column.name.split()]
    if column.kind != "number" or len(words) == 1:
        return Markup(" ".join(words))
    stacked = r"\\".join(words)
    return Markup(rf"\shortstack[r]{{{stacked}}}")


def _headings(grid: Grid) -> Markup:
    """The row of the headings that columns share."""
    widths, first, fields = _widths(grid, _SIZES[_size(grid)]), 0, []
    for text, count in grid.headings:
        width = sum(widths[first : first + count]) + _GAP * (count - 1)
        fields.append(rf"\multicolumn{{{count}}}{{>{{\centering\arraybackslash}}p{{{width:.2f}cm}}}}{{{_tex(text)}}}")
        first += count
    return Markup(" & ".join(fields) + r" \\")


def _rules(grid: Grid) -> Markup:
    """A rule below each heading that columns share."""
    rules, first = [], 1
    for text, count in grid.headings:
        if text:
            rules.append(rf"\cmidrule(lr){{{first}-{first + count - 1}}}")
        first += count
    return Markup("".join(rules))
