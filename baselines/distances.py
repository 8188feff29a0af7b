"""Squared Euclidean distances between images as flat rows, a block of rows at a time."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

Rows = NDArray[np.float32]

_BLOCK = 256


def distance_blocks(rows: Rows, others: Rows) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield the squared distances of rows to all others, a block of rows at a time, each by one matrix product.

    Args:
        rows: pixels in [0, 1], (n, features).
        others: the same, (m, features).

    Yields:
        The slice of rows, and their squared distances, (block, m), at least 0 and exact to about 1e-12. They are
        float64, since the rounding of float32 would change a narrow kernel. PyTorch multiplies, so that
        ``torch.set_num_threads`` holds here as well.
    """
    columns = torch.from_numpy(others.astype(np.float64))
    norms = columns.square().sum(dim=1)
    for start in range(0, len(rows), _BLOCK):
        block = torch.from_numpy(rows[start : start + _BLOCK].astype(np.float64))
        distances = torch.addmm(norms, block, columns.T, alpha=-2)
        distances += block.square().sum(dim=1, keepdim=True)
        yield slice(start, start + len(block)), distances.clamp_(min=0).numpy()
