"""Large images and many: memory is bounded, and what is computed stays the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

import lisae.reconstruction
import lisae.training
from lisae import memory
from lisae.lisae import LatentShaping, LatentShapingOfImages
from lisae.memory import allocate, converted, give_back, parts, rows_of
from tests.lisae.makers import new_autoencoder, new_lisae, trainings_of
from tests.shapes import Shapes


@pytest.mark.parametrize(("side", "most"), [(8, 512), (32, 512), (64, 128), (224, 10), (1024, 1)])
@pytest.mark.usefixtures("unchecked")
def test_fewer_images_are_scored_at_once_the_larger_they_are(side: int, most: int) -> None:
    detector = new_autoencoder(epochs=1)
    seen: list[int] = []

    def count(batch: Tensor) -> Tensor:
        seen.append(len(batch))
        return batch[:, 0, 0, 0]

    images = np.zeros((most + 1, side, side, 1), dtype=np.uint8)
    images[-1] = 255
    answers = detector._apply(count, images)
    assert seen == [most, 1]
    assert answers.tolist() == [0.0] * most + [1.0]


@pytest.mark.parametrize(("side", "batch_size", "expected"), [(32, 256, 1), (64, 128, 2), (128, 128, 8), (2048, 3, 3)])
def test_batches_of_large_images_are_computed_in_parts(side: int, batch_size: int, expected: int) -> None:
    images = np.broadcast_to(np.arange(2, dtype=np.uint8)[:, None, None, None], (2, side, side, 1))
    detector = new_autoencoder(batch_size=batch_size)
    detector.image_shape_, detector.latent_dim_ = (4, 4, 1), 16
    detector.network_ = detector._network(torch.Generator())
    training = next(detector._train(detector._objective(torch.Generator()), [[images]], torch.Generator()))
    assert training.parts == expected


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("batch_size", [12, 13])
def test_parts_teach_what_the_whole_batch_teaches(
    few: Shapes, batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def learned() -> tuple[list[float], NDArray[np.float64]]:
        phase_one = new_autoencoder(epochs=2, batch_size=batch_size)
        detector = new_lisae(phase_one, epochs=2, batch_size=batch_size).fit(*few.labelled())
        return detector.autoencoder_.losses_ + detector.losses_, detector.anomaly_score(few.held_out)

    whole = learned()
    monkeypatch.setattr(lisae.training, "_PIXELS", 5 * 144)
    calls: list[int] = []
    losses = lisae.training._losses

    def counted(*arguments: Any, **more: Any) -> Tensor:
        calls.append(len(arguments[3][0][0]))
        return losses(*arguments, **more)

    monkeypatch.setattr(lisae.training, "_losses", counted)
    for part, all_at_once in zip(learned(), whole, strict=True):
        np.testing.assert_allclose(part, all_at_once, rtol=1e-3)
    assert max(calls) <= 5
    assert sum(calls[:3]) == batch_size


@pytest.mark.usefixtures("unchecked")
def test_features_beyond_the_budget_are_computed_for_each_batch(few: Shapes, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = few.labelled()
    phase_one = new_autoencoder(epochs=2).fit(X[y == 1])
    cached = new_lisae(phase_one, epochs=2).fit(X, y)
    (training,) = trainings_of(new_lisae(phase_one), X, y)
    assert type(training.objective) is LatentShaping
    monkeypatch.setattr(memory, "FEATURES", len(X) * phase_one.network_.features * 4 - 1)
    (training,) = trainings_of(new_lisae(phase_one), X, y)
    assert type(training.objective) is LatentShapingOfImages
    assert [len(pool) for pool in training.pools] == [1, 1]
    computed = new_lisae(phase_one, epochs=2).fit(X, y)
    np.testing.assert_allclose(computed.losses_, cached.losses_, rtol=1e-4)
    np.testing.assert_allclose(computed.anomaly_score(few.held_out), cached.anomaly_score(few.held_out), rtol=1e-3)


@pytest.mark.usefixtures("unchecked")
def test_a_file_of_an_array_is_learned_from_without_being_copied(
    few: Shapes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = np.concatenate([few.normal, few.negatives])
    y = np.repeat([1, -1], [len(few.normal), len(few.negatives)])
    np.save(tmp_path / "X.npy", X)
    in_memory = new_lisae(new_autoencoder(epochs=2), epochs=2).fit(X, y)
    monkeypatch.setattr(memory, "IN_MEMORY", 1000)
    monkeypatch.setattr(memory, "allocate", lambda *arguments: pytest.fail("copied"))
    mapped = new_lisae(new_autoencoder(epochs=2), epochs=2)
    learning = mapped._begin(*mapped._read(tmp_path / "X.npy", y, None))
    assert all(isinstance(images, np.memmap) for images in learning[:2])
    mapped.fit(tmp_path / "X.npy", y)
    np.testing.assert_array_equal(mapped.anomaly_score(few.outliers), in_memory.anomaly_score(few.outliers))


# Arrays


def test_parts_are_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_PART", 100)
    for rows, width in ((7, 30), (7, 1000), (1, 1), (0, 5)):
        images = np.arange(rows * width, dtype=np.uint8).reshape(rows, width)
        found = [images[part] for part in parts(images)]
        np.testing.assert_array_equal(np.concatenate([images[:0], *found]), images)
        assert all(part.nbytes <= max(100, width) for part in found)


def test_an_array_beyond_the_budget_lies_in_a_file_that_is_gone_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "IN_MEMORY", 100)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert type(allocate((5, 20), np.uint8)) is np.ndarray
    large = allocate((5, 21), np.uint8)
    assert isinstance(large, np.memmap)
    large[:] = 7
    assert (np.asarray(large) == 7).all()
    del large
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("budget", [10, 10**6])
def test_rows_of_an_array(budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "IN_MEMORY", budget)
    monkeypatch.setattr(memory, "_PART", 8)
    images = np.arange(60, dtype=np.uint8).reshape(20, 3)
    for chosen in (np.arange(20) < 7, np.arange(20) >= 7, np.arange(20) % 3 == 0, np.zeros(20, dtype=bool)):
        found = rows_of(images, chosen)
        np.testing.assert_array_equal(found, images[chosen])
        together = np.abs(np.diff(chosen.astype(int))).sum() == 1
        assert np.shares_memory(found, images) == (budget == 10 and together)
    halves = converted(images, np.float32, lambda part: part / 2)
    np.testing.assert_array_equal(halves, images / 2)
    assert halves.dtype == np.float32


def resident(path: Path) -> int:
    """Return the KiB of a mapped file that are in this process's memory."""
    maps = Path("/proc/self/smaps").read_text(encoding="utf-8").split(f"{path}\n")[1:]
    return sum(int(one.split("Rss:")[1].split()[0]) for one in maps)


@pytest.mark.skipif(not Path("/proc/self/smaps").is_file(), reason="the system does not tell")
@pytest.mark.usefixtures("unchecked")
def test_what_is_read_of_a_mapped_file_does_not_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "IN_MEMORY", 1000)
    images = np.random.default_rng(0).integers(0, 256, (200, 32, 32, 3), dtype=np.uint8)
    np.save(tmp_path / "X.npy", images)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert mapped.sum() == images.sum()
    assert resident(tmp_path / "X.npy") > 500
    detector = new_autoencoder(epochs=1, batch_size=100).fit(mapped)
    assert resident(tmp_path / "X.npy") < 100
    np.testing.assert_array_equal(detector.anomaly_score(mapped), detector.anomaly_score(images))


def test_changes_of_a_mapped_array_that_are_not_in_its_file_stay(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.zeros((4, 4096), dtype=np.uint8))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="c")
    mapped[:] = 7
    give_back(mapped)
    give_back(mapped[1:])
    assert (mapped == 7).all()
