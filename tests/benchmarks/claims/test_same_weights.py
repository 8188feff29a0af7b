"""LIS-AE keeps the weights of the AE that it begins from, and what makes them differ is found."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.claims.same_weights import Pairs, same_weights
from benchmarks.engine.evaluate import build
from benchmarks.engine.records import Store
from benchmarks.registry import MODELS
from lisae import LISAE, AutoEncoder, BackboneDetector
from tests.benchmarks.claims.made_up import context_of, pair
from tests.benchmarks.conftest import drawn


class DecoderToo(LISAE):
    """A shaping that also changes the decoder."""

    def fit(self, X: Any, y: Any = None) -> "DecoderToo":
        super().fit(X, y)
        with torch.no_grad():
            next(self.network_.decoder.parameters()).add_(1e-3)
        return self


class NoShaping(LISAE):
    """A shaping that changes nothing at all."""

    def fit(self, X: Any, y: Any = None) -> "NoShaping":
        super().fit(X, y)
        self.network_.load_state_dict(self.autoencoder_.network_.state_dict())
        return self


@pytest.fixture(scope="module")
def kept() -> AutoEncoder:
    """Phase one of the pair, trained on some of its class."""
    ((_, plain),) = pair()
    detector = build(plain.model, plain.settings, plain.seed, "cpu")
    assert isinstance(detector, AutoEncoder)
    return detector.fit(drawn(np.ones(24, dtype=np.int64), 0))


@pytest.fixture(params=["waves", "kept"])
def beside(request: pytest.FixtureRequest, store: Store, kept: AutoEncoder) -> Store:
    """A results directory without the weights of phase one, as in a clone of published records, or with them."""
    if request.param == "kept":
        store.put_weights(pair()[0][1].id, kept.to_bytes())
    return store


def test_lisae_has_the_weights_of_the_ae_beside_it(beside: Store) -> None:
    found = same_weights(pair(), context_of(beside))
    assert (found.value, found.n) == (1, 1)
    n_kept = len(list(beside.root.glob("weights/*")))
    assert f"{n_kept} of 1 AE runs" in found.remark


def test_shaping_begins_from_the_weights_that_were_kept(
    store: Store, kept: AutoEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[BackboneDetector | None] = []

    class Noted(LISAE):
        def fit(self, X: Any, y: Any = None) -> "Noted":
            begun.append(self.autoencoder)
            super().fit(X, y)
            return self

    store.put_weights(pair()[0][1].id, kept.to_bytes())
    monkeypatch.setitem(MODELS, "LIS-AE", replace(MODELS["LIS-AE"], detector=Noted))
    same_weights(pair(), context_of(store))
    (stage,) = begun
    assert stage is not None
    assert stage.losses_ == kept.losses_


def test_damaged_weights_are_not_taken(store: Store) -> None:
    ((_, plain),) = pair()
    path = store.weights_path(plain.id)
    path.parent.mkdir()
    path.write_bytes(b"cut")
    found = same_weights(pair(), context_of(store))
    assert found.value == 1
    assert "0 of 1 AE runs" in found.remark


@pytest.mark.parametrize(("broken", "part"), [(DecoderToo, "decoder"), (NoShaping, "nothing")])
def test_a_shaping_that_changes_other_weights_is_found(
    broken: type[LISAE], part: str, beside: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, "LIS-AE", replace(MODELS["LIS-AE"], detector=broken))
    found = same_weights(pair(), context_of(beside))
    assert found.value == 0
    assert part in found.remark


@pytest.mark.parametrize("other", [pair(4), pair(**{"autoencoder.batch_size": 16})])
def test_a_stage_that_is_another_run_is_found(other: Pairs, store: Store) -> None:
    """Of other images, or of other settings."""
    ((shaped, _),), ((_, foreign),) = pair(), other
    found = same_weights([*pair(), (shaped, foreign)], context_of(store))
    assert (found.value, found.n) == (0.5, 2)
    assert "another run" in found.remark
