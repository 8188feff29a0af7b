"""The numbers that the paper prints, its slips, and where ours end far from print."""

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

_FOLDER = Path(__file__).parent
DEVIATIONS = _FOLDER / "deviations.md"  # rivals that end far from print: by how much, what was tried, why


class Value(NamedTuple):
    """A printed number, and the digits as printed (they tell its precision)."""

    value: float
    digits: str


@dataclass(frozen=True)
class Erratum:
    """One slip of the paper; fields its kind has no use for are empty. The kinds: see ``errata.toml``."""

    kind: str
    printed: str
    expected: str
    expected_from: str
    text: str
    table: str = ""
    row: str = ""
    column: str = ""
    section: str = ""
    could_be_rounding: bool = False


@cache
def printed() -> Mapping[tuple[str, str, str], Value]:
    """Return every number of Tables 1-5 and A1-A4 by table, row and column, in the paper's order, without dashes."""
    with (_FOLDER / "printed.csv").open(encoding="utf-8", newline="") as file:
        _, *lines = csv.reader(file)
    return MappingProxyType({(table, row, column): Value(float(text), text) for table, row, column, text in lines})


@cache
def errata() -> tuple[Erratum, ...]:
    """Return every known slip, in the order of ``errata.toml``."""
    found = tomllib.loads((_FOLDER / "errata.toml").read_text(encoding="utf-8"))
    return tuple(Erratum(**fields) for fields in found["erratum"])
