"""Two ways to do the same work, timed in turns, in processor time, so that a busy machine slows both and little.

Only one thread of this process is timed, so processor time is what a clock would show on an idle machine.
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
    """Run theirs and ours in turns and return the seconds of our rounds and of theirs, (rounds,) each.

    On a GPU pass ``time.perf_counter``, the benchmark's own clock, because the processor only waits there.
    """
    their_seconds: list[float] = []

    def timed_theirs() -> None:
        started = clock()
        theirs()
        their_seconds.append(clock() - started)

    benchmark.pedantic(ours, setup=timed_theirs, rounds=rounds)
    benchmark.extra_info["their_seconds"] = their_seconds
    return list(benchmark.stats.stats.data), their_seconds
