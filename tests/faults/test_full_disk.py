"""A disk that is really full: a small one in memory, mounted for one process alone."""

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults

SCRIPT = textwrap.dedent(
    """
    import os, subprocess, sys
    from dataclasses import replace
    from pathlib import Path
    import numpy as np
    from benchmarks.data.cache import CATALOGUE, Arrays
    from benchmarks.data.fetch import SOURCES, Source, fetch
    from benchmarks.errors import UnavailableError

    place, download = Path(sys.argv[1]), int(sys.argv[2])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", place], check=True)
    half = np.zeros((60_000, 28, 28), np.uint8), np.arange(60_000) % 10
    half[0][0] = 1  # a set of equal images would be refused
    CATALOGUE["mnist"] = replace(CATALOGUE["mnist"], digests={})

    def give(folder):
        (folder / "download").write_bytes(bytes(download))
        return Arrays(*half, half[0][:10_000], half[1][:10_000])

    SOURCES["mnist"] = (Source("here", give), Source("again", lambda _: sys.exit("asked in vain")))
    try:
        fetch("mnist", place / "mnist.npz", quiet=True)
    except UnavailableError as error:
        print(error, sorted(os.listdir(place)))
    """
)


@pytest.mark.parametrize("megabytes", [30, 1], ids=["while it is downloaded", "while it is written"])
def test_fetching_into_a_full_disk_leaves_nothing(tmp_path: Path, megabytes: int) -> None:
    alone = ["unshare", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    command = [*alone, sys.executable, "-c", SCRIPT, tmp_path, str(megabytes * 2**20)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    assert "could not be written: No space left on device" in done.stdout
    assert done.stdout.endswith("['mnist.lock']\n")
