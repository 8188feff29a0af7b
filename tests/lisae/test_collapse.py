"""The check for a dead network, and training again from another seed."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from lisae import CollapseError
from lisae.backbone_detector import MAX_RESTARTS, with_restarts
from lisae.reconstruction import check_alive, check_varied
from lisae.stacks import Learning, train_alone
from tests.shapes import Shapes

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

    def attempt(seed: int) -> Learning[str]:
        tried.append(seed)
        if len(tried) <= collapses:
            raise CollapseError(f"reason {len(tried)}")
        return f"result {len(tried)}"
        yield

    result, restarts = train_alone(with_restarts(attempt, seed))
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

    def attempt(seed: int) -> Learning[None]:
        tried.append(seed)
        raise CollapseError(f"reason {len(tried)}")
        yield

    with pytest.raises(CollapseError, match="collapsed from 4 seeds in a row, at last because reason 4"):
        train_alone(with_restarts(attempt, 0))
    assert len(tried) == MAX_RESTARTS + 1


def test_another_error_is_not_tried_again() -> None:
    tried: list[int] = []

    def attempt(seed: int) -> Learning[None]:
        tried.append(seed)
        raise ValueError("not a collapse")
        yield

    with pytest.raises(ValueError, match="not a collapse"):
        train_alone(with_restarts(attempt, 0))
    assert tried == [0]
