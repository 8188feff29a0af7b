"""Scores that were computed elsewhere: a folder with an array a task, for methods in any language."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import CallError
from benchmarks.own.contract import ContractError
from benchmarks.registry import Model
from lisae import Detector
from lisae.images import Images

_AGAINST = "-against-"
_LARGEST = 2**25  # bytes of a file
_SUFFIXES = (".npy", ".txt", ".csv")


class GivenScores(Detector):
    """The place of a detector whose scores are given: it learns nothing."""

    def _fit(self, normal: Images, negatives: Images | None, seed: int) -> NDArray[np.float64]:
        return np.zeros(len(normal))

    def _anomaly_score(self, images: Images) -> NDArray[np.float64]:
        raise NotImplementedError("its scores are given for the images of a data set, and for no others.")


class GivenScoresWithNegatives(GivenScores):
    """The same for a method that learned from negatives."""

    uses_negatives = True


def scores_file(task: Any) -> str:
    """Return the name, without its ending, of the file of a task, such as ``mnist-0+1-against-omniglot``."""
    name = f"{task.dataset}-{'+'.join(map(str, task.normal))}"
    if task.negatives is None:
        return name
    classes = "+".join(map(str, task.negatives.classes))
    return f"{name}{_AGAINST}{task.negatives.dataset}{f'-{classes}' if classes else ''}"


@dataclass(frozen=True)
class ScoresSource:
    """A folder of scores, whose arrays travel with it, each by the name of its file without the ending."""

    name: str
    words: tuple[str, str]
    folder: str
    arrays: Mapping[str, NDArray[np.float64]] = field(compare=False)
    digest: str  # of all of them

    @property
    def uses_negatives(self) -> bool:
        """Tell whether any of its tasks has negatives."""
        return any(_AGAINST in name for name in self.arrays)

    def identity(self, task: Any, seed: int) -> dict[str, str]:
        """Return the digest of the scores of a task."""
        array = self._array(task, seed)
        content = b"" if array is None else array.tobytes()
        return {"scores": hashlib.sha256(content).hexdigest()[:16]}

    def model(self) -> Model:
        """Return the model, which learns nothing."""
        detector = GivenScoresWithNegatives if self.uses_negatives else GivenScores
        return Model(self.name, detector, f"scores of {len(self.arrays)} tasks in {self.folder}", origin=self)

    def of(self, task: Any, seed: int, n: int) -> NDArray[np.float64]:
        """Return the scores of all ``n`` test images of the task's data set. Raises ``ContractError``."""
        array, name = self._array(task, seed), scores_file(task)
        if array is None:
            raise ContractError(f"has no scores for it: {self.folder} lacks {name}.npy (or {name}.txt)")
        if array.shape != (n,):
            got = " x ".join(map(str, array.shape))
            raise ContractError(
                f"has scores of shape {got} in {name}: one is wanted for each of the {n} test images of "
                f"{task.dataset}, in the order of the set"
            )
        return array

    def _array(self, task: Any, seed: int) -> NDArray[np.float64] | None:
        name = scores_file(task)
        return self.arrays.get(f"{name}-seed-{seed}", self.arrays.get(name))


def scores_source(text: str) -> ScoresSource:
    """Read the scores that a command line names: ``[NAME=]FOLDER``. Raises ``CallError`` for what is no such folder."""
    name, equals, rest = text.partition("=")
    folder = Path(rest if equals else text).expanduser()
    arrays: dict[str, NDArray[np.float64]] = {}
    try:
        for path in sorted(folder.iterdir()):
            if path.suffix in _SUFFIXES and path.stem in arrays:
                raise CallError(f"--scores {text}: {path.stem} is there twice, with different endings.")
            if path.suffix in _SUFFIXES:
                arrays[path.stem] = _read(path)
    except OSError as error:
        raise CallError(f"--scores {text}: {folder} cannot be read: {error.strerror or error}.") from error
    if not arrays:
        raise CallError(f"--scores {text}: {folder} has no array, such as mnist-3.npy (docs/own-detector.md).")
    digest = hashlib.sha256(b"".join(name.encode() + array.tobytes() for name, array in arrays.items()))
    own = name if equals else folder.resolve().name
    return ScoresSource(own, ("--scores", text), str(folder), arrays, digest.hexdigest()[:16])


def _read(path: Path) -> NDArray[np.float64]:
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"it has more than {_LARGEST} bytes")
        # Mapped, so that a header which says more than the file has is found before there is memory for it.
        is_binary = path.suffix == ".npy"
        array = np.load(path, mmap_mode="r", allow_pickle=False) if is_binary else np.loadtxt(path, ndmin=1)
        if np.iscomplexobj(array):
            raise ValueError("they are complex numbers")
        return np.array(array, dtype=np.float64)
    except (ValueError, TypeError, EOFError, OverflowError) as error:
        raise CallError(f"the scores {path} cannot be read: {error}. They are numbers, one for each image.") from error
