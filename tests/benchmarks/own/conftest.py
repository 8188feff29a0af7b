"""Files of detectors from outside, right and wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]

RIGHT = '''
"""Distance to the mean image."""
from dataclasses import dataclass
import numpy as np
from lisae import Detector, as_rows


@dataclass(kw_only=True, eq=False, repr=False)
class MeanDistance(Detector):
    """Distance to the mean image."""

    power: float = 2.0

    def _fit(self, normal, negatives, seed):
        self.mean_ = as_rows(normal).mean(axis=0)
        return self._anomaly_score(normal)

    def _anomaly_score(self, images):
        scores = (np.abs(as_rows(images) - self.mean_) ** self.power).sum(axis=1).astype(float)
        return scores
'''


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the right detector, with one text of it replaced by another, and return the path of the file."""

    def write(old: str = "", new: str = "", name: str = "mine.py") -> Path:
        assert old in RIGHT
        path = tmp_path / name
        path.write_text(RIGHT.replace(old, new) if old else RIGHT)
        return path

    return write
