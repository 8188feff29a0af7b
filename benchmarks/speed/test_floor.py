"""Training beside its physical floor, the time that a matrix product takes for as many operations."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.data import load
from benchmarks.engine.profiles import Settings, load_profile
from benchmarks.registry import MODELS
from benchmarks.speed.floor import flops_of, matrix_product_rate
from benchmarks.speed.ratios import Row, compared
from benchmarks.speed.turns import ROUNDS, timer
from lisae import LISAE, AutoEncoder

CLASS, NEGATIVE = 0, 1
# A fifth of a class; time grows linearly with it (see test_growth).
IMAGES = 1024
# Operations grow linearly with images and epochs; they are counted on these few and scaled.
COUNTED, EPOCHS = 128, 10


@pytest.mark.benchmark(group="floor", timer=timer)
@pytest.mark.parametrize("dataset", ["cifar10", "mnist"])
def test_ae(benchmark: BenchmarkFixture, report: Callable[[Row], None], dataset: str) -> None:
    """In phase one every layer is trained."""
    normal, _ = _images(dataset)
    settings = _settings(dataset)["autoencoder"]

    def fit(images: NDArray[np.uint8], epochs: int) -> AutoEncoder:
        return AutoEncoder(**settings | {"epochs": epochs}, device="cpu", random_state=0).fit(images)

    small = partial(AutoEncoder, **settings | {"batch_size": 16}, device="cpu", random_state=0)
    flops = _scaled(lambda epochs: small(epochs=epochs).fit(normal[:COUNTED]), settings["epochs"])
    _measure(benchmark, report, f"floor of AE, {dataset}", partial(fit, normal, settings["epochs"]), flops)


@pytest.mark.benchmark(group="floor", timer=timer)
@pytest.mark.parametrize("dataset", ["cifar10", "mnist"])
def test_lisae(benchmark: BenchmarkFixture, report: Callable[[Row], None], dataset: str) -> None:
    """Phase two goes through the frozen decoder, forward and back, on features computed once."""
    normal, negatives = _images(dataset)
    settings = _settings(dataset)
    phase_one = AutoEncoder(**settings["autoencoder"], device="cpu", random_state=0).fit(normal)
    rest = {name: value for name, value in settings.items() if name != "autoencoder"}

    def fit(images: int, epochs: int) -> LISAE:
        labels = np.repeat([1, -1], images)
        both = np.concatenate([normal[:images], negatives[:images]])
        return LISAE(phase_one, **rest | {"epochs": epochs}, random_state=0).fit(both, labels)

    flops = _scaled(partial(fit, COUNTED), settings["epochs"])
    _measure(benchmark, report, f"floor of LIS-AE, {dataset}", partial(fit, IMAGES, settings["epochs"]), flops)


def _images(dataset: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    data = load(dataset)
    normal, negatives = (data.train_images[data.train_labels == c][:IMAGES] for c in (CLASS, NEGATIVE))
    return normal, negatives


def _settings(dataset: str) -> Settings:
    return load_profile("fast").settings(MODELS["LIS-AE"], dataset)


def _scaled(fit: Callable[[int], object], epochs: int) -> float:
    """Return the operations of ``epochs`` epochs on all images, from fits on ``COUNTED`` of them."""
    few, many = (flops_of(partial(fit, n)) for n in (EPOCHS, 2 * EPOCHS))
    an_epoch = (many - few) / EPOCHS
    return (few + (epochs - EPOCHS) * an_epoch) * IMAGES / COUNTED


def _measure(
    benchmark: BenchmarkFixture,
    report: Callable[[Row], None],
    name: str,
    fit: Callable[[], AutoEncoder | LISAE],
    flops: float,
) -> None:
    dtype = fit().arithmetic()[1]
    floors: list[float] = []
    benchmark.pedantic(fit, setup=lambda: floors.append(flops / matrix_product_rate(dtype)), rounds=ROUNDS)
    what = (
        f"{flops / 1e9:.0f} GFLOP on {IMAGES} images, profile fast, {str(dtype).removeprefix('torch.')}; theirs is "
        f"the matrix product, {flops / np.median(floors) / 1e9:.0f} GFLOP/s"
    )
    report(compared(name, what, benchmark.stats.stats.data, floors))
