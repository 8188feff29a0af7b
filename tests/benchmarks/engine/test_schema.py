"""Every setting of every model has a type and a range, and a wrong value is named with where it stands."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.engine.profiles import load_profile
from benchmarks.engine.schema import check, defaults_of, places
from benchmarks.errors import CallError

FILE = Path("mine.toml")


def nested(place: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Tables of one place, ``LIS-AE`` or ``LinSep-LIS-AE.autoencoder``."""
    model, *argument = place.split(".")
    return {"models": {model: {argument[0]: settings} if argument else settings}}


SETTINGS = [
    (place, key, default) for place, function in places().items() for key, default in defaults_of(function).items()
]


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
        {"figures": {"2": {"rank": 1}}},
        {"figures": {"4": {"epochs": 1}}},
        {"seconds": {"mnist": {"AE": -1}}},
        {"seconds": {"mnist": {"EA": 1}}},
        {"profiles": 1},
    ],
    ids=str,
)
def test_a_wrong_table_is_one_clear_error(tables: dict[str, Any]) -> None:
    with pytest.raises(CallError, match=r"mine\.toml"):
        check(FILE, tables)


@pytest.mark.parametrize("name", ["smoke", "fast", "full"])
def test_what_comes_with_the_package_is_right(name: str) -> None:
    assert load_profile(name).description
