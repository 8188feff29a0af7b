"""Records that no run measured, for what is drawn and written from records."""

from collections.abc import Iterable

from benchmarks.engine.records import Record, Score


def record_with(scores: Iterable[Score], **variants: str) -> Record:
    """A record of these scores, on data sets of these variants."""
    return Record(
        run="",
        identity={"variants": variants},
        scores=tuple(scores),
        n_normal=1,
        restarts=0,
        profile="fast",
        device="a processor",
        precision="bfloat16",
        versions={},
        command="",
        fit_seconds=0,
        score_seconds=0,
    )
