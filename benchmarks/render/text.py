"""A grid as Markdown and as LaTeX."""

from collections.abc import Iterable

from benchmarks.render.grid import DASH, Entry, Grid

_LATEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
          "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "±": r"$\pm$", "|": r"\textbar{}"}  # fmt: skip


def markdown(grid: Grid) -> str:
    """A pipe table with a caption above and the note below."""
    names = len(grid.table.row_header)
    lines = [_pipes(grid.header), _pipes(["---"] * names + ["---:"] * len(grid.table.columns))]
    for first, rows in grid.groups:
        for position, (rest, entries) in enumerate(rows):
            labels = [first if position == 0 or names == 1 else "", rest][:names]
            lines.append(_pipes([*labels, *(_text(entry, "*missing*") for entry in entries)]))
    return f"**{_escaped(grid.caption)}**\n\n" + "\n".join(lines) + f"\n\n{_escaped(grid.note)}\n"


def latex(grid: Grid) -> str:
    """A ``table`` environment that needs the package booktabs."""
    names = len(grid.table.row_header)
    lines = [
        r"\begin{table}",
        r"\centering\small",
        rf"\caption{{{_tex(grid.caption)}}}",
        rf"\begin{{tabular}}{{{'l' * names}{'r' * len(grid.table.columns)}}}",
        r"\toprule",
        " & ".join(_tex(name) for name in grid.header) + r" \\",
    ]
    for first, rows in grid.groups:
        lines.append(r"\midrule")
        for position, (rest, entries) in enumerate(rows):
            labels = [first if position == 0 or names == 1 else "", rest][:names]
            lines.append(" & ".join(_tex(text) for text in (*labels, *(_text(e, "missing") for e in entries))) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", rf"\par\smallskip\footnotesize {_tex(grid.note)}", r"\end{table}"]
    return "% needs \\usepackage{booktabs}\n" + "\n".join(lines) + "\n"


def _text(entry: Entry | None, missing: str) -> str:
    return DASH if entry is None else f"{entry.ours or missing} ({entry.paper})"


def _pipes(fields: Iterable[str]) -> str:
    return "| " + " | ".join(fields) + " |"


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("*", r"\*").replace("_", r"\_")


def _tex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
