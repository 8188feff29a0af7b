"""A grid as Markdown and as LaTeX."""

from collections.abc import Iterable

from benchmarks.render.grid import DASH, Entry, Grid

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
    """A ``table`` environment that needs the package booktabs."""
    names = len(grid.row_header)
    lines = [
        r"\begin{table}",
        r"\centering\small",
        rf"\caption{{{tex(grid.caption)}}}",
        rf"\begin{{tabular}}{{{'l' * names}{'r' * len(grid.columns)}}}",
        r"\toprule",
        _ampersands([*grid.row_header, *(column.name for column in grid.columns)]),
    ]
    if any(column.note for column in grid.columns):
        lines.append(_ampersands([""] * names + [column.note for column in grid.columns]))
    for rows in grid.groups:
        lines.append(r"\midrule")
        lines += [_ampersands([*labels, *(_text(entry, "missing") for entry in entries)]) for labels, entries in rows]
    lines += [r"\bottomrule", r"\end{tabular}", rf"\par\smallskip\footnotesize {tex(grid.note)}", r"\end{table}"]
    return "% needs \\usepackage{booktabs}\n" + "\n".join(lines) + "\n"


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
