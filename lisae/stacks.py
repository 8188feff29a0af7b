"""Several detectors learning side by side: networks of one shape are trained as one stack.

A detector learns in steps of its own (look at the images, train, check, train again) and says what is to be trained
by yielding a ``Training``. Whoever drives it decides whether that is trained alone or beside others.
"""

import logging
import os
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lisae.device import as_float, autocast
from lisae.training import Training, train

log = logging.getLogger("lisae")

# Of the memory that is free: gradients of activations, workspaces and fragments want their share too.
_SHARE = 0.8

Result = TypeVar("Result")


@dataclass(frozen=True)
class Trained:
    """What came of a training: the mean loss of each epoch or the error that it ended in, and its share of the time."""

    outcome: list[float] | Exception
    seconds: float

    @property
    def losses(self) -> list[float]:
        """The mean loss of each epoch; raises the error if there was one."""
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


Learning = Generator[Training, Trained, Result]
"""Yields what is to be trained, is sent what came of it, and gives a result."""


def train_alone(learning: Learning[Result]) -> Result:
    """Give the result of one learning, each of its trainings a stack of one."""
    return next(train_together([learning]))


def train_together(learnings: Iterable[Learning[Result]], width: int = 1) -> Iterator[Result]:
    """Drive ``width`` learnings at a time and give their results as they end.

    Whatever can be trained as one is: of all trainings that wait, the largest group of one shape goes first, while
    the others wait for more of theirs. Raises what a learning raises; the rest is left where it was.
    """
    to_come = iter(learnings)
    waiting: list[tuple[Learning[Result], Training]] = []
    is_last = False
    while True:
        while not is_last and len(waiting) < width:
            learning = next(to_come, None)
            if learning is None:
                is_last = True
                break
            try:
                waiting.append((learning, next(learning)))
            except StopIteration as end:
                yield end.value
        if not waiting:
            return
        groups: dict[str, list[tuple[Learning[Result], Training]]] = {}
        for one in waiting:
            groups.setdefault(shape_of(one[1]), []).append(one)
        chosen = max(groups.values(), key=len)
        answers = train_stack([training for _, training in chosen])
        waiting = [one for one in waiting if one not in chosen]
        for (learning, _), answer in zip(chosen, answers, strict=True):
            try:
                waiting.append((learning, learning.send(answer)))
            except StopIteration as end:
                yield end.value


def train_stack(trainings: Sequence[Training]) -> list[Trained]:
    """Train networks of one shape as one, or as several stacks where one would not fit in memory.

    How many fit is worked out from the first. Where memory runs out all the same, a stack is halved and begins again.
    """
    largest = members_that_fit(trainings[0]) if len(trainings) > 1 else 1
    if len(trainings) > largest:
        parts = -(-len(trainings) // largest)
        return [answer for part in _parts(trainings, parts) for answer in train_stack(part)]
    states = [training.generator.get_state() for training in trainings]
    started = time.perf_counter()
    outcomes: Sequence[list[float] | Exception] = []
    try:
        outcomes = train(trainings)
    except torch.OutOfMemoryError as error:
        if len(trainings) == 1:
            outcomes = [error.with_traceback(None)]
    # Outside of the except block, since the traceback holds on to the memory.
    if not outcomes:
        log.info("out of memory with %d networks at once: in two halves", len(trainings))
        for training, state in zip(trainings, states, strict=True):
            training.generator.set_state(state)
        torch.cuda.empty_cache()
        return [answer for part in _parts(trainings, 2) for answer in train_stack(part)]
    seconds = (time.perf_counter() - started) / len(trainings)
    return [Trained(outcome, seconds) for outcome in outcomes]


def timed(learning: Learning[Result]) -> Learning[tuple[Result, float]]:
    """The result of a learning, and the seconds that it took: of what is trained beside others its share."""
    seconds, answer = 0.0, None
    while True:
        started = time.perf_counter()
        try:
            training = learning.send(answer)  # type: ignore[arg-type]  # None begins it
        except StopIteration as end:
            return end.value, seconds + time.perf_counter() - started
        seconds += time.perf_counter() - started
        answer = yield training
        seconds += answer.seconds


def shape_of(training: Training) -> str:
    """What two trainings have in common if they can be one stack: all but weights, rows and random numbers."""
    networks = [_structure(player) for player, _ in training.players]
    pools = [[(rows.shape[1:], rows.dtype) for rows in pool] for pool in training.pools]
    unlike = {"objective", "opponent", "pools", "generator"}
    settings = {one.name: getattr(training, one.name) for one in fields(training) if one.name not in unlike}
    return repr((networks, pools, settings))


def _structure(module: nn.Module) -> list[Any]:
    """The kinds of all modules in it, the plain numbers they hold, and the shapes of their weights."""
    plain = (int, float, str, tuple)
    return [
        (name, type(part), {key: value for key, value in vars(part).items() if isinstance(value, plain)})
        for name, part in module.named_modules()
    ] + [
        (name, weight.shape, weight.dtype)
        for weights in (module.named_parameters(), module.named_buffers())
        for name, weight in weights
    ]


def members_that_fit(training: Training) -> int:
    """How many networks like this one can be trained as one stack in the memory that is free, at least 1."""
    return max(1, int(_SHARE * free_memory(training.device)) // memory_of(training))


def free_memory(device: torch.device) -> int:
    """Bytes that are free where the networks are."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def memory_of(training: Training) -> int:
    """Bytes that one member adds to a stack.

    Its weights, for what is trained their gradients and Adam's two moments, its pools, which lie behind those of the
    others, and what a step computes, twice: the gradients of activations are as large. The last is counted in one
    forward pass, which learns nothing.
    """
    trained = {id(weight): weight for player, _ in training.players for weight in player.trained()}
    weights = sum(map(_bytes, training.weights)) + 3 * sum(map(_bytes, trained.values()))
    rows = [rows for pool in training.pools for rows in pool]
    state = training.generator.get_state()
    steps = []
    for player, _ in training.players:
        drawn = [one.to(training.device) for one in player.draw(training.batch_size, training.generator)]
        with _Computed() as computed, autocast(training.device, training.dtype):
            player(*(as_float(one[[0] * training.batch_size]) for one in rows), *drawn)
        steps.append(computed.bytes)
    training.generator.set_state(state)
    return weights + sum(map(_bytes, rows)) + 2 * max(steps)


class _Computed(TorchDispatchMode):
    """Counts the bytes of what is computed inside of it; views are counted as what they look at, once."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[int, torch.UntypedStorage] = {}

    @property
    def bytes(self) -> int:
        return sum(storage.nbytes() for storage in self._seen.values())

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {_storage(one).data_ptr() for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)}
        answer = function(*args, **(kwargs or {}))
        for one in tree_leaves(answer):
            if isinstance(one, torch.Tensor) and _storage(one).data_ptr() not in given:
                self._seen[_storage(one).data_ptr()] = _storage(one)  # held, or its place would be taken by the next
        return answer


def _storage(tensor: torch.Tensor) -> torch.UntypedStorage:
    return tensor.untyped_storage()


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _parts(trainings: Sequence[Training], parts: int) -> Iterator[Sequence[Training]]:
    """Cut into parts that differ by one member at most."""
    for part in range(parts):
        yield trainings[len(trainings) * part // parts : len(trainings) * (part + 1) // parts]
