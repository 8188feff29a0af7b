"""The contract of a detector, tried on drawn images in seconds: a wrong one is told before hours of training.

Normal images are a soft spot on grey, outliers stripes in full contrast, negatives fainter stripes, all as bright on
average: whatever scores images at all tells the first two apart, also a network that has hardly begun to learn.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.data.cache import CATALOGUE
from benchmarks.engine.evaluate import build
from benchmarks.engine.execute import prepare_process
from benchmarks.engine.run import Run
from benchmarks.engine.workers import Workers
from benchmarks.errors import UnavailableError, one_line
from benchmarks.own.contract import ENDED, ContractError, check_scores
from benchmarks.own.sources import DetectorSource, Source, register
from lisae import CollapseError, Detector

Result = TypeVar("Result")
Pictures = NDArray[np.uint8]
SHAPES = ((28, 28, 1), (32, 32, 3))  # of the data sets
_REVERSED = 0.25  # an area below it is that of scores that are higher for normal images
_CLEAR = 0.75  # an area that every detector reaches here
_TOLERANCE = 1e-3  # of scores, relative: of the same image in another form or beside others


@dataclass(frozen=True)
class Drawn:
    """Drawn images, uint8 (n, h, w, c)."""

    normal: Pictures
    held_out: Pictures
    negatives: Pictures
    outliers: Pictures

    @property
    def test(self) -> Pictures:
        """The normal images that were held out, and then the outliers."""
        return np.concatenate([self.held_out, self.outliers])

    def labelled(self, *, with_negatives: bool) -> tuple[Pictures, NDArray[np.int64]]:
        """Return what a detector is fitted on."""
        if not with_negatives:
            return self.normal, np.ones(len(self.normal), dtype=np.int64)
        labels = np.repeat([1, -1], [len(self.normal), len(self.negatives)])
        return np.concatenate([self.normal, self.negatives]), labels


def draw(shape: tuple[int, int, int], n: int = 192) -> Drawn:
    """Draw ``n`` normal images of a shape to train on, and half as many of each other kind; always the same."""
    random, (height, width, channels) = np.random.default_rng(0), shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j][..., None]

    def across(low: float, high: float, count: int, size: int = 1) -> NDArray[np.float64]:
        return random.uniform(low, high, (count, 1, 1, size))

    def spots(count: int) -> Pictures:
        distance = (x - across(-0.5, 0.5, count)) ** 2 + (y - across(-0.5, 0.5, count)) ** 2
        peak = across(0.2, 0.3, count, channels) * random.choice([-1, 1], (count, 1, 1, 1))
        return _bytes(0.5 + peak * np.exp(-distance / across(0.05, 0.15, count)))

    def stripes(count: int, contrast: float) -> Pictures:
        angle = across(0, np.pi, count)
        wave = np.sin(across(8, 14, count) * (x * np.cos(angle) + y * np.sin(angle)) + across(0, 6, count))
        return _bytes(0.5 + 0.5 * contrast * across(0.8, 1, count, channels) * wave)

    return Drawn(spots(n), spots(n // 2), stripes(n // 2, 0.6), stripes(n // 2, 1.0))


def _bytes(images: NDArray[np.float64]) -> Pictures:
    return np.round(255 * images).astype(np.uint8)


class Verdict(NamedTuple):
    """One part of the contract: what was found of it, and whether it is kept."""

    part: str
    kept: bool
    text: str


@dataclass(frozen=True)
class ContractTrial:
    """A model from outside with its settings, tried with seed 0."""

    source: Source
    settings: Mapping[str, Any]
    device: str = "cpu"

    def fault(self, shape: tuple[int, int, int]) -> str:
        """Say how a model breaks the contract on images of a shape, '' where it does not or cannot be tried.

        An error in it is no fault here: the images are few, and its own runs will tell.
        """
        try:
            drawn = draw(shape)
            scores = self.fitted(drawn).anomaly_score(drawn.test)
            check_scores(scores, len(drawn.test))
        except ContractError as error:
            return f"{self.source.name} {error}"
        except (Exception, SystemExit):
            return ""
        area = _area(drawn, scores)
        if area < _REVERSED:
            return (
                f"{self.source.name} scores normal images higher than plain outliers (AUC {area:.2f} on drawn images): "
                "an anomaly score is higher for what is more anomalous, so turn its sign"
            )
        return "" if np.ptp(scores) > 0 else f"{self.source.name} gave all {len(scores)} drawn images the same score"

    def verdicts(self) -> Iterator[Verdict]:
        """Try every part of the contract, one after the other; nothing after a part that all others need."""
        worked = self._worked()  # first, since a model that ends its process must not end this one
        if isinstance(worked, UnavailableError):
            yield Verdict("process", False, ENDED)
            return
        for shape in SHAPES:
            part = f"images of {' x '.join(map(str, shape))}"
            drawn = draw(shape)
            try:
                detector = self.fitted(drawn)
                scores = detector.anomaly_score(drawn.test)
                check_scores(scores, len(drawn.test))
            except (Exception, SystemExit) as error:
                yield Verdict(part, False, _reason(error))
                return
            yield Verdict(part, True, f"{len(scores)} finite scores, from {scores.min():.4g} to {scores.max():.4g}")
            if shape == SHAPES[0]:
                yield from self._on(drawn, detector, scores)
                yield from _worker_verdicts(worked, scores)

    def _on(self, drawn: Drawn, detector: Detector, scores: NDArray[np.float64]) -> Iterator[Verdict]:
        area = _area(drawn, scores)
        found = f"outliers score higher than normal images with an AUC of {area:.3f}"
        if area < _REVERSED:
            found += ": turn the sign of the scores, since an anomaly score is higher for what is more anomalous"
        elif area < _CLEAR:
            found += f", and everything that scores images reaches {_CLEAR} on these"
        yield Verdict("orientation", area >= _CLEAR, found)
        test, order = drawn.test, np.random.default_rng(0).permutation(len(scores))
        some = order[: len(order) // 2]
        words = "fitted twice with random_state=0"
        yield _compared("seed", scores, words, lambda: self.fitted(drawn).anomaly_score(test), exactly=True)
        words = "of the images in another order"
        yield _compared("order", scores[order], words, lambda: detector.anomaly_score(test[order]))
        words = "of half of the images alone"
        yield _compared("company", scores[some], words, lambda: detector.anomaly_score(test[some]))
        words = "of uint8 and of float images"
        yield _compared("type", scores, words, lambda: detector.anomaly_score(test.astype(np.float32) / 255))

    def _worked(self) -> "_Worked | Exception":
        """Fit and score in a process of its own, which has the model from its source alone."""
        try:
            with Workers[None, _Worked](_work, 1) as worker:
                return _answer(worker, self)
        except Exception as error:
            return error

    def fitted(self, drawn: Drawn) -> Detector:
        """Return the detector, fitted on drawn images."""
        detector = build(self.source.name, self.settings, 0, self.device)
        return detector.fit(*drawn.labelled(with_negatives=detector.uses_negatives))


def broken_contracts(sources: Iterable[Source], runs: Iterable[Run], device: str) -> dict[str, str]:
    """Say how each model from outside that has runs breaks the contract, by its name; those that keep it are left out.

    It is tried with the settings of its first run, on images of the shape of its data set, in a process of its own.
    Given scores are not tried.
    """
    found, first = {}, {run.model: run for run in reversed(list(runs))}
    trials = []
    for source in sources:
        if isinstance(source, DetectorSource) and (run := first.get(source.name)):
            height, width, *channels = CATALOGUE[run.task.dataset].image_shape
            shape = (height, width, channels[0] if channels else 1)
            trials.append((source.name, ContractTrial(source, run.settings, device), shape))
    while trials:  # again after a trial that ended its process
        with Workers[None, str](_fault, 1) as worker:
            try:
                while trials:
                    name, *trial = trials.pop(0)
                    found[name] = _answer(worker, *trial)
            except UnavailableError:
                found[name] = f"{name} was tried on drawn images, and {ENDED}"
    return {name: fault for name, fault in found.items() if fault}


def _answer(worker: Workers[None, Result], *arguments: object) -> Result:
    """Return what the function of a worker returns, or raise what it raises.

    Raises ``UnavailableError`` when the process ended without an answer, or cannot be started.
    """
    worker.hand_over(None, *arguments)
    while True:
        for _, result in worker.results():
            return result


def _fault(trial: ContractTrial, shape: tuple[int, int, int]) -> str:
    prepare_process()
    register([trial.source])
    return trial.fault(shape)


class _Worked(NamedTuple):
    scores: NDArray[np.float64]
    n: int
    fit_seconds: float
    score_seconds: float
    megabytes: float


def _work(trial: ContractTrial) -> _Worked:
    prepare_process()
    register([trial.source])
    drawn, before, began = draw(SHAPES[0]), _peak(), time.perf_counter()
    detector = trial.fitted(drawn)
    fitted = time.perf_counter()
    scores = np.asarray(detector.anomaly_score(drawn.test))
    ended = time.perf_counter()
    return _Worked(scores, len(drawn.normal), fitted - began, ended - fitted, _peak() - before)


def _peak() -> float:
    """Return the most memory that this process has had, in megabytes."""
    with suppress(OSError, StopIteration):  # Linux: ru_maxrss begins from that of the process that started this one
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def _area(drawn: Drawn, scores: NDArray[np.float64]) -> float:
    return float(roc_auc_score(np.repeat([0, 1], [len(drawn.held_out), len(drawn.outliers)]), scores))


def _reason(error: BaseException) -> str:
    """Say in a line why a model could not be tried."""
    is_clear = isinstance(error, ContractError | CollapseError)
    return str(error) if is_clear else one_line(f"{type(error).__name__}: {error}")


def _worker_verdicts(worked: _Worked | Exception, scores: NDArray[np.float64]) -> Iterator[Verdict]:
    if isinstance(worked, Exception):
        yield Verdict("worker", False, one_line(f"it cannot be trained in a process of its own: {worked}"))
        return
    yield _compared("worker", scores, "in a process of its own", lambda: worked.scores, exactly=True)
    seconds = f"{worked.fit_seconds:.2f} s to fit {worked.n} images, {worked.score_seconds:.2f} s to score"
    yield Verdict("cost", True, f"{seconds} {len(scores)}, {worked.megabytes:.0f} MB more memory at the peak")


def _compared(
    part: str,
    scores: NDArray[np.float64],
    words: str,
    again: Callable[[], NDArray[np.float64]],
    *,
    exactly: bool = False,
) -> Verdict:
    """Compare scores with those that a model gives again; ``words`` say how."""
    try:
        check_scores(others := again(), len(scores))
    except (Exception, SystemExit) as error:
        return Verdict(part, False, f"the scores {words} cannot be compared: {_reason(error)}")
    scale = max(float(np.abs(scores).max()), 1e-12)
    apart = float(np.abs(scores - others).max()) / scale
    kept = apart <= (0.0 if exactly else _TOLERANCE)
    return Verdict(part, kept, f"the scores {words} are {'the same' if kept else f'{apart:.1e} apart, relative'}")
