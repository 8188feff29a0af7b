"""Tables as files. Everything here is a pure function of records; nothing trains."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.artefacts import Table
from benchmarks.files import write_text, written_whole
from benchmarks.render.grid import make_grid
from benchmarks.render.picture import save_picture
from benchmarks.render.text import latex, markdown
from benchmarks.render.tidy import Lookup, tidy
from benchmarks.store import variant_text


def write_table(
    table: Table, lookup: Lookup, *, seeds: Sequence[int], profile: str, results_dir: Path, reports_dir: Path
) -> list[Path]:
    """Write a table as CSV, Markdown, LaTeX and PNG, and give the paths.

    Args:
        table: what to write.
        lookup: gives the record of a term for a seed, or None; a cell without all its records stays empty.
        seeds: which seeds to average over.
        profile: the profile of the records, for the note below the table.
        results_dir, reports_dir: where ``table_<id>.csv`` goes, and where the others go.

    Raises ``UnavailableError`` when a file cannot be written.
    """
    frame = tidy(table, lookup, seeds)
    grid = make_grid(table, frame, _note(table, lookup, seeds, profile))
    tidy_path, stem = results_dir / f"table_{table.id}.csv", reports_dir / f"table_{table.id}"
    write_text(tidy_path, frame.to_csv(index=False, lineterminator="\n"))
    write_text(stem.with_suffix(".md"), markdown(grid))
    write_text(stem.with_suffix(".tex"), latex(grid))
    with written_whole(stem.with_suffix(".png")) as temporary:
        save_picture(grid, temporary)
    return [tidy_path, *(stem.with_suffix(suffix) for suffix in (".md", ".tex", ".png"))]


def _note(table: Table, lookup: Lookup, seeds: Sequence[int], profile: str) -> str:
    terms = [term for cell in table.cells for term in cell.terms]
    records = [record for term in terms for seed in seeds if (record := lookup(term, seed)) is not None]
    devices = sorted({f"{record.device}, {record.precision}" for record in records})
    variants = sorted({variant_text(record.identity["variants"]) for record in records} - {""})
    return (
        f"Profile {profile}, {'seeds' if len(seeds) > 1 else 'seed'} {', '.join(map(str, seeds))}"
        f"{' (mean ± standard deviation)' if len(seeds) > 1 else ''}; "
        f"trained on {' and '.join(devices) or 'nothing yet'}; "
        f"data: {'; '.join(variants) or 'complete official sets'}; "
        f"command: python -m benchmarks.reproduce --table {table.id} --profile {profile}."
    )
