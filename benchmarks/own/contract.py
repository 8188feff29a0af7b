"""The contract of a detector as far as its answers show it: scores that are scores, and the size of what it learned."""

import io
import pickle

import numpy as np
import torch

from lisae import Detector

ENDED = "its process ended without an answer: it was killed, left by itself or ran out of memory"


class ContractError(ValueError):
    """A detector gave scores that are none, or has none to give; the text says what is wrong."""


def check_scores(answers: object, n: int) -> None:
    """Raise ``ContractError`` for anything but ``n`` finite numbers, (n,)."""
    if not isinstance(answers, np.ndarray):
        raise ContractError(f"gave {type(answers).__name__}, no array, as the scores of {n} images")
    if answers.shape != (n,):
        shape = " x ".join(map(str, answers.shape)) or "of a single value"
        raise ContractError(f"gave an array of shape {shape} as the scores of {n} images: there is one number for each")
    if answers.dtype.kind not in "fiu":
        raise ContractError(f"gave scores of type {answers.dtype}: they are numbers")
    if wrong := np.count_nonzero(~np.isfinite(answers)):
        raise ContractError(f"gave NaN or infinity as the score of {wrong} of {n} images")


class _Counter(pickle.Pickler):
    """A pickler that counts the bytes of arrays and tensors, each once, and keeps nothing."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())
        self.n, self._counted = 0, set[int]()

    def persistent_id(self, value: object) -> int | None:
        """Count an array in the place of writing it."""
        if not isinstance(value, np.ndarray | torch.Tensor):
            return None
        if id(value) not in self._counted:
            self._counted.add(id(value))
            self.n += value.nbytes
        return id(value)


def size_of(detector: Detector) -> int | None:
    """Return the bytes of the arrays of a trained detector; None for one that has none or cannot be pickled.

    The whole of a pickle would not do: it depends on which of two equal values are one object.
    """
    counter = _Counter()
    try:
        counter.dump(detector)
    except Exception:  # whatever a class from outside raises
        return None
    return counter.n or None
