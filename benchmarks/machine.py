"""The machine that results come from: its processor or GPU and the versions of its libraries."""

import contextlib
import platform
import re
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import torch

_CPUINFO = Path("/proc/cpuinfo")
_SYSCTL = ("sysctl", "-n", "machdep.cpu.brand_string")


def device_name(device: str, cpuinfo: Path = _CPUINFO) -> str:
    """Return the name of the GPU, for a device other than ``cpu`` where there is one, or else of the processor.

    The processor's name is read from ``cpuinfo`` on Linux and asked of ``sysctl`` on macOS. Where neither tells it, the
    name is what ``platform`` knows, which may be the architecture alone. No error is raised.
    """
    if device != "cpu" and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    with contextlib.suppress(OSError):
        if found := re.search(r"^model name[ \t]*:[ \t]*(\S.*)", cpuinfo.read_text(errors="replace"), re.MULTILINE):
            return found[1].strip()
    with contextlib.suppress(OSError):
        asked = subprocess.run(_SYSCTL, capture_output=True, text=True, errors="replace", check=False)
        if asked.returncode == 0 and asked.stdout.strip():
            return asked.stdout.strip()
    return platform.processor() or platform.machine()


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the version of Python and of each of these libraries that is installed, in this order."""
    found = {"python": platform.python_version()}
    for library in libraries:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[library] = metadata.version(library)
    return found
