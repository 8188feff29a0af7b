"""The physical floor of a training: its floating-point operations at the speed of a large matrix product."""

import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.speed.turns import timer

_SIDES = {"cpu": 2048, "cuda": 8192}
_TRIES = 8


def flops_of(work: Callable[[], object]) -> int:
    """Count the floating-point operations of matrix products and convolutions in ``work``; a multiply-add is two."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def matrix_product_rate(dtype: torch.dtype, device: str = "cpu") -> float:
    """Return the floating-point operations a second of a large square matrix product, the best of several tries."""
    side = _SIDES[device]
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(side, side, generator=generator).to(device, dtype) for _ in range(2))
    best = float("inf")
    clock = timer if device == "cpu" else time.perf_counter
    for _ in range(_TRIES):
        started = clock()
        left @ right
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, clock() - started)
    return 2 * side**3 / best
