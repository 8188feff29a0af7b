"""The one training loop, and what surrounds it: device, precision, seeds, and the check for a dead network."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

log = logging.getLogger("lisae")

PRECISIONS = ("auto", "float32", "bfloat16")
DEVICES = ("auto", "cpu", "cuda")
MAX_RESTARTS = 3

Result = TypeVar("Result")


class CollapseError(RuntimeError):
    """A network that learned nothing: it diverged, stayed at the mean image, or its codes or scores are constant."""


def resolve_device(device: str) -> torch.device:
    """Give the device of a name in ``DEVICES``; ``auto`` is CUDA where there is one.

    Raises ValueError for another name, and for ``cuda`` where there is none.
    """
    if device not in DEVICES:
        raise ValueError(f"the device is one of {', '.join(DEVICES)}; got {device!r}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda' was asked for, and PyTorch finds no CUDA device here: use 'cpu' or 'auto'.")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """Give the arithmetic of a name in ``PRECISIONS``; ``auto`` is bfloat16 where the processor computes in it.

    Weights, losses and scores stay float32 in either case. Raises ValueError for another name.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"the precision is one of {', '.join(PRECISIONS)}; got {precision!r}.")
    if precision != "auto":
        return getattr(torch, precision)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[Any]:
    """Run matrix products and convolutions in ``dtype``."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)


def image_tensor(images: NDArray[Any], device: torch.device) -> Tensor:
    """Put images (n, h, w, c) on the device as (n, c, h, w); their order in memory and their dtype stay."""
    return torch.from_numpy(np.require(images, requirements=["C", "W"])).permute(0, 3, 1, 2).to(device)


def as_float(images: Tensor) -> Tensor:
    """Images as float32 in [0, 1], from uint8 or float."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images


@dataclass(frozen=True)
class Player:
    """Parameters with a loss of their own, stepped once in ``every`` steps; ``loss`` as in ``train``."""

    parameters: list[nn.Parameter]
    loss: Callable[..., Tensor]
    every: int = 1


def train(
    loss: Callable[..., Tensor],
    parameters: Iterable[nn.Parameter],
    pools: Sequence[int],
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    generator: torch.Generator,
    device: torch.device,
    dtype: torch.dtype,
    betas: tuple[float, float] = (0.9, 0.999),
    weight_decay: float = 0.0,
    one_cycle: bool = True,
    opponent: Player | None = None,
) -> list[float]:
    """Minimise ``loss`` with Adam and a one-cycle learning rate (Smith and Topin, arXiv:1708.07120).

    Args:
        loss: called each step with one tensor of row numbers for each pool, (batch,), and gives a scalar.
        parameters: what is trained.
        pools: how many rows each pool has. An epoch is one pass over the first; each pool is drawn in an order
            of its own, shuffled again whenever it is used up.
        epochs, batch_size: passes over the first pool; rows of each pool in a step.
        learning_rate: the peak of the cycle.
        generator: draws the orders, on the CPU, so that they are the same on every device.
        device, dtype: where the rows are, and the arithmetic of matrix products and convolutions.
        betas: Adam's decay rates.
        weight_decay: Adam's L2 penalty on the parameters.
        one_cycle: whether the rate follows the cycle, or stays at its peak.
        opponent: whoever is trained in turns with the parameters, as a generator is with its critic.

    Returns:
        The mean of ``loss`` in each epoch.

    Raises:
        ValueError: for epochs, batch size or learning rate that are not positive.
        CollapseError: when the loss is no longer finite.
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size), ("learning_rate", learning_rate)):
        if not value > 0:
            raise ValueError(f"{name} is a positive number; got {value}.")
    steps = max(1, round(pools[0] / batch_size))
    players = [Player(list(parameters), loss), *([opponent] if opponent else [])]
    # One fused kernel for all parameters: these networks are small, and a kernel a parameter costs more.
    optimisers = [
        torch.optim.Adam(player.parameters, learning_rate, betas, weight_decay=weight_decay, fused=True)
        for player in players
    ]
    schedules = [
        torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=epochs * steps // player.every + 1)
        for player, optimiser in zip(players, optimisers, strict=True)
        if one_cycle
    ]
    draws = [_shuffled_batches(n, batch_size, generator) for n in pools]
    history = []
    for epoch in range(epochs):
        total = torch.zeros((), device=device)
        for step in range(epoch * steps + 1, (epoch + 1) * steps + 1):
            rows = [next(draw).to(device, non_blocking=True) for draw in draws]
            for i, player in enumerate(players):
                if step % player.every:
                    continue
                with autocast(device, dtype):
                    current = player.loss(*rows)
                optimisers[i].zero_grad()
                current.backward(inputs=player.parameters)
                optimisers[i].step()
                if one_cycle:
                    schedules[i].step()
                if i == 0:
                    total += current.detach()
        history.append(float(total) / steps)
        log.info("epoch %d of %d: loss %.6g", epoch + 1, epochs, history[-1])
        if not np.isfinite(history[-1]):
            raise CollapseError(f"training diverged: the loss was {history[-1]} in epoch {epoch + 1} of {epochs}")
    return history


def _shuffled_batches(n: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Cut an endless stream of permutations of ``n`` rows into batches, so that no row is left out."""
    rows = torch.empty(0, dtype=torch.int64)
    while True:
        while len(rows) < batch_size:
            rows = torch.cat([rows, torch.randperm(n, generator=generator)])
        yield rows[:batch_size]
        rows = rows[batch_size:]


def check_alive(images: NDArray[Any], errors: NDArray[np.float64], codes: Tensor) -> None:
    """Raise ``CollapseError`` if a trained network does no better than a constant.

    Args:
        images: the training images, (n, h, w, c), uint8 or float in [0, 1].
        errors: their reconstruction errors, (n,).
        codes: latent codes of some of them, (m, latent_dim).

    The mean image, the best constant, has the data's variance as its mean squared error. A network that stays
    there is dead even where its score happens to separate classes.
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


def with_restarts(attempt: Callable[[int], Result], seed: int) -> tuple[Result, int]:
    """Call ``attempt`` with ``seed``, and after a collapse with seeds derived from it, ``MAX_RESTARTS`` times at most.

    Returns what it gave and how many restarts it took. Raises ``CollapseError`` when every attempt collapsed.
    """
    for restarts in range(MAX_RESTARTS + 1):
        try:
            return attempt(_derived_seed(seed, restarts)), restarts
        except CollapseError as error:
            log.info("collapsed with seed %d: %s", _derived_seed(seed, restarts), error)
            last = error
    raise CollapseError(f"collapsed from {MAX_RESTARTS + 1} seeds in a row, at last because {last}") from last


def _derived_seed(seed: int, restarts: int) -> int:
    return seed if restarts == 0 else int(np.random.SeedSequence([seed, restarts]).generate_state(1)[0])
