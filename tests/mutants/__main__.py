"""Plant each mutant of ``mutants.toml`` in a copy of the project and see a test fail: ``python -m tests.mutants``.

Words on the command line restrict it to the mutants whose names hold one of them.
"""

import os
import shutil
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from tests.mutants.forks import tested

ROOT = Path(__file__).parents[2]
COPIED = ("lisae", "baselines", "benchmarks", "tests", "pyproject.toml", "README.md", "results/published")


@dataclass(frozen=True)
class Mutant:
    """A line that decides results, what it is made, and the tests that have to fail then."""

    name: str
    file: str
    old: str
    new: str
    tests: str


def all_mutants() -> list[Mutant]:
    """Return the mutants of ``mutants.toml``."""
    with (Path(__file__).parent / "mutants.toml").open("rb") as file:
        return [Mutant(**entry) for entry in tomllib.load(file)["mutant"]]


def main(words: list[str]) -> int:
    """Return 0 where every mutant is killed, 1 where one survives or cannot be planted."""
    chosen = [one for one in all_mutants() if not words or any(word in one.name for word in words)]
    if not chosen:
        print(f"no mutant has {' or '.join(words)} in its name")
        return 1
    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        copies: Queue[Path] = Queue()
        for number in range(workers):
            copies.put(_copy(Path(folder) / str(number)))
        status, output = tested(copies.queue[0], " ".join(sorted({one.tests for one in chosen})))
        faults = [] if status == 0 else [f"the project as it is: its tests do not pass\n{output}"]
        faults += filter(None, pool.map(lambda mutant: _fault(mutant, copies), chosen))
    print("\n".join(faults) or f"{len(chosen)} of {len(chosen)} mutants killed")
    return 1 if faults else 0


def _copy(folder: Path) -> Path:
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


def _fault(mutant: Mutant, copies: "Queue[Path]") -> str:
    """Return a sentence about a mutant that survives, '' for one that is killed."""
    folder = copies.get()
    path = folder / mutant.file
    text = path.read_text(encoding="utf-8")
    try:
        if text.count(mutant.old) != 1:
            return f"{mutant.name}: {mutant.old!r} stands {text.count(mutant.old)} times in {mutant.file}, not once"
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        status, output = tested(folder, mutant.tests)
        print(f"{'killed' if status == 1 else 'SURVIVED'}: {mutant.name}", flush=True)
        return "" if status == 1 else f"{mutant.name}: survives {mutant.tests} (status {status})\n{output}"
    finally:
        path.write_text(text, encoding="utf-8")
        copies.put(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
