"""Tasks say who is normal, who is negative and who is an outlier, and no class is two of them."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from benchmarks.paper.tasks import Negatives, against, supervised, with_classes, without_negatives


@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist", "svhn", "cifar10"])
@pytest.mark.parametrize("positive", range(10))
def test_negatives_of_the_same_data_set_are_no_outliers(dataset: str, positive: int) -> None:
    alone = without_negatives(dataset, positive)
    for negative in ((positive + 1) % 10, 9 - positive):
        task = with_classes(dataset, positive, (negative,))
        assert task.negatives is not None
        assert set(task.outliers) == set(alone.outliers) - set(task.negatives.classes)
        assert positive not in task.outliers


def test_negatives_come_back_from_plain_data() -> None:
    for negatives in (Negatives("svhn"), Negatives("cifar10", (3, 5), count=50, contaminated=0.1)):
        assert Negatives.of(json.loads(json.dumps(asdict(negatives)))) == negatives
    assert Negatives.of({"dataset": "mnist", "classes": [4]}) == Negatives("mnist", (4,))


@pytest.mark.parametrize(
    ("harder", "text"),
    [
        ({}, ""),
        ({"count": 50}, ", 50 of them"),
        ({"contaminated": 0.1}, ", 10% normal"),
        ({"count": 1000, "contaminated": 0.1}, ", 1000 of them, 10% normal"),
    ],
)
def test_what_makes_negatives_harder_is_told(harder: dict[str, Any], text: str) -> None:
    assert Negatives("omniglot", **harder).remark == text


def test_supervised_is_the_exception_that_says_so() -> None:
    task = supervised("cifar10", 1)
    assert task.negatives == Negatives("cifar10", task.outliers)


def test_all_of_the_same_data_set_as_negatives_leave_no_outlier() -> None:
    with pytest.raises(ValueError, match="no class of mnist is left"):
        against("mnist", (3,), Negatives("mnist"))
    assert len(against("mnist", (3,), Negatives("omniglot")).outliers) == 9
