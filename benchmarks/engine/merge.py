"""The results of several machines in one folder: records are files by content, so that merging them is a copy."""

from pathlib import Path

from benchmarks.engine.records import Record, Store, checked_weights, read_record
from benchmarks.errors import CallError
from benchmarks.files import written_whole
from benchmarks.progress import Messages


def merge(folder: Path, store: Store, messages: Messages) -> None:
    """Copy the records of another results folder, and the weights of their stages, and say how many were copied.

    Nothing is overwritten: where both folders have a record of one run with other results, the one in ``store`` stays
    and is named, and the weights of that run are not copied. Weights that are changed or another run's are left out.

    Raises ``CallError``, before anything is copied, when the folder has no records or a damaged one, and
    ``UnavailableError`` when a file cannot be written.
    """
    other = Store(folder)
    if not (folder / "runs").is_dir():
        raise CallError(f"--merge {folder}: it has no folder runs, so it is no results folder of this program.")
    for _ in other.records():  # each is read and checked
        pass
    present = set(store.ids())
    n_copied, differing = 0, []
    for run_id in other.ids():
        theirs = read_record(other.record_path(run_id))
        ours = read_record(store.record_path(run_id)) if run_id in present else None
        if ours is None:
            _copy(other.record_path(run_id).read_bytes(), store.record_path(run_id))
            n_copied += 1
        elif _measured(ours) != _measured(theirs):
            differing.append(run_id)
            continue
        _copy_weights(run_id, other, store)
    messages.tell(f"{folder}: {n_copied} records copied, {len(other.ids()) - n_copied} were here.")
    if differing:
        messages.tell(
            f"{folder}: {len(differing)} records have other results than those here, which stay: "
            f"{', '.join(differing)}. To take the others, move these away from {store.root / 'runs'} and call again."
        )


def _measured(record: Record) -> tuple[object, ...]:
    """Return what two trainings of one run on like machines have in common, and two on others may not."""
    return record.scores, record.n_normal, record.restarts, record.precision


def _copy_weights(run_id: str, other: Store, store: Store) -> None:
    source, target = other.weights_path(run_id), store.weights_path(run_id)
    if source.exists() and not target.exists():
        try:
            content = checked_weights(source, run_id)
        except (OSError, ValueError, KeyError) as error:
            Messages().tell(f"the weights {source} are not copied: {error}")
        else:
            _copy(content, target)


def _copy(content: bytes, target: Path) -> None:
    with written_whole(target) as temporary:
        temporary.write_bytes(content)
