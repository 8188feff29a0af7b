"""Measure the library's defaults and the rules that they were chosen among, as rows of a CSV file.

    python -m benchmarks.beyond.defaults gamma --tasks choice --csv gamma.csv

A row that the file has is not measured again, so that a call that was ended goes on where it was.
"""

import argparse
import time
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.beyond.log import Log
from benchmarks.beyond.problems import TASKS, Images, Problem, problem_of
from lisae import LISAE, AutoEncoder, Detector, RestartWarning
from lisae.few import GREY, Moves, more_of, moved_too, moves_of, times_of, with_strokes
from lisae.held_out import rounds_of
from lisae.lisae import GAMMA, GAMMA_OF_FEW
from lisae.negatives import elastic
from lisae.reconstruction import variance_of
from lisae.settings import AUTO
from lisae.width import NARROWEST, explained, latent_width

COLUMNS = ("measure", "dataset", "normal", "images", "seed", "way", "value", "auc")
_WIDTHS = (16, 32, 64, 128)
_BATCHES = (128, 64)
_DISTANCES = ((0.02, 0.05), (0.05, 0.15), (0.15, 0.4))  # of elastic distortions, as shares of the shorter side
_MOVES = (GREY, Moves(14, 25), Moves(7, 25))
_STROKES = (0.5, 1, 2)  # images of strokes for each negative
_READINGS = ("absolute", "rms", "hinge")  # of Eq. (1)
_PILES = {"pile": 2000}  # negatives of a measure at most, if not as many as normal images


@dataclass(frozen=True)
class Result:
    """The answer for one way of doing it: a value that says more of the way, and the AUC."""

    way: str
    value: float
    auc: float


def distance(normal: Images) -> float:
    """Return the root mean squared distance of images from their mean image."""
    return variance_of(normal) ** 0.5


def held_out_error(autoencoder: AutoEncoder, problem: Problem) -> float:
    """Return the mean error of an autoencoder on normal images that it has not seen."""
    return float(autoencoder.anomaly_score(problem.held_out).mean())


GAMMAS: dict[str, Callable[[AutoEncoder, Problem], float]] = {
    "20": lambda autoencoder, problem: 20.0,
    "1 x distance": lambda autoencoder, problem: distance(problem.normal),
    "1.5 x distance": lambda autoencoder, problem: 1.5 * distance(problem.normal),
    "2 x distance": lambda autoencoder, problem: 2 * distance(problem.normal),
    "3 x held-out error": lambda autoencoder, problem: 3 * held_out_error(autoencoder, problem),
}


def _gammas(problem: Problem, seed: int) -> Iterator[Result]:
    """Compare rules for gamma, each from the same autoencoder."""
    autoencoder = AutoEncoder(latent_dim=_width(problem), random_state=seed, validation_fraction=0).fit(problem.normal)
    yield Result("AE", 0, problem.auc(autoencoder))
    for way, rule in GAMMAS.items():
        gamma = rule(autoencoder, problem)
        detector = LISAE(autoencoder, gamma=gamma, min_images=0, random_state=seed, validation_fraction=0)
        detector.fit(problem.normal, negatives=problem.negatives)
        yield Result(way, gamma, problem.auc(detector))


def _widths(problem: Problem, seed: int) -> Iterator[Result]:
    """Compare latent widths; the value is the share of the variance that as many principal components explain."""
    shares = explained(problem.normal)
    gamma = 1.5 * distance(problem.normal)
    for width in _WIDTHS:
        autoencoder = AutoEncoder(latent_dim=width, random_state=seed, validation_fraction=0).fit(problem.normal)
        detector = LISAE(autoencoder, gamma=gamma, min_images=0, random_state=seed, validation_fraction=0)
        detector.fit(problem.normal, negatives=problem.negatives)
        share = float(shares[min(width, len(shares)) - 1])
        yield Result(f"AE {width}", share, problem.auc(autoencoder))
        yield Result(f"LIS-AE {width}", share, problem.auc(detector))


def _negatives(problem: Problem, seed: int) -> Iterator[Result]:
    """Compare negatives that are made with real ones, each from the same autoencoder; the value is their number."""
    normal, n = problem.normal, len(problem.normal)
    drawn = with_strokes(normal[:0], n, 0)
    moved = elastic(normal, np.arange(n), 0, count=n)
    halves = np.concatenate([drawn[: n // 2], elastic(normal, np.arange(n)[::2], 0, count=n // 2)])
    piles = {"real": problem.negatives, "strokes": drawn, "elastic": moved, "mixup": mixup(normal)}
    return _shaped(problem, seed, piles | {"half strokes, half elastic": halves})


def _distances(problem: Problem, seed: int) -> Iterator[Result]:
    """Compare distances of elastic distortions, each from the same autoencoder; the value is how many negatives."""
    normal, n = problem.normal, len(problem.normal)
    piles = {
        f"elastic, moved by {share[0]:.0%} to {share[1]:.0%}": elastic(normal, np.arange(n), 0, count=n, distance=share)
        for share in _DISTANCES
    }
    return _shaped(problem, seed, piles, min_images=0)


def mixup(images: Images) -> Images:
    """Return as many mixtures of two images each, (n, ...), with weights of .3 to .7."""
    random = np.random.default_rng(0)
    n = len(images)
    weights = random.uniform(0.3, 0.7, (n, 1, 1, 1))
    mixed = weights * images + (1 - weights) * images[(np.arange(n) + random.integers(1, n, n)) % n]
    return (mixed.round() if images.dtype == np.uint8 else mixed).astype(images.dtype)


def _shaped(problem: Problem, seed: int, piles: Mapping[str, Images], **settings: Any) -> Iterator[Result]:
    """Give the AUC of an autoencoder, and of it shaped with each pile of negatives."""
    normal, gamma = problem.normal, 1.5 * distance(problem.normal)
    autoencoder = AutoEncoder(latent_dim=_width(problem), random_state=seed, validation_fraction=0).fit(normal)
    yield Result("AE", 0, problem.auc(autoencoder))
    for way, pile in piles.items():
        detector = LISAE(autoencoder, gamma=gamma, strokes=0, random_state=seed, validation_fraction=0, **settings)
        detector.fit(normal, negatives=pile)
        yield Result(way, len(pile), problem.auc(detector))


def _few(problem: Problem, seed: int) -> Iterator[Result]:
    """Compare what phase two learns from where images are few; the value is how many normal images that are."""
    autoencoder = AutoEncoder(random_state=seed).fit(problem.all_normal)
    yield Result("AE", 0, problem.auc(autoencoder))
    normal, negatives = problem.all_normal, problem.negatives
    least = LISAE().min_images
    moved = moved_too(normal, least, 0, GREY), moved_too(negatives, least, 1, GREY)
    ways = {
        "as they are": (normal, negatives),
        "moved": moved,
        "strokes": (normal, with_strokes(negatives, _missing(problem), 0)),
    }
    for way, (own, others) in ways.items():
        detector = LISAE(autoencoder, min_images=0, strokes=0, random_state=seed).fit(own, negatives=others)
        yield Result(way, len(own), problem.auc(detector))


def _strokes(problem: Problem, seed: int) -> Iterator[Result]:
    """Compare how many images of strokes stand beside real negatives and their moved copies; the value is that."""
    autoencoder = AutoEncoder(random_state=seed).fit(problem.all_normal)
    yield Result("AE", 0, problem.auc(autoencoder))
    negatives = problem.negatives
    there = len(negatives) * times_of(len(negatives), LISAE().min_images, negatives.shape[1:])
    counts: dict[str, float] = {"those missing": _missing(problem)}
    counts |= {f"{share} for each": share * there for share in _STROKES}
    for way, count in counts.items():
        detector = LISAE(autoencoder, strokes=count / there, random_state=seed)
        yield Result(way, count, problem.auc(detector.fit(problem.all_normal, negatives=negatives)))


def _moves(problem: Problem, seed: int) -> Iterator[Result]:
    """Compare how far copies of few images are moved, and how often; the value is how many of each there are."""
    autoencoder = AutoEncoder(random_state=seed).fit(problem.all_normal)
    yield Result("AE", 0, problem.auc(autoencoder))
    least = LISAE().min_images
    for moves in _MOVES:
        own, others = (
            moved_too(images, least, i, moves) for i, images in enumerate((problem.all_normal, problem.negatives))
        )
        detector = LISAE(autoencoder, min_images=0, strokes=_missing(problem) / len(others), random_state=seed)
        detector.fit(own, negatives=others)
        times = len(own) // len(problem.all_normal)
        yield Result(f"1/{moves.part} of a side, {moves.times} times at most", times, problem.auc(detector))


def _fewest(problem: Problem, seed: int) -> Iterator[Result]:
    """Compare what is done with fewer than a hundred images, one thing after another; the value is the latent width."""
    everything = problem.all_normal
    twice = latent_width(everything)
    once = max(NARROWEST, twice // 2)
    ways = {
        "a quarter held out": (everything[~rounds_of(len(everything), 0.1)[0]], once),
        "all learned from": (everything, once),
        "and twice as wide": (everything, twice),
    }
    for way, (images, width) in ways.items():
        autoencoder = AutoEncoder(latent_dim=width, random_state=seed, validation_fraction=0).fit(images)
        yield Result(f"AE, {way}", width, problem.auc(autoencoder))
        gamma = GAMMA * distance(images)
        detector = LISAE(autoencoder, gamma=gamma, random_state=seed, validation_fraction=0)
        yield Result(f"LIS-AE, {way}", width, problem.auc(detector.fit(images, negatives=problem.negatives)))


def _few_gamma(problem: Problem, seed: int) -> Iterator[Result]:
    """Compare the two values of gamma for few images, each from the same autoencoder; the value is gamma."""
    normal = problem.all_normal
    autoencoder = AutoEncoder(random_state=seed, validation_fraction=0).fit(normal)
    yield Result("AE", 0, problem.auc(autoencoder))
    for factor in (GAMMA, GAMMA_OF_FEW):
        gamma = factor * distance(normal)
        detector = LISAE(autoencoder, gamma=gamma, random_state=seed, validation_fraction=0)
        yield Result(f"{factor:g} x distance", gamma, problem.auc(detector.fit(normal, negatives=problem.negatives)))


def _light(problem: Problem, seed: int) -> Iterator[Result]:
    """Compare moved copies with copies that are relit, too; the value is how many normal images are learned from."""
    normal, library = problem.all_normal, LISAE()
    autoencoder = AutoEncoder(random_state=seed, validation_fraction=0).fit(normal)
    yield Result("AE", len(normal), problem.auc(autoencoder))
    for way, relit in {"moved": False, "moved and relit": True}.items():
        moves = moves_of(normal.shape[1:])._replace(relit=relit)
        more: dict[str, Any] = {"least": library.min_images, "strokes": library.strokes, "moves": moves}
        own, others = more_of(normal, problem.negatives, seed, **more)
        settings: dict[str, Any] = {
            "gamma": GAMMA * distance(normal),
            "min_images": 0,
            "strokes": 0,
            "validation_fraction": 0,
        }
        detector = LISAE(autoencoder, random_state=seed, **settings).fit(own, negatives=others)
        yield Result(way, len(own), problem.auc(detector))


def _readings(problem: Problem, seed: int) -> Iterator[Result]:
    """Compare readings of Eq. (1); the value is how many normal images there are."""
    autoencoder = AutoEncoder(random_state=seed).fit(problem.all_normal)
    n = len(problem.all_normal)
    yield Result("AE", n, problem.auc(autoencoder))
    for reading in _READINGS:
        detector = LISAE(autoencoder, reading=reading, random_state=seed)
        yield Result(reading, n, problem.auc(detector.fit(problem.all_normal, negatives=problem.negatives)))


def _missing(problem: Problem) -> int:
    """Return how many negatives are missing from half of what is enough for phase two."""
    return max(0, LISAE().min_images // 2 - len(problem.negatives))


def _defaults(problem: Problem, seed: int) -> Iterator[Result]:
    """Hold the defaults to account; the value is the share of new normal images that is called anomalous."""
    autoencoder = AutoEncoder(random_state=seed).fit(problem.all_normal)
    yield Result("AE", problem.false_alarms(autoencoder), problem.auc(autoencoder))
    for way, negatives in {"LIS-AE": problem.negatives, "LIS-AE, strokes": AUTO}.items():
        detector = LISAE(autoencoder, random_state=seed).fit(problem.all_normal, negatives=negatives)
        yield Result(way, problem.false_alarms(detector), problem.auc(detector))


def _stopping(problem: Problem, seed: int) -> Iterator[Result]:
    """Compare autoencoders with and without held-out images and early stopping; the value as for the defaults."""
    ways: dict[str, dict[str, Any]] = {
        "ends early": {},
        "all steps": {"patience": 0},
        "nothing held out": {"validation_fraction": 0},
    }
    for way, settings in ways.items():
        autoencoder = AutoEncoder(random_state=seed, **settings).fit(problem.all_normal)
        yield Result(way, problem.false_alarms(autoencoder), problem.auc(autoencoder))


def _batches(problem: Problem, seed: int) -> Iterator[Result]:
    """Compare batches of the two phases; the value is the processor seconds of each phase."""
    for first in _BATCHES:
        autoencoder = AutoEncoder(random_state=seed, batch_size=first)
        yield _timed(f"AE {first}", autoencoder, problem, None)
        for second in _BATCHES:
            detector = LISAE(autoencoder, strokes=0, random_state=seed, batch_size=second)
            yield _timed(f"LIS-AE {first}, {second}", detector, problem, problem.negatives)


def _timed(way: str, detector: Detector, problem: Problem, negatives: Images | None) -> Result:
    start = time.process_time()
    detector.fit(problem.all_normal, negatives=negatives)
    return Result(way, time.process_time() - start, problem.auc(detector))


MEASURES = {
    "gamma": _gammas,
    "width": _widths,
    "negatives": _negatives,
    "distances": _distances,
    "few": _few,
    "strokes": _strokes,
    "moves": _moves,
    "fewest": _fewest,
    "few-gamma": _few_gamma,
    "light": _light,
    "readings": _readings,
    "stopping": _stopping,
    "defaults": _defaults,
    "pile": _defaults,
    "batches": _batches,
}


def _width(problem: Problem) -> int:
    return 64 if problem.normal.shape[-1] == 3 else 32


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and append rows to the file."""
    parser = argparse.ArgumentParser("python -m benchmarks.beyond.defaults", description=__doc__.splitlines()[0])
    parser.add_argument("measure", choices=MEASURES)
    parser.add_argument("--tasks", default="choice", choices=tomllib.loads(TASKS.read_text()))
    parser.add_argument("--images", type=int, default=600, help="normal images of a task at most")
    parser.add_argument("--seed", type=int, default=0, help="of the networks; the images are the same")
    parser.add_argument("--csv", type=Path, required=True, help="the file that rows are appended to")
    parser.add_argument("--data-dir", type=Path, required=True, help="where the data sets lie")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore", RestartWarning)
    log = Log(options.csv, COLUMNS, keys=5)
    for dataset, classes in tomllib.loads(TASKS.read_text())[options.tasks].items():
        for normal in classes:
            key = (options.measure, dataset, str(normal), str(options.images), str(options.seed))
            if key not in log:
                n_negatives = _PILES.get(options.measure)
                problem = problem_of(dataset, normal, options.images, options.data_dir, n_negatives)
                results = MEASURES[options.measure](problem, options.seed)
                log.append([(*key, one.way, f"{one.value:.4g}", f"{one.auc:.4f}") for one in results])


if __name__ == "__main__":
    main()
