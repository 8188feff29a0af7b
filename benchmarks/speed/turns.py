"""Two ways to do the same work, timed in turns, so that a busy machine slows both."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

ROUNDS = 3


def ratio_in_turns(
    benchmark: BenchmarkFixture,
    capsys: pytest.CaptureFixture[str],
    what: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
) -> float:
    """Run theirs and ours ``ROUNDS`` times, print how they compare, and give the median ratio of neighbours."""
    their_seconds: list[float] = []

    def timed_theirs() -> None:
        started = time.perf_counter()
        theirs()
        their_seconds.append(time.perf_counter() - started)

    benchmark.pedantic(ours, setup=timed_theirs, rounds=ROUNDS)
    our_seconds = benchmark.stats.stats.data
    ratios = sorted(theirs / ours for theirs, ours in zip(their_seconds, our_seconds, strict=True))
    median = float(np.median(ratios))
    benchmark.extra_info.update(ratio=median, ratios=ratios, their_seconds=their_seconds)
    with capsys.disabled():
        print(
            f"\n{what}, one thread, {ROUNDS} rounds in turns: scikit-learn {np.median(their_seconds):.2f} s, "
            f"ours {np.median(our_seconds):.2f} s, ratio {median:.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"
        )
    return median
