"""One progress line: runs done, runs left, time left."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_POLL_SECONDS = 0.5


@contextmanager
def progress(weights: dict[str, float], finished: Callable[[str], bool], *, quiet: bool) -> Iterator[None]:
    """Show on stderr how many runs are done while the block runs; a plain line a run where stderr is no terminal.

    Args:
        weights: the runs to come and about how long each takes, in any unit; time left follows from the share done.
        finished: whether a run is done; asked now and then from another thread.
        quiet: show nothing.
    """
    if quiet or not weights:
        yield
        return
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(weights, finished, stop), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def _watch(weights: dict[str, float], finished: Callable[[str], bool], stop: threading.Event) -> None:
    console = Console(stderr=True)
    left = dict(weights)
    started, shown = time.monotonic(), -1
    bar = Progress(
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("runs,"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=len(weights), left="")
        last = False
        while True:
            left = {run: weight for run, weight in left.items() if not finished(run)}
            done, elapsed = len(weights) - len(left), time.monotonic() - started
            remaining = time_left(weights, left, elapsed)
            bar.update(task, completed=done, left=remaining)
            if not console.is_terminal and done != shown:
                console.print(
                    f"{done} of {len(weights)} runs done in {duration(elapsed)}, {remaining}", highlight=False
                )
                shown = done
            if last:
                return
            last = stop.wait(_POLL_SECONDS)


def time_left(weights: dict[str, float], left: dict[str, float], elapsed: float) -> str:
    """Say how long what is ``left`` of ``weights`` takes, when the rest took ``elapsed`` seconds."""
    remaining = sum(left.values())
    finished = sum(weights.values()) - remaining
    return f"about {duration(elapsed * remaining / finished)} left" if finished else "time left not known yet"


def duration(seconds: float) -> str:
    """Seconds for people: 45 s, 12 min, 3 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
