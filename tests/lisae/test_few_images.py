"""Few images: more epochs and smaller batches, until there are enough steps to learn something."""

from typing import Any

import numpy as np
import pytest

from lisae import LISAE, AutoEncoder, UndertrainedError
from lisae.training import Training
from tests.lisae.makers import new_autoencoder, trainings_of
from tests.shapes import auc, shapes


def schedule(n: int, **settings: Any) -> tuple[int, int]:
    """Return the epochs and the batch size of the one training on ``n`` images."""
    images = np.random.default_rng(0).random((n, 6, 6))
    (training,) = trainings_of(new_autoencoder(latent_dim=2, **settings), images)
    assert isinstance(training, Training)
    assert training.epochs * training.steps == new_autoencoder(**settings).steps(n)["training"]
    return training.epochs, training.batch_size


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("n", "epochs", "batch_size"), [(10, 500, 16), (50, 167, 16), (120, 63, 16), (400, 63, 50), (2000, 32, 128)]
)
def test_few_images_are_passed_over_more_often_in_smaller_batches(n: int, epochs: int, batch_size: int) -> None:
    assert schedule(n, epochs=12, batch_size=128, min_steps=500) == (epochs, batch_size)
    assert schedule(n, epochs=12, batch_size=128, min_steps=0) == (12, 128)
    assert schedule(n, epochs=700, batch_size=8, min_steps=500) == (700, 8)


def test_the_floors_are_those_of_the_documentation() -> None:
    assert (AutoEncoder().min_steps, LISAE().min_steps) == (500, 250)


def test_fifty_images_are_learned_with_the_defaults() -> None:
    """The same images in twelve epochs of one step are not, and no seed is blamed for it."""
    few = shapes(channels=1, seed=4, normal=50, others=32, side=8)
    settings: dict[str, Any] = {"latent_dim": 8, "device": "cpu", "random_state": 0}
    detector = LISAE(AutoEncoder(**settings), gamma=3.0, random_state=0).fit(few.normal, negatives=few.negatives)
    assert detector.restarts_ == 0
    assert auc(detector, few.held_out, few.outliers) > 0.95
    with pytest.raises(UndertrainedError, match=r"undertrained after 12 steps, its squared error .* min_steps=500"):
        AutoEncoder(min_steps=0, **settings).fit(few.normal)
