"""The phase one of LIS-AE and LinSep-LIS-AE: given, fitted first, or the default."""

from typing import Any

import pytest
import torch
from numpy.typing import NDArray

import lisae.backbone_detector
import lisae.lisae
from lisae import LISAE, AutoEncoder, CollapseError, Detector, LinSepAutoEncoder, LinSepLISAE
from lisae.held_out import HeldOut
from lisae.stacks import Learning
from tests.lisae.makers import GAMMA, assert_same_weights, new_autoencoder, new_lisae, weights
from tests.shapes import Shapes, auc


def test_an_autoencoder_that_is_not_fitted_is_cloned_and_fitted(few: Shapes) -> None:
    X, y = few.labelled()
    given = new_autoencoder(epochs=20)
    detector = new_lisae(given, epochs=1).fit(X, y)
    assert detector.autoencoder is given
    assert detector.autoencoder_ is not given
    assert set(vars(given)) == set(given.get_params())
    assert detector.autoencoder_.get_params() == given.get_params()


def test_it_learns_the_same_from_a_fitted_and_an_unfitted_autoencoder(few: Shapes) -> None:
    """Both begin from the weights that AE has alone on the same normal images."""
    X, y = few.labelled()
    alone = new_autoencoder(epochs=20).fit(X[y == 1])
    detector, shared = (new_lisae(one, epochs=2).fit(X, y) for one in (new_autoencoder(epochs=20), alone))
    assert_same_weights(weights(detector.autoencoder_), weights(alone))
    assert_same_weights(weights(detector), weights(shared))


def test_random_state_decides_a_phase_one_that_has_none(few: Shapes) -> None:
    fitted = [
        new_lisae(new_autoencoder(epochs=20, random_state=None), epochs=2, random_state=seed).fit(*few.labelled())
        for seed in (0, 0, 1)
    ]
    assert_same_weights(weights(fitted[0]), weights(fitted[1]))
    assert not torch.equal(*(d.autoencoder_.network_.latent.weight for d in fitted[::2]))
    assert fitted[0].autoencoder.random_state is None


def test_a_fitted_autoencoder_of_another_image_shape(autoencoder: AutoEncoder, few: Shapes) -> None:
    message = "AutoEncoder was fitted on images of 16 x 16 x 1, these are 12 x 12 x 1: fit it on the same normal images"
    with pytest.raises(ValueError, match=message):
        new_lisae(autoencoder).fit(*few.labelled())


def test_an_autoencoder_whose_fit_failed_is_not_a_fitted_one(few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    def collapsed(*arguments: Any) -> None:
        raise CollapseError("called collapsed")

    given = new_autoencoder(epochs=20)
    with monkeypatch.context() as patch:
        patch.setattr(lisae.backbone_detector, "check_alive", collapsed)
        with pytest.raises(CollapseError):
            given.fit(few.normal)
    detector = new_lisae(given, epochs=1).fit(*few.labelled())
    assert detector.autoencoder_ is not given
    assert detector.autoencoder_.threshold_ > 0


def test_phase_one_may_collapse(few: Shapes) -> None:
    with pytest.raises(CollapseError, match="collapsed from 4 seeds in a row"):
        new_lisae(new_autoencoder(epochs=25, learning_rate=10.0)).fit(*few.labelled())


@pytest.mark.parametrize(("kind", "phase_one"), [(LISAE, AutoEncoder), (LinSepLISAE, LinSepAutoEncoder)])
def test_without_an_autoencoder_phase_one_has_its_defaults(
    kind: type[LISAE],
    phase_one: type[AutoEncoder],
    autoencoder: AutoEncoder,
    grey: Shapes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, ...]] = []

    def fitting(
        self: AutoEncoder, normal: NDArray[Any], negatives: NDArray[Any], held_out: list[HeldOut]
    ) -> Learning[AutoEncoder]:
        seen.append((len(normal), len(negatives), *(len(images) for images, _ in held_out)))
        for name in ("network_", "image_shape_", "threshold_", "losses_", "restarts_"):
            setattr(self, name, getattr(autoencoder, name))
        return self
        yield

    monkeypatch.setattr(phase_one, "_fitting", fitting)
    detector = kind(random_state=0, gamma=GAMMA, epochs=1, min_steps=0, validation_fraction=0.2).fit(*grey.labelled())
    assert type(detector.autoencoder_) is phase_one
    assert detector.autoencoder is None
    assert seen == [(len(grey.normal) - 26, len(grey.negatives), 26)], "phase one has the same images held out"
    given = detector.autoencoder_.get_params() | {"random_state": None}
    assert given == phase_one().get_params()
    assert detector.autoencoder_.random_state is not None


def test_linsep_is_lisae_on_a_phase_one_that_separates(linsep: LinSepAutoEncoder, grey: Shapes) -> None:
    detector = new_lisae(linsep, LinSepLISAE).fit(*grey.labelled())
    assert isinstance(detector, LISAE)
    before, after = (auc(one, grey.held_out, grey.faint_outliers) for one in (linsep, detector))
    assert before < 0.97
    assert after > 0.99


def test_phase_one_of_linsep_sees_the_negatives(few: Shapes) -> None:
    X, y = few.labelled()
    detector = new_lisae(new_autoencoder(LinSepAutoEncoder, epochs=20), LinSepLISAE, epochs=1).fit(X, y)
    alone = new_autoencoder(LinSepAutoEncoder, epochs=20).fit(X, y)
    assert isinstance(detector.autoencoder_, LinSepAutoEncoder)
    assert_same_weights(weights(detector.autoencoder_), weights(alone))


def test_every_detector_says_whether_it_uses_negatives() -> None:
    uses: dict[type[Detector], bool] = {AutoEncoder: False, LinSepAutoEncoder: True, LISAE: True, LinSepLISAE: True}
    assert {kind: kind.uses_negatives for kind in uses} == uses


def test_linsep_needs_a_linsep_phase_one(grey: Shapes) -> None:
    with pytest.raises(ValueError, match=r"LinSepLISAE begins from .* LinSepAutoEncoder; got AutoEncoder"):
        LinSepLISAE(AutoEncoder()).fit(*grey.labelled())
