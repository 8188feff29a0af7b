"""Tables and figures as parts of a report."""

from matplotlib.colors import to_hex

from benchmarks.paper.figures import Figure
from benchmarks.paper.tables import Table
from benchmarks.report.document import MISSING, Cell, Column, Grid, Picture
from benchmarks.report.grid import DASH, Entry, make_grid
from benchmarks.report.material import Material
from benchmarks.report.numbers import signed
from benchmarks.report.style import tint
from benchmarks.report.tables import note

NO_RECORD = "there is no record of it"


def tables(material: Material) -> list[Grid]:
    """Every table: the printed number, ours and the difference for each column of the paper."""
    return [_table(material, table) for table in material.plan.request.tables]


def pictures(material: Material) -> list[Picture]:
    """Every figure."""
    return [_picture(material, figure) for figure in material.plan.request.figures]


def _table(material: Material, table: Table) -> Grid:
    command = material.plan.request.command_for(table)
    made = note(table, material.lookup, command, {}).replace(f"; command: {command}", "")  # it stands by itself
    grid = make_grid(table, material.frames[table.id], made)
    lacking, numbers = material.lacking(table)
    columns = [Column(name, kind="label") for name in grid.row_header]
    n_protocols = len(grid.columns) // len(table.columns)
    for place, column in enumerate(grid.columns):
        group = f"{column.name} ({column.variant})" if column.variant else column.name
        columns += [] if place % n_protocols else [Column("paper", group)]  # printed once for both widths
        columns += [Column(f"ours, {column.width}" if column.width else "ours", group), Column("diff.", group)]
    rows = []
    labels: tuple[str, ...] = ()
    for names, entries in (row for group in grid.groups for row in group):
        labels = tuple(name or above for name, above in zip(names, labels or names, strict=True))
        cells = [Cell(label) for label in labels]
        for place, entry in enumerate(entries):
            name = f"{' | '.join(labels)} / {table.columns[place // n_protocols]}"
            of_entry = _cells(entry, numbers.get(name, f"({NO_RECORD})"))
            cells += of_entry[1:] if place % n_protocols else of_entry
        rows.append(tuple(cells))
    caption = f"Table {table.id}. {table.caption}"
    return Grid(f"table-{table.id}", caption, tuple(columns), tuple(rows), (grid.note, *lacking), command)


def _cells(entry: Entry | None, why: str) -> list[Cell]:
    """Paper, ours and difference of a place of a table."""
    if entry is None:
        return [Cell(DASH)] * 3
    if not entry.ours:
        return [Cell(entry.paper), Cell(f"{MISSING} {why}"), Cell(DASH)]
    decimals = min(3, max(2, len(entry.paper.partition(".")[2])))
    red, green, blue, *_ = tint(entry.delta)
    return [Cell(entry.paper), Cell(entry.ours), Cell(signed(entry.delta, decimals), to_hex((red, green, blue)))]


def _picture(material: Material, figure: Figure) -> Picture:
    request = material.plan.request
    path = request.reports_dir / f"figure_{figure.id}.png"
    lacking = material.lacking(figure)[0]
    if figure.id not in material.drawn and not lacking:
        lacking = [f"Missing: {NO_RECORD}."]
    return Picture(
        f"figure-{figure.id}",
        figure.title,
        path if figure.id in material.drawn else None,
        tuple(lacking),
        request.command_for(figure),
    )
