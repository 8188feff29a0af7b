"""The machine is named as it names itself."""

import platform
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn
import torch

from benchmarks.engine.evaluate import device_name, versions

NOWHERE = Path("/nowhere/cpuinfo")
CPUINFO = """processor\t: 0
vendor_id\t: AuthenticAMD
model\t\t: 2
model name\t: AMD EPYC 9B45 @ 2.1: one
stepping\t: 1

processor\t: 1
model name\t: another
"""


@pytest.fixture
def cpuinfo(tmp_path: Path) -> Path:
    path = tmp_path / "cpuinfo"
    path.write_text(CPUINFO)
    return path


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of commands, empty."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def write_sysctl(folder: Path, script: str) -> None:
    path = folder / "sysctl"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="only Linux has this file")
def test_the_processor_of_this_machine() -> None:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    assert device_name("cpu") == (names[0] if names else platform.processor() or platform.machine())


def test_the_first_processor_of_the_file(cpuinfo: Path) -> None:
    assert device_name("cpu", cpuinfo) == "AMD EPYC 9B45 @ 2.1: one"


@pytest.mark.parametrize(("device", "name"), [("cuda", "a fake GPU"), ("cpu", "AMD EPYC 9B45 @ 2.1: one")])
def test_a_gpu_where_it_is_the_device(cpuinfo: Path, monkeypatch: pytest.MonkeyPatch, device: str, name: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a fake GPU")
    assert device_name(device, cpuinfo) == name


def test_the_processor_where_there_is_no_gpu(cpuinfo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_name("cuda", cpuinfo) == "AMD EPYC 9B45 @ 2.1: one"


@pytest.mark.skipif(sys.platform == "win32", reason="the command is a shell script")
def test_macos_tells_the_name_by_a_command(commands: Path) -> None:
    write_sysctl(commands, '[ "$*" = "-n machdep.cpu.brand_string" ] && echo "Apple M9"')
    assert device_name("cpu", NOWHERE) == "Apple M9"


@pytest.mark.parametrize("script", [None, "echo wrong; exit 1", "echo", "printf '\\n'"])
def test_the_architecture_where_nothing_tells_the_name(
    commands: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    if script:
        write_sysctl(commands, script)
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert device_name("cpu", NOWHERE) == "riscv64"
    monkeypatch.setattr(platform, "processor", lambda: "a processor")
    assert device_name("cpu", NOWHERE) == "a processor"


def test_a_file_that_names_no_model(tmp_path: Path, commands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "processor", lambda: "aarch64")
    (tmp_path / "cpuinfo").write_bytes(b"processor\t: 0\nmodel name\t:\nFeatures\t: fp \xff\n")
    assert device_name("cpu", tmp_path / "cpuinfo") == "aarch64"


def test_versions_are_those_of_the_libraries_in_use() -> None:
    found = versions(["scikit-learn", "no-such-library", "numpy"])
    assert list(found.items()) == [
        ("python", sys.version.split()[0]),
        ("scikit-learn", sklearn.__version__),
        ("numpy", np.__version__),
    ]
