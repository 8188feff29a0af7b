"""Every setting of every model has a type and a range, and a wrong value is named with where it stands."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.engine.profiles import Option, check, places
from benchmarks.errors import CallError
from lisae.settings import Range

FILE = Path("mine.toml")


def nested(place: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Tables of one place, ``LIS-AE`` or ``LinSep-LIS-AE.autoencoder``."""
    model, *argument = place.split(".")
    return {"models": {model: {argument[0]: settings} if argument else settings}}


def number(option: Option) -> Any:
    """The default of a setting, or a number where that is ``auto``."""
    return option.default if option.default == option.example else type(option.example)(7)


SETTINGS = [(place, key, number(option)) for place, options in places().items() for key, option in options.items()]


def wrong_values(key: str, default: object) -> Iterator[object]:
    if isinstance(default, bool):
        yield from (1, 0.0, "true", [True])
        return
    yield from ([default], {"value": default}, True)
    if isinstance(default, str):
        yield from ("", "no such thing", 3)
        return
    yield from (str(default), -1, math.nan, math.inf, -math.inf)
    if isinstance(default, int):
        yield from (float(default), default + 0.5)


@pytest.mark.parametrize(("place", "key", "default"), SETTINGS, ids=[f"{place}.{key}" for place, key, _ in SETTINGS])
def test_a_wrong_value_is_named_with_file_table_and_key(place: str, key: str, default: object) -> None:
    check(FILE, nested(place, {key: default}))
    for value in wrong_values(key, default):
        with pytest.raises(CallError) as caught:
            check(FILE, nested(place, {key: value}))
        for part in ("mine.toml", f"models.{place}]", key, repr(value)):
            assert part in str(caught.value)


@pytest.mark.parametrize(
    "key",
    ["epochs", "batch_size", "latent_dim", "learning_rate", "gamma", "trees", "slots", "levels", "nu", "gan_epochs"],
)
def test_zero_is_out_of_range(key: str) -> None:
    (place, default), *_ = [(place, default) for place, name, default in SETTINGS if name == key]
    with pytest.raises(CallError, match=rf"{key} .* got 0"):
        check(FILE, nested(place, {key: type(default)(0)}))


@pytest.mark.parametrize(("place", "key"), [("AE", "latent_dim"), ("LIS-AE", "gamma")])
def test_a_number_may_be_left_to_the_model_where_it_can_be(place: str, key: str) -> None:
    check(FILE, nested(place, {key: "auto"}))
    for value in ("x", True):
        with pytest.raises(CallError, match=rf"{key} in \[models\.{place}\] is of type (int|float) or 'auto'; got"):
            check(FILE, nested(place, {key: value}))
    with pytest.raises(CallError, match=r"epochs in .* is of type int; got 'auto'"):
        check(FILE, nested(place, {"epochs": "auto"}))


@pytest.mark.parametrize("key", ["beta", "separation", "kl_weight", "penalty", "weight_decay"])
def test_a_weight_may_be_zero(key: str) -> None:
    (place, *_), *_ = [one for one in SETTINGS if one[1] == key]
    check(FILE, nested(place, {key: 0.0}))


@pytest.mark.parametrize(
    "tables",
    [
        {"limits": {"train": -5}},
        {"limits": {"test": 2.0}},
        {"limits": 3},
        {"seeds": [0, 0]},
        {"seeds": [2**32]},
        {"seeds": []},
        {"seeds": 3},
        {"seeds": [True]},
        {"seeds": ["0"]},
        {"cost": math.nan},
        {"cost": "1"},
        {"cost": 0},
        {"extends": 3},
        {"description": ["a"]},
        {"latent_dim": {"mnist": {"fixed": 0, "grid": [1]}}},
        {"latent_dim": {"mnist": {"fixed": 8, "grid": 8}}},
        {"latent_dim": {"mnist": {"fixed": 8, "grid": []}}},
        {"latent_dim": {"mnist": {"fixed": 8, "grid": [8, 8]}}},
        {"latent_dim": {"mnist": {"fixed": 8}}},
        {"latent_dim": {"mnst": {"fixed": 8, "grid": [8]}}},
        {"models": {"AE": 3}},
        {"models": 3},
        {"models": {"LISAE": {}}},
        {"models": {"OC-SVM": {"nu": 1.5}}},
        {"datasets": {"mnist": {"AE": 3}}},
        {"datasets": {"mnist": {"AE": {"epoch": 3}}}},
        {"datasets": {"mnist": 3}},
        {"datasets": {"cifar": {}}},
        {"shared": {"epochs": 0}},
        {"shared": {"models": ["EA"]}},
        {"shared": {"models": "AE"}},
        {"datasets": {"mnist": {"shared": {"models": ["AE"]}}}},
        {"models": {"LIS-AE": {"autoencoder": {"epochs": 1}}}},
        {"models": {"LinSep-LIS-AE": {"autoencoder": 3}}},
        {"negatives": {"omniglot": {"crop": 1.5}}},
        {"negatives": {"omniglot": {"copies": 0}}},
        {"negatives": {"mnist": {"blur": 1}}},
        {"seconds": {"mnist": {"AE": -1}}},
        {"seconds": {"mnist": {"EA": 1}}},
        {"profiles": 1},
    ],
    ids=str,
)
def test_a_wrong_table_is_one_clear_error(tables: dict[str, Any]) -> None:
    with pytest.raises(CallError, match=r"mine\.toml"):
        check(FILE, tables)


@pytest.mark.parametrize(
    ("model", "right", "wrong"),
    [("IF", [1, 2, 256], [0, -1]), ("OC-SVM", [0, 2, 6000], [1, -1])],
)
def test_one_name_may_have_another_range_in_another_model(model: str, right: list[int], wrong: list[int]) -> None:
    for value in right:
        check(FILE, {"models": {model: {"max_samples": value}}})
    for value in wrong:
        with pytest.raises(CallError, match=rf"max_samples in \[models.{model}\] .*; got {value}"):
            check(FILE, {"models": {model: {"max_samples": value}}})


@pytest.mark.parametrize("value", [0, 1])
def test_a_shared_value_suits_every_model_that_has_a_setting_of_its_name(value: int) -> None:
    for tables in ({"shared": {"max_samples": value}}, {"datasets": {"mnist": {"shared": {"max_samples": value}}}}):
        with pytest.raises(CallError, match=rf"max_samples in .*shared\] .*; got {value}"):
            check(FILE, tables)


@pytest.mark.parametrize(
    ("allowed", "inside", "outside", "text"),
    [
        (Range(), [0, 0.5, 1e9], [-1e-9, 2e9, 10**400], "at least 0"),
        (Range(1), [1, 2], [0, 0.9], "at least 1"),
        (Range(above=True), [1e-9], [0], "above 0"),
        (Range(high=1, above=True), [1e-9, 1], [0, 1.1], "above 0 and at most 1"),
        (Range(2, or_zero=True), [0, 2], [1, -1], "0 or at least 2"),
    ],
)
def test_ranges(allowed: Range, inside: list[float], outside: list[float], text: str) -> None:
    figures = {"one": {"size": Option(1.0, allowed)}}
    for value in inside:
        check(FILE, {"figures": {"one": {"size": value}}}, figures)
    for value in [*outside, math.nan, math.inf]:
        with pytest.raises(CallError, match=f"size in .* is a finite number, {text}.*; got"):
            check(FILE, {"figures": {"one": {"size": value}}}, figures)
