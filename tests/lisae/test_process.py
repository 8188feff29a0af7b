"""The threads and the memory of a process."""

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from lisae import process as module
from lisae.process import keep_memory, spare_memory, threads

STEPS = """
import resource, torch
from torch import nn
from lisae.process import keep_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        (network(images) - images).square().mean().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

keep_memory()
torch.set_num_threads(1)
network = nn.Sequential(nn.Conv2d(3, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 3, 4, 2, 1))
images = torch.rand(256, 3, 32, 32)
faults()
least = min(faults() for _ in range(5))
assert least < 1000, f"{least} page faults in ten steps, which have some 14,000 without it"
"""


def bytes_of_data() -> int:
    return int(re.findall(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) * 1024


@pytest.mark.parametrize("error", [TypeError, OSError])
def test_a_system_whose_c_library_has_no_name(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    CDLL = module.ctypes.CDLL

    def nameless(name: object, *more: Any, **options: Any) -> Any:
        if name is None:
            raise error
        return CDLL(name, *more, **options)

    monkeypatch.setattr(module.ctypes, "CDLL", nameless)
    keep_memory()


@pytest.mark.skipif(not hasattr(module.ctypes.CDLL(None), "mallopt"), reason="the C library has no mallopt")
def test_the_memory_of_a_step_is_kept_for_the_next() -> None:
    """Freed blocks stay with the process, so that writing to those of the next step faults no page again."""

    subprocess.run([sys.executable, "-c", STEPS], check=True)  # new: what other tests left would be in the way


def test_the_environment_may_say_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    monkeypatch.setattr(module.ctypes, "CDLL", lambda name: pytest.fail("asked the C library"))
    keep_memory()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell of its processes so")
def test_spare_memory_is_out_of_the_blocks_reach_and_there_after_it() -> None:
    before = bytes_of_data()
    with spare_memory(2**28):
        assert bytes_of_data() >= before + 2**28
    assert bytes_of_data() < before + 2**26
    with spare_memory(2**62):  # more than there is: the block goes on without it
        assert bytes_of_data() < before + 2**26


@pytest.mark.parametrize(
    ("n_jobs", "shape", "chosen"),
    [
        (None, (28, 28, 1), 1),
        (None, (32, 32, 3), 1),
        (None, (64, 64, 3), 2),
        (None, (224, 224, 3), 3),
        (2, (28, 28, 1), 2),
        (-1, (28, 28, 1), os.cpu_count()),
    ],
)
def test_threads_suit_the_images_or_are_told_and_are_set_back(
    n_jobs: int | None, shape: tuple[int, ...], chosen: int
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with suppress(KeyError), threads(n_jobs, shape) as found:
            assert found == torch.get_num_threads() == chosen
            raise KeyError
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("n_jobs", [0, -2, 1.5, True, "all"])
def test_wrong_numbers_of_threads(n_jobs: Any) -> None:
    message = f"n_jobs is a number of threads, -1 for all processors or None to choose; got {n_jobs!r}"
    with pytest.raises(ValueError, match=message), threads(n_jobs, (8, 8, 1)):
        pass
