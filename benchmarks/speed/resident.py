"""The peak of the resident memory of this process."""

import re
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_mebibytes() -> float:
    """Return the peak so far, in MiB; it is known on Linux only.

    ``resource.getrusage`` would not do, since its peak starts from that of the parent process.
    """
    found = re.search(r"VmHWM:\s*(\d+) kB", _STATUS.read_text())
    assert found, "Linux always tells it"
    return int(found[1]) / 1024
