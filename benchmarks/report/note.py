"""What a reader must know of how an artefact was made, in a few sentences."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.engine.records import Record, variant_text
from benchmarks.paper.tables import Artefact
from benchmarks.report.tidy import Source

COMPLETE = "complete official sets"


def note(artefact: Artefact, source: Source, command: str, reasons: Mapping[str, Sequence[str]]) -> str:
    """Name profile, seeds, devices, data variants and command, and what is missing for which reason.

    Args:
        artefact: what was made; of one that needs no run there is only its seed and command to tell.
        source: gives its records.
        command: what makes it.
        reasons: why parts are missing, and the names of those parts.
    """
    records = _records(artefact, source)
    profiles = sorted({record.profile for record in records})
    seeds = source.seeds
    averaged = " (mean ± standard deviation)" if artefact.kind == "table" else " (mean)"
    sentences = [
        f"Profile {' and '.join(profiles) or 'not yet run'}, "
        f"{'seeds' if len(seeds) > 1 else 'seed'} {', '.join(map(str, seeds))}"
        f"{averaged if len(seeds) > 1 else ''}; "
        f"trained on {hardware(records) or 'nothing yet'}; data: {data_text(records)}; command: {command}."
    ]
    if not artefact.parts:
        sentences = [f"Seed {seeds[0]}; command: {command}."]
    if artefact.oracle:
        widths = sorted({w for part in artefact.parts for w in source.widths(part.terms[0]) if w is not None})
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


def _records(artefact: Artefact, source: Source) -> list[Record]:
    terms = dict.fromkeys(term for part in artefact.parts for term in part.terms)
    return [record for term in terms for seed in source.seeds if (record := source.lookup(term, seed, None))]
