"""Rows that figures and claims show and no record holds, computed once from data and trained detectors as a CSV."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Failure
from benchmarks.engine.run import Run
from benchmarks.files import write_text


@dataclass(frozen=True)
class Computation:
    """Rows computed from runs, or from data that a run names, and kept as a CSV in the results directory.

    Attributes:
        file: the name of the CSV, such as ``figure_3.csv``.
        runs: what it is made from, by the name that messages give it. The column ``run`` of the CSV holds their ids,
            so that rows made from anything else are not taken for these.
        are_recorded: whether the detectors of these runs are rebuilt, so that only runs with a record can be used.
            Otherwise a run only names task, settings, seed and data: nobody trains or records it.
        compute: gives the rows of those runs that are there, and the runs that failed.
    """

    file: str
    runs: Mapping[str, Run]
    are_recorded: bool
    compute: Callable[[Mapping[str, Run], Context], tuple[pd.DataFrame, list[Failure]]]

    def kept(self, results_dir: Path, ids: set[str]) -> pd.DataFrame | None:
        """Give the rows that were kept, if they were made from exactly the runs with these ids; None otherwise."""
        path = results_dir / self.file
        if not path.is_file():
            return None
        try:
            # Rows have four decimals at most; some versions of pandas read the last bit of a float wrongly.
            frame = pd.read_csv(path, dtype={"run": str, "class": str}).round(4)
            return frame if set(frame["run"]) == ids else None
        except (ValueError, KeyError, OSError):
            return None  # damaged: computed anew

    def keep(self, frame: pd.DataFrame, results_dir: Path) -> None:
        """Write the rows. Raises ``UnavailableError`` when they cannot be written."""
        write_text(results_dir / self.file, frame.to_csv(index=False, lineterminator="\n"))
