"""Rows of a detector from outside in the paper's tables: those of a model that the tables have, under its own name.

The paper prints nothing beside them. A detector that learns from negatives has the rows of ``Classifier`` in Tables 1
to 3, and those of the table's own model, where there are negatives, in the tables of single classes. One that does not
has the row of ``KDE`` in Tables 1 and 2, and that of ``AE``, *None*, in Table 3.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from benchmarks.paper.tables import Cell, Table

_SEEING, _UNSEEING = "Classifier", "KDE"


def with_rows(table: Table, models: Iterable[tuple[str, bool]]) -> Table:
    """Return a table with the rows of more models, each given by its name and whether it learns from negatives."""
    for name, uses_negatives in models:
        own = _cells(table, name, uses_negatives=uses_negatives)
        # Rows without a line of text above them go before those that have one.
        place = next((i for i, cell in enumerate(table.cells) if cell.part), len(table.cells))
        place = len(table.cells) if uses_negatives else place
        table = replace(table, cells=(*table.cells[:place], *own, *table.cells[place:]))
    return table


def _cells(table: Table, name: str, *, uses_negatives: bool) -> Sequence[Cell]:
    if not uses_negatives:
        if len(table.row_header) > 1:
            return []  # the rows of a table of single classes are of negatives
        found = [(cell, name) for cell in table.cells if cell.row == _UNSEEING]
        found += [(cell, f"{name}, None") for cell in table.cells if cell.row == "None"]
    elif len(table.row_header) > 1:
        seeing = [cell for cell in table.cells if cell.printed_row and cell.measurements[0].task.negatives]
        found = [(cell, f"{name}: {cell.row}") for cell in seeing]
    else:
        found = [
            (cell, cell.row.replace(_SEEING, name)) for cell in table.cells if cell.measurements[0].model == _SEEING
        ]
    return [_renamed(cell, row, name) for cell, row in found]


def _renamed(cell: Cell, row: str, name: str) -> Cell:
    measurements = tuple(replace(one, model=name) for one in cell.measurements)
    return replace(cell, row=row, measurements=measurements, printed_row="")
