"""Images from folders, lists, data sets and files: what each gives, and what is refused by its name."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from lisae import LISAE, AutoEncoder, memory
from lisae.sources import as_array, image_files, read_image
from tests.shapes import Pictures, Shapes


class Pairs(Dataset[Any]):
    """Images and class labels."""

    def __init__(self, images: list[Any]) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Any, int]:
        return self.images[i], i


class Endless(IterableDataset[Any]):
    """No length."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def colours(n: int = 4, sides: tuple[int, int] = (6, 9)) -> Pictures:
    return np.random.default_rng(0).integers(0, 256, (n, *sides, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four colour pictures, in an order that is not that of writing."""
    for name, image in zip(("c.png", "a.png", "in/d.PNG", "b.bmp"), colours(), strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_text("no image")
    return tmp_path


@pytest.mark.parametrize("kind", [str, Path])
def test_a_folder_is_read_in_the_order_of_names(folder: Path, kind: type) -> None:
    np.testing.assert_array_equal(as_array(kind(folder)), colours()[[1, 3, 0, 2]])
    assert [path.name for path in image_files(folder)] == ["a.png", "b.bmp", "c.png", "d.PNG"]


def test_lists_of_paths_and_of_pictures(folder: Path) -> None:
    paths = [folder / "c.png", folder / "in/d.PNG"]
    for given in (paths, tuple(map(str, paths)), np.array(list(map(str, paths))), [Image.open(path) for path in paths]):
        np.testing.assert_array_equal(as_array(given), colours()[[0, 2]])


def test_grey_files_are_grey_unless_one_is_in_colour(tmp_path: Path) -> None:
    grey = colours()[..., 0]
    for i, image in enumerate(grey):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    np.testing.assert_array_equal(as_array(tmp_path), grey[..., None])
    Image.fromarray(colours()[0]).save(tmp_path / "9.png")
    np.testing.assert_array_equal(as_array(tmp_path)[:4], grey[..., None].repeat(3, axis=3))


def test_deep_files_and_files_on_their_side(tmp_path: Path) -> None:
    deep = np.linspace(0, 65535, 48).astype(np.uint16).reshape(6, 8)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png", grey=True)[..., 0], np.round(deep / 257))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(colours()[0]).save(tmp_path / "turned.png", exif=exif)
    assert read_image(tmp_path / "turned.png", grey=False).shape == (9, 6, 3)


def test_a_broken_file_is_named(folder: Path) -> None:
    whole = (folder / "a.png").read_bytes()
    for content in (b"", b"no image", whole[:60], whole[:-40]):
        (folder / "a.png").write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.png cannot be read as an image .*: mend it, or leave it out"):
            as_array(folder)


def test_files_of_different_sides_need_a_size(folder: Path) -> None:
    Image.fromarray(colours(sides=(7, 9))[0]).save(folder / "z.png")
    with pytest.raises(ValueError, match=r"a\.png is 6 x 9 x 3, .*z\.png is 7 x 9 x 3, uint8.* say size="):
        as_array(folder)
    assert as_array(folder, (8, 10)).shape == (5, 8, 10, 3)


def test_arrays_of_different_sides_need_a_size() -> None:
    unlike = [colours()[0], colours(sides=(7, 9))[0]]
    with pytest.raises(ValueError, match=r"image 0 is 6 x 9 x 3, uint8, and image 1 is 7 x 9 x 3"):
        as_array(unlike)
    assert as_array(unlike, (8, 8)).shape == (2, 8, 8, 3)


def test_data_sets_of_pytorch() -> None:
    images = colours()
    tensors = torch.from_numpy(images).permute(0, 3, 1, 2)
    pictures = [Image.fromarray(image) for image in images]
    for dataset in (TensorDataset(tensors), Pairs(list(tensors)), Pairs(list(images)), Pairs(pictures)):
        np.testing.assert_array_equal(as_array(dataset), images)
    floats = as_array(TensorDataset(tensors / 255, torch.zeros(4)))
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats, images / 255, rtol=1e-6)


def test_tensors_and_files_of_arrays(tmp_path: Path) -> None:
    images = colours()
    np.testing.assert_array_equal(as_array(torch.from_numpy(images).float().requires_grad_()), images)
    np.save(tmp_path / "images.npy", images)
    mapped = as_array(tmp_path / "images.npy")
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, images)


def test_beyond_the_budget_images_lie_in_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "IN_MEMORY", 500)
    found = as_array(folder)
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, colours()[[1, 3, 0, 2]])


REFUSED: dict[str, tuple[Any, str]] = {
    "loader": (DataLoader(Pairs([1, 2])), r"a DataLoader.* X\.dataset"),
    "endless": (Endless(), "an IterableDataset, without a length"),
    "sparse": (scipy.sparse.eye(4, format="csr"), r"a sparse matrix: pass X\.toarray\(\)"),
    "dict": ({"images": 1}, "a dict"),
    "generator": ((i for i in range(3)), "an iterator"),
    "none": (None, "X is None"),
    "empty list": (Pairs([]), "the list or data set is empty"),
    "no folder": ("/no/such/folder", "/no/such/folder is not there"),
    "flat items": (Pairs([np.zeros(5), np.zeros(5)]), r"is \(h, w\) or \(h, w, c\); got shape 5"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_holds_no_images_is_named(name: str) -> None:
    given, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        as_array(given)


def test_a_file_in_place_of_a_folder_and_an_empty_folder(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(f"is a file: pass ['{folder}/a.png'], or its folder")):
        as_array(folder / "a.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty has no image files; they end in .*\.png"):
        as_array(tmp_path / "empty")


# Detectors


def brief() -> dict[str, Any]:
    return {"epochs": 2, "min_steps": 0, "latent_dim": 4, "random_state": 0, "precision": "float32", "device": "cpu"}


def save(images: NDArray[np.uint8], folder: Path) -> Path:
    folder.mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(folder / f"{i:03}.png")
    return folder


@pytest.mark.usefixtures("unchecked")
def test_a_detector_learns_the_same_from_folders(few: Shapes, tmp_path: Path) -> None:
    normal, negatives = save(few.normal, tmp_path / "normal"), save(few.negatives, tmp_path / "other")
    shaping = {"epochs": 2, "min_steps": 0, "random_state": 0}
    from_arrays = LISAE(AutoEncoder(**brief()), **shaping).fit(few.normal, negatives=few.negatives)
    from_folders = LISAE(AutoEncoder(**brief()), **shaping).fit(normal, negatives=str(negatives))
    scores = from_arrays.anomaly_score(few.outliers)
    np.testing.assert_array_equal(from_folders.anomaly_score(save(few.outliers, tmp_path / "new")), scores)


@pytest.mark.usefixtures("unchecked")
def test_sizes_are_those_of_phase_one_too(few: Shapes) -> None:
    detector = LISAE(AutoEncoder(size=(8, 10), **brief()), epochs=1, min_steps=0)
    detector.fit(few.normal, negatives=[image[: 8 + i % 5] for i, image in enumerate(few.negatives)])
    assert detector.image_shape_ == detector.autoencoder_.image_shape_ == (8, 10, 1)
    assert detector.anomaly_score(few.outliers[:, :9]).shape == (len(few.outliers),)
    assert detector.reconstruct(few.outliers[0]).shape == (1, 8, 10, 1)
