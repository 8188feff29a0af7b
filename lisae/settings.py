"""The values that a setting may have, as a part of its type: ``epochs: Count = 12``."""

import math
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Range:
    """Finite numbers from ``low`` to ``high``, without ``low`` where ``above``, and with 0 where ``or_zero``."""

    low: float = 0
    high: float = math.inf
    above: bool = False
    or_zero: bool = False

    def __str__(self) -> str:
        low = f"{'0 or ' if self.or_zero else ''}{'above' if self.above else 'at least'} {self.low}"
        return f"{low} and at most {self.high}" if self.high < math.inf else low


Count = Annotated[int, Range(1)]
Positive = Annotated[float, Range(above=True)]
Share = Annotated[float, Range(high=1, above=True)]  # of a whole, and not none of it
