"""The one training loop: several networks of one shape trained as one, a single network being a stack of one."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lisae.backbone import autocast
from lisae.batches import Pool, joined, shuffled_batches, steps_in_epoch
from lisae.errors import CollapseError
from lisae.memory import give_back
from lisae.stopping import Stopping

log = logging.getLogger("lisae")

# Pixels of the images that are computed at once, on a CPU and elsewhere; each takes hundreds of bytes in the layers.
_PIXELS, _DEVICE_PIXELS = 2**18, 2**23


class Objective(nn.Module):
    """A loss to minimise, as a module that holds the networks it is computed from.

    ``forward`` takes a float batch of each pool and then the tensors of ``draw``, and returns a scalar. It is also
    called under ``torch.func.vmap`` with the weights of several networks, so it must draw no random numbers of its own
    and must not write to its arguments.
    """

    def trained(self) -> list[nn.Parameter]:
        """Return the parameters that are trained."""
        return list(self.parameters())

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Draw the random numbers of a step of ``n`` rows, on the CPU, so that they are the same on every device."""
        return ()


@dataclass(frozen=True, eq=False)
class Training:
    """One network to be trained with Adam, and the settings of the training.

    Args:
        objective: the loss to minimise.
        pools: the rows that batches are drawn from, each pool one or more tensors of as many rows, (n, ...), float or
            uint8 images, on the device or on the CPU. An epoch is one pass over the first; each pool is drawn in an
            order of its own, shuffled again whenever it is used up.
        epochs, batch_size: passes over the first pool; rows of each pool in a step.
        learning_rate: the peak of the cycle (Smith and Topin, arXiv:1708.07120).
        generator: draws the orders, on the CPU, so that they are the same on every device.
        device, dtype: the device of the networks, and the type of matrix products and convolutions.
        betas: Adam's decay rates.
        weight_decay: Adam's L2 penalty on the parameters.
        one_cycle: whether the rate follows the cycle, or stays at its peak.
        opponent: the loss that is trained in turns with the objective, as a generator is with its critic.
        every: steps of the objective to one of the opponent.
        arrays: that pools share their memory with; what of it is mapped from files is given back after each step.
        follow: called after each step with the steps taken, the steps of all, and the mean losses of past epochs.
        stopping: may end the training early; it is then trained on its own.

    Raises ValueError for epochs, batch size or learning rate that are not positive.
    """

    objective: Objective
    pools: Sequence[tuple[Tensor, ...]]
    epochs: int
    batch_size: int
    learning_rate: float
    generator: torch.Generator
    device: torch.device
    dtype: torch.dtype
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    one_cycle: bool = True
    opponent: Objective | None = None
    every: int = 1
    arrays: Sequence[NDArray[Any]] = ()
    follow: Callable[[int, int, list[float]], object] | None = None
    stopping: Stopping | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is a positive number; got {getattr(self, name)}.")

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return steps_in_epoch(len(self.pools[0][0]), self.batch_size)

    @property
    def parts(self) -> int:
        """Parts that the batch of a network on its own is computed in, one after another: several for large images.

        The gradients of parts add up to those of the whole wherever the loss is a mean over rows.
        """
        pixels = max([rows[0, 0].numel() for pool in self.pools for rows in pool if rows.ndim == 4], default=0)
        most = _PIXELS if self.device.type == "cpu" else _DEVICE_PIXELS
        return min(self.batch_size, max(1, -(-self.batch_size * pixels // most)))

    @property
    def players(self) -> list[tuple[Objective, int]]:
        """Each objective and how many steps go to one of it."""
        return [(self.objective, 1), *([(self.opponent, self.every)] if self.opponent else [])]

    @property
    def weights(self) -> list[Tensor]:
        """All parameters and buffers, each once, in an order that is the same for every network of one shape."""
        found = [w for player, _ in self.players for w in (*player.parameters(), *player.buffers())]
        return list({id(weight): weight for weight in found}.values())


@dataclass(eq=False)
class _Member:
    """One training in progress."""

    number: int
    training: Training
    losses: list[float] = field(default_factory=list)
    error: CollapseError | None = None

    def __post_init__(self) -> None:
        size, generator = self.training.batch_size, self.training.generator
        self._orders = [shuffled_batches(len(pool[0]), size, generator) for pool in self.training.pools]

    def rows(self) -> list[Tensor]:
        return [next(order) for order in self._orders]

    def end_epoch(self, loss: float) -> None:
        epoch, epochs = len(self.losses) + 1, self.training.epochs
        self.losses.append(loss)
        log.info("epoch %d of %d: loss %.6g", epoch, epochs, loss)
        if not np.isfinite(loss) and self.error is None:
            self.error = CollapseError(f"training diverged: the loss was {loss} in epoch {epoch} of {epochs}")


class _Cohort:
    """Members that take as many steps as each other, and so share optimisers and schedules.

    Their weights are stacked along a first axis; those of a training on its own are the network's, as they are.
    """

    def __init__(self, members: list[_Member], *, on_its_own: bool) -> None:
        self.members = members
        first = members[0].training
        self.steps = first.steps
        self.total = first.epochs * first.steps
        self._stopping, self._is_stopped = first.stopping, False
        self._loss = torch.zeros(len(members), device=first.device)
        self._own = [member.training.weights for member in members]
        places = {id(weight): place for place, weight in enumerate(first.weights)}
        self._trained = [[places[id(weight)] for weight in player.trained()] for player, _ in first.players]
        if on_its_own:
            self.weights = first.weights
        else:
            self.weights = [torch.stack([w.detach() for w in alike]) for alike in zip(*self._own, strict=True)]
            for place in {place for player in self._trained for place in player}:
                self.weights[place].requires_grad_()
        # One fused kernel for all parameters: the networks are small, and one kernel for each parameter costs more.
        self.optimisers = [
            torch.optim.Adam(
                self.trained(i), first.learning_rate, first.betas, weight_decay=first.weight_decay, fused=True
            )
            for i in range(len(first.players))
        ]
        self._schedules = [
            torch.optim.lr_scheduler.OneCycleLR(optimiser, first.learning_rate, total_steps=self.total // every + 1)
            for (_, every), optimiser in zip(first.players, self.optimisers, strict=True)
            if first.one_cycle
        ]

    def trained(self, player: int) -> list[Tensor]:
        """Return the stacked weights that a player trains."""
        return [self.weights[place] for place in self._trained[player]]

    def update(self, player: int) -> None:
        self.optimisers[player].step()
        if self._schedules:
            self._schedules[player].step()

    def count(self, losses: Tensor, step: int) -> None:
        """Add up the losses of a step; at the end of an epoch, give each member its mean."""
        self._loss += losses
        if step % self.steps == 0:
            for member, loss in zip(self.members, self._loss.tolist(), strict=True):
                member.end_epoch(loss / self.steps)
            self._loss.zero_()
            self._is_stopped = bool(self._stopping and self._stopping.is_over(step, self.total, self.weights))
        for member in self.members:
            if member.training.follow:
                member.training.follow(step, self.total, member.losses)

    def is_over(self, step: int) -> bool:
        return step >= self.total or self._is_stopped or all(member.error for member in self.members)

    def write_back(self) -> None:
        """Copy the learned weights into every network."""
        if self._stopping:
            self._stopping.put_back(self.weights)
        with torch.no_grad():
            for i, own in enumerate(self._own):
                for weight, stacked in zip(own, self.weights, strict=True):
                    if weight is not stacked and stacked.requires_grad:
                        weight.copy_(stacked[i])


def train(trainings: Sequence[Training]) -> Sequence[list[float] | CollapseError]:
    """Train networks of one shape side by side; each learns the same as on its own, up to rounding.

    Trainings are of the same ``stacks.shape_of``; they may differ in rows, weights and generators. Returns for each the
    mean of its loss in each epoch, or a ``CollapseError`` when that is no longer finite.
    """
    members = [_Member(number, training) for number, training in enumerate(trainings)]
    by_steps = sorted(members, key=lambda member: -member.training.steps)
    on_its_own = len(members) == 1
    cohorts = [
        _Cohort(list(alike), on_its_own=on_its_own)
        for _, alike in groupby(by_steps, key=lambda member: member.training.steps)
    ]
    first = trainings[0]
    pools = [Pool(tensors, first.device) for tensors in zip(*(training.pools for training in trainings), strict=True)]
    step = 0
    while active := [cohort for cohort in cohorts if not cohort.is_over(step)]:
        step += 1
        here = [member for cohort in active for member in cohort.members]
        rows = zip(*(member.rows() for member in here), strict=True)
        numbers = [member.number for member in here]
        batches = [one for pool, own in zip(pools, rows, strict=True) for one in pool.batches(numbers, own)]
        for images in (images for member in here for images in member.training.arrays):
            give_back(images)
        for i, (objective, every) in enumerate(first.players):
            if step % every:
                continue
            drawn = _drawn([member.training.players[i][0] for member in here], here, first.device)
            for cohort in active:
                cohort.optimisers[i].zero_grad()
            weights = [weight for cohort in active for weight in cohort.trained(i)]
            losses = _descended(objective, first, active, [*batches, *drawn], weights, on_its_own=on_its_own)
            for cohort in active:
                cohort.update(i)
            if i == 0:
                for cohort, own in zip(active, losses.split([len(one.members) for one in active]), strict=True):
                    cohort.count(own, step)
    for cohort in cohorts:
        cohort.write_back()
    return [member.error or member.losses for member in members]


def _drawn(objectives: Sequence[Objective], members: Sequence[_Member], device: torch.device) -> list[Tensor]:
    """Draw the random numbers of a step, (members, ...)."""
    drawn = [
        objective.draw(member.training.batch_size, member.training.generator)
        for objective, member in zip(objectives, members, strict=True)
    ]
    return [torch.stack(alike).to(device, non_blocking=True) for alike in zip(*drawn, strict=True)]


def _descended(
    objective: Objective,
    first: Training,
    cohorts: Sequence[_Cohort],
    inputs: list[Tensor],
    weights: list[Tensor],
    *,
    on_its_own: bool,
) -> Tensor:
    """Return the loss of each member, (members,), and leave its gradients in these weights."""
    parts = first.parts if on_its_own else 1
    total = torch.zeros(())
    for part in range(parts):
        rows = slice(first.batch_size * part // parts, first.batch_size * (part + 1) // parts)
        some = inputs if parts == 1 else [one[:, rows] for one in inputs]
        with autocast(first.device, first.dtype):
            losses = _losses(objective, first, cohorts, some, on_its_own=on_its_own)
        if parts > 1:
            losses = losses * ((rows.stop - rows.start) / first.batch_size)
        losses.sum().backward(inputs=weights)
        total = total + losses.detach() if part else losses.detach()
    return total


def _losses(
    objective: Objective, first: Training, cohorts: Sequence[_Cohort], inputs: list[Tensor], *, on_its_own: bool
) -> Tensor:
    """Return the loss of each member, (members,)."""
    if on_its_own:
        return objective(*(one[0] for one in inputs))[None]
    stacked = [joined(alike) for alike in zip(*(cohort.weights for cohort in cohorts), strict=True)]
    places = {id(weight): place for place, weight in enumerate(first.weights)}
    named = dict(objective.named_parameters()) | dict(objective.named_buffers())
    weights = {name: stacked[places[id(weight)]] for name, weight in named.items()}

    def loss(weights: dict[str, Tensor], *inputs: Tensor) -> Any:
        return torch.func.functional_call(objective, weights, inputs)

    return torch.func.vmap(loss)(weights, *inputs)
