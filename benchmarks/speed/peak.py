"""The peak of a worker's memory: ``python -m benchmarks.speed.peak MODEL DATASET [NEGATIVES]`` prints it in MiB."""

import sys
from dataclasses import replace

from benchmarks.engine.profiles import load_profile
from benchmarks.engine.run import Run, make_run
from benchmarks.paper.tasks import Negatives, against, other_split, with_classes, without_negatives
from benchmarks.registry import MODELS
from benchmarks.speed.resident import peak_mebibytes
from benchmarks.speed.work import train_and_score

CLASS = 1
# A few epochs are enough, since memory does not depend on their number.
_EPOCHS = 3


def main(model: str, dataset: str, negatives: str | None = None) -> None:
    """Train and score a model on the largest task of a data set in this process, and print its peak.

    With ``negatives``, the name of a data set, all its images are the negatives in place of other classes.
    """
    profile = load_profile("fast")
    task = without_negatives(dataset, CLASS)
    if negatives is not None:
        task = against(dataset, (CLASS,), Negatives(negatives))
    elif MODELS[model].detector.uses_negatives:
        task = with_classes(dataset, CLASS, other_split(CLASS))
    train_and_score([_shortened(make_run(task, model, 0, profile, {}))], profile)
    print(round(peak_mebibytes()))


def _shortened(run: Run) -> Run:
    settings = run.settings | {name: _EPOCHS for name in run.settings if name.endswith("epochs")}
    return replace(run, settings=settings)


if __name__ == "__main__":
    main(*sys.argv[1:])
