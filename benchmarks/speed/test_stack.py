"""On a GPU: networks trained as one stack against the same ones one after another, and the physical floor."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.data import load
from benchmarks.engine.profiles import load_profile
from benchmarks.registry import MODELS
from benchmarks.speed.floor import flops_of, matrix_product_rate
from benchmarks.speed.ratios import Row, compared
from benchmarks.speed.turns import in_turns
from lisae import LISAE, AutoEncoder
from lisae.stacks import train_together
from lisae.training import Training, train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]

GOAL = 10.0
# All classes of CIFAR-10 with five seeds. Of those trained alone a few are enough, since each takes as long.
STACK, ALONE = 50, 5
IMAGES, EPOCHS = 5000, 2


@pytest.mark.benchmark(group="stack")
@pytest.mark.parametrize("phase", ["AE", "LIS-AE"])
def test_a_stack(benchmark: BenchmarkFixture, report: Callable[[Row], None], phase: str) -> None:
    """Each network takes the same number of steps both ways; seconds are those of one network."""
    detectors: Sequence[AutoEncoder | LISAE]
    if phase == "AE":
        detectors = _phase_ones(STACK, epochs=EPOCHS, device="cuda")
    else:
        detectors = _phase_twos(_phase_ones(STACK, epochs=12, device="cuda"), images=IMAGES, epochs=EPOCHS)
    trainings = _first_trainings(detectors, IMAGES)

    def together() -> None:
        train(trainings)
        torch.cuda.synchronize()

    def one_by_one() -> None:
        for training in trainings[:ALONE]:
            train([training])
        torch.cuda.synchronize()

    one_by_one()  # cuDNN chooses its algorithms at the first call
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


def _phase_ones(members: int, *, epochs: int, device: str) -> list[AutoEncoder]:
    """Return untrained AE of profile ``fast`` for CIFAR-10, each with another seed."""
    settings = load_profile("fast").settings(MODELS["AE"], "cifar10") | {"epochs": epochs}
    return [AutoEncoder(**settings, device=device, random_state=seed) for seed in range(members)]


def _first_trainings(detectors: Sequence[AutoEncoder | LISAE], images: int) -> list[Training]:
    """Return the first training that each detector asks for.

    The classes of CIFAR-10 take turns, with ``images`` of a class as normal and as many of the next as negatives.
    """
    data = load("cifar10")
    trainings = []
    for i, detector in enumerate(detectors):
        normal, negative = (data.train_images[data.train_labels == c % 10][:images] for c in (i, i + 1))
        labels = np.repeat([1, -1], [len(normal), len(negative)])
        trainings.append(next(detector.fitting(np.concatenate([normal, negative]), labels)))
    return trainings


def _phase_twos(phase_ones: Sequence[AutoEncoder], *, images: int, epochs: int) -> list[LISAE]:
    """Train these AE, and return a LIS-AE of profile ``fast`` on each, whose phase two is still to be trained."""
    data = load("cifar10")
    learners = (
        one.fitting(data.train_images[data.train_labels == i % 10][:images]) for i, one in enumerate(phase_ones)
    )
    for _ in train_together(learners, len(phase_ones)):
        pass
    settings = load_profile("fast").settings(MODELS["LIS-AE"], "cifar10") | {"epochs": epochs}
    settings.pop("autoencoder")
    return [LISAE(one, **settings, random_state=seed) for seed, one in enumerate(phase_ones)]
