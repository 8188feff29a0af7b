"""The batches that networks are trained on, drawn from pools of rows."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from lisae.backbone import as_float


def steps_in_epoch(n: int, batch_size: int) -> int:
    """Return how many steps a pass over ``n`` rows has."""
    return max(1, round(n / batch_size))


class Pool:
    """One pool of every member: their rows lie one behind the other, each distinct tensor once."""

    def __init__(self, tensors: Sequence[tuple[Tensor, ...]], device: torch.device) -> None:
        self._device = device
        distinct = {id(rows[0]): rows for rows in tensors}
        lengths = [0, *(len(rows[0]) for rows in distinct.values())]
        starts = dict(zip(distinct, np.cumsum(lengths)[:-1].tolist(), strict=True))
        self._starts = [starts[id(rows[0])] for rows in tensors]
        self._rows = [joined(alike) for alike in zip(*distinct.values(), strict=True)]

    def batches(self, members: Sequence[int], rows: Sequence[Tensor]) -> list[Tensor]:
        """Return the rows of these members, float, (members, batch, ...)."""
        chosen = torch.cat([own + self._starts[member] for member, own in zip(members, rows, strict=True)])
        # All rows are on one axis, so that images keep their order in memory, on which convolutions are faster.
        chosen = chosen.to(self._rows[0].device, non_blocking=True)
        found = (alike[chosen].to(self._device, non_blocking=True) for alike in self._rows)
        return [as_float(alike).unflatten(0, (len(members), -1)) for alike in found]


def shuffled_batches(n: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield batches of an endless stream of permutations of ``n`` rows, so that no row is left out."""
    rows = torch.empty(0, dtype=torch.int64)
    while True:
        while len(rows) < batch_size:
            rows = torch.cat([rows, torch.randperm(n, generator=generator)])
        yield rows[:batch_size]
        rows = rows[batch_size:]


def joined(tensors: Sequence[Tensor]) -> Tensor:
    """Join tensors along the first axis; a single tensor is not copied."""
    return torch.cat(list(tensors)) if len(tensors) > 1 else tensors[0]
