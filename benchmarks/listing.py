"""What there is, printed: artefacts, models, data sets and profiles, settings of a model, records that are stale."""

import json
from pathlib import Path

from benchmarks.data import NAMES, data_directory
from benchmarks.engine.profiles import Profile, load_profile, profile_names
from benchmarks.engine.records import Store
from benchmarks.engine.stale import stale_records
from benchmarks.errors import CallError, unknown
from benchmarks.paper.tables import TABLES
from benchmarks.registry import MODELS
from benchmarks.report.figures import FIGURES


def show_settings(profile: Profile, model: str, dataset: str) -> None:
    """Print the settings of a model on a data set as TOML, each with the table that it comes from.

    Raises ``CallError`` for an unknown model or data set.
    """
    if dataset not in NAMES:
        raise CallError(unknown("data set", dataset, NAMES))
    explained = profile.explained(MODELS[model], dataset)
    lines = [(f"{name} = {json.dumps(value)}", origin) for name, value, origin in explained]
    width = max((len(line) for line, _ in lines), default=0)
    print(f"# {model} on {dataset}, profile {profile.name}")
    print("\n".join(f"{line:<{width}}  # {origin}" for line, origin in lines) or "# nothing to choose")


def show_list() -> None:
    """Print the names of all that a call can ask for."""
    print("tables", *(f"  {one.id:<15} {one.caption}" for one in TABLES), sep="\n")
    print("figures", *(f"  {one.id:<15} {one.caption}" for one in FIGURES), sep="\n")
    print("models", *(f"  {name:<15} {one.description}" for name, one in MODELS.items()), sep="\n")
    print("data sets", *(f"  {name}" for name in NAMES), sep="\n")
    print("profiles", *(f"  {name:<15} {load_profile(name).description}" for name in profile_names()), sep="\n")


def show_stale(results_dir: str, data_dir: str | None) -> None:
    """Print each record that no call would use any more, and why; delete none."""
    store, n_stale = Store(Path(results_dir).absolute()), 0
    for record, why in stale_records(store, data_directory(data_dir).absolute()):
        row = record.rows()[0]
        print(f"{record.run}  {row['model']}: {row['dataset']} {row['normal']}, seed {row['seed']}: {why}")
        n_stale += 1
    print(f"{n_stale} of {len(store.ids())} records are stale: no call uses them, and none deletes them")
