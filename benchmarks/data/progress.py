"""What fetching shows on stderr: a live line on a terminal, plain lines elsewhere, nothing when quiet."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from benchmarks.data.clients import folder_size


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
