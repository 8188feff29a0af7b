"""On a GPU: which way to convolve the images of many networks with weights of their own is the fastest."""

import time
from collections.abc import Callable

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import nn

from benchmarks.speed.ratios import Row, compared
from benchmarks.speed.stacked import Way, forward_and_back, grouped, one_by_one, unfolded
from benchmarks.speed.turns import in_turns
from lisae import Backbone

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]

STACK, BATCH, REPEATS = 50, 128, 10
_NETWORK = Backbone((32, 32, 3), 128, torch.Generator())
_LAYERS = [layer for layer in _NETWORK.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
# The side of the images that each of them is handed.
_SIDES = (32, 16, 8, 16, 32)


@pytest.mark.benchmark(group="stacked layers")
@pytest.mark.parametrize("other", [unfolded, one_by_one], ids=lambda way: way.__name__)
@pytest.mark.parametrize("place", range(len(_LAYERS)))
def test_a_layer(benchmark: BenchmarkFixture, report: Callable[[Row], None], place: int, other: Way) -> None:
    """Forward and back in bfloat16; ours is the grouped convolution."""
    layer, side = _LAYERS[place], _SIDES[place]
    weights = layer.weight.detach().expand(STACK, *layer.weight.shape).to("cuda", torch.bfloat16).contiguous()
    images = torch.rand(STACK, BATCH, layer.in_channels, side, side, device="cuda", dtype=torch.bfloat16)

    def timed(way: Way) -> Callable[[], None]:
        def repeat() -> None:
            for _ in range(REPEATS):
                forward_and_back(way, layer, weights, images)
            torch.cuda.synchronize()

        repeat()  # cuDNN looks for its algorithms once
        return repeat

    ours, theirs = in_turns(benchmark, timed(grouped), timed(other), clock=time.perf_counter)
    kind = f"{type(layer).__name__} {layer.in_channels} to {layer.out_channels}, {side} x {side}"
    what = f"{kind}, {STACK} networks, batch {BATCH}, on {torch.cuda.get_device_name()}; theirs is {other.__name__}"
    report(compared(f"layer {place + 1} stacked, {other.__name__}", what, ours, theirs))
