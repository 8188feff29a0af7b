import re

import numpy as np

from benchmarks.data import CLASS_NAMES, NAMES
from benchmarks.data.cache import CATALOGUE


def test_the_five_sets_are_described():
    assert set(NAMES) == set(CATALOGUE) == set(CLASS_NAMES)
    assert len(NAMES) == 5


def test_classes_are_named_as_in_the_paper():
    assert " ".join(CLASS_NAMES["cifar10"]) == "Plane Car Bird Cat Deer Dog Frog Horse Ship Truck"
    fashion = "T-shirt Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Boot"
    assert " ".join(CLASS_NAMES["fashion-mnist"]) == fashion
    assert CLASS_NAMES["mnist"] == CLASS_NAMES["svhn"] == tuple("0123456789")


def test_every_label_has_its_name():
    for name in set(NAMES) - {"omniglot"}:
        first, last = CATALOGUE[name].labels
        assert (first, last) == (0, len(CLASS_NAMES[name]) - 1)


def test_digests_are_written_whole_and_differ():
    digests = [digest for entry in CATALOGUE.values() for pair in entry.digests.values() for digest in pair]
    assert len(digests) == len(set(digests)) == 10
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)


def test_labels_fit_their_dtype():
    for entry in CATALOGUE.values():
        assert entry.labels[1] <= np.iinfo(entry.label_dtype).max
