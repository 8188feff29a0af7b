"""Two ways to do the same work, timed in turns, so that a busy machine slows both."""

import time
from collections.abc import Callable

from pytest_benchmark.fixture import BenchmarkFixture

ROUNDS = 3


def in_turns(
    benchmark: BenchmarkFixture, ours: Callable[[], object], theirs: Callable[[], object], rounds: int = ROUNDS
) -> tuple[list[float], list[float]]:
    """Run theirs and ours ``rounds`` times and give the seconds of each, (rounds,) twice."""
    their_seconds: list[float] = []

    def timed_theirs() -> None:
        started = time.perf_counter()
        theirs()
        their_seconds.append(time.perf_counter() - started)

    benchmark.pedantic(ours, setup=timed_theirs, rounds=rounds)
    benchmark.extra_info["their_seconds"] = their_seconds
    return list(benchmark.stats.stats.data), their_seconds
