"""Weights that were kept are those of their run and whole, or they are trained again and that is said."""

import random
import re
import shutil
from collections.abc import Callable

import pytest

import lisae
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Outcome, keep_outcome, local
from benchmarks.engine.profiles import Profile
from benchmarks.engine.records import Store, read_record
from benchmarks.engine.run import Run, make_jobs
from benchmarks.paper.tasks import with_classes, without_negatives
from lisae import AutoEncoder

MakeRun = Callable[..., Run]


@pytest.fixture
def stages(drawn_run: MakeRun) -> list[Run]:
    """Two phase ones of the same class and settings."""
    return [drawn_run(without_negatives("cifar10", c), "AE") for c in (1, 2)]


@pytest.fixture
def store(context: Context, stages: list[Run], few, unchecked) -> Store:  # type: ignore[no-untyped-def]
    store = Store(context.results_dir)
    for number, run in enumerate(stages):
        detector = AutoEncoder(latent_dim=2, epochs=1, min_steps=0, random_state=number)
        store.put_weights(run.id, detector.fit(few.normal).to_bytes())
    return store


def test_weights_come_back_as_they_were(store: Store, stages: list[Run], few, capsys) -> None:  # type: ignore[no-untyped-def]
    kept = store.weights(stages[0])
    assert kept is not None
    AutoEncoder(latent_dim=2, epochs=1, min_steps=0).from_bytes(kept)  # as any file of a detector
    store.weights_path(stages[0].id).unlink()
    assert store.weights(stages[0]) is None
    assert capsys.readouterr().err == ""
    unknown = re.sub(rb'"F32"', b'"F4" ', kept)  # a type of safetensors that PyTorch does not have
    for content in (b"weights", unknown):
        with pytest.raises(ValueError, match="no whole safetensors"):
            store.put_weights(stages[0].id, content)


def swapped(store: Store, stages: list[Run]) -> None:
    shutil.copy(store.weights_path(stages[1].id), store.weights_path(stages[0].id))


def cut(store: Store, stages: list[Run]) -> None:
    path = store.weights_path(stages[0].id)
    path.write_bytes(path.read_bytes()[:-100])


def flipped(store: Store, stages: list[Run]) -> None:
    path = store.weights_path(stages[0].id)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


def folder(store: Store, stages: list[Run]) -> None:
    store.weights_path(stages[0].id).unlink()
    store.weights_path(stages[0].id).mkdir()


def nameless(store: Store, stages: list[Run]) -> None:
    """As they were kept before they named their run."""
    path = store.weights_path(stages[0].id)
    lisae.load(path).save(path)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (swapped, "they are those of {}"),
        (cut, "no whole safetensors file"),
        (flipped, "it was changed since it was written"),
        (folder, "they are no file"),
        (nameless, "those of a run that they do not name"),
    ],
)
def test_others_are_named_and_not_taken(  # type: ignore[no-untyped-def]
    store: Store, stages: list[Run], damage: Callable[[Store, list[Run]], None], reason: str, capsys
) -> None:
    damage(store, stages)
    assert store.weights(stages[0]) is None
    (line,) = capsys.readouterr().err.splitlines()
    assert str(store.weights_path(stages[0].id)) in line
    assert reason.format(stages[1].id) in line
    assert "trained again" in line


def test_no_byte_can_be_changed(store: Store, stages: list[Run]) -> None:
    path, source = store.weights_path(stages[0].id), random.Random(0)
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    for number in range(300):
        changed = bytearray(whole)
        place = source.randrange(header if number % 3 else len(whole))
        changed[place] ^= 1 << source.randrange(8)
        path.write_bytes(changed)
        assert store.weights(stages[0]) is None


def test_swapped_weights_give_the_same_scores(
    context: Context, stages: list[Run], drawn_run: MakeRun, tiny: Profile, capsys
) -> None:  # type: ignore[no-untyped-def]
    shaped = [drawn_run(with_classes("cifar10", c, (5, 6)), "LIS-AE") for c in (1, 2)]
    jobs, store = make_jobs([*stages, *shaped], tiny), Store(context.results_dir)

    def keep(outcome: Outcome) -> None:
        assert keep_outcome(outcome, store) is None

    local(jobs, context, 1, keep)
    before = [read_record(store.record_path(run.id)).scores for run in shaped]
    first, second = (store.weights_path(run.id) for run in stages)
    whole = first.read_bytes(), second.read_bytes()
    first.write_bytes(whole[1])
    second.write_bytes(whole[0])
    local([job.of({run.id for run in shaped}) for job in jobs], context, 1, keep)
    assert [read_record(store.record_path(run.id)).scores for run in shaped] == before
    assert (first.read_bytes(), second.read_bytes()) == whole
    assert capsys.readouterr().err.count("trained again: they are those of") == 2
