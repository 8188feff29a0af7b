"""The binary classifier: its logit, its loss, and what it has of the backbone."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from baselines.classifier import BinaryClassifier, CrossEntropy
from baselines.encoder import Encoder, EncoderDetector
from baselines.hsc import HypersphereClassifier
from lisae import CollapseError
from tests.lisae.makers import as_batch, trainings_of
from tests.shapes import Shapes, auc


def new_classifier(kind: type[EncoderDetector] = BinaryClassifier, **changes: Any) -> EncoderDetector:
    settings: dict[str, Any] = {"epochs": 10, "batch_size": 16, "min_steps": 0, "precision": "float32"}
    return kind(**settings | {"device": "cpu", "random_state": 0} | changes)


@pytest.fixture(scope="module")
def classifier(few: Shapes) -> EncoderDetector:
    return new_classifier().fit(*few.labelled())


def test_the_score_is_the_logit_of_being_a_negative(classifier: EncoderDetector, few: Shapes) -> None:
    with torch.no_grad():
        logits = classifier.network_(as_batch(few.outliers)).double().numpy()[:, 0]
    np.testing.assert_allclose(classifier.anomaly_score(few.outliers), logits, rtol=1e-4)
    assert np.median(classifier.anomaly_score(few.negatives)) > 0 > np.median(classifier.anomaly_score(few.held_out))
    assert auc(classifier, few.held_out, few.outliers) > 0.9


def test_the_loss_is_the_binary_cross_entropy(few: Shapes) -> None:
    network = Encoder((12, 12, 1), 1, torch.Generator().manual_seed(0))
    images, negatives = as_batch(few.normal[:5]), as_batch(few.negatives[:3])
    logits = network(torch.cat([images, negatives]))[:, 0]
    expected = functional.binary_cross_entropy_with_logits(logits, torch.tensor([0.0] * 5 + [1.0] * 3))
    torch.testing.assert_close(CrossEntropy(network)(images, negatives), expected)


def test_it_learns_from_as_many_negatives_as_normal_images_in_a_step(few: Shapes) -> None:
    (training,) = trainings_of(new_classifier(), *few.labelled())
    assert [len(rows[0]) for rows in training.pools] == [len(few.normal), len(few.negatives)]
    assert training.steps == round(len(few.normal) / 16)
    assert {name.partition(".")[0] for name, _ in training.objective.network.named_parameters()} == {
        "encoder",
        "latent",
    }


@pytest.mark.parametrize("kind", [BinaryClassifier, HypersphereClassifier])
def test_it_reconstructs_nothing_and_has_no_latent_width(kind: type[EncoderDetector], few: Shapes) -> None:
    with pytest.raises(NotImplementedError, match=f"{kind.__name__} has no decoder"):
        new_classifier(kind).reconstruct(few.normal)
    assert "latent_dim" not in kind().get_params()


@pytest.mark.parametrize("kind", [BinaryClassifier, HypersphereClassifier])
def test_scores_that_are_all_the_same_are_a_collapse(
    kind: type[EncoderDetector], few: Shapes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Encoder, "code", lambda self, features: 1e-6 * self.latent(features))
    with pytest.raises(CollapseError, match="collapsed from 4 seeds in a row, at last because the latent layer"):
        new_classifier(kind, epochs=1).fit(*few.labelled())
