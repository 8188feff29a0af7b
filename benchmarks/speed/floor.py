"""The physical floor of a training: its floating-point operations at the speed of a large matrix product."""

from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.speed.turns import timer

_SIDE = 2048
_TRIES = 8


def flops_of(work: Callable[[], object]) -> int:
    """Floating-point operations of the matrix products and convolutions in ``work``, a multiply-add as two."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def matrix_product_rate(dtype: torch.dtype) -> float:
    """Floating-point operations a second in a square matrix product of side 2,048, the best of several."""
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(_SIDE, _SIDE, generator=generator).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(_TRIES):
        started = timer()
        left @ right
        best = min(best, timer() - started)
    return 2 * _SIDE**3 / best
