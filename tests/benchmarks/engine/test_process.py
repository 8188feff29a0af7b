"""A process is prepared for trainings, whatever its system offers."""

import resource
from typing import Any

import pytest
import torch

from benchmarks.engine import execute as module
from benchmarks.engine.execute import prepare_process


@pytest.mark.parametrize("error", [TypeError, OSError])
def test_a_system_whose_c_library_has_no_name(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    CDLL = module.ctypes.CDLL

    def nameless(name: object, *more: Any, **options: Any) -> Any:
        if name is None:
            raise error
        return CDLL(name, *more, **options)

    monkeypatch.setattr(module.ctypes, "CDLL", nameless)
    prepare_process()


@pytest.mark.skipif(not hasattr(module.ctypes.CDLL(None), "mallopt"), reason="the C library has no mallopt")
def test_the_memory_of_a_step_is_kept_for_the_next() -> None:
    """A freed block of 64 MiB stays with the process, so that writing to the next one faults no page again."""

    def faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.ones(2**24)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    prepare_process()
    faults()
    assert min(faults() for _ in range(5)) < 1000  # of 16,384 pages
