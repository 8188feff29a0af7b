"""Networks of one shape trained as one: what each learns, who waits for whom, and what fits in memory."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import lisae.stacks
from lisae import CollapseError
from lisae.stacks import (
    Learning,
    Trained,
    free_memory,
    members_that_fit,
    memory_of,
    shape_of,
    timed,
    train_alone,
    train_stack,
    train_together,
)
from lisae.training import Training, train
from tests.lisae.makers import CPU, Fit, training


def weights(one: Training) -> list[Tensor]:
    return [weight.detach().clone() for weight in one.weights]


def assert_alike(stacked: Sequence[Training], singly: Sequence[Training]) -> None:
    """The stated tolerance: weights agree to 1e-5 in float32, ten steps of a network without kinks."""
    for first, second in zip(stacked, singly, strict=True):
        for one, other in zip(weights(first), weights(second), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


# What a member learns


@pytest.mark.parametrize(
    "changes",
    [{}, {"opponent": True}, {"one_cycle": False}, {"weight_decay": 0.1, "betas": (0.0, 0.9)}],
    ids=["plain", "opponent", "constant", "decay"],
)
@pytest.mark.parametrize("rows", [[32, 32, 32], [32, 8, 50, 32]], ids=["as many steps", "different steps"])
def test_a_stack_learns_what_its_members_learn_alone(changes: dict[str, Any], rows: list[int]) -> None:
    stacked, singly = ([training(seed, n, **changes) for seed, n in enumerate(rows)] for _ in range(2))
    before = [weights(one) for one in stacked]
    histories = train(stacked)
    for one, history in zip(singly, histories, strict=True):
        assert history == pytest.approx(train([one])[0], rel=1e-5)
    assert_alike(stacked, singly)
    for one, own in zip(stacked, before, strict=True):
        moved = [not torch.equal(a, b) for a, b in zip(own, weights(one), strict=True)]
        learns = {id(weight) for player, _ in one.players for weight in player.trained()}
        assert moved == [id(weight) in learns for weight in one.weights]


def test_members_draw_their_own_random_numbers() -> None:
    stacked, singly = ([training(s, objective=Fit(s, noise=1.0)) for s in range(3)] for _ in range(2))
    train(stacked)
    for one in singly:
        train([one])
    assert_alike(stacked, singly)


def test_members_may_share_their_rows() -> None:
    rows = training().pools
    stacked, singly = ([training(seed, pools=rows) for seed in range(3)] for _ in range(2))
    train(stacked)
    for one in singly:
        train([one])
    assert_alike(stacked, singly)


def test_a_member_that_diverges_is_named_and_the_others_are_as_they_would_be() -> None:
    stacked, singly = ([training(seed) for seed in range(3)] for _ in range(2))
    with torch.no_grad():
        stacked[1].objective.layer.weight.fill_(torch.nan)  # type: ignore[union-attr, operator]
    outcomes = train(stacked)
    assert isinstance(outcomes[1], CollapseError)
    assert str(outcomes[1]) == "training diverged: the loss was nan in epoch 1 of 3"
    for i in (0, 2):
        assert outcomes[i] == pytest.approx(train([singly[i]])[0], rel=1e-5)


# Which trainings are of one shape


def test_seeds_and_rows_do_not_matter_to_the_shape() -> None:
    assert shape_of(training(0, 32)) == shape_of(training(1, 50))


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 4},
        {"batch_size": 4},
        {"learning_rate": 0.1},
        {"dtype": torch.bfloat16},
        {"weight_decay": 0.1},
        {"betas": (0.5, 0.9)},
        {"one_cycle": False},
        {"opponent": True},
        {"objective": Fit(0, noise=0.5)},
        {"pools": [(torch.zeros(32, 3), torch.zeros(32, 1))]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_everything_else_does(changes: dict[str, Any]) -> None:
    assert shape_of(training(**changes)) != shape_of(training())


# Who waits for whom


def learner(name: int, lengths: Sequence[int], log: list[int]) -> Learning[int]:
    """One training after another, of so many epochs each."""
    for epochs in lengths:
        answer = yield training(name, epochs=epochs)
        log.append(len(answer.losses))
    return name


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The epochs and members of each stack."""
    seen: list[tuple[int, int]] = []

    def recorded(trainings: Sequence[Training]) -> Any:
        seen.append((trainings[0].epochs, len(trainings)))
        return [[0.0] * one.epochs for one in trainings]

    monkeypatch.setattr(lisae.stacks, "train", recorded)
    return seen


def test_what_is_of_one_shape_is_trained_as_one(sizes: list[tuple[int, int]]) -> None:
    log: list[int] = []
    plans = [[1, 2], [1, 2], [3, 1, 2]]
    results = list(train_together((learner(i, plan, log) for i, plan in enumerate(plans)), 3))
    assert sorted(results) == [0, 1, 2]
    assert sizes[0] == (1, 2), "the largest group goes first"
    assert sum(members for _, members in sizes) == 7
    assert sorted(log) == [1, 1, 1, 2, 2, 2, 3]


def test_no_more_than_the_width_are_begun(sizes: list[tuple[int, int]]) -> None:
    begun: list[int] = []

    def learners() -> Iterator[Learning[int]]:
        for i in range(5):
            begun.append(i)
            yield learner(i, [1], [])

    results = train_together(learners(), 2)
    next(results)
    assert begun == [0, 1]
    assert sorted([*results]) == [1, 2, 3, 4]
    assert max(members for _, members in sizes) == 2


def test_a_learning_without_training_gives_its_result() -> None:
    def learning() -> Learning[str]:
        return "done"
        yield

    assert train_alone(learning()) == "done"
    assert list(train_together([learning(), learning()], 5)) == ["done", "done"]


def test_an_error_of_a_training_is_raised_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lisae.stacks, "train", lambda trainings: [CollapseError("dead") for _ in trainings])

    def learning() -> Learning[str]:
        answer = yield training()
        with pytest.raises(CollapseError, match="dead"):
            answer.losses  # noqa: B018
        return "mended"

    assert train_alone(learning()) == "mended"


def test_the_time_of_a_stack_is_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(lisae.stacks.time, "perf_counter", lambda: next(clock))
    trained = train_stack([training(seed) for seed in range(5)])
    assert [one.seconds for one in trained] == [2.0] * 5

    def learning() -> Learning[str]:
        yield training()
        yield training()
        return "done"

    steps = timed(learning())
    next(steps)  # 10 seconds of its own, and again before each of the following
    steps.send(Trained([], 3.0))
    with pytest.raises(StopIteration) as end:
        steps.send(Trained([], 4.0))
    assert end.value.value == ("done", 10 + 3 + 10 + 4 + 10)


# Memory


def test_the_memory_of_a_member_by_hand() -> None:
    one = training(batch_size=8)
    state = one.generator.get_state()
    weights = 4 * (3 * 4 + 4 + 4 * 2 + 2 + 2)
    learned = 3 * 4 * (3 * 4 + 4)
    rows = 4 * 32 * 5
    least = 2 * 4 * 8 * (5 + 3 + 4 + 4 + 2)  # batches, noisy input, before and after tanh, answer
    assert weights + learned + rows + least <= memory_of(one) <= weights + learned + rows + 2.5 * least
    assert torch.equal(one.generator.get_state(), state), "counting draws nothing"


def test_memory_grows_with_the_batch_and_the_rows() -> None:
    small, batch, rows = (memory_of(training(n=n, batch_size=b)) for n, b in ((64, 8), (64, 16), (128, 8)))
    assert small < batch < 2 * small
    assert rows - small == 4 * 64 * 5


def test_how_many_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    one = training()
    for members in (1, 7):
        monkeypatch.setattr(lisae.stacks, "free_memory", lambda device, m=members: int(1.3 * m * memory_of(one)))
        assert members_that_fit(one) == members
    monkeypatch.setattr(lisae.stacks, "free_memory", lambda device: 1)
    assert members_that_fit(one) == 1, "one is always tried"


def test_free_memory_on_systems_that_count_it_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux counts the free pages, macOS all pages alone, and Windows has no ``sysconf_names``."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < free_memory(CPU) < total
    monkeypatch.delitem(os.sysconf_names, "SC_AVPHYS_PAGES")
    assert free_memory(CPU) == total // 2
    monkeypatch.delitem(os.sysconf_names, "SC_PHYS_PAGES")
    assert free_memory(CPU) == 0
    monkeypatch.delattr(os, "sysconf_names")
    assert free_memory(CPU) == 0
    assert members_that_fit(training()) == 1


@pytest.mark.parametrize(("fit", "parts"), [(10, [7]), (7, [7]), (6, [3, 4]), (3, [2, 2, 3]), (1, [1] * 7)])
def test_what_does_not_fit_is_split(
    sizes: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch, fit: int, parts: list[int]
) -> None:
    monkeypatch.setattr(lisae.stacks, "members_that_fit", lambda training: fit)
    assert len(train_stack([training(seed) for seed in range(7)])) == 7
    assert sorted(members for _, members in sizes) == sorted(parts)


def test_out_of_memory_halves_the_stack_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory runs out, once rows were drawn, in any stack of more than two; a member still learns what it would."""
    tried: list[int] = []

    def short(trainings: Sequence[Training]) -> Any:
        tried.append(len(trainings))
        if len(trainings) > 2:
            for one in trainings:
                torch.randperm(9, generator=one.generator)
            raise torch.OutOfMemoryError("CUDA out of memory")
        return train(trainings)

    stacked, singly = ([training(seed) for seed in range(5)] for _ in range(2))
    monkeypatch.setattr(lisae.stacks, "train", short)
    outcomes = train_stack(stacked)
    assert tried == [5, 2, 3, 1, 2]
    for one, outcome in zip(singly, outcomes, strict=True):
        assert outcome.losses == pytest.approx(train([one])[0], rel=1e-5)
    assert_alike(stacked, singly)


def test_a_single_network_that_does_not_fit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(trainings: Sequence[Training]) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(lisae.stacks, "train", short)
    (outcome,) = train_stack([training()])
    with pytest.raises(torch.OutOfMemoryError):
        outcome.losses  # noqa: B018


def test_the_error_of_one_network_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, *others = [training(seed) for seed in range(5)]

    def failing(trainings: Sequence[Training]) -> Any:
        if broken in trainings:
            raise RuntimeError("can't allocate memory")
        return train(trainings)

    monkeypatch.setattr(lisae.stacks, "train", failing)
    outcome, *rest = train_stack([broken, *others])
    assert isinstance(outcome.outcome, RuntimeError)
    assert all(np.isfinite(one.losses).all() for one in rest)
