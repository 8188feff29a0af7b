"""The fields of a record as its file holds them: their types and ranges, and how they hang together."""

import math
import reprlib
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.data import CLASS_NAMES
from benchmarks.engine.run import id_of


class Field(NamedTuple):
    """The values that a field may have, in words and as a test; an optional field may be missing."""

    words: str
    holds: Callable[[Any], bool]
    optional: bool = False


def _is_number(value: Any, high: float = math.inf) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and 0 <= value <= high


def _is_whole(value: object, low: int = 0) -> bool:
    return type(value) is int and value >= low


def _are_shares(values: Any, n: int) -> bool:
    """Tell whether these are n numbers from 0 to 1; no loop in Python, since a folder may hold a million lists."""
    is_list = type(values) is list and len(values) == n and set(map(type, values)) <= {int, float}
    return is_list and min(values) >= 0 and max(values) <= 1


def _is_table(value: object, holds: Callable[[Any], bool]) -> bool:
    return type(value) is dict and all(map(holds, value.values()))


def _is_plain(value: object) -> bool:
    return type(value) in (bool, int, float, str)


def _are_settings(value: object) -> bool:
    return _is_table(value, lambda one: _is_plain(one) or _is_table(one, _is_plain))


def _are_classes(value: Any) -> bool:
    return type(value) is list and all(map(_is_whole, value)) and len(set(value)) == len(value)


def _are_negatives(value: Any) -> bool:
    if type(value) is not dict:
        return value is None
    harder = {"count": lambda one: _is_whole(one, 1), "contaminated": lambda one: _is_number(one, 1) and one > 0}
    if not {"dataset", "classes"} <= value.keys() <= {"dataset", "classes", *harder}:
        return False
    is_plain = type(value["dataset"]) is str and _are_classes(value["classes"])
    return is_plain and all(holds(value[name]) for name, holds in harder.items() if name in value)


_TEXT = Field("a text", lambda value: type(value) is str)
_TEXTS = Field("a table of texts", lambda value: _is_table(value, _TEXT.holds))
_WHOLE = Field("a whole number of at least 0", _is_whole)
_COUNT = Field("a whole number of at least 1", lambda value: _is_whole(value, 1))
_SECONDS = Field("a finite number of at least 0", _is_number)
_SHARE = Field("a number from 0 to 1", lambda value: _is_number(value, 1))
_SHARES = Field("a list of 101 numbers from 0 to 1", lambda value: _are_shares(value, 101))
_LAST_SHARES = Field("a list of 6 numbers from 0 to 1", lambda value: _are_shares(value, 6))
_AUCS = Field("a table of numbers from 0 to 1", lambda value: _is_table(value, _SHARE.holds), optional=True)
_SHARE_OR_NULL = Field("a number from 0 to 1 or null", lambda value: value is None or _SHARE.holds(value), True)
_CLASSES = Field("a list of different classes", lambda value: _are_classes(value) and value != [])
_SETTINGS = Field("a table of settings", _are_settings)

_SCORE = {
    "outlier": _WHOLE,
    "auc": _SHARE,
    "n_outlier": _COUNT,
    "detected": _SHARES,
    "extra_aucs": _AUCS,
    "label_sweep_auc": _SHARE_OR_NULL,  # the one further AUC of the first records
}
_IDENTITY = {
    "results_version": _COUNT,
    "task": {
        "dataset": Field(f"one of {', '.join(CLASS_NAMES)}", lambda value: type(value) is str and value in CLASS_NAMES),
        "normal": _CLASSES,
        "outliers": _CLASSES,
        "negatives": Field("null, or a table of dataset, classes, count and contaminated", _are_negatives),
        "validation": Field("a number above 0 and at most 1", lambda value: _is_number(value, 1) and value > 0, True),
    },
    "model": _TEXT,
    "seed": _WHOLE,
    "settings": _SETTINGS,
    "limits": {"train": _WHOLE, "test": _WHOLE},
    "variants": _TEXTS,
    "digests": _TEXTS._replace(optional=True),
    "preparation": _SETTINGS._replace(optional=True),
    "origin": _TEXTS._replace(optional=True),
}
_RECORD = {
    "run": _TEXT,
    "identity": _IDENTITY,
    "scores": [_SCORE],  # a list of these
    "n_normal": _COUNT,
    "restarts": _WHOLE,
    "profile": _TEXT,
    "device": _TEXT,
    "precision": _TEXT,
    "versions": _TEXTS,
    "command": _TEXT,
    "fit_seconds": _SECONDS,
    "score_seconds": _SECONDS,
    "size": Field(
        "a whole number of at least 0 or null", lambda value: value is None or _is_whole(value), optional=True
    ),
    "processor_seconds": Field(
        "a finite number of at least 0 or null", lambda value: value is None or _is_number(value), optional=True
    ),
}
_WITHOUT_CURVES = _RECORD | {"scores": [_SCORE | {"detected": _LAST_SHARES}]}


def _test_of(wanted: Any) -> Callable[[Any], bool]:
    """Return a test for values that ``_explain`` finds nothing wrong with, for 100,000 records in a few seconds."""
    if isinstance(wanted, Field):
        return wanted.holds
    if isinstance(wanted, list):
        holds = _test_of(wanted[0])
        return lambda given: type(given) is list and all(map(holds, given))
    tests = {key: _test_of(field) for key, field in wanted.items()}
    required = {key for key, field in wanted.items() if not (isinstance(field, Field) and field.optional)}

    def holds_table(given: Any) -> bool:
        if type(given) is not dict or not required <= given.keys() <= tests.keys():
            return False
        return all(tests[key](value) for key, value in given.items())

    return holds_table


_HOLDS = {True: _test_of(_RECORD), False: _test_of(_WITHOUT_CURVES)}


def check_fields(fields: Any, *, curves: bool = True) -> None:
    """Check the fields of a record, as JSON gives them, with the curves ``detected`` or the end of each alone.

    Raises ``ValueError`` that says which field is missing, unknown, of another type or out of its range, and for scores
    that are not those of the task, classes that the data set does not have, and a run that is not the identity's.
    """
    if not _HOLDS[curves](fields):
        _explain("the record", fields, _RECORD if curves else _WITHOUT_CURVES)
    identity = fields["identity"]
    task = identity["task"]
    n_classes = len(CLASS_NAMES[task["dataset"]])
    if max(*task["normal"], *task["outliers"]) >= n_classes or set(task["normal"]) & set(task["outliers"]):
        raise ValueError(f"normal and outliers are different classes of the {n_classes} of {task['dataset']}")
    if [score["outlier"] for score in fields["scores"]] != task["outliers"]:
        raise ValueError(f"scores are of other classes than the outliers of the task, {task['outliers']}")
    if id_of(identity) != fields["run"]:
        raise ValueError(f"run is {fields['run']}, and its identity is that of {id_of(identity)}")


def _explain(name: str, given: Any, wanted: Any) -> None:
    """Raise ``ValueError`` that says what is wrong with a value: a field, a list of one kind of value, or a table."""
    if isinstance(wanted, Field):
        if not wanted.holds(given):
            raise ValueError(f"{name} is {reprlib.repr(given)}, not {wanted.words}")
        return
    if type(given) is not type(wanted):
        raise ValueError(f"{name} is {reprlib.repr(given)}, not a {'list' if isinstance(wanted, list) else 'table'}")
    if isinstance(wanted, list):
        for one in given:
            _explain(f"one of {name}", one, wanted[0])
        return
    if unknown := given.keys() - wanted.keys():
        raise ValueError(f"{name} has {reprlib.repr(min(unknown))}, which no record of this version has")
    for key, field in wanted.items():
        if key in given:
            _explain(key, given[key], field)
        elif not (isinstance(field, Field) and field.optional):
            raise ValueError(f"{name} has no {key}")
