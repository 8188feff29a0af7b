"""The paper as data: every number that its tables print, and the slips in which they contradict themselves."""

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


class Place(NamedTuple):
    """The place of a printed number; equal to, and interchangeable with, the plain tuple."""

    table: str
    row: str
    column: str


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
def printed() -> Mapping[Place, Value]:
    """Return every number of Tables 1-5 and A1-A4, in the paper's order; dashes are left out."""
    with (_FOLDER / "printed.csv").open(encoding="utf-8", newline="") as file:
        return MappingProxyType(
            {
                Place(line["table"], line["row"], line["column"]): Value(float(line["value"]), line["value"])
                for line in csv.DictReader(file)
            }
        )


@cache
def errata() -> tuple[Erratum, ...]:
    """Return every known slip, in the order of ``errata.toml``."""
    with (_FOLDER / "errata.toml").open("rb") as file:
        return tuple(Erratum(**entry) for entry in tomllib.load(file)["erratum"])
