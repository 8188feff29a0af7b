"""Negatives that are few, or partly normal images: which are drawn, and what is left of the normal ones."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.data.negatives import contaminated, some

Pictures = NDArray[np.uint8]


def numbered(first: int, n: int) -> Pictures:
    """Images of a pixel, each of a value of its own."""
    return np.arange(first, first + n, dtype=np.uint8)[:, None, None]


def test_some_images_are_drawn_by_the_seed_and_each_once() -> None:
    images = numbered(0, 40)
    first, again, other = (some(images, 10, seed) for seed in (0, 0, 1))
    assert len(np.unique(first)) == len(first) == 10
    np.testing.assert_array_equal(first, again)
    assert set(first.flat) != set(other.flat)
    np.testing.assert_array_equal(some(images, 30, 0)[:10], first)  # more are the same and others
    for count in (40, 41):
        assert some(images, count, 0) is images


def test_contaminated_negatives_hold_normal_images_that_are_normal_no_more() -> None:
    normal, negatives = numbered(0, 30), numbered(100, 40)
    left, mixed = contaminated(normal, negatives, 0.25, 0)
    assert (len(left), len(mixed)) == (20, 40)
    np.testing.assert_array_equal(mixed[:30], negatives[:30])
    assert set(left.flat) | set(mixed[30:].flat) == set(normal.flat)
    assert list(left.flat) == sorted(left.flat)
    assert set(left.flat) != set(contaminated(normal, negatives, 0.25, 1)[0].flat)
    assert set(left.flat) == set(contaminated(normal, negatives, 0.25, 0)[0].flat)


@pytest.mark.parametrize("share", [0.0, 0.01])
def test_a_share_that_is_no_image_changes_nothing(share: float) -> None:
    normal, negatives = numbered(0, 30), numbered(100, 40)
    left, mixed = contaminated(normal, negatives, share, 0)
    assert left is normal
    assert mixed is negatives


@pytest.mark.parametrize("share", [-0.1, 1.1, 0.75])
def test_normal_images_have_to_be_left(share: float) -> None:
    with pytest.raises(ValueError, match=f"got {share} of 40 negatives, and 30 normal images: take fewer negatives"):
        contaminated(numbered(0, 30), numbered(100, 40), share, 0)
    assert len(contaminated(numbered(0, 30), numbered(100, 40), 0.7, 0)[0]) == 2
