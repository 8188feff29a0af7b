"""Folders of pictures as arrays: of one size, broken ones named."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.progress import track

from lisae.images import Images, resized, shape_text
from lisae.memory import allocate
from lisae.sources import read_image

_GREY = frozenset({"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"})  # Pillow's modes without colour


class BrokenImageError(ValueError):
    """A file that is no whole image."""


def are_grey(paths: Iterable[Path]) -> bool:
    """Tell whether no file has colour; those that cannot be opened are left to ``read``."""
    return all(_mode(path) in _GREY for path in paths)


def read(
    paths: Sequence[Path], sides: tuple[int, int] | None, *, grey: bool, skip_broken: bool, quiet: bool, label: str
) -> tuple[list[Path], Images]:
    """Return those of the files that could be read, and their images, (n, h, w, c), uint8.

    Args:
        paths: files of images.
        sides: the height and width that they are brought to; None: those of the first, which all others must have.
        grey: whether images have one channel, or three.
        skip_broken: whether a file that is no whole image is left out and named on stderr.
        quiet: whether no progress is shown.
        label: what the progress is of.

    Raises:
        BrokenImageError: for a file that is no whole image, unless they are left out, or where all are broken.
        ValueError: for an image of another size than the first.
    """
    images: Images | None = None
    kept: list[Path] = []
    for path in track(paths, label, console=Console(stderr=True), disable=quiet):
        try:
            image = read_image(path, grey=grey)[None]
        except ValueError as error:
            if not skip_broken:
                raise BrokenImageError(f"{error} --skip-broken leaves it out.") from error
            print(f"skipped: {error}", file=sys.stderr)
            continue
        image = resized(image, sides) if sides else image
        if images is None:
            images = allocate((len(paths), *image.shape[1:]), image.dtype)
        if image.shape[1:] != images.shape[1:]:
            raise ValueError(
                f"images are of different sizes: {kept[0]} is {shape_text(images.shape[1:3])}, {path} is "
                f"{shape_text(image.shape[1:3])}. --size, such as --size 64, brings all to one when a model is fitted."
            )
        images[len(kept)] = image[0]
        kept.append(path)
    if images is None:
        raise BrokenImageError(f"none of the {len(paths)} images can be read.")
    return kept, images[: len(kept)]


def _mode(path: Path) -> str:
    try:
        with Image.open(path) as picture:
            return picture.mode
    except (OSError, SyntaxError, ValueError):
        return "L"
