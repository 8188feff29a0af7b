"""The end of a training before its last step, once images that it does not see are reconstructed no better."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

_CHECKS = 50  # of a training, at most: each costs a pass over the held-out images


class Stopping:
    """Ends a training that no longer lowers an error, and puts the weights of the lowest error back.

    The error is looked at after epochs, fifty times in a training at most.

    Args:
        error: returns the error of the network as it is, such as that of images which are not trained on.
        patience: the share of the training's steps after which it ends if the error fell in none of them, in ]0, 1].

    Attributes:
        errors: the error at each look, with the step that it was after.
        best_step: the step after which it was the lowest; 0 before the first look.
    """

    def __init__(self, error: Callable[[], float], patience: float) -> None:
        self._error, self._patience = error, patience
        self._best: list[Tensor] = []
        self.errors: list[tuple[int, float]] = []
        self.best_step = 0

    def is_over(self, step: int, steps: int, weights: Sequence[Tensor]) -> bool:
        """Look at the error after the epoch that ends with ``step`` of ``steps``; tell whether to end there.

        ``weights`` are the network's, as the error sees them.
        """
        last = self.errors[-1][0] if self.errors else 0
        if step < steps and (step - last) * _CHECKS < steps:
            return False
        with torch.no_grad():
            error = self._error()
            if not self._best or error < min(one for _, one in self.errors):
                self._best, self.best_step = [weight.detach().clone() for weight in weights], step
            self.errors.append((step, error))
        return step - self.best_step >= self._patience * steps

    def put_back(self, weights: Sequence[Tensor]) -> None:
        """Give the weights the values that they had when the error was lowest, if it was ever looked at."""
        with torch.no_grad():
            for weight, best in zip(weights, self._best, strict=bool(self._best)):
                weight.copy_(best)
        self._best = []
