"""The trials on clothes that no setting has: what each changes, and a file that is gone on with."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from benchmarks.beyond import clothes
from benchmarks.beyond.clothes import COLUMNS, WAYS, main, measured
from benchmarks.engine.profiles import load_profile
from benchmarks.paper.printed import DEVIATIONS
from benchmarks.report.document import short
from lisae import AutoEncoder, CollapseError
from lisae.training import Objective
from tests.benchmarks.conftest import drawn, save

SHAPE = (28, 28, 1)
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
LABELS = np.repeat([1, -1], [3, 9])
USUAL = WAYS["as published"]


@pytest.fixture(scope="module")
def clothes_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a drawn ``fashion-mnist``."""
    folder = tmp_path_factory.mktemp("clothes")
    save(folder / "fashion-mnist.npz", lambda labels, seed: drawn(labels, seed)[:, :28, :28, 0])
    return folder


def detector(way: str) -> AutoEncoder:
    made = WAYS[way].autoencoder(latent_dim=8, epochs=2, batch_size=4, min_steps=0, random_state=0, device="cpu")
    made.image_shape_, made.latent_dim_ = SHAPE, 8
    return made


def network(way: str) -> nn.Module:
    return detector(way)._network(torch.Generator().manual_seed(0))


def test_a_way_changes_one_thing() -> None:
    assert USUAL.autoencoder is AutoEncoder
    for name, way in WAYS.items():
        images, labels = way.training(IMAGES, LABELS)
        changes = [way.autoencoder is not AutoEncoder, len(images) != 12, way.images(IMAGES).shape != IMAGES.shape]
        assert sum(changes) == (name != "as published")
        assert images.dtype == np.uint8
        assert len(images) == len(labels)
        assert (images[labels == 1] == IMAGES[:3]).all()


def test_images_are_padded_with_black() -> None:
    padded = WAYS["padded to 32"].images(IMAGES)
    assert padded.shape == (12, 32, 32)
    assert (padded[:, 2:-2, 2:-2] == IMAGES).all()
    assert padded.sum() == IMAGES.sum()


@pytest.mark.parametrize(("share", "left"), [("third", 3), ("ninth", 1)])
def test_fewer_negatives(share: str, left: int) -> None:
    _, labels = WAYS[f"a {share} of the negatives"].training(IMAGES, LABELS)
    assert labels.tolist() == [1] * 3 + [-1] * left


@pytest.mark.parametrize("name", ["strokes", "elastic distortions"])
def test_as_many_more_negatives(name: str) -> None:
    images, labels = WAYS[f"{name} beside the negatives"].training(IMAGES, LABELS)
    assert labels.tolist() == [1] * 3 + [-1] * 18
    assert (images[:12] == IMAGES).all()
    assert len(np.unique(images, axis=0)) == 21


def test_kernels_of_3_keep_the_shape() -> None:
    net = network("kernels of 3")
    kernels = {one.kernel_size for one in net.modules() if isinstance(one, nn.Conv2d | nn.ConvTranspose2d)}
    assert kernels == {(3, 3)}
    assert net(torch.rand(2, 1, 28, 28)).shape == (2, 1, 28, 28)


def test_initial_weights_have_the_spread_of_their_rule() -> None:
    def spread(way: str) -> float:
        return float(network(way).encoder[2].weight.detach().std())  # type: ignore[index]

    fan_in, fan_out = 16 * 16, 64 * 16
    assert spread("initial weights after Glorot") == pytest.approx((2 / (fan_in + fan_out)) ** 0.5, rel=0.05)
    assert spread("initial weights of PyTorch") == pytest.approx((3 * fan_in) ** -0.5, rel=0.05)
    assert spread("as published") == pytest.approx((2 / 1.04 / fan_in) ** 0.5, rel=0.05)


def test_noise_is_reconstructed_without_it() -> None:
    made = detector("denoising, noise of .1")
    made.network_ = made._network(torch.Generator().manual_seed(0))
    loss: Objective = made._objective(torch.Generator())
    images = torch.rand(2, 1, 28, 28)
    (noise,) = loss.draw(2, torch.Generator().manual_seed(0))
    assert noise.shape == images.shape
    given = made.network_((images + 0.1 * noise).clamp(0, 1))
    assert torch.allclose(loss(images, noise), (given - images).square().sum() / 2)


@pytest.mark.usefixtures("unchecked")
def test_weight_decay_makes_weights_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clothes, "_DECAY", 0.1)
    rows = IMAGES[..., None]
    sizes = [
        float(detector(way).fit(rows).network_.latent.weight.detach().norm())
        for way in ("as published", "weight decay 1e-5")
    ]
    assert sizes[1] < sizes[0]


@pytest.mark.usefixtures("unchecked")
def test_every_way_gives_an_area_under_the_curve(clothes_dir: Path) -> None:
    profile = load_profile("smoke")
    for way in WAYS:
        found = measured(way, 8, profile, clothes_dir)
        assert found is not None
        assert 0 <= found <= 1


def test_a_call_goes_on_where_one_was_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def once(way: str, normal: int, *_: object) -> float | None:
        asked.append((way, normal))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return None if normal == 1 else 0.75

    monkeypatch.setattr(clothes, "measured", once)
    file = tmp_path / "rows.csv"
    call = ["--ways", "as published", "--classes", "0", "1", "--csv", str(file), "--data-dir", str(tmp_path)]
    with pytest.raises(KeyboardInterrupt):
        main(call)
    main(call)
    main(call)
    assert asked == [("as published", 0), ("as published", 1), ("as published", 1)]
    rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))
    assert rows == [
        list(COLUMNS),
        ["as published", "0", "0.7500"],
        ["as published", "1", "collapsed"],
    ]


def test_a_network_that_collapses_is_said(clothes_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def collapse(*_: object) -> None:
        raise CollapseError("learned nothing")

    monkeypatch.setattr(clothes.LISAE, "fit", collapse)
    assert measured("as published", 8, load_profile("smoke"), clothes_dir) is None


def test_what_is_told_of_the_trials_are_the_means_of_the_file() -> None:
    rows = pd.read_csv(Path(clothes.__file__).with_suffix(".csv"))
    assert list(rows["way"].unique()) == list(WAYS)
    (told,) = (line for line in DEVIATIONS.read_text(encoding="utf-8").splitlines() if "`clothes.csv`" in line)
    for way, aucs in rows.groupby("way")["auc"]:
        is_whole = "collapsed" not in set(aucs)
        assert len(aucs) == 10 or not is_whole
        assert not is_whole or short(aucs.astype(float).mean(), 4) in told, way
