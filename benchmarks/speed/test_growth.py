"""Time grows linearly with images, epochs, classes and seeds."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.engine.profiles import load_profile
from benchmarks.engine.run import Run, make_run
from benchmarks.paper.tasks import without_negatives
from benchmarks.speed.growth import Series, publish
from benchmarks.speed.ratios import processor
from benchmarks.speed.turns import ROUNDS, timer
from benchmarks.speed.work import done

BASE = {"images": 500, "epochs": 6, "classes": 1, "seeds": 1}
FACTORS = (1, 2, 3, 4)
GOAL = 0.98


def test_growth(published: Path | None, capsys: pytest.CaptureFixture[str]) -> None:
    """AE of MNIST as it is run, each quantity doubled to quadrupled alone; the best of rounds taken in turns."""
    done(_runs(**BASE), load_profile("fast"))  # whatever is done once in a process
    best: dict[tuple[str, int], float] = {}
    for _ in range(ROUNDS):
        for quantity, base in BASE.items():
            for factor in FACTORS:
                runs = _runs(**BASE | {quantity: factor * base})
                started = timer()
                done(runs, load_profile("fast"))
                seconds = timer() - started
                best[quantity, factor] = min(seconds, best.get((quantity, factor), seconds))
    series = {
        quantity: Series([f * base for f in FACTORS], [best[quantity, f] for f in FACTORS])
        for quantity, base in BASE.items()
    }
    with capsys.disabled():
        for quantity, one in series.items():
            print(f"\n{quantity}: R^2 {one.r_squared:.4f}, at most {one.largest_deviation:.1%} off the line", end="")
    if published:
        note = (
            f"AE of MNIST, trained and scored: {BASE['images']} images, {BASE['epochs']} epochs, one class and seed, "
            f"and one of these increased. One thread, best of {ROUNDS} rounds. {processor()}."
        )
        publish(series, note, published)
    assert min(one.r_squared for one in series.values()) > GOAL


def _runs(images: int, epochs: int, classes: int, seeds: int) -> list[Run]:
    profile = replace(load_profile("fast"), limits={"train": images, "test": 50})
    tasks = [without_negatives("mnist", c) for c in range(classes)]
    runs = [make_run(task, "AE", seed, profile, {}) for task in tasks for seed in range(seeds)]
    # Steps of 32 images, so that the fewest epochs train a network.
    return [replace(run, settings=run.settings | {"epochs": epochs, "batch_size": 32}) for run in runs]
