"""What the records of a folder say of calls to come: the data sets that they are about, and how long a run takes."""

from statistics import fmean
from typing import NamedTuple

from benchmarks.data import DataIdentity
from benchmarks.engine.records import Store


class Past(NamedTuple):
    """The data sets that the records are about, and the mean seconds of a run by its model and data set."""

    data: dict[str, DataIdentity]
    seconds: dict[tuple[str, str], float]


def past_of(store: Store, profile_name: str) -> Past:
    """Read every record; only those of this profile count for the seconds."""
    data: dict[str, DataIdentity] = {}
    seconds: dict[tuple[str, str], list[float]] = {}
    for record in store.records():
        identity = record.identity
        for name, variant in identity["variants"].items():
            data[name] = DataIdentity(variant, identity.get("digests", {}).get(name, ""))
        if record.profile == profile_name:
            key = identity["model"], identity["task"]["dataset"]
            seconds.setdefault(key, []).append(record.fit_seconds + record.score_seconds)
    return Past(data, {key: fmean(values) for key, values in seconds.items()})
