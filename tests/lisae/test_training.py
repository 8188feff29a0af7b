"""The training loop, the choice of device and precision, and the check for a dead network."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lisae.training import (
    MAX_RESTARTS,
    CollapseError,
    as_float,
    autocast,
    check_alive,
    check_varied,
    image_tensor,
    resolve_device,
    resolve_precision,
    train,
    with_restarts,
)
from tests.shapes import Shapes

CPU = torch.device("cpu")


def run(loss: Callable[..., Tensor], parameters: list[nn.Parameter], pools: list[int], **changes: Any) -> list[float]:
    settings: dict[str, Any] = {
        "epochs": 3,
        "batch_size": 4,
        "learning_rate": 0.1,
        "generator": torch.Generator().manual_seed(0),
        "device": CPU,
        "dtype": torch.float32,
    }
    return train(loss, parameters, pools, **settings | changes)


def rows_drawn(pools: list[int], **changes: Any) -> list[tuple[list[int], ...]]:
    """The rows of each pool, step by step."""
    parameter, drawn = nn.Parameter(torch.zeros(())), []

    def loss(*rows: Tensor) -> Tensor:
        drawn.append(tuple(pool.tolist() for pool in rows))
        return parameter.square()

    run(loss, [parameter], pools, **changes)
    return drawn


# Device and precision


def test_device_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for there_is_cuda in (True, False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there_is_cuda: there)
        assert resolve_device("cpu") == CPU
        assert resolve_device("auto").type == ("cuda" if there_is_cuda else "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("cuda").type == "cuda"


@pytest.mark.parametrize("name", ["gpu", "CPU", "cuda:0", ""])
def test_an_unknown_device(name: str) -> None:
    with pytest.raises(ValueError, match=f"the device is one of auto, cpu, cuda; got '{name}'"):
        resolve_device(name)


def test_cuda_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"'cuda' was asked for.*no CUDA device here: use 'cpu' or 'auto'"):
        resolve_device("cuda")


@pytest.mark.parametrize(
    ("capabilities", "dtype"),
    [
        ({}, torch.float32),
        ({"avx512_bf16": False, "amx_bf16": False}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
    ],
)
def test_automatic_precision_is_what_the_processor_has(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert resolve_precision("auto", CPU) == dtype
    assert resolve_precision("float32", CPU) == torch.float32
    assert resolve_precision("bfloat16", CPU) == torch.bfloat16


def test_automatic_precision_of_a_pytorch_that_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert resolve_precision("auto", CPU) == torch.float32


@pytest.mark.parametrize(("supported", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_automatic_precision_of_a_gpu(monkeypatch: pytest.MonkeyPatch, supported: bool, dtype: torch.dtype) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    assert resolve_precision("auto", torch.device("cuda")) == dtype


@pytest.mark.parametrize("name", ["float16", "bf16", ""])
def test_an_unknown_precision(name: str) -> None:
    with pytest.raises(ValueError, match=f"the precision is one of auto, float32, bfloat16; got '{name}'"):
        resolve_precision(name, CPU)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_is_of_products_alone(dtype: torch.dtype) -> None:
    with autocast(CPU, dtype):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == dtype
    assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


# Images


def test_as_float_scales_every_byte() -> None:
    images = torch.arange(256, dtype=torch.uint8)
    np.testing.assert_array_equal(as_float(images).numpy(), np.arange(256, dtype=np.float32) / np.float32(255))
    assert images.dtype == torch.uint8
    assert images.tolist() == list(range(256))


def test_as_float_leaves_floats_alone() -> None:
    images = torch.tensor([0.0, 0.25, 1.0])
    assert torch.equal(as_float(images), torch.tensor([0.0, 0.25, 1.0]))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_image_tensor_moves_the_channels_and_nothing_else(dtype: type) -> None:
    images = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(dtype)
    tensor = image_tensor(images, CPU)
    assert tensor.shape == (2, 5, 3, 4)
    np.testing.assert_array_equal(tensor.numpy(), images.transpose(0, 3, 1, 2))
    assert tensor.numpy().dtype == dtype
    assert tensor.is_contiguous(memory_format=torch.channels_last)


def test_image_tensor_takes_any_order_in_memory_and_read_only_images() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4, 1)
    np.testing.assert_array_equal(image_tensor(images[::-1, :, ::-1], CPU).numpy()[:, 0], images[::-1, :, ::-1, 0])
    images.flags.writeable = False
    np.testing.assert_array_equal(image_tensor(images, CPU).numpy()[:, 0], images[..., 0])


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


# Dead networks

VARIED = torch.linspace(-1, 1, 30).reshape(10, 3)


def to_mean(images: NDArray[Any]) -> NDArray[np.float64]:
    """The errors of a network that always answers with the mean image."""
    pixels = images.reshape(len(images), -1).astype(np.float64) / (255 if images.dtype == np.uint8 else 1)
    return np.linalg.norm(pixels - pixels.mean(axis=0), axis=1)


@pytest.fixture(params=["uint8", "float32"])
def images(request: pytest.FixtureRequest, colour: Shapes) -> NDArray[Any]:
    return colour.normal if request.param == "uint8" else (colour.normal / 255).astype(np.float32)


def test_a_network_better_than_the_mean_image_is_alive(images: NDArray[Any]) -> None:
    check_alive(images, np.sqrt(0.94) * to_mean(images), VARIED)


@pytest.mark.parametrize("share", [0.96, 1, 3])
def test_a_network_at_the_mean_image_is_not(images: NDArray[Any], share: float) -> None:
    with pytest.raises(CollapseError, match=r"stays at the mean image: its squared error [\d.]+ is not below the data"):
        check_alive(images, np.sqrt(share) * to_mean(images), VARIED)


@pytest.mark.parametrize(
    ("errors", "codes", "message"),
    [
        ([0.1, np.nan], VARIED, "the scores are not finite"),
        ([0.1, np.inf], VARIED, "the scores are not finite"),
        ([0.1, 0.2], VARIED[:1].expand(10, 3), "the latent layer is constant"),
        ([0.1, 0.2], VARIED * 1e-4, "the latent layer is constant"),
        ([0.1, 0.2], (VARIED * 1e-4).bfloat16(), "the latent layer is constant"),
        ([0.1, 0.1], VARIED, "the scores are constant"),
        ([1e4, 1e4 + 1e-4], VARIED, "the scores are constant"),
    ],
)
def test_what_is_constant_or_not_finite_is_dead(grey: Shapes, errors: list[float], codes: Tensor, message: str) -> None:
    with pytest.raises(CollapseError, match=message):
        check_varied(np.array(errors), codes)
    with pytest.raises(CollapseError, match=message):
        check_alive(grey.normal[:2], np.array(errors), codes)


def test_one_latent_unit_that_varies_is_enough() -> None:
    codes = torch.zeros(10, 3)
    codes[:, 1] = torch.linspace(-0.1, 0.1, 10)
    check_varied(np.array([0.1, 0.2]), codes)


# Restarts


def seeds_tried(seed: int, collapses: int) -> tuple[list[int], int]:
    tried: list[int] = []

    def attempt(seed: int) -> str:
        tried.append(seed)
        if len(tried) <= collapses:
            raise CollapseError(f"reason {len(tried)}")
        return f"result {len(tried)}"

    result, restarts = with_restarts(attempt, seed)
    assert result == f"result {len(tried)}"
    return tried, restarts


@pytest.mark.parametrize("collapses", range(MAX_RESTARTS + 1))
def test_a_collapse_is_tried_again_from_another_seed(collapses: int) -> None:
    tried, restarts = seeds_tried(7, collapses)
    assert restarts == collapses
    assert tried[0] == 7
    assert len(set(tried)) == len(tried) == collapses + 1
    assert all(0 <= seed < 2**32 for seed in tried)
    assert seeds_tried(7, collapses)[0] == tried


def test_derived_seeds_depend_on_the_seed() -> None:
    assert not set(seeds_tried(7, MAX_RESTARTS)[0]) & set(seeds_tried(8, MAX_RESTARTS)[0])


def test_what_stays_collapsed_is_an_error_that_says_why() -> None:
    tried: list[int] = []

    def attempt(seed: int) -> None:
        tried.append(seed)
        raise CollapseError(f"reason {len(tried)}")

    with pytest.raises(CollapseError, match="collapsed from 4 seeds in a row, at last because reason 4"):
        with_restarts(attempt, 0)
    assert len(tried) == MAX_RESTARTS + 1


def test_another_error_is_not_tried_again() -> None:
    tried: list[int] = []

    def attempt(seed: int) -> None:
        tried.append(seed)
        raise ValueError("not a collapse")

    with pytest.raises(ValueError, match="not a collapse"):
        with_restarts(attempt, 0)
    assert tried == [0]
