"""Operations are counted as they are."""

import torch

from benchmarks.speed.floor import flops_of


def test_a_convolution_is_two_operations_a_weight_and_place() -> None:
    layer = torch.nn.Conv2d(3, 8, 3, padding=1)
    assert flops_of(lambda: layer(torch.zeros(5, 3, 4, 4))) == 2 * 5 * 4 * 4 * 8 * 3 * 9


def test_its_weights_cost_as_much_again_going_back() -> None:
    layer = torch.nn.Conv2d(3, 8, 3, padding=1)
    forward = flops_of(lambda: layer(torch.zeros(5, 3, 4, 4)))
    assert flops_of(lambda: layer(torch.zeros(5, 3, 4, 4)).sum().backward()) == 2 * forward
