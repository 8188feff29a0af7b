"""The training loop, for one network."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lisae import CollapseError
from lisae.training import Objective, Training, train

CPU = torch.device("cpu")


class Given(Objective):
    """A loss given as a function of row numbers."""

    def __init__(self, loss: Callable[..., Tensor], parameters: list[nn.Parameter]) -> None:
        super().__init__()
        self.parameters_ = nn.ParameterList(parameters)
        self.loss = loss

    def forward(self, *rows: Tensor) -> Tensor:
        return self.loss(*rows)


def run(loss: Callable[..., Tensor], parameters: list[nn.Parameter], pools: list[int], **changes: Any) -> list[float]:
    settings: dict[str, Any] = {
        "epochs": 3,
        "batch_size": 4,
        "learning_rate": 0.1,
        "generator": torch.Generator().manual_seed(0),
        "device": CPU,
        "dtype": torch.float32,
    }
    numbers = [(torch.arange(n),) for n in pools]
    (outcome,) = train([Training(Given(loss, parameters), numbers, **settings | changes)])
    if isinstance(outcome, CollapseError):
        raise outcome
    return outcome


def rows_drawn(pools: list[int], **changes: Any) -> list[tuple[list[int], ...]]:
    """The rows of each pool, step by step."""
    parameter, drawn = nn.Parameter(torch.zeros(())), []

    def loss(*rows: Tensor) -> Tensor:
        drawn.append(tuple(pool.tolist() for pool in rows))
        return parameter.square()

    run(loss, [parameter], pools, **changes)
    return drawn


# Batches


@pytest.mark.parametrize(("n", "batch_size", "epochs"), [(10, 4, 5), (12, 4, 3), (7, 5, 10), (3, 8, 3)])
def test_batches_cover_every_row_equally(n: int, batch_size: int, epochs: int) -> None:
    drawn = [rows[0] for rows in rows_drawn([n], batch_size=batch_size, epochs=epochs)]
    assert {len(rows) for rows in drawn} == {batch_size}
    stream = [row for rows in drawn for row in rows]
    for start in range(0, len(stream) - n + 1, n):
        assert sorted(stream[start : start + n]) == list(range(n)), "each n rows in a row are all of them"
    counts = np.bincount(stream, minlength=n)
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(("n", "batch_size", "steps"), [(128, 16, 8), (9, 4, 2), (11, 4, 3), (2, 16, 1)])
def test_an_epoch_is_a_pass_over_the_first_pool(n: int, batch_size: int, steps: int) -> None:
    assert len(rows_drawn([n, 1000], batch_size=batch_size, epochs=3)) == 3 * steps


def test_each_pool_has_batches_of_its_own() -> None:
    drawn = rows_drawn([8, 8, 3], epochs=4)
    firsts, seconds, thirds = ([row for rows in drawn for row in rows[pool]] for pool in range(3))
    assert firsts != seconds
    assert len(firsts) == len(seconds) == len(thirds)
    counts = np.bincount(thirds, minlength=3)
    assert counts.max() - counts.min() <= 1


def test_rows_are_shuffled_again_and_by_the_generator() -> None:
    drawn = rows_drawn([32], batch_size=32, epochs=2)
    assert drawn[0] != drawn[1]
    assert rows_drawn([32], batch_size=32, epochs=2) == drawn
    assert rows_drawn([32], batch_size=32, epochs=2, generator=torch.Generator().manual_seed(1)) != drawn


# The loop


def test_training_reaches_the_optimum_of_a_convex_problem() -> None:
    data = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
    point = nn.Parameter(torch.full((3,), 4.0))
    losses = run(lambda rows: (point - data[rows]).square().mean(), [point], [16], epochs=100, batch_size=4)
    torch.testing.assert_close(point.detach(), data.mean(dim=0), atol=0.02, rtol=0)
    assert len(losses) == 100
    smooth = np.reshape(losses, (10, 10)).mean(axis=1)
    assert (np.diff(smooth[:4]) < 0).all()
    optimum = float((data - data.mean(dim=0)).square().mean())
    assert losses[-1] == pytest.approx(optimum, rel=0.01)


def test_it_gives_the_mean_loss_of_each_epoch() -> None:
    point, seen = nn.Parameter(torch.tensor(2.0)), []

    def loss(rows: Tensor) -> Tensor:
        current = (point - rows.float().mean()).square()
        seen.append(float(current.detach()))
        return current

    losses = run(loss, [point], [12], epochs=5)
    np.testing.assert_allclose(losses, np.reshape(seen, (5, 3)).mean(axis=1), rtol=1e-6)


def test_the_rate_rises_to_its_peak_and_ends_near_zero() -> None:
    """With a constant gradient each of Adam's steps is as long as the rate."""
    point, places = nn.Parameter(torch.zeros((), dtype=torch.float64)), []

    def loss(rows: Tensor) -> Tensor:
        places.append(float(point.detach()))
        return point * 1.0

    run(loss, [point], [40], epochs=10, learning_rate=0.5)
    rates = -np.diff([*places, float(point.detach())])
    assert rates[0] == pytest.approx(0.5 / 25, rel=1e-3)
    assert rates.max() == pytest.approx(0.5, rel=0.05)
    assert rates.max() <= 0.5 * (1 + 1e-6)
    assert rates[-1] < 0.005
    peak = int(rates.argmax())
    assert 0 < peak < len(rates) / 2
    assert (np.diff(rates[: peak + 1]) > 0).all()
    assert (np.diff(rates[peak:]) < 0).all()


def test_only_the_parameters_that_are_named_move() -> None:
    moves, stays = nn.Parameter(torch.tensor(1.0)), nn.Parameter(torch.tensor(1.0))
    run(lambda rows: (moves * stays - 3).square(), [moves], [8])
    assert moves != 1
    assert stays == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_loss_is_computed_in_the_precision_that_is_asked_for(dtype: torch.dtype) -> None:
    weight, seen = nn.Parameter(torch.ones(4, 4)), set()

    def loss(rows: Tensor) -> Tensor:
        product = torch.ones(2, 4) @ weight
        seen.add(product.dtype)
        return product.float().square().mean()

    run(loss, [weight], [8], dtype=dtype)
    assert seen == {dtype}
    assert weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "value"),
    [("epochs", 0), ("epochs", -1), ("batch_size", 0), ("learning_rate", 0.0), ("learning_rate", float("nan"))],
)
def test_settings_are_positive(name: str, value: float) -> None:
    point = nn.Parameter(torch.tensor(1.0))
    with pytest.raises(ValueError, match=f"{name} is a positive number; got {value}"):
        run(lambda rows: point.square(), [point], [8], **{name: value})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_a_collapse(value: float) -> None:
    point, steps = nn.Parameter(torch.tensor(1.0)), []

    def loss(rows: Tensor) -> Tensor:
        steps.append(1)
        return point * (value if len(steps) == 4 else 1.0)

    with pytest.raises(CollapseError, match=r"diverged: the loss was (nan|inf) in epoch 2 of 3"):
        run(loss, [point], [8])
    assert len(steps) == 4, "and training stops there"
