"""The size of a detector is that of its arrays, however these came to it."""

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.own.contract import size_of
from lisae import Detector
from lisae.detector import Images


@dataclass(kw_only=True, eq=False, repr=False)
class Holder(Detector):
    """A detector that holds whatever it is given."""

    held_: Any = field(init=False)

    def _fit(self, normal: Images, negatives: Images | None, seed: int) -> NDArray[np.float64]:
        return self._anomaly_score(normal)

    def _anomaly_score(self, images: Images) -> NDArray[np.float64]:
        return np.zeros(len(images))


def size_with(held: object) -> int | None:
    holder = Holder()
    holder.held_ = held
    return size_of(holder)


def test_arrays_and_tensors_count_once() -> None:
    array = np.zeros((10, 3))
    assert size_with([array, {"again": array}]) == 240
    layer = torch.nn.Linear(4, 2)
    layer(torch.ones(1, 4)).sum().backward()
    assert size_with(layer) == 4 * (8 + 2), "gradients are not learned"


def test_equal_values_that_are_or_are_not_one_object_make_no_difference() -> None:
    text, array = "a" * 1000, np.zeros(5)
    assert size_with([array, text, text]) == size_with([array, text, "".join(["a"] * 1000)]) == 40


def test_no_array_or_no_pickle_is_no_size() -> None:
    assert size_with([1, 2.5, "text"]) is None
    assert size_with([np.zeros(3), threading.Lock()]) is None
