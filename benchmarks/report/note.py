"""What a reader must know of how an artefact was made, in a few sentences."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.engine.records import Record, variant_text
from benchmarks.paper.tables import Artefact
from benchmarks.report.tidy import RecordLookup

COMPLETE = "complete official sets"


def note(artefact: Artefact, lookup: RecordLookup, command: str, reasons: Mapping[str, Sequence[str]]) -> str:
    """Name profile, seeds, devices, data variants and command, and what is missing for which reason.

    Args:
        artefact: what was made; of one that needs no run there is only its seed and command to tell.
        lookup: gives its records.
        command: what makes it.
        reasons: why parts are missing, and the names of those parts.
    """
    records = _records(artefact, lookup)
    profiles = sorted({record.profile for record in records})
    seeds = lookup.seeds
    averaged = " (mean ± standard deviation)" if artefact.kind == "table" else " (mean)"
    sentences = [
        f"Profile {' and '.join(profiles) or 'not yet run'}, "
        f"{'seeds' if len(seeds) > 1 else 'seed'} {', '.join(map(str, seeds))}"
        f"{averaged if len(seeds) > 1 else ''}; "
        f"trained on {hardware(records) or 'nothing yet'}; data: {data_text(records)}; command: {command}."
    ]
    if not artefact.needs:
        sentences = [f"Seed {seeds[0]}; command: {command}."]
    if artefact.oracle:
        widths = sorted({w for part in artefact.needs for w in lookup.widths(part.measurements[0]) if w is not None})
        sentences.append(
            "Fixed width: the latent width was chosen beforehand, one for each data set; oracle width: the best of "
            f"the grid by test AUC, the paper's protocol (widths tried: {', '.join(map(str, widths))}). "
            "A model without a latent layer has no oracle."
        )
    sentences += [f"Missing for this reason: {reason} ({'; '.join(names)})." for reason, names in reasons.items()]
    return " ".join(sentences)


def hardware(records: Iterable[Record]) -> str:
    """Every device with the precisions that it computed in, '' where there is no record."""
    precisions: dict[str, set[str]] = {}
    for record in records:
        precisions.setdefault(record.device, set()).add(record.precision)
    return " and ".join(f"{device} ({', '.join(sorted(found))})" for device, found in sorted(precisions.items()))


def data_text(records: Iterable[Record]) -> str:
    """The data sets behind records that are not the complete official ones."""
    texts = {variant_text({name: v}) for record in records for name, v in record.identity["variants"].items()} - {""}
    return "; ".join(sorted(texts)) or COMPLETE


def _records(artefact: Artefact, lookup: RecordLookup) -> list[Record]:
    measurements = dict.fromkeys(measurement for part in artefact.needs for measurement in part.measurements)
    return [
        record
        for measurement in measurements
        for seed in lookup.seeds
        if (record := lookup.record(measurement, seed, None))
    ]
