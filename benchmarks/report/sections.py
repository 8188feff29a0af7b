"""How the numbers of a report were made: settings, hardware, commands."""

from collections.abc import Iterable, Iterator

from benchmarks.engine.profiles import Settings
from benchmarks.engine.records import Record
from benchmarks.registry import model
from benchmarks.report.document import Column, Grid, row_of
from benchmarks.report.material import Material


def settings(material: Material) -> Iterator[Grid]:
    """What the profile gives every model, and what it says of images, latent widths, negatives and Figure 2."""
    profile = material.plan.request.profile
    used: dict[tuple[str, str], list[str]] = {}
    for name, dataset in dict.fromkeys(
        (measurement.model, measurement.task.dataset) for measurement in material.measurements
    ):
        text = _text(profile.settings(model(name), dataset))
        used.setdefault((name, text or "none to choose"), []).append(dataset)
    yield Grid(
        "models",
        f"Settings of profile {profile.name}",
        (Column("model", kind="label"), Column("data sets", kind="label"), Column("settings", kind="prose")),
        tuple(row_of(name, ", ".join(datasets), text) for (name, text), datasets in used.items()),
    )
    others = {f"images of a class, {part}": str(limit or "all") for part, limit in profile.limits.items()}
    for dataset in dict.fromkeys(measurement.task.dataset for measurement in material.measurements):
        widths = profile.latent_dims(model("AE"), dataset)
        others[f"latent widths of oracle, {dataset}"] = ", ".join(map(str, widths))
    for name in sorted(
        {measurement.task.negatives.dataset for measurement in material.measurements if measurement.task.negatives}
    ):
        if prepared := profile.preparation(name):
            others[f"negatives from {name}"] = _text(prepared)
    yield Grid(
        "limits",
        "Images, latent widths, preparation of negatives, and Figure 2",
        (Column("what", kind="label"), Column("value", kind="prose")),
        tuple(row_of(*item) for item in (others | {"Figure 2": _text(profile.figure("2"))}).items()),
    )


def hardware(material: Material) -> Grid:
    """A row for each device, precision and set of versions."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in material.records:
        versions = ", ".join(f"{name} {version}" for name, version in sorted(record.versions.items()))
        groups.setdefault((record.device, record.precision, versions), []).append(record)
    rows = []
    for names, records in sorted(groups.items()):
        hours = sum(record.fit_seconds + record.score_seconds for record in records) / 3600
        rows.append(row_of(*names, str(len(records)), f"{hours:.2f}"))
    return Grid(
        "machines",
        "What the records were trained on",
        (
            Column("device", kind="label"),
            Column("precision", kind="label"),
            Column("versions", kind="prose"),
            Column("runs"),
            Column("hours"),
        ),
        tuple(rows),
    )


def commands(material: Material) -> Grid:
    """A row an artefact."""
    request = material.plan.request
    rows = [("This report", f"{request.command_for()} --all")]
    rows += [(f"{one.kind.capitalize()} {one.id}", request.command_for(one)) for one in request.artefacts]
    columns = (Column("what", kind="label"), Column("command", kind="prose"))
    return Grid("all-commands", "The exact command of every table and figure", columns, tuple(row_of(*r) for r in rows))


def _text(settings: Settings) -> str:
    return ", ".join(f"{key} = {_plain(value)}" for key, value in _flat(settings))


def _flat(settings: Settings, prefix: str = "") -> Iterable[tuple[str, object]]:
    """Settings with those of a stage under a dotted name."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _plain(value: object) -> str:
    """A setting as TOML writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
