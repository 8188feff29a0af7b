"""The threads that this process computes with, and the memory that it keeps between training steps."""

import ctypes
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch

_PIXELS = 2048  # of an image, for each thread: smaller ones take several threads longer than one


@contextmanager
def threads(n_jobs: int | None, image_shape: tuple[int, ...]) -> Iterator[int]:
    """Compute with some of PyTorch's threads, whose number the context gives, and afterwards with as many as before.

    Args:
        n_jobs: how many threads, -1 for all processors. None: as suits the size of the images, one for images up to
            some 60 x 60 pixels, and no more than PyTorch has.
        image_shape: (h, w, c).

    Raises ValueError for another ``n_jobs``.
    """
    before = torch.get_num_threads()
    if n_jobs is not None and (not isinstance(n_jobs, int) or isinstance(n_jobs, bool) or n_jobs < -1 or n_jobs == 0):
        raise ValueError(f"n_jobs is a number of threads, -1 for all processors or None to choose; got {n_jobs!r}.")
    if n_jobs is None:
        n_jobs = min(before, max(1, image_shape[0] * image_shape[1] // _PIXELS))
    chosen = n_jobs if n_jobs > 0 else os.cpu_count() or 1
    if chosen != before:
        torch.set_num_threads(chosen)
    try:
        yield chosen
    finally:
        if chosen != before:
            torch.set_num_threads(before)


def keep_memory() -> None:
    """Have this process keep the memory of a training step for the next one, where its C library can be told to.

    That of Linux gives large blocks back to the kernel when they are freed, and getting them again takes a fifth of a
    step. Blocks larger than any of a step's go back all the same: the holes that many trainings leave add up. What the
    environment says of this, ``MALLOC_TRIM_THRESHOLD_`` or ``MALLOC_MMAP_THRESHOLD_``, stays.
    """
    if "MALLOC_TRIM_THRESHOLD_" in os.environ or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return
    mallopt = None
    with suppress(OSError, TypeError):  # some systems have no library without a name
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-1, 512 * 2**20)  # M_TRIM_THRESHOLD of malloc.h
        mallopt(-3, 128 * 2**20)  # M_MMAP_THRESHOLD


@contextmanager
def spare_memory(size: int) -> Iterator[None]:
    """Keep ``size`` bytes of address space out of the block's reach, for what comes after it.

    Where a limit on memory is met in the block, what follows can still say so: without any memory Python itself
    crashes. Nothing is written to these bytes, so they cost no memory.
    """
    spare = None
    with suppress(OSError, AttributeError):  # that much is not there, or the system has no such mappings
        spare = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        yield
    finally:
        if spare is not None:
            spare.close()
