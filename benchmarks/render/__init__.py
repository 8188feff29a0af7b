"""Tables as files. Everything here is a pure function of records; nothing trains."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.artefacts import Table
from benchmarks.files import write_text, written_whole
from benchmarks.render.grid import make_grid
from benchmarks.render.picture import save_picture
from benchmarks.render.text import latex, markdown
from benchmarks.render.tidy import Source, tidy
from benchmarks.store import Record, variant_text

__all__ = ["Source", "write_table"]


def write_table(
    table: Table,
    source: Source,
    *,
    command: str,
    reasons: Mapping[str, Sequence[str]],
    results_dir: Path,
    reports_dir: Path,
) -> list[Path]:
    """Write a table as CSV, Markdown, LaTeX and PNG, and give the paths.

    Args:
        table: what to write.
        source: gives the records; a cell without all its records stays empty.
        command: what makes this table, for the note below it.
        reasons: why cells are missing, and the names of those cells, for the note.
        results_dir, reports_dir: where ``table_<id>.csv`` goes, and where the others go.

    Raises ``UnavailableError`` when a file cannot be written.
    """
    frame = tidy(table, source)
    grid = make_grid(table, frame, _note(table, source, command, reasons))
    tidy_path, stem = results_dir / f"table_{table.id}.csv", reports_dir / f"table_{table.id}"
    write_text(tidy_path, frame.to_csv(index=False, lineterminator="\n"))
    write_text(stem.with_suffix(".md"), markdown(grid))
    write_text(stem.with_suffix(".tex"), latex(grid))
    with written_whole(stem.with_suffix(".png")) as temporary:
        save_picture(grid, temporary)
    return [tidy_path, *(stem.with_suffix(suffix) for suffix in (".md", ".tex", ".png"))]


def _note(table: Table, source: Source, command: str, reasons: Mapping[str, Sequence[str]]) -> str:
    records = _records(table, source)
    profiles = sorted({record.profile for record in records})
    devices = sorted({f"{record.device}, {record.precision}" for record in records})
    variants = sorted({variant_text(record.identity["variants"]) for record in records} - {""})
    seeds = source.seeds
    sentences = [
        f"Profile {' and '.join(profiles) or 'not yet run'}, "
        f"{'seeds' if len(seeds) > 1 else 'seed'} {', '.join(map(str, seeds))}"
        f"{' (mean ± standard deviation)' if len(seeds) > 1 else ''}; "
        f"trained on {' and '.join(devices) or 'nothing yet'}; "
        f"data: {'; '.join(variants) or 'complete official sets'}; command: {command}."
    ]
    if table.oracle:
        widths = sorted({w for cell in table.cells for w in source.widths(cell.terms[0]) if w is not None})
        sentences.append(
            "Fixed width: the latent width was chosen beforehand, one for each data set; oracle width: the best of "
            f"the grid by test AUC, the paper's protocol (widths tried: {', '.join(map(str, widths))}). "
            "A model without a latent layer has no oracle."
        )
    sentences += [f"Missing for this reason: {reason} ({'; '.join(cells)})." for reason, cells in reasons.items()]
    return " ".join(sentences)


def _records(table: Table, source: Source) -> list[Record]:
    terms = dict.fromkeys(term for cell in table.cells for term in cell.terms)
    return [record for term in terms for seed in source.seeds if (record := source.lookup(term, seed, None))]
