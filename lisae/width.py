"""The width of the latent layer that normal images ask for."""

import math

import numpy as np
from numpy.typing import NDArray

from lisae.few import FEW
from lisae.images import Images, resized

# Of the variance of normal images, explained by as many principal components as the latent layer is wide.
EXPLAINED = 0.9
NARROWEST, WIDEST = 16, 256
_IMAGES, _SIDE = 1000, 32  # as many images are looked at, and they are made as small


def latent_width(normal: Images) -> int:
    """Return the width of the latent layer for normal images of the checked form, (n, h, w, c).

    It is the number of principal components that explain nine tenths of the variance of the images, rounded up to a
    power of two, at least 16 and at most 256, and no more than the images have values. Of fewer than a hundred images
    it is twice that number, since so few show too few components. At most a thousand images are looked at, and large
    ones are made as small as 32 x 32 before.
    """
    some = normal[:: -(-len(normal) // _IMAGES)]
    height, width = some.shape[1:3]
    shares = explained(resized(some, (min(height, _SIDE), min(width, _SIDE))))
    count = int(np.searchsorted(shares, EXPLAINED)) + 1
    if len(normal) < FEW:  # which have less than half the components that a thousand of their kind have
        count *= 2
    return min(max(NARROWEST, 2 ** math.ceil(math.log2(count))), WIDEST, normal[0].size)


def explained(images: Images) -> NDArray[np.float64]:
    """Return the share of the variance of images, (n, ...), that principal components explain, by their number.

    There are as many as images or as values of one, whichever is less.
    """
    rows = images.reshape(len(images), -1).astype(np.float32)
    rows -= rows.mean(axis=0)
    product = rows.T @ rows if rows.shape[0] > rows.shape[1] else rows @ rows.T
    variances = np.linalg.eigvalsh(product.astype(np.float64))[::-1].clip(min=0)
    return np.cumsum(variances) / variances.sum()
