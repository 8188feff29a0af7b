"""A grid as Markdown and as LaTeX."""

from collections.abc import Iterable
from itertools import groupby

from benchmarks.report.grid import DASH, Entry, Grid

_LATEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
          "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "±": r"$\pm$", "|": r"\textbar{}"}  # fmt: skip


def markdown(grid: Grid) -> str:
    """A pipe table with a caption above and the note below."""
    header = [*grid.row_header, *(column.text for column in grid.columns)]
    lines = [_pipes(header), _pipes(["---"] * len(grid.row_header) + ["---:"] * len(grid.columns))]
    for rows in grid.groups:
        lines += [_pipes([*labels, *(_text(entry, "*missing*") for entry in entries)]) for labels, entries in rows]
    return f"**{_escaped(grid.caption)}**\n\n" + "\n".join(lines) + f"\n\n{_escaped(grid.note)}\n"


def latex(grid: Grid) -> str:
    """A ``table`` environment that needs the package booktabs and fits on a page of A4 with margins of 2 cm."""
    names = len(grid.row_header)
    # LaTeX says "Table" itself.
    number, _, caption = grid.caption.removeprefix("Table ").partition(". ")
    size = r"\scriptsize" if len(grid.columns) > 6 else r"\footnotesize" if len(grid.columns) > 4 else r"\small"
    lines = [
        r"\begin{table}",
        rf"\centering{size}\setlength{{\tabcolsep}}{{3pt}}",
        rf"\renewcommand{{\thetable}}{{{tex(number)}}}\caption{{{tex(caption)}}}",
        rf"\begin{{tabular}}{{{'l' * names}{'r' * len(grid.columns)}}}",
        r"\toprule",
        *_header(grid),
    ]
    for rows in grid.groups:
        lines.append(r"\midrule")
        lines += [_ampersands([*labels, *(_text(entry, "missing") for entry in entries)]) for labels, entries in rows]
    variants = "; ".join(dict.fromkeys(column.variant for column in grid.columns if column.variant))
    note = tex(f"* {variants}. {grid.note}" if variants else grid.note)
    lines += [r"\bottomrule", r"\end{tabular}", rf"\par\smallskip\footnotesize {note}", r"\end{table}"]
    return "% needs \\usepackage{booktabs}\n" + "\n".join(lines) + "\n"


def _header(grid: Grid) -> list[str]:
    """The lines of the header: a name over both of its widths; a star for data that are not the complete sets."""
    names = [tex(column.name) + ("*" if column.variant else "") for column in grid.columns]
    labels = [tex(name) for name in grid.row_header]
    widths = [column.width.removesuffix(" width") for column in grid.columns]
    if not any(widths):
        return [" & ".join([*labels, *names]) + r" \\"]
    groups = [(name, len(list(group))) for name, group in groupby(names)]
    above = [rf"\multicolumn{{{count}}}{{c}}{{{name}}}" for name, count in groups]
    return [" & ".join(fields) + r" \\" for fields in ([""] * len(labels) + above, labels + widths)]


def _text(entry: Entry | None, missing: str) -> str:
    return DASH if entry is None else f"{entry.ours or missing} ({entry.paper})"


def _pipes(fields: Iterable[str]) -> str:
    return "| " + " | ".join(_escaped_pipes(field) for field in fields) + " |"


def _ampersands(fields: Iterable[str]) -> str:
    return " & ".join(tex(field) for field in fields) + r" \\"


def _escaped_pipes(text: str) -> str:
    return text.replace("|", r"\|")


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("*", r"\*").replace("_", r"\_")


def tex(text: str) -> str:
    """Text with what LaTeX reads as its own escaped."""
    return "".join(_LATEX.get(character, character) for character in text)
