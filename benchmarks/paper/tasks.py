"""The paper's one-class problems as data, and its protocol (Section 5) as the functions that list them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

CLASSES = tuple(range(10))
SPLITS = (CLASSES[:5], CLASSES[5:])
# SVHN and CIFAR-10 are tested within a five-class split; MNIST and Fashion-MNIST against all other classes.
_SPLIT_DATASETS = ("svhn", "cifar10")


@dataclass(frozen=True)
class Negatives:
    """Training images of these classes of a data set, unlabelled; never test images. No class named: all of them.

    ``count``: no more of them than this, drawn by the seed; 0: all. ``contaminated``: this share of them are images of
    the normal class instead. These are training images that no model of the task then sees as normal, as whoever
    collects negatives has not seen every normal image before.
    """

    dataset: str
    classes: tuple[int, ...] = ()
    count: int = 0
    contaminated: float = 0.0

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Return the negatives with these fields, as JSON holds them; those at their defaults may be missing."""
        return cls(**{**fields, "classes": tuple(fields["classes"])})

    @property
    def remark(self) -> str:
        """The count and the share of normal images in words, such as ``, 50 of them``; '' where neither is set."""
        count = f", {self.count} of them" if self.count else ""
        return f"{count}, {self.contaminated:.0%} normal" if self.contaminated else count


@dataclass(frozen=True)
class Task:
    """One one-class problem: learn the normal classes, with or without negatives, and tell them from outliers.

    Outliers are test images of these classes of the same data set, each class scored on its own.

    ``validation``: above 0, the task is one to choose settings by, which sees no test image. This share of the normal
    training images is kept out and scored in place of normal test images, and the outliers are training images.
    """

    dataset: str
    normal: tuple[int, ...]
    outliers: tuple[int, ...]
    negatives: Negatives | None = None
    validation: float = 0.0

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Return the task with these fields, as JSON holds them."""
        negatives = Negatives.of(fields["negatives"]) if fields["negatives"] else None
        classes = {name: tuple(fields[name]) for name in ("normal", "outliers")}
        return cls(**{**fields, **classes, "negatives": negatives})


def own_split(positive: int) -> tuple[int, ...]:
    """Return the five classes that ``positive`` belongs to: 0-4 or 5-9."""
    return SPLITS[positive // 5]


def other_split(positive: int) -> tuple[int, ...]:
    """Return the five classes that ``positive`` does not belong to."""
    return SPLITS[1 - positive // 5]


def rest_of_split(positive: int) -> tuple[int, ...]:
    """Return the four other classes of its split: the outliers of Tables 2 to 5."""
    return tuple(c for c in own_split(positive) if c != positive)


def without_negatives(dataset: str, *normal: int) -> Task:
    """Return the task *None*: only normal images are seen, and every other class of the test is an outlier."""
    tested = own_split(normal[0]) if dataset in _SPLIT_DATASETS else CLASSES
    return Task(dataset, normal, tuple(c for c in tested if c not in normal))


def against(dataset: str, normal: tuple[int, ...], negatives: Negatives) -> Task:
    """Return a task with these negatives; negative classes of the same data set are no outliers (Section 5.1)."""
    seen = (negatives.classes or CLASSES) if negatives.dataset == dataset else ()
    outliers = tuple(c for c in without_negatives(dataset, *normal).outliers if c not in seen)
    if not outliers:
        lack = f"no class of {dataset} is left as an outlier: name the classes of the negatives."
        raise ValueError(f"with {negatives} as negatives, {lack}")
    return Task(dataset, normal, outliers, negatives)


def with_classes(dataset: str, positive: int, classes: tuple[int, ...]) -> Task:
    """Take one class of the other split as negatives (*Dog 5*), or all five of them (*Comb.*)."""
    return against(dataset, (positive,), Negatives(dataset, classes))


def supervised(dataset: str, positive: int) -> Task:
    """Return the task *Sup.*, the upper bound: the negatives are training images of the outlier classes."""
    outliers = rest_of_split(positive)
    return Task(dataset, (positive,), outliers, Negatives(dataset, outliers))


def validated(task: Task, share: float = 0.2, kept_out: int = 2) -> Task:
    """Return the task on which settings for ``task`` are chosen without its outliers.

    So many classes of its negatives are kept out of these, and stand for outliers; which ones, the normal class says.

    Raises ValueError for negatives that are not of classes of the same data set, or not of more than are kept out.
    """
    negatives = task.negatives
    if negatives is None or negatives.dataset != task.dataset or len(negatives.classes) <= kept_out:
        raise ValueError(f"negatives of more than {kept_out} classes of {task.dataset} are needed; got {negatives}.")
    n = len(negatives.classes)
    chosen = {negatives.classes[(task.normal[0] + i) % n] for i in range(kept_out)}
    left = tuple(c for c in negatives.classes if c not in chosen)
    return Task(task.dataset, task.normal, tuple(sorted(chosen)), replace(negatives, classes=left), share)
