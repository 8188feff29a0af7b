"""On a GPU: networks trained as one stack against the same networks one after another, and the floor of the card."""

import time
from collections.abc import Callable, Sequence

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.speed.floor import flops_of, matrix_product_rate
from benchmarks.speed.ratios import Row, compared
from benchmarks.speed.stacked import asked_for, phase_ones, shapings
from benchmarks.speed.turns import in_turns
from lisae import LISAE, AutoEncoder
from lisae.training import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]

GOAL = 10.0
# All classes of CIFAR-10 with five seeds; a few of them alone are enough, as they take as long as each other.
STACK, ALONE = 50, 5
IMAGES, EPOCHS = 5000, 2


@pytest.mark.benchmark(group="stack")
@pytest.mark.parametrize("phase", ["AE", "LIS-AE"])
def test_a_stack(benchmark: BenchmarkFixture, report: Callable[[Row], None], phase: str) -> None:
    """The same number of steps for each network; seconds are those of one network."""
    detectors: Sequence[AutoEncoder | LISAE]
    if phase == "AE":
        detectors = phase_ones(STACK, epochs=EPOCHS, device="cuda")
    else:
        detectors = shapings(phase_ones(STACK, epochs=12, device="cuda"), images=IMAGES, epochs=EPOCHS)
    trainings = asked_for(detectors, IMAGES)

    def together() -> None:
        train(trainings)
        torch.cuda.synchronize()

    def one_by_one() -> None:
        for training in trainings[:ALONE]:
            train([training])
        torch.cuda.synchronize()

    one_by_one()  # cuDNN looks for its algorithms once
    together()
    ours, theirs = in_turns(benchmark, together, one_by_one, clock=time.perf_counter)
    card = torch.cuda.get_device_name()
    each, alone = [seconds / STACK for seconds in ours], [seconds / ALONE for seconds in theirs]
    what = f"{phase} of CIFAR-10 on {card}: {STACK} networks as a stack, {EPOCHS} epochs of {IMAGES} images each"
    report(compared(f"stack of {phase}, GPU", f"{what}; theirs is one at a time", each, alone, goal=GOAL))
    flops = flops_of(lambda: train(trainings[:1]))
    rate = matrix_product_rate(trainings[0].dtype, "cuda")
    floor = f"{what}; theirs is the matrix product, {rate / 1e12:.0f} TFLOP/s"
    report(compared(f"floor of a stack of {phase}, GPU", floor, each, [flops / rate] * len(each)))
