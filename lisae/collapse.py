"""Checks for a network that learned nothing, and training again from another seed."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lisae.stacks import Learning
from lisae.training import CollapseError

log = logging.getLogger("lisae")

MAX_RESTARTS = 3

Result = TypeVar("Result")


def check_alive(images: NDArray[Any], errors: NDArray[np.float64], codes: Tensor) -> None:
    """Raise ``CollapseError`` if a trained network does no better than a constant.

    Args:
        images: the training images, (n, h, w, c), uint8 or float in [0, 1].
        errors: their reconstruction errors, (n,).
        codes: latent codes of some of them, (m, latent_dim).

    The mean image, the best constant, has the data's variance as its mean squared error. A network that stays
    there learned nothing, even if its score happens to separate classes.
    """
    scale = 255 if images.dtype == np.uint8 else 1
    variance = float(np.var(images.reshape(len(images), -1) / np.float32(scale), axis=0, dtype=np.float64).sum())
    check_varied(errors, codes)
    squared_error = float(np.square(errors).mean())
    if squared_error > 0.95 * variance:
        raise CollapseError(
            f"the network stays at the mean image: its squared error {squared_error:.4g} "
            f"is not below the data's variance {variance:.4g}"
        )


def check_varied(errors: NDArray[np.float64], codes: Tensor) -> None:
    """Raise ``CollapseError`` for scores or codes that are not finite, or the same for every image."""
    if not np.isfinite(errors).all():
        raise CollapseError("the scores are not finite")
    if float(codes.float().std(dim=0).max()) < 1e-3:
        raise CollapseError("the latent layer is constant")
    if float(errors.std()) < 1e-6 * max(1.0, float(errors.mean())):
        raise CollapseError("the scores are constant")


def with_restarts(attempt: Callable[[int], Learning[Result]], seed: int) -> Learning[tuple[Result, int]]:
    """Learn as ``attempt`` does with ``seed``, and after a collapse with seeds derived from it.

    Returns its result and the number of restarts, ``MAX_RESTARTS`` at most. Raises ``CollapseError`` when every
    attempt collapsed.
    """
    for restarts in range(MAX_RESTARTS + 1):
        try:
            return (yield from attempt(_derived_seed(seed, restarts))), restarts
        except CollapseError as error:
            log.info("collapsed with seed %d: %s", _derived_seed(seed, restarts), error)
            last = error
    raise CollapseError(f"collapsed from {MAX_RESTARTS + 1} seeds in a row, at last because {last}") from last


def _derived_seed(seed: int, restarts: int) -> int:
    return seed if restarts == 0 else int(np.random.SeedSequence([seed, restarts]).generate_state(1)[0])
