"""The base of every kind of figure, and the lines that several kinds are made of."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Self

import pandas as pd

from benchmarks.data import CLASS_NAMES
from benchmarks.engine.plan import Computable
from benchmarks.engine.profiles import Option
from benchmarks.paper.tables import Measurement, Need
from benchmarks.paper.tasks import Task, other_split, rest_of_split, with_classes, without_negatives
from benchmarks.report.style import Page
from benchmarks.report.tidy import RecordLookup


@dataclass(frozen=True)
class Figure(Computable, ABC):
    """A figure of the paper, or one that it lacks.

    A kind is a subclass in a module of this folder, whose ``FIGURES`` lists its instances; nothing else names it. It
    says what it needs, and gives either ``points`` or a ``computation``; ``settings`` are the keys that a table
    ``[figures.<id>]`` of a settings file may have.
    """

    kind = "figure"
    settings: ClassVar[Mapping[str, Option]] = MappingProxyType({})

    @property
    def title(self) -> str:
        """Its caption, after its number if the paper has it; a figure that the paper lacks has a word for an id."""
        return super().title if self.id[-1].isdigit() else self.caption

    def with_models(self, models: Iterable[tuple[str, bool]]) -> Self:
        """Return the figure with more models, each given by its name and whether it learns from negatives."""
        return self

    def points(self, lookup: RecordLookup) -> pd.DataFrame:
        """Return the rows of its CSV, from records alone; a figure with a computation has none."""
        raise NotImplementedError(f"figure {self.id} has neither points nor a computation")

    @abstractmethod
    def draw(self, frame: pd.DataFrame, note: str) -> Page:
        """Draw the rows of its CSV, as they were made or as they are read back; those that are missing are left out.

        ``note``, for the foot of the picture, says how they were made.
        """


@dataclass(frozen=True)
class Line:
    """One model on one task, in one pane; the task is named after its normal class."""

    pane: str
    task: str
    measurement: Measurement

    @property
    def model(self) -> str:
        """The model, as the paper prints it."""
        return self.measurement.model

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"{self.pane} / {self.task} / {self.model}"


@dataclass(frozen=True)
class LineFigure(Figure):
    """A figure made of lines."""

    lines: tuple[Line, ...]

    @property
    def needs(self) -> tuple[Need, ...]:
        """A part for each line."""
        return tuple(Need(line.name, (line.measurement,)) for line in self.lines)

    def with_models(self, models: Iterable[tuple[str, bool]]) -> Self:
        """Give each model the lines of the one that has negatives, or of the one that has none."""
        lines = [
            replace(line, measurement=replace(line.measurement, model=name))
            for name, uses_negatives in models
            for line in self.lines
            if (line.measurement.task.negatives is not None) == uses_negatives
        ]
        return replace(self, lines=(*self.lines, *dict.fromkeys(lines)))


Setting = Callable[[str, int], Task]  # of a data set and a normal class


def unsupervised(dataset: str, positive: int) -> Task:
    """Return the task whose negatives are the five classes of the other split."""
    return with_classes(dataset, positive, other_split(positive))


def lines_of(pane: str, dataset: str, positives: Iterable[int], model: str, setting: Setting) -> list[Line]:
    """List AE and another model on the tasks of these normal classes.

    The outliers are the four other classes of the split in every pane, as in Tables 2 and 3, so that the panes of a
    figure differ in the negatives alone.
    """
    return [
        Line(pane, CLASS_NAMES[dataset][positive], Measurement(task, trained, rest_of_split(positive)))
        for positive in positives
        for trained, task in (("AE", without_negatives(dataset, positive)), (model, setting(dataset, positive)))
    ]
