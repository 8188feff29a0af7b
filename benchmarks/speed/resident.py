"""The most memory that a process had resident."""

import re
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_mebibytes() -> float:
    """The peak of this process so far, in MiB; on Linux only.

    ``resource.getrusage`` would not do: its peak begins from that of the process that started this one.
    """
    found = re.search(r"VmHWM:\s*(\d+) kB", _STATUS.read_text())
    assert found, "Linux says so"
    return int(found[1]) / 1024
