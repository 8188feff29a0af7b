"""The contract of a detector as far as its answers show it: scores that are scores, and the size of what it learned."""

import pickle

import numpy as np

from lisae import Detector


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


class _Counter:
    """A file that counts the bytes written to it."""

    n = 0

    def write(self, content: bytes) -> int:
        self.n += len(content)
        return len(content)


def size_of(detector: Detector) -> int | None:
    """Return the bytes that a trained detector takes as a pickle; None for one that cannot be pickled."""
    counter = _Counter()
    try:
        pickle.Pickler(counter).dump(detector)
    except Exception:  # whatever a class from outside raises
        return None
    return counter.n
