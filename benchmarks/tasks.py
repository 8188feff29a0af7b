"""The paper's one-class problems as data, and its protocol (Section 5) as the functions that list them."""

from dataclasses import dataclass

SPLITS = ((0, 1, 2, 3, 4), (5, 6, 7, 8, 9))


@dataclass(frozen=True)
class Negatives:
    """Training images of these classes of a data set, unlabelled; never test images."""

    dataset: str
    classes: tuple[int, ...]


@dataclass(frozen=True)
class Task:
    """One one-class problem: learn the normal classes, with or without negatives, and tell them from outliers.

    Outliers are test images of these classes of the same data set, each class scored on its own.
    """

    dataset: str
    normal: tuple[int, ...]
    outliers: tuple[int, ...]
    negatives: Negatives | None = None


def own_split(positive: int) -> tuple[int, ...]:
    """The five classes that ``positive`` belongs to: 0-4 or 5-9."""
    return SPLITS[positive // 5]


def other_split(positive: int) -> tuple[int, ...]:
    """The five classes that ``positive`` does not belong to."""
    return SPLITS[1 - positive // 5]


def without_negatives(dataset: str, positive: int) -> Task:
    """*None*: the four other classes of the split are the outliers, and nothing else is seen."""
    return Task(dataset, (positive,), _others(positive))


def with_classes(dataset: str, positive: int, classes: tuple[int, ...]) -> Task:
    """One class of the other split as negatives (*Dog 5*), or all five of them (*Comb.*)."""
    return Task(dataset, (positive,), _others(positive), Negatives(dataset, classes))


def supervised(dataset: str, positive: int) -> Task:
    """*Sup.*, the upper bound: the negatives are training images of the outlier classes."""
    return with_classes(dataset, positive, _others(positive))


def _others(positive: int) -> tuple[int, ...]:
    return tuple(c for c in own_split(positive) if c != positive)
