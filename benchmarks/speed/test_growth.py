"""The linear growth of time with images, epochs, classes and seeds."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.data import load
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.run import Run, make_run
from benchmarks.paper.tasks import without_negatives
from benchmarks.speed.growth import publish, with_lines
from benchmarks.speed.ratios import processor
from benchmarks.speed.turns import ROUNDS, timer
from benchmarks.speed.work import train_and_score

BASE = {"images": 500, "epochs": 6, "classes": 1, "seeds": 1}
FACTORS = (1, 2, 3, 4)
GOAL = 0.98


def test_growth(published: Path | None, capsys: pytest.CaptureFixture[str]) -> None:
    """Train and score AE of MNIST, one quantity at a time made two to four times as large; the best round counts."""
    load("mnist")  # fetches it where it is not there, which a worker does not do
    train_and_score(_runs(**BASE), load_profile("fast"))  # what a process does only once is not timed
    best: dict[tuple[str, int], float] = {}
    for _ in range(ROUNDS):
        for quantity, base in BASE.items():
            for factor in FACTORS:
                runs = _runs(**BASE | {quantity: factor * base})
                started = timer()
                train_and_score(runs, load_profile("fast"))
                seconds = timer() - started
                best[quantity, factor] = min(seconds, best.get((quantity, factor), seconds))
    points = [(quantity, factor * BASE[quantity], seconds) for (quantity, factor), seconds in best.items()]
    lines = with_lines(pd.DataFrame(points, columns=["quantity", "amount", "seconds"]))
    with capsys.disabled():
        print("", lines.drop_duplicates("quantity")[["quantity", "r_squared", "largest_deviation"]], sep="\n")
    if published:
        note = (
            f"AE of MNIST, trained and scored: {BASE['images']} images, {BASE['epochs']} epochs, one class and seed, "
            f"and one of these increased. One thread, best of {ROUNDS} rounds. {processor()}."
        )
        publish(lines, note, published)
    assert lines["r_squared"].min() > GOAL


def _runs(images: int, epochs: int, classes: int, seeds: int) -> list[Run]:
    profile = replace(load_profile("fast"), limits={"train": images, "test": 50})
    tasks = [without_negatives("mnist", c) for c in range(classes)]
    runs = [make_run(task, "AE", seed, profile, {}) for task in tasks for seed in range(seeds)]
    # Steps of 32 images, so that the fewest epochs train a network.
    return [replace(run, settings=run.settings | {"epochs": epochs, "batch_size": 32}) for run in runs]
