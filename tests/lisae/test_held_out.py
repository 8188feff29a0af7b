"""Normal images that are held out: which they are, and how often new images exceed the threshold of their scores."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from baselines.kde import KDE
from lisae import LISAE, AutoEncoder, Detector
from lisae.held_out import needs_twins, rounds_of, threshold_of
from lisae.progress import Progress
from tests.lisae.makers import new_autoencoder, new_lisae, trainings_of
from tests.shapes import Shapes


@pytest.mark.parametrize(
    ("n", "fraction", "expected"),
    [
        *[(200, 0.1, [20]), (600, 0.1, [60]), (50_000, 0.1, [1000]), (100, 0.5, [50]), (50, 0.0, [])],
        *[(2, 0.1, []), (7, 0.1, [1] * 4), (30, 0.1, [7] * 3), (50, 0.1, [12] * 2), (80, 0.1, [20]), (194, 0.1, [20])],
        *[(50, 1e-6, [12] * 2), (30, 0.5, [7] * 3)],
    ],
)
def test_how_many_are_held_out(n: int, fraction: float, expected: list[int]) -> None:
    rounds = rounds_of(n, fraction)
    assert [rows.sum() for rows in rounds] == expected
    assert all(rows.shape == (n,) for rows in rounds)
    assert sum(rounds, np.zeros(n, int)).max(initial=0) <= 1, "no image twice"
    np.testing.assert_array_equal(rounds, rounds_of(n, fraction))
    assert needs_twins(n, fraction) == ((fraction in (0.1, 1e-6) and n < 195) or n == 30)


def test_they_are_spread_over_all_images() -> None:
    (rows,) = rounds_of(400, 0.25)
    held_out = np.flatnonzero(rows)
    assert all(15 <= ((low <= held_out) & (held_out < low + 100)).sum() <= 35 for low in range(0, 400, 100))


@dataclass(kw_only=True, eq=False, repr=False)
class Brightness(Detector):
    """The first pixel of an image, less ten for an image that was learned from."""

    def _fit(self, normal: NDArray[Any], negatives: NDArray[Any] | None, seed: int) -> NDArray[np.float64]:
        self.seen_ = set(normal[:, 0, 0, 0].tolist())
        return self._anomaly_score(normal)

    def _anomaly_score(self, images: NDArray[Any]) -> NDArray[np.float64]:
        return np.array([one - 10 * (one in self.seen_) for one in images[:, 0, 0, 0].tolist()], dtype=np.float64)


@pytest.mark.parametrize(("n", "fraction"), [(200, 0.1), (100, 0.1), (30, 0.1), (100, 0.0)])
def test_new_images_exceed_the_threshold_as_often_as_is_asked_for(n: int, fraction: float) -> None:
    """Over many data sets the mean rate is the contamination; with scores of training images it is one."""
    random = np.random.default_rng(0)
    rates = []
    for _ in range(100):
        images, new = random.random((n, 2, 2)), random.random((200, 2, 2))
        detector = Brightness(validation_fraction=fraction, contamination=0.1).fit(images)
        assert detector.n_held_out_ == (0 if fraction == 0 else 21 if n == 30 else 20)
        assert len(detector.seen_) == (180 if n == 200 else n), "few are all learned from"
        rates.append(float((detector.predict(new) == -1).mean()))
        called = detector.anomaly_probability(new) > 0.9
        np.testing.assert_array_equal(called, detector.predict(new) == -1)
    if fraction:
        assert np.mean(rates) == pytest.approx(0.1, abs=0.02)
    else:
        assert min(rates) == 1


def test_the_threshold_of_few_is_their_largest_score() -> None:
    scores = np.arange(12.0)
    assert threshold_of(scores, 0.05, held_out=True) == 11
    assert threshold_of(scores, 0.5, held_out=True) == 5.5
    assert threshold_of(np.arange(101.0), 0.05, held_out=False) == 95


@pytest.mark.usefixtures("unchecked")
def test_both_phases_have_the_same_images_held_out(few: Shapes) -> None:
    detector = LISAE(new_autoencoder(validation_fraction=0.2), random_state=0, validation_fraction=0.5)
    X, y = few.labelled()
    phase_one, phase_two = trainings_of(detector, X, y)
    (rows,) = rounds_of(len(few.normal), 0.5)
    for training in (phase_one, phase_two):
        assert len(training.pools[0][0]) == (~rows).sum()
    np.testing.assert_array_equal(phase_one.pools[0][0].permute(0, 2, 3, 1), X[y == 1][~rows])
    assert (detector.n_held_out_, detector.autoencoder_.n_held_out_) == (rows.sum(), rows.sum())
    detector = new_lisae(AutoEncoder(random_state=0), validation_fraction=0.0)
    assert [len(training.pools[0][0]) for training in trainings_of(detector, X, y)] == [len(few.normal)] * 2


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("is_fitted", [False, True])
def test_twins_of_both_phases_learn_from_the_other_images(few: Shapes, *, is_fitted: bool) -> None:
    """A phase one that is fitted already has seen all images, so those of the twins are trained anew."""
    X, y = few.labelled()
    normal = X[y == 1]
    phase_one = new_autoencoder(epochs=1)
    given = phase_one.fit(normal) if is_fitted else phase_one
    asked = trainings_of(new_lisae(given, validation_fraction=0.1), X, y)
    rounds = rounds_of(len(normal), 0.1)
    assert len(rounds) == 2
    for rows, one, two in zip(rounds, asked[0::2], asked[1::2], strict=False):
        np.testing.assert_array_equal(one.pools[0][0].permute(0, 2, 3, 1), normal[~rows])
        assert len(two.pools[0][0]) == (~rows).sum()
        assert one.stopping is None, "what judges new images has not been chosen by them"
    assert len(asked) == (5 if is_fitted else 6)
    assert all(len(training.pools[0][0]) == len(normal) for training in asked[4:])


def test_scores_of_twins_set_the_thresholds_of_both_phases(few: Shapes) -> None:
    X, y = few.labelled()
    normal, negatives = X[y == 1], X[y == -1]
    detector = new_lisae(new_autoencoder(epochs=30), validation_fraction=0.1).fit(X, y)
    assert detector._held_out == (), "twins are not kept"
    found: dict[str, list[np.float64]] = {"autoencoder_": [], "": []}
    for rows in rounds_of(len(normal), 0.1):
        twin = new_lisae(new_autoencoder(epochs=30)).fit(normal[~rows], negatives=negatives)
        found["autoencoder_"].extend(twin.autoencoder_.anomaly_score(normal[rows]))
        found[""].extend(twin.anomaly_score(normal[rows]))
    for judged, scores in ((detector, found[""]), (detector.autoencoder_, found["autoencoder_"])):
        assert judged.n_held_out_ == len(scores) == 24
        assert judged.threshold_ == threshold_of(np.array(scores), 0.05, held_out=True)
    alone = new_lisae(new_autoencoder(epochs=30)).fit(X, y)
    np.testing.assert_array_equal(detector.anomaly_score(few.outliers), alone.anomaly_score(few.outliers))


@pytest.mark.usefixtures("unchecked")
def test_a_twin_has_the_arguments_themselves(few: Shapes) -> None:
    """A callback that was copied would tell its caller nothing of the twins."""
    seen: list[Progress] = []
    settings: dict[str, Any] = {"epochs": 1, "validation_fraction": 0.1, "callback": seen.append}
    detector = new_lisae(new_autoencoder(), **settings)
    assert detector._twin().get_params() == detector.get_params()
    detector.fit(*few.labelled())
    names = [f"{name}{role}" for role in (" (twin 1 of 2)", " (twin 2 of 2)", "") for name in ("AutoEncoder", "LISAE")]
    assert list(dict.fromkeys(one.detector for one in seen)) == names


@pytest.mark.parametrize("wrong", [-0.1, 0.6, True, "a tenth"])
def test_wrong_fractions(few: Shapes, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"validation_fraction is a number, at least 0 and at most 0\.5; got"):
        KDE(validation_fraction=wrong).fit(few.normal)
