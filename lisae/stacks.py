"""Several detectors learning side by side: networks of one shape are trained as one stack.

A detector learns in steps of its own (look at the images, train, check, train again) and yields a ``Training`` for each
network to be trained. The caller that drives it decides if that is trained alone or beside others.
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

from lisae.backbone import as_float, autocast
from lisae.training import Training, train

log = logging.getLogger("lisae")

# Share of the free memory that a stack may take: workspaces and fragments need the rest.
_SHARE = 0.8

Result = TypeVar("Result")


@dataclass(frozen=True)
class Trained:
    """The result of a training: the mean loss of each epoch or the error that ended it, and its share of the time."""

    outcome: list[float] | Exception
    seconds: float

    @property
    def losses(self) -> list[float]:
        """The mean loss of each epoch. Raises the error if there was one."""
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


Learning = Generator[Training, Trained, Result]
"""A generator that yields each training, is sent its outcome, and returns a result."""


def train_alone(learning: Learning[Result]) -> Result:
    """Return the result of one learning, each of its trainings a stack of one."""
    return next(train_together([learning]))


def train_together(learnings: Iterable[Learning[Result]], width: int = 1) -> Iterator[Result]:
    """Drive ``width`` learnings at a time and yield their results as they end.

    Of all trainings that wait, the largest group of one shape is trained first, as one stack, while the others wait for
    more of their shape. Raises the error that a learning raises, and leaves the other learnings unfinished.
    """
    to_come = iter(learnings)
    waiting: list[tuple[Learning[Result], Training]] = []
    while True:
        while len(waiting) < width and (learning := next(to_come, None)) is not None:
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

    The first training decides how many fit. A stack that runs out of memory all the same, or fails otherwise, is halved
    and begins again; the error of a single network is its outcome.
    """
    largest = members_that_fit(trainings[0]) if len(trainings) > 1 else 1
    if len(trainings) > largest:
        parts = -(-len(trainings) // largest)
        return [answer for part in _parts(trainings, parts) for answer in train_stack(part)]
    states = [training.generator.get_state() for training in trainings]
    started = time.perf_counter()
    outcomes: Sequence[list[float] | Exception] = []
    reason = ""
    try:
        outcomes = train(trainings)
    except Exception as error:  # an error of one network must not end the others
        reason = f"{type(error).__name__}: {error}"
        if len(trainings) == 1:
            outcomes = [error.with_traceback(None) if isinstance(error, torch.OutOfMemoryError) else error]
    # Not in the except block, where the traceback still keeps the memory in use.
    if not outcomes:
        log.info("%s with %d networks at once: in two halves", reason, len(trainings))
        for training, state in zip(trainings, states, strict=True):
            training.generator.set_state(state)
        torch.cuda.empty_cache()
        return [answer for part in _parts(trainings, 2) for answer in train_stack(part)]
    seconds = (time.perf_counter() - started) / len(trainings)
    return [Trained(outcome, seconds) for outcome in outcomes]


def timed(learning: Learning[Result]) -> Learning[tuple[Result, float]]:
    """Return the result of a learning and the seconds that it took, its own share of trainings beside others."""
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
    """Return text that two trainings share if they can be one stack: all but weights, rows and random numbers."""
    networks = [_structure(player) for player, _ in training.players]
    pools = [[(rows.shape[1:], rows.dtype) for rows in pool] for pool in training.pools]
    unlike = {"objective", "opponent", "pools", "generator"}
    settings = {one.name: getattr(training, one.name) for one in fields(training) if one.name not in unlike}
    return repr((networks, pools, settings))


def _structure(module: nn.Module) -> list[Any]:
    """Return the kinds of all modules in it, the plain values that they hold, and the shapes of their weights."""
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
    """Return the number of networks like this one that fit as one stack in the memory that is free, at least 1."""
    return max(1, int(_SHARE * free_memory(training.device)) // memory_of(training))


def free_memory(device: torch.device) -> int:
    """Return the bytes of memory that are free on a device; 0 where the system does not say."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    names = getattr(os, "sysconf_names", {})
    if "SC_AVPHYS_PAGES" in names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    # macOS counts all pages, but not the free ones: half of them are taken to be free.
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2 if "SC_PHYS_PAGES" in names else 0


def memory_of(training: Training) -> int:
    """Return the bytes that one member adds to a stack.

    They are its weights, the gradients and Adam's two moments of the trained ones, its pools, and twice the tensors
    that a step computes, since the gradients of activations are as large. These are counted in one forward pass without
    learning.
    """
    trained = {id(weight): weight for player, _ in training.players for weight in player.trained()}
    weights = _bytes(training.weights) + 3 * _bytes(trained.values())
    rows = [rows for pool in training.pools for rows in pool]
    state = training.generator.get_state()
    steps = []
    for player, _ in training.players:
        drawn = [one.to(training.device) for one in player.draw(training.batch_size, training.generator)]
        with _Computed() as computed, autocast(training.device, training.dtype):
            player(*(as_float(one[[0] * training.batch_size].to(training.device)) for one in rows), *drawn)
        steps.append(computed.bytes)
    training.generator.set_state(state)
    return weights + _bytes(rows) + 2 * max(steps)


class _Computed(TorchDispatchMode):
    """A context that counts the bytes of the tensors computed inside of it; views of one tensor count once."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[int, torch.UntypedStorage] = {}

    @property
    def bytes(self) -> int:
        return sum(storage.nbytes() for storage in self._seen.values())

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = _storages((args, kwargs))
        answer = function(*args, **(kwargs or {}))
        # Storages are kept, or the next tensor might take the address of one.
        self._seen |= {address: storage for address, storage in _storages(answer).items() if address not in given}
        return answer


def _storages(tree: Any) -> dict[int, torch.UntypedStorage]:
    """Return the storages of all tensors in nested containers, by their addresses."""
    found = [one.untyped_storage() for one in tree_leaves(tree) if isinstance(one, torch.Tensor)]
    return {storage.data_ptr(): storage for storage in found}


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)


def _parts(trainings: Sequence[Training], parts: int) -> Iterator[Sequence[Training]]:
    """Cut into parts whose sizes differ by one member at most."""
    for part in range(parts):
        yield trainings[len(trainings) * part // parts : len(trainings) * (part + 1) // parts]
