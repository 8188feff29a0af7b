"""What is shown on stderr meanwhile: runs done and left, and how fetching a data set goes."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from benchmarks.files import folder_size

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


class FetchProgress:
    """The lines about fetching one set, each beginning with its name."""

    def __init__(self, name: str, *, quiet: bool, console: Console | None = None) -> None:
        # The stream of now, by value: while a source is silenced, sys.stderr is another one.
        self._console = console or Console(file=sys.stderr)
        self._quiet = quiet
        self._name = name

    def line(self, text: str) -> None:
        """Show one line."""
        if not self._quiet:
            # Paths and messages are not markup and are not broken at the terminal's width.
            self._console.print(f"{self._name}: {text}", markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, label: str, folder: Path, reason: Callable[[Exception], str]) -> Iterator[None]:
        """Show that a block works at ``label``, and then its seconds, or why it raised.

        ``reason`` turns what the block raised into words; the exception goes on. On a terminal, the
        megabytes in ``folder`` are shown meanwhile.
        """
        begun = time.monotonic()
        live = self._console.is_terminal and not self._quiet
        if not live:
            self.line(f"{label} ...")
        try:
            with self._live(label, folder) if live else nullcontext():
                yield
        except Exception as error:
            self.line(f"{label}: {reason(error)} ({time.monotonic() - begun:.1f} s)")
            raise
        self.line(f"{label}: done in {time.monotonic() - begun:.1f} s")

    def _live(self, label: str, folder: Path) -> Progress:
        progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description} ...", markup=False),
            _Arrived(folder),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        progress.add_task(f"{self._name}: {label}", total=None)
        return progress


class _Arrived(ProgressColumn):
    """Megabytes in a folder."""

    max_refresh = 0.5  # walking a folder of 32,000 drawings ten times a second would cost more than it tells

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def render(self, task: Task) -> Text:
        return Text(f"{folder_size(self._folder) / 1e6:.0f} MB on disk")
