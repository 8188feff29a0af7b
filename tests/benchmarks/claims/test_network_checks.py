"""What is compared of networks, with networks whose errors and features are known, and once with trained ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks.claims import linear_checks, network_checks
from benchmarks.claims.evidence import Finding
from benchmarks.claims.linear_checks import ARBITRARY_TILT, arbitrary_tilt, turned
from benchmarks.claims.network_checks import (
    FOREIGN,
    MORE_SEPARABLE,
    NORMAL_LOSS,
    OUTLIER_LOSS,
    SEPARABLE,
    foreign_negatives,
    images_of,
    networks,
)
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import rebuild
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.run import Run, changed, make_run, stage_of
from benchmarks.paper.section_4 import linear_case
from benchmarks.paper.tasks import Negatives, against, with_classes

SMOKE = load_profile("smoke")


class KnownNetwork:
    """Its error is the mean pixel times a factor; its features are the spreads of colours, none if it is blind."""

    def __init__(self, factor: float = 1.0, *, blind: bool = False) -> None:
        self.factor, self.blind = factor, blind

    def anomaly_score(self, images: NDArray[Any]) -> NDArray[np.float64]:
        return self.factor * images.reshape(len(images), -1).mean(axis=1)

    def _features(self, images: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy((not self.blind) * images.std(axis=(1, 2))).float()


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take known networks for trained ones."""

    def take(plain: KnownNetwork, shaped: KnownNetwork, linsep: KnownNetwork) -> None:
        monkeypatch.setattr(network_checks, "_autoencoder", lambda *_: plain)
        monkeypatch.setattr(network_checks, "evaluate", lambda *_: None)
        monkeypatch.setattr(network_checks, "train_alone", lambda _: (shaped, None))
        monkeypatch.setattr(network_checks, "_linsep", lambda *_: linsep)

    return take


def runs_of(model: str) -> list[Run]:
    return [make_run(with_classes("cifar10", c, (5, 6)), model, 0, SMOKE, {}) for c in (0, 4)]


def context_in(folder: Path, data_dir: Path) -> Context:
    return Context(folder, data_dir, "cpu", "", "")


@pytest.mark.parametrize(("factor", "kept"), [(1.5, 1.0), (1.0, 1.0), (0.9, 0.0)])
def test_errors_before_and_after(
    factor: float, kept: float, known: Callable[..., None], tmp_path: Path, data_dir: Path
) -> None:
    change = factor - 1
    known(KnownNetwork(), KnownNetwork(factor), KnownNetwork())
    context = context_in(tmp_path, data_dir)
    found = networks(runs_of("LIS-AE"), runs_of("LinSep-LIS-AE"), context, images_of_a_side=10)
    assert (found[NORMAL_LOSS].value, found[OUTLIER_LOSS].value) == pytest.approx((change, kept))
    assert found[NORMAL_LOSS].n == 2
    assert f"of normal test images {change:+.1%} (0), {change:+.1%} (4)" in found[NORMAL_LOSS].remark


def test_a_probe_tells_classes_apart_only_by_what_features_hold(
    known: Callable[..., None], tmp_path: Path, data_dir: Path
) -> None:
    known(KnownNetwork(blind=True), KnownNetwork(), KnownNetwork())
    context = context_in(tmp_path, data_dir)
    found = networks(runs_of("LIS-AE"), runs_of("LinSep-LIS-AE"), context, images_of_a_side=30)
    assert found[SEPARABLE].value > 0.8
    assert found[MORE_SEPARABLE].value == pytest.approx(found[SEPARABLE].value - 0.5)


def test_trained_networks_are_those_of_the_runs(tmp_path: Path, data_dir: Path) -> None:
    context = context_in(tmp_path, data_dir)
    quick = {"autoencoder.batch_size": 8, "autoencoder.learning_rate": 5e-3, "autoencoder.precision": "float32"}
    shaped, linsep = (
        changed(make_run(with_classes("cifar10", 1, (5,)), model, 0, SMOKE, {}), quick)
        for model in ("LIS-AE", "LinSep-LIS-AE")
    )
    assert shaped is not None
    assert linsep is not None
    found = networks([shaped], [linsep], context, images_of_a_side=10)
    stage = stage_of(shaped)
    assert stage is not None
    normal = images_of(shaped, context).test_normal
    after, before = (rebuild(run, context).anomaly_score(normal).mean() for run in (shaped, stage))
    assert found[NORMAL_LOSS].value == pytest.approx(after / before - 1)
    assert (found[NORMAL_LOSS].low, found[NORMAL_LOSS].high) == (-np.inf, np.inf)  # of one task
    assert 0 <= found[SEPARABLE].value <= 1


def foreign_runs() -> list[Run]:
    return [make_run(against("mnist", (c,), Negatives("omniglot")), "LIS-AE", 0, SMOKE, {}) for c in (0, 4)]


def test_foreign_negatives_are_held_against_outliers(
    known: Callable[..., None], tmp_path: Path, grey_data_dir: Path
) -> None:
    known(KnownNetwork(), KnownNetwork(), KnownNetwork())
    context, ratios = context_in(tmp_path, grey_data_dir), []
    for run in foreign_runs():
        images = images_of(run, context)
        ratios.append(images.negatives.mean() / images.test_outliers.mean())
    found = foreign_negatives(foreign_runs(), context=context)[FOREIGN]
    assert found.value == pytest.approx(np.mean(ratios), rel=1e-3)
    assert found.low < found.value < found.high
    assert f"omniglot beside mnist: {ratios[0]:.2f} (0), {ratios[1]:.2f} (4)" in found.remark


def test_of_two_pairs_of_data_sets_the_less_certain_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([Finding(2.0, 4, "", 1.5, 2.5), Finding(3.0, 4, "", 0.5, 5.5)])
    monkeypatch.setattr(network_checks, "finding_over", lambda *_: next(found))
    monkeypatch.setattr(network_checks, "images_of", lambda *_: network_checks.TaskImages(*[np.ones((2, 3, 3))] * 4))
    monkeypatch.setattr(network_checks, "_autoencoder", lambda *_: KnownNetwork())
    assert foreign_negatives(foreign_runs(), foreign_runs(), context=context_in(Path(), Path()))[FOREIGN].value == 3


# ---- The tilt in arbitrary directions


def test_a_turned_tilt_is_as_large_and_points_elsewhere() -> None:
    model = linear_case().shaped[5.0]
    other = turned(model, np.random.default_rng(0))
    sizes = [np.linalg.svd(one.tilt, compute_uv=False) for one in (model, other)]
    np.testing.assert_allclose(*sizes)
    np.testing.assert_array_equal(other.decoder, model.decoder)
    assert np.abs(other.tilt - model.tilt).max() > 0.1


def test_the_gain_is_that_over_the_linear_autoencoder(
    tmp_path: Path, grey_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_in(tmp_path, grey_data_dir)
    settings = {"latent_dim": 1, "reach": 1.5, "epochs": 30, "learning_rate": 1e-2, "draws": 2}
    arbitrary = arbitrary_tilt(foreign_runs(), context, **settings)[ARBITRARY_TILT]
    monkeypatch.setattr(linear_checks, "turned", lambda model, _: model)
    as_learned = arbitrary_tilt(foreign_runs(), context, **settings)[ARBITRARY_TILT]
    assert as_learned.remark.endswith(f"what is learned from negatives adds {as_learned.value:+.4f}")
    assert arbitrary.value < as_learned.value
    assert arbitrary.remark.rpartition(";")[2] == as_learned.remark.rpartition(";")[2]
