"""How far a training has come: for a function of the user's, and on the terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Progress(NamedTuple):
    """The state of a training after one of its steps.

    Attributes:
        detector: the class whose network is trained; LISAE begins with the training of an AutoEncoder. Where twins
            judge few images, it is ``AutoEncoder (twin 1 of 2)`` and so on first.
        step: the steps taken.
        steps: the steps of the whole training.
        losses: the mean loss of each epoch that is over.
    """

    detector: str
    step: int
    steps: int
    losses: list[float]


Callback = Callable[[Progress], object]


@contextmanager
def followed(detector: str, callback: Callback | None, *, verbose: bool) -> Iterator[Callback | None]:
    """Give what is to be called after each step of one training; None where nobody follows it."""
    if not verbose:
        yield callback
        return
    from rich import progress  # noqa: PLC0415  # which most calls do not need
    from rich.console import Console  # noqa: PLC0415

    columns = (
        progress.TextColumn(f"{detector}:"),
        progress.BarColumn(),
        progress.TextColumn("step {task.completed} of {task.total}, loss {task.fields[loss]},"),
        progress.TimeRemainingColumn(elapsed_when_finished=True),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(detector, total=None, loss="-")

        def show(state: Progress) -> None:
            loss = f"{state.losses[-1]:.4g}" if state.losses else "-"
            bar.update(task, total=state.steps, completed=state.step, loss=loss)
            if callback is not None:
                callback(state)

        yield show
