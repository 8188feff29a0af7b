"""Settings of a single call: ``--set NN.neighbours=3``, which count more than any table of a profile."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.engine.profiles import Profile, check
from benchmarks.errors import CallError
from benchmarks.registry import MODELS


def overridden(profile: Profile, texts: Sequence[str]) -> Profile:
    """Return a profile with settings of this call: ``<model>.<setting>=<value>``, the value as TOML writes it.

    A setting of a stage is ``<model>.<argument>.<setting>``. A text needs no quotes.

    Raises ``CallError`` for an unknown model or setting, and for a value that it cannot have.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        model, *keys = name.strip().split(".")
        if not equals or not keys or not all(keys):
            raise CallError(f"--set is <model>.<setting>=<value>, such as LIS-AE.gamma=10; got {text!r}.")
        table = found.setdefault(MODELS[model].name, {})
        for key in keys[:-1]:
            table = table.setdefault(key, {})
        table[keys[-1]] = _value(value.strip())
    check(Path("--set"), {"models": found})
    return replace(profile, tables=profile.tables | {"--set": found}) if found else profile


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
