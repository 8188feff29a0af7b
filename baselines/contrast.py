"""Global contrast normalisation in the L1 sense, as the authors of Deep SVDD put it before all of their models."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from lisae.detector import Detector
from lisae.errors import CollapseError
from lisae.held_out import HeldOut
from lisae.images import Images, as_rows

CONTRASTS = ("none", "l1")
_FLAT = 1e-6  # an image whose pixels deviate by less has no contrast, and stays without


@dataclass(kw_only=True, eq=False, repr=False)
class ContrastNormalised(Detector):
    """A detector of images whose contrast may be normalised before anything else is done with them.

    Each image has its mean over all pixels and channels taken off and is divided by its mean absolute deviation. Then
    all are scaled by the least and the largest value of the normal training images, which so lie in [0, 1]. Values of
    other images may lie outside and are not clipped: neither code of the authors (github.com/lukasruff, Deep-SVDD and
    Deep-SVDD-PyTorch) clips them.

    Args:
        contrast: ``l1`` to normalise contrast; ``none`` to take images as they are.
        contamination, validation_fraction, random_state: as for ``Detector``.

    Attributes:
        contrast_range_: the least and the largest value that scale images, (0, 1) without normalisation.

    ``fit`` raises ValueError for another ``contrast``, and ``CollapseError`` for normal images that are all equal once
    their contrast is normalised.
    """

    contrast: Annotated[str, CONTRASTS] = "none"
    contrast_range_: list[float] = field(init=False)

    def _begin(
        self, normal: Images, negatives: Images | str | None, held_out: Sequence[HeldOut] = ()
    ) -> tuple[Images, Images | None, int]:
        normal, others, seed = super()._begin(normal, negatives, held_out)
        self.contrast_range_ = [0.0, 1.0]
        if self.contrast == "none":
            return normal, others, seed
        images = l1_normalised(normal)
        if np.allclose(images, images[0], atol=_FLAT):
            raise CollapseError("learns nothing from normal images that are all equal but for brightness and contrast")
        self.contrast_range_ = [float(images.min()), float(images.max())]
        return self._scaled(images), None if others is None else self._taken(others), seed

    def _taken(self, images: Images) -> Images:
        return images if self.contrast == "none" else self._scaled(l1_normalised(images))

    def _scaled(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        low, high = self.contrast_range_
        return (images - np.float32(low)) / np.float32(high - low)


def l1_normalised(images: Images) -> NDArray[np.float32]:
    """Return images less their mean, over their mean absolute deviation, (n, h, w, c); without contrast, zeros."""
    pixels = as_rows(images).reshape(images.shape)
    pixels = pixels - pixels.mean(axis=(1, 2, 3), keepdims=True)
    deviation = np.abs(pixels).mean(axis=(1, 2, 3), keepdims=True)
    return np.divide(pixels, deviation, out=np.zeros_like(pixels), where=deviation > _FLAT)
