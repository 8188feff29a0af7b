"""Parts of a call on machines of their own, merged, are the whole call."""

from pathlib import Path

import pytest

from tests.benchmarks.calls import Call, rows


def test_two_parts_merged_give_what_one_call_gives(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("1", "2"):
        folder = ("--results-dir", str(tmp_path / part))
        assert call("--table", "4", "--models", "AE,LIS-AE", "--quiet", "--shard", f"{part}/2", *folder) == 0
        assert f"part {part} of 2" in capsys.readouterr().err
        assert not (tmp_path / part / "table_4.csv").exists()
    parts = [{row["run"] for row in rows(tmp_path / part)} for part in ("1", "2")]
    assert not parts[0] & parts[1]
    merged = [word for part in ("1", "2") for word in ("--merge", str(tmp_path / part))]
    assert call("--table", "4", "--models", "AE,LIS-AE", "--quiet", *merged) == 0
    assert call("--table", "4", "--models", "AE,LIS-AE", "--quiet", "--results-dir", str(tmp_path / "whole")) == 0
    assert rows(tmp_path / "results") == rows(tmp_path / "whole")
    tables = [tmp_path / folder / "table_4.csv" for folder in ("results", "whole")]
    assert tables[0].read_bytes() == tables[1].read_bytes()
    capsys.readouterr()
    assert call("--list", "--stale") == 0
    assert capsys.readouterr().out.startswith("0 of ")


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "1/99999999", "1/2/3", "¹/2"])
def test_a_wrong_part_is_named(call: Call, capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert call("--table", "4", "--shard", text) == 2
    assert "--shard is a part of N, such as 2/8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--table", "4", "--stale"), "write --list --stale"),
        (("--merge", "x", "--dry-run"), "--dry-run writes nothing"),
        (("--merge", "x"), "no results folder"),
    ],
)
def test_what_does_not_go_together(
    call: Call, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    assert call(*words) == 2
    assert told in capsys.readouterr().err
