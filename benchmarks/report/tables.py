"""Tables as files. Everything here is a pure function of records; nothing trains."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.files import write_text, written_whole
from benchmarks.paper.tables import Table
from benchmarks.report.grid import make_grid
from benchmarks.report.note import note
from benchmarks.report.table_picture import save_picture
from benchmarks.report.text import latex, markdown
from benchmarks.report.tidy import RecordLookup, tidy

__all__ = ["RecordLookup", "note", "write_table"]


def write_table(
    table: Table,
    lookup: RecordLookup,
    *,
    command: str,
    reasons: Mapping[str, Sequence[str]],
    results_dir: Path,
    reports_dir: Path,
) -> list[Path]:
    """Write a table as CSV, Markdown, LaTeX and PNG, and give the paths.

    Args:
        table: what to write.
        lookup: gives the records; a cell without all its records stays empty.
        command: what makes this table, for the note below it.
        reasons: why cells are missing, and the names of those cells, for the note.
        results_dir, reports_dir: where ``table_<id>.csv`` goes, and where the others go.

    Raises ``UnavailableError`` when a file cannot be written.
    """
    frame = tidy(table, lookup)
    grid = make_grid(table, frame, note(table, lookup, command, reasons))
    tidy_path, stem = results_dir / f"table_{table.id}.csv", reports_dir / f"table_{table.id}"
    text = frame.to_csv(index=False, lineterminator="\n")
    write_text(tidy_path, text)
    write_text(stem.with_suffix(".md"), markdown(grid))
    write_text(stem.with_suffix(".tex"), latex(grid))
    with written_whole(stem.with_suffix(".png")) as temporary:
        save_picture(grid, temporary, text)
    return [tidy_path, *(stem.with_suffix(suffix) for suffix in (".md", ".tex", ".png"))]
