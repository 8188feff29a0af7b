"""The memory that a worker takes for a job: ``python -m benchmarks.speed.peak MODEL DATASET`` prints MiB."""

import re
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.plan import Run, make_run
from benchmarks.profiles import load_profile
from benchmarks.registry import MODELS
from benchmarks.speed.work import done
from benchmarks.tasks import other_split, with_classes, without_negatives

CLASS = 1
# Passes over the images, whatever the profile says: memory does not depend on them.
_EPOCHS = 3


def main(model: str, dataset: str) -> None:
    """Train and score a model on the largest task of a data set in this process, and print its peak."""
    profile = load_profile("fast")
    task = without_negatives(dataset, CLASS)
    if MODELS[model].detector.uses_negatives:
        task = with_classes(dataset, CLASS, other_split(CLASS))
    done([_shortened(make_run(task, model, 0, profile, {}))], profile)
    print(round(peak_mebibytes()))


def peak_mebibytes() -> float:
    """The most memory that this process had resident at once.

    ``resource.getrusage`` would not do: it begins from the peak of the process that started this one.
    """
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "only Linux tells"
    return int(found[1]) / 1024


def _shortened(run: Run) -> Run:
    settings = run.settings | {name: _EPOCHS for name in run.settings if name.endswith("epochs")}
    return replace(run, settings=settings)


if __name__ == "__main__":
    main(*sys.argv[1:])
