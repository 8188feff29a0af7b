"""Images from what is not one array: a folder, paths, pictures, a data set of PyTorch, a file of an array."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, IterableDataset

from lisae.images import Images, as_images, resized, shape_text
from lisae.memory import allocate

SUFFIXES = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"))

_GREY = frozenset(("1", "L", "LA", "I;16", "I;16B", "I;16L"))  # Pillow's modes without colour
Sides = tuple[int, int]


def as_array(X: Any, sides: Sides | None = None) -> NDArray[Any]:
    """Return images as an array, from an array or from what else may hold images; the array is not checked yet.

    Args:
        X: an array, also one that is mapped from a file; a tensor; the path of a folder, whose image files are taken in
            the order of their names, also those of folders inside of it; the path of an .npy file, which is mapped; a
            list of paths, of Pillow's images, or of images of different shapes; a ``torch.utils.data.Dataset`` of
            images or of tuples that begin with one.
        sides: the height and width that images from a folder, a list or a data set are brought to.

    Returns:
        Images (n, h, w, c), or whatever shape an array has. Beyond a gibibyte, images that are read lie in a temporary
        file. Labels of a ``Dataset`` are not read.

    Raises:
        ValueError: for what holds no images, a file that is none, and images of different shapes without ``sides``.
    """
    _refuse(X)
    if isinstance(X, str | Path) and str(X).endswith(".npy") and Path(X).is_file():
        return np.load(X, mmap_mode="r")
    items = _items(X)
    if items is not None:
        return _stacked(items, sides)
    if isinstance(X, torch.Tensor):
        return X.detach().cpu().numpy()
    if np.ma.is_masked(X):
        raise ValueError("images hold masked values: fill them in, as X.filled(0) does, or remove those images.")
    return np.asarray(X)


def image_files(folder: str | Path) -> list[Path]:
    """Return the image files of a folder and of the folders inside of it, in the order of their paths.

    Raises ValueError for a path that is no folder, and for a folder without image files.
    """
    folder = Path(folder)
    if not folder.is_dir():
        kind = f"a file: pass [{str(folder)!r}], or its folder" if folder.exists() else "not there"
        raise ValueError(f"{folder} is {kind}. A path given as images is that of a folder or of an .npy file.")
    files = (path for path in folder.rglob("*") if not path.name.startswith(".") and path.is_file())
    found = sorted(path for path in files if path.suffix.lower() in SUFFIXES)
    if not found:
        raise ValueError(f"{folder} has no image files; they end in {', '.join(sorted(SUFFIXES))}.")
    return found


def read_image(path: str | Path, *, grey: bool) -> NDArray[np.uint8]:
    """Return the image of a file as (h, w, c), upright, without transparency.

    Raises ValueError for a file that is no whole image.
    """
    try:
        with _pillow().open(path) as picture:
            return _pixels(picture, grey=grey)
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as an image ({error}): mend it, or leave it out.") from error


class _Items(Sequence[Any]):
    """The images of a data set, without what stands beside them."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, i: Any) -> Any:
        item = self._dataset[i]
        return item[0] if isinstance(item, tuple | list) else item


def _refuse(X: Any) -> None:
    """Raise ValueError for what is often given and holds no images that can be told apart."""
    remedies: list[tuple[Callable[[Any], bool], str]] = [
        (lambda X: isinstance(X, DataLoader), "a DataLoader, whose order may be drawn: pass its data set, X.dataset"),
        (
            lambda X: isinstance(X, IterableDataset),
            "an IterableDataset, without a length: pass a list of its images",
        ),
        (lambda X: hasattr(X, "toarray") and hasattr(X, "nnz"), "a sparse matrix: pass X.toarray() and image_shape="),
        (lambda X: isinstance(X, dict), "a dict: pass the array of images in it"),
        (lambda X: hasattr(X, "__next__"), "an iterator: pass a list or an array of its images"),
        (lambda X: X is None, "None: pass an array of images"),
    ]
    for holds, remedy in remedies:
        if holds(X):
            raise ValueError(f"X is {remedy}.")


def _items(X: Any) -> Sequence[Any] | None:
    """Return the images that are to be read one by one; None for what is an array."""
    if isinstance(X, str | Path):
        return image_files(X)
    if isinstance(X, Dataset):
        return _Items(X)
    if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "OU":
        X = X.tolist()
    return X if isinstance(X, list | tuple) and X and (_is_picture(X[0]) or _are_unlike(X)) else None


def _is_picture(item: Any) -> bool:
    return isinstance(item, str | Path) or hasattr(item, "getbands")


def _are_unlike(items: Sequence[Any]) -> bool:
    """Tell whether these are images of different shapes, which make no array."""
    return len({np.shape(item) for item in items if isinstance(item, np.ndarray | torch.Tensor)}) > 1


def _stacked(items: Sequence[Any], sides: Sides | None) -> Images:
    """Return all images of a sequence as (n, h, w, c), one after another, so that no more than one is held twice."""
    if not len(items):
        raise ValueError("no images: the list or data set is empty.")
    grey = all(_mode(item) in _GREY for item in items) if not isinstance(items, _Items) else None
    answer: Images | None = None
    for i in range(len(items)):
        image = _image(items[i], grey=grey)
        if sides is not None:
            image = resized(as_images(image[None], trained=image.shape), sides)[0]
        if answer is None:
            answer = allocate((len(items), *image.shape), image.dtype)
        if image.shape != answer.shape[1:] or image.dtype != answer.dtype:
            raise ValueError(
                f"images are of one shape and dtype: {_name(items, 0)} is {shape_text(answer.shape[1:])}, "
                f"{answer.dtype}, and {_name(items, i)} is {shape_text(image.shape)}, {image.dtype}. "
                "To bring all to one height and width, say size=, such as size=64."
            )
        answer[i] = image
    assert answer is not None
    return answer


def _image(item: Any, *, grey: bool | None) -> NDArray[Any]:
    """Return one image of a sequence as (h, w, c)."""
    if isinstance(item, str | Path):
        return read_image(item, grey=bool(grey))
    if hasattr(item, "getbands"):
        return _pixels(item, grey=item.mode in _GREY if grey is None else grey)
    image = item.detach().cpu().numpy() if isinstance(item, torch.Tensor) else np.asarray(item)
    if image.ndim == 2:
        return image[..., None]
    if image.ndim != 3:
        raise ValueError(f"an image of a list or data set is (h, w) or (h, w, c); got shape {shape_text(image.shape)}.")
    # PyTorch's own order, which its data sets have, is (c, h, w).
    is_first = isinstance(item, torch.Tensor) and image.shape[0] <= 4
    return image.transpose(1, 2, 0) if is_first else image


def _mode(item: Any) -> str:
    """Return Pillow's mode of an image or of the image in a file, '' for an array."""
    if not isinstance(item, str | Path):
        return getattr(item, "mode", "")
    try:
        with _pillow().open(item) as picture:
            return picture.mode
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{item} cannot be read as an image ({error}): mend it, or leave it out.") from error


def _pixels(picture: Any, *, grey: bool) -> NDArray[np.uint8]:
    from PIL import ImageOps  # noqa: PLC0415 (an import that only pictures need)

    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16 bits
        deep = np.asarray(picture, dtype=np.float32) / 257
        pixels = deep.round().clip(0, 255).astype(np.uint8)[..., None]
        return pixels if grey else pixels.repeat(3, axis=2)
    pixels = np.asarray(picture.convert("L" if grey else "RGB"))
    return pixels[..., None] if grey else pixels


def _pillow() -> Any:
    try:
        from PIL import Image  # noqa: PLC0415
    except ImportError as error:
        raise ValueError("image files are read with Pillow, which is not installed: pip install pillow.") from error
    return Image


def _name(items: Sequence[Any], i: int) -> str:
    return str(items[i]) if not isinstance(items, _Items) and isinstance(items[i], str | Path) else f"image {i}"
