"""Errors for people: what was given, what is wrong, what to do. The command line prints their text alone."""

import difflib
from collections.abc import Iterable


class CallError(Exception):
    """The call is wrong and nothing was started (exit status 2)."""


class UnavailableError(Exception):
    """Something asked for cannot be made here: no data, no disk space, a run that failed (exit status 3)."""


def printable(text: str) -> str:
    """Return text without control characters, such as those that colour a terminal; white space stays."""
    return "".join(letter for letter in text if letter.isprintable() or letter.isspace())


def one_line(text: str) -> str:
    """Return text without control characters, with any run of white space as one blank."""
    return " ".join(printable(text).split())


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that ``name`` is no ``kind``, which there are, and which was probably meant, whatever its case."""
    names = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    hint = f" Did you mean {names[near[0]]}?" if near else ""
    return f"{name!r} is no {kind}: there are {', '.join(names.values())}.{hint}"


def shown(value: object) -> str:
    """Return a value for a message, cut where it is longer than 100 letters."""
    try:
        text = repr(value)
    except ValueError:  # a number of more digits than Python writes
        return "a number of thousands of digits"
    return text if len(text) <= 100 else f"{text[:100]}..."
