"""Messages and progress on stderr: a live line on a terminal, plain lines elsewhere, nothing when quiet."""

import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from benchmarks.errors import one_line
from benchmarks.files import folder_size


class Messages(Console):
    """The stderr of this moment, even while ``sys.stderr`` is another stream because a source is silenced."""

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__(stderr=True, file=sys.stderr, quiet=quiet, markup=False, emoji=False, highlight=False)

    def tell(self, text: str) -> None:
        """Show one line without control characters, which is not broken at the terminal's width."""
        self.print(one_line(text), soft_wrap=True)

    def live(self, *columns: ProgressColumn, transient: bool = False) -> Progress:
        """Return a line of these columns that is drawn anew as time passes, on a terminal only."""
        disable = self.quiet or not self.is_terminal
        return Progress(*columns, console=self, transient=transient, redirect_stdout=False, disable=disable)

    @contextmanager
    def step(self, label: str, folder: Path, reason: Callable[[Exception], str]) -> Iterator[None]:
        """Show that a block works at ``label`` and, on a terminal, the megabytes in ``folder``; then its seconds.

        ``reason`` turns what the block raised into words, which are shown; the exception goes on.
        """
        begun = time.monotonic()
        columns = (SpinnerColumn(), TextColumn("{task.description} ...", markup=False), _SizeColumn())
        live = self.live(*columns, TimeElapsedColumn(), transient=True)
        live.add_task(label, total=None, folder=folder)
        if not self.is_terminal:
            self.tell(f"{label} ...")
        try:
            with live:
                yield
        except Exception as error:
            self.tell(f"{label}: {reason(error)} ({time.monotonic() - begun:.1f} s)")
            raise
        self.tell(f"{label}: done in {time.monotonic() - begun:.1f} s")


class _SizeColumn(ProgressColumn):
    max_refresh = 0.5  # seconds; walking a folder of 32,000 drawings ten times a second would take too long

    def render(self, task: Task) -> Text:
        return Text(f"{folder_size(task.fields['folder']) / 1e6:.0f} MB on disk")


@contextmanager
def progress(weights: Mapping[str, float], *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show how many runs are done, and give what is to be called with each run as it ends.

    ``weights`` has the runs to come and about how long each takes, in any unit, from which the time left follows.
    """
    messages = Messages(quiet=quiet or not weights)
    left, begun = dict(weights), time.monotonic()
    counted = TextColumn("{task.completed}/{task.total} runs,")
    columns = (TextColumn("training"), BarColumn(), counted, TimeElapsedColumn(), TextColumn("{task.fields[left]}"))
    with messages.live(*columns) as line:
        task = line.add_task("", total=len(weights), left="")

        def ended(run: str) -> None:
            left.pop(run, None)
            done, elapsed = len(weights) - len(left), time.monotonic() - begun
            remaining = time_left(weights, left, elapsed)
            line.update(task, completed=done, left=remaining)
            if not messages.is_terminal:
                messages.tell(f"{done} of {len(weights)} runs done in {duration(elapsed)}, {remaining}")

        ended("")  # the first line, before any run has ended
        yield ended


def time_left(weights: Mapping[str, float], left: Mapping[str, float], elapsed: float) -> str:
    """Say how long the runs ``left`` of ``weights`` will take, given that the others took ``elapsed`` seconds."""
    remaining = sum(left.values())
    finished = sum(weights.values()) - remaining
    return f"about {duration(elapsed * remaining / finished)} left" if finished else "time left not known yet"


def duration(seconds: float) -> str:
    """Write seconds for people: 45 s, 12 min, 3 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


@contextmanager
def unbreakable_streams() -> Iterator[None]:
    """Have no message end the work of the block: a stream that nobody reads, or on a full disk, falls silent."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, _Unbreakable(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


class _Unbreakable:
    """A text stream whose ``write`` and ``flush`` raise nothing; None, for a stream that was closed, is silent."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = io.StringIO() if stream is None else stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._silent_on_error():
            try:
                self._stream.write(text)
            except UnicodeEncodeError as error:
                self._stream.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))
        return len(text)

    def flush(self) -> None:
        with self._silent_on_error():
            self._stream.flush()

    @contextmanager
    def _silent_on_error(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError):
            # The descriptor leads to nowhere from now on, so that the rest in its buffer does not fail at exit either.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
