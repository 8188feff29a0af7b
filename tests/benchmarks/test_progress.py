"""The progress line tells what is done, what is left, and how long."""

import pytest

from benchmarks.progress import duration, progress, time_left


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


def test_plain_lines_where_stderr_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.progress._POLL_SECONDS", 0.01)
    done = set[str]()
    with progress({"a": 3.0, "b": 1.0}, done.__contains__, quiet=False):
        done.add("a")
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("1 of 2 runs done in 0 s, about 0 s left")


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress({"a": 1.0}, lambda _: False, quiet=True):
        pass
    assert capsys.readouterr().err == ""


def test_an_error_inside_is_not_swallowed() -> None:
    with pytest.raises(KeyError), progress({"a": 1.0}, lambda _: False, quiet=False):
        raise KeyError
