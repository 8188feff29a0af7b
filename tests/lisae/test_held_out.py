"""Normal images that are held out: which they are, and how often new images exceed the threshold of their scores."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from baselines.kde import KDE
from lisae import LISAE, AutoEncoder, Detector
from lisae.held_out import held_out_rows, split, threshold_of
from tests.lisae.makers import new_autoencoder, new_lisae, trainings_of
from tests.shapes import Shapes


@pytest.mark.parametrize(
    ("n", "fraction", "expected"),
    [
        *[(2, 0.1, 0), (7, 0.1, 1), (50, 0.1, 12), (80, 0.1, 20), (200, 0.1, 20), (600, 0.1, 60), (50_000, 0.1, 1000)],
        *[(100, 0.5, 50), (50, 1e-6, 12), (50, 0.0, 0)],
    ],
)
def test_how_many_are_held_out(n: int, fraction: float, expected: int) -> None:
    rows = held_out_rows(n, fraction)
    assert rows.shape == (n,)
    assert rows.sum() == expected
    np.testing.assert_array_equal(rows, held_out_rows(n, fraction))


def test_they_are_spread_over_all_images_and_in_order() -> None:
    images = np.arange(400).reshape(400, 1, 1, 1)
    kept, held_out = split(images, 0.25)
    assert held_out is not None
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held_out]).ravel()), images.ravel())
    assert (np.diff(kept.ravel()) > 0).all()
    assert all(15 <= ((low <= held_out) & (held_out < low + 100)).sum() <= 35 for low in range(0, 400, 100))
    assert split(images, 0.0) == (images, None)


@dataclass(kw_only=True, eq=False, repr=False)
class Brightness(Detector):
    """The first pixel of an image, less ten for an image that was learned from."""

    def _fit(self, normal: NDArray[Any], negatives: NDArray[Any] | None, seed: int) -> NDArray[np.float64]:
        self.seen_ = set(normal[:, 0, 0, 0].tolist())
        return self._anomaly_score(normal)

    def _anomaly_score(self, images: NDArray[Any]) -> NDArray[np.float64]:
        return np.array([one - 10 * (one in self.seen_) for one in images[:, 0, 0, 0].tolist()], dtype=np.float64)


def test_new_images_exceed_the_threshold_as_often_as_is_asked_for() -> None:
    """Over many data sets the mean rate is the contamination; with scores of training images it is one."""
    random = np.random.default_rng(0)
    rates: dict[float, list[float]] = {0.1: [], 0.0: []}
    for _ in range(100):
        images, new = random.random((100, 2, 2)), random.random((200, 2, 2))
        for fraction, found in rates.items():
            detector = Brightness(validation_fraction=fraction, contamination=0.1).fit(images)
            assert detector.n_held_out_ == (20 if fraction else 0)
            found.append(float((detector.predict(new) == -1).mean()))
            called = detector.anomaly_probability(new) > 0.9
            np.testing.assert_array_equal(called, detector.predict(new) == -1)
    assert np.mean(rates[0.1]) == pytest.approx(0.1, abs=0.02)
    assert min(rates[0.0]) == 1


def test_the_threshold_of_few_is_their_largest_score() -> None:
    scores = np.arange(12.0)
    assert threshold_of(scores, 0.05, held_out=True) == 11
    assert threshold_of(scores, 0.5, held_out=True) == 5.5
    assert threshold_of(np.arange(101.0), 0.05, held_out=False) == 95


@pytest.mark.usefixtures("unchecked")
def test_both_phases_have_the_same_images_held_out(few: Shapes) -> None:
    detector = LISAE(new_autoencoder(validation_fraction=0.5), random_state=0)
    phase_one, phase_two = trainings_of(detector, *few.labelled())
    kept, held_out = split(few.labelled()[0][few.labelled()[1] == 1], 0.1)
    assert held_out is not None
    for training in (phase_one, phase_two):
        assert len(training.pools[0][0]) == len(kept)
    np.testing.assert_array_equal(phase_one.pools[0][0].permute(0, 2, 3, 1), kept)
    assert (detector.n_held_out_, detector.autoencoder_.n_held_out_) == (len(held_out), len(held_out))
    detector = new_lisae(AutoEncoder(random_state=0), validation_fraction=0.0)
    assert [len(training.pools[0][0]) for training in trainings_of(detector, *few.labelled())] == [len(few.normal)] * 2


@pytest.mark.parametrize("wrong", [-0.1, 0.6, True, "a tenth"])
def test_wrong_fractions(few: Shapes, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"validation_fraction is a number, at least 0 and at most 0\.5; got"):
        KDE(validation_fraction=wrong).fit(few.normal)
