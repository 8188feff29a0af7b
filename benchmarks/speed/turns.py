"""Two ways to do the same work, timed in turns, in processor time: a busy machine slows both, and neither by much.

All that is timed is one thread of this process, so that it is what a clock would show on an idle machine.
"""

import time
from collections.abc import Callable

from pytest_benchmark.fixture import BenchmarkFixture

ROUNDS = 3
timer = time.process_time


def in_turns(
    benchmark: BenchmarkFixture,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    rounds: int = ROUNDS,
    clock: Callable[[], float] = timer,
) -> tuple[list[float], list[float]]:
    """Run theirs and ours ``rounds`` times and give the seconds of each by a clock, (rounds,) twice.

    On a GPU the clock is the benchmark's own, ``time.perf_counter``: the processor only waits.
    """
    their_seconds: list[float] = []

    def timed_theirs() -> None:
        started = clock()
        theirs()
        their_seconds.append(clock() - started)

    benchmark.pedantic(ours, setup=timed_theirs, rounds=rounds)
    benchmark.extra_info["their_seconds"] = their_seconds
    return list(benchmark.stats.stats.data), their_seconds
