"""Nonsense on the command line and in settings files ends in status 2 and one line, before anything starts."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.engine.profiles import places
from benchmarks.reproduce import main
from tests.benchmarks.calls import Call

TABLE = ("--table", "4", "--models", "AE,LIS-AE,LinSep-LIS-AE", "--dry-run")
# The same examples every time, as many as take some seconds.
properties = settings(
    max_examples=150, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LISAE_DATA", raising=False)
    (tmp_path / "file").write_text("a file")
    (tmp_path / "folder.toml").mkdir()


def check_ending(status: int, capsys: pytest.CaptureFixture[str], expected: tuple[int, ...]) -> None:
    """Status 0 without a message, or 2 with one line that no letter of the call can colour."""
    error = capsys.readouterr().err
    assert status in expected, error
    assert error.count("\n") == (status == 2), error
    assert error.removesuffix("\n").isprintable()
    assert not Path("results").exists()


FOLDERS = ["", " ", "file", "file/below", "a\0b", "a" * 5000, "~nosuchuser/x", "\ud800"]


@pytest.mark.parametrize(
    "more",
    [
        *([option, folder] for option in ("--data-dir", "--results-dir", "--reports-dir") for folder in FOLDERS),
        *(["--seeds", seeds] for seeds in ("", "nan", "1000000000", "20240101", "4294967296,", "1" * 5000, "1\u20282")),
        *(["--jobs", jobs] for jobs in ("", "0", "nan", "1.5", "1" * 5000, "1000000000")),
        *(["--models", models] for models in ("", ",", "\0", "\x1b[31m")),
        *(["--datasets", datasets] for datasets in ("", "CIFAR10", "\u202e")),
        *(
            ["--profile", profile]
            for profile in ("", ".", "file", "folder.toml", "a\0b.toml", "\n.toml", "\ud800.toml")
        ),
        *(
            ["--profile", profile]
            for profile in ("~nosuchuser/a.toml", "a" * 5000 + ".toml", "file/x.toml", "/dev/stdin")
        ),
        *(["--device", device] for device in ("", "cuda:99", "\0")),
        *(["--table", table] for table in ("", "\0", "\x1b[31m")),
        *([word] for word in ("", "x\x1b[31m", "--", "--table", "--what", "\ud800", "--settings", "--negatives=x")),
        ["--settings", "AE\x1b", "mnist"],
        ["--settings", "AE", ""],
    ],
    ids=lambda more: ascii(" ".join(more))[:60],
)
def test_nonsense_on_the_command_line(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    check_ending(main([*TABLE, *more]), capsys, (2,))


@pytest.mark.parametrize(
    "text",
    [
        *(
            f"[models.AE]\n{line}"
            for line in ("epochs = 2.5", "latent_dim = 2.0", "latent_dim = 0", "epochs = 1979-05-27")
        ),
        *(f"[models.AE]\n{name} = {10**400}" for name in ("epochs", "learning_rate")),
        *(f"[models.AE]\nepochs = {number}" for number in ("1" + 5000 * "0", "0x" + 20_000 * "f", "[0x" + 6000 * "f]")),
        *(f"[models.AE]\nlearning_rate = {number}" for number in ("nan", "inf", "1e999", "1e-400")),
        *(f"cost = {number}" for number in ("nan", "1e999", "1e308", 10**400)),
        *(f"seeds = {seeds}" for seeds in ("3", "[]", "[0.0]", "[4294967296]", "[[0]]", "[true]", "[0, 0]")),
        *(
            f"extends = {name}"
            for name in ('"t.toml"', "3", '""', '"folder.toml"', '"a\\u0000.toml"', f"'{5000 * 'a'}.toml'")
        ),
        "[models]\nAE = 3",
        "AE = 3",
        "grid = 3",
        "[latent_dim]\ncifar10 = { fixed = 3, grid = 3 }",
        f"[latent_dim]\ncifar10 = {{ fixed = {10**400}, grid = [1] }}",
        f"limits = {{ train = {10**400} }}",
        f"a = {100_000 * '['}",
        f"a = {10_000 * '['}{10_000 * ']'}",
        f"a{50_000 * '.a'} = 1",
        f"models{10_000 * '.a'} = 1",
        '"\\u001b[31m" = 3',
        "\0",
    ],
    ids=lambda text: ascii(text)[:60],
)
def test_nonsense_in_a_settings_file(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.toml").write_text(text if text.startswith("extends") else f'extends = "smoke"\n{text}\n')
    check_ending(main([*TABLE, "--profile", "t.toml"]), capsys, (2,))


@pytest.mark.parametrize("content", [b"\xff\xfe", "seeds = [0]".encode("utf-16"), b"\0" * 3000, b"#" * 70_000])
def test_a_settings_file_that_is_no_text(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.toml").write_bytes(content)
    check_ending(main([*TABLE, "--profile", "t.toml"]), capsys, (2,))


def test_a_folder_of_the_data_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LISAE_DATA", "~nosuchuser/x")
    check_ending(main([*TABLE]), capsys, (2,))


def test_reports_that_cannot_be_written_are_found_before_training(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reports").symlink_to(tmp_path / "nowhere" / "below")
    assert call("--table", "4", "--models", "AE") == 2
    assert "the reports directory" in capsys.readouterr().err
    assert not list((tmp_path / "results" / "runs").iterdir())


def toml(value: Any) -> str:
    """Write a value as TOML, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return quoted(value)
    return str(value).lower() if isinstance(value, bool | float) else str(value)


def quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(letter):08x}" for letter in text) + '"'


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PLAIN = st.one_of(
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, -1, 2**31, 2**32, 2**63, 10**400]),
    st.floats(),
    st.sampled_from(["smoke", "tanh", "AE", "", "t.toml", "\0", math.inf]),
    TEXTS,
)
SETTINGS = sorted({key for options in places().values() for key in options})
TABLES = "description extends seeds cost limits latent_dim shared models datasets negatives figures seconds"
BELOW = "mnist cifar10 omniglot AE LIS-AE autoencoder 2 fixed grid train"
KEYS = st.sampled_from([*TABLES.split(), *BELOW.split(), *SETTINGS])
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | TEXTS, inner, max_size=4), max_leaves=12
)


def of_place(place: str) -> st.SearchStrategy[dict[str, Any]]:
    """Settings of a model or of its stage: most as they should be, some of them nonsense."""
    known = {key: st.just(option.default) | st.just(option.default) | PLAIN for key, option in places()[place].items()}
    settings = st.fixed_dictionaries({}, optional=known)
    model, *argument = place.split(".")
    return settings.map(lambda found: {model: {argument[0]: found} if argument else found})


MODELS = st.sampled_from(sorted(places())).flatmap(of_place)
RIGHT = {
    "extends": st.just("smoke") | st.just("fast") | PLAIN,
    "models": MODELS,
    "datasets": st.dictionaries(st.sampled_from(["cifar10", "mnist"]), MODELS, max_size=2),
    "latent_dim": st.just({"cifar10": {"fixed": 8, "grid": [8]}}) | VALUES,
    "shared": st.just({"models": ["AE"], "epochs": 3}) | VALUES,
    "limits": st.fixed_dictionaries({}, optional={"train": st.just(3) | PLAIN, "test": PLAIN}),
    "cost": st.just(2) | PLAIN,
}
MORE = st.just({}) | st.just({}) | st.dictionaries(KEYS | TEXTS, VALUES, max_size=2)


@properties
@given(
    tables=st.fixed_dictionaries({"seeds": st.just([0]) | st.just([3, 2**32 - 1]) | VALUES}, optional=RIGHT), more=MORE
)
def test_any_settings_file(tables: dict[str, Any], more: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    lines = (f"{quoted(key)} = {toml(value)}" for key, value in (tables | more).items())
    Path("t.toml").write_text("\n".join(lines))
    check_ending(main([*TABLE, "--profile", "t.toml"]), capsys, (0, 2))


SIGNS = st.text("[]{}=.,\"'\\#\n 0127aeinf_-:xbT", max_size=40).map(str.encode)


@properties
@given(before=SIGNS, content=st.just(b"") | st.binary(max_size=20), after=SIGNS)
def test_any_bytes_as_a_settings_file(
    before: bytes, content: bytes, after: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("t.toml").write_bytes(b'extends = "smoke"\n' + before + content + after)
    check_ending(main([*TABLE, "--profile", "t.toml"]), capsys, (0, 2))


GIVEN = "4 A1 3, 0 -1 AE KDE cifar10 auto cpu strokes local smoke full file 1e9 --all --claims --list --quiet"
PAIRED = "table figure profile models datasets negatives seeds device jobs backend data-dir results-dir reports-dir"
WORDS = st.text(max_size=6) | st.sampled_from(GIVEN.split())
OPTIONS = st.sampled_from([f"--{name}" for name in PAIRED.split()])


@properties
@given(more=st.lists(st.one_of(st.tuples(OPTIONS, WORDS), st.tuples(OPTIONS, WORDS), st.tuples(WORDS)), max_size=4))
def test_any_command_line(more: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for part in more for word in part if not word.startswith(("-h", "--h"))]
    check_ending(main([*TABLE, "--profile", "smoke", *words]), capsys, (0, 2))
