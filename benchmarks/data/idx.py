"""The IDX format of MNIST and its kin: a magic number, the sizes, then plain bytes."""

import math
import struct

import numpy as np
from numpy.typing import NDArray

_UNSIGNED_BYTE = 0x08


def parse(content: bytes) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes: two zero bytes, type, rank, big-endian sizes, values in C order.

    Returns a writable uint8 array. Raises ``ValueError`` for another type and for a wrong length.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _UNSIGNED_BYTE:
        raise ValueError(f"not an IDX file of unsigned bytes (it begins with {content[:4].hex() or 'nothing'})")
    rank = content[3]
    start = 4 + 4 * rank
    if len(content) < start:
        raise ValueError(f"an IDX file that ends within its header ({len(content)} bytes)")
    shape = struct.unpack(f">{rank}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise ValueError(f"an IDX file of shape {shape} with {len(content) - start} values")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
