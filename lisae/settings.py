"""The values that a setting may have, as a part of its type: ``epochs: Count = 12``."""

import inspect
import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Annotated, Any, get_args

import numpy as np

AUTO = "auto"


@dataclass(frozen=True)
class Range:
    """Finite numbers from ``low`` to ``high``, without ``low`` where ``above``, and with 0 where ``or_zero``.

    Where the text ``auto`` is possible too, ``auto_of`` is the type of the numbers.
    """

    low: float = 0
    high: float = math.inf
    above: bool = False
    or_zero: bool = False
    auto_of: type[int] | type[float] | None = None

    def __str__(self) -> str:
        low = f"{'0 or ' if self.or_zero else ''}{'above' if self.above else 'at least'} {self.low}"
        limits = f"{low} and at most {self.high}" if self.high < math.inf else low
        return f"{limits}, or {AUTO!r}" if self.auto_of else limits

    def __contains__(self, value: float | str) -> bool:
        if isinstance(value, str):
            return bool(self.auto_of) and value == AUTO
        is_high_enough = value > self.low if self.above else value >= self.low
        return math.isfinite(value) and ((is_high_enough and value <= self.high) or (self.or_zero and value == 0))


Count = Annotated[int, Range(1)]
CountOrZero = Annotated[int, Range()]
CountOrAuto = Annotated[int | str, Range(1, auto_of=int)]
Positive = Annotated[float, Range(above=True)]
PositiveOrAuto = Annotated[float | str, Range(above=True, auto_of=float)]
NotNegative = Annotated[float, Range()]
NotNegativeOrAuto = Annotated[float | str, Range(auto_of=float)]
Part = Annotated[float, Range(high=0.5)]
DecayRate = Annotated[float, Range(high=0.999999)]  # of a moving average: 0 has no memory, and 1 would never move
Share = Annotated[float, Range(high=1, above=True)]  # of a whole, and not none of it

_KINDS: dict[Any, tuple[Any, str]] = {
    bool: ((bool, np.bool_), "True or False"),
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
}


def check_settings(owner: object) -> None:
    """Check the constructor arguments of an object, as it holds them, against their types.

    Types other than bool, int, float and annotated ones are not checked.

    Raises ValueError for a value of another type, out of its range, or none of those that are possible.
    """
    for name, parameter in inspect.signature(type(owner)).parameters.items():
        value, hint = getattr(owner, name), parameter.annotation
        kind, *allowed = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
        if allowed and isinstance(allowed[0], tuple):
            if value not in allowed[0]:
                raise ValueError(f"{name} is one of {', '.join(allowed[0])}; got {value!r}.")
            continue
        kind = (allowed and allowed[0].auto_of) or kind
        if kind in _KINDS:
            types, text = _KINDS[kind]
            is_right = isinstance(value, types) and (kind is bool or not isinstance(value, bool))
            # Of texts, the range has one or none.
            if not (is_right or (allowed and isinstance(value, str))) or (allowed and value not in allowed[0]):
                raise ValueError(f"{name} is {', '.join([text, *map(str, allowed)])}; got {value!r}.")
