"""The commands: ``fit``, ``score`` and ``info``."""

import csv
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from lisae.command.pictures import are_grey, read
from lisae.command.report import write_report
from lisae.lisae import LISAE, AutoEncoder
from lisae.negatives import WAYS
from lisae.saving import information, load
from lisae.sources import image_files


class CallError(Exception):
    """The call is wrong, and nothing was started."""


def fit(options: Namespace) -> None:
    """Train a detector on folders of images and write it to a file."""
    way = str(options.negatives) if str(options.negatives) in WAYS else None  # of making negatives
    for folder in (options.normal, None if way else options.negatives):
        _check_folder(folder)
    _check_output(options.output)
    own = {"latent_dim": options.latent_dim, "epochs": options.epochs}
    shared: dict[str, Any] = {
        "random_state": options.seed,
        "contamination": options.contamination,
        "size": options.size,
        "verbose": not options.quiet,
    }
    detector: Any = AutoEncoder(
        **{name: value for name, value in own.items() if value}, **shared, device=options.device
    )
    files = {"normal images": image_files(options.normal)}
    if options.negatives:
        detector = LISAE(detector, **{"gamma": options.gamma} if options.gamma else {}, **shared)
        if not way:
            files["negatives"] = image_files(options.negatives)
    elif options.gamma:
        raise CallError("--gamma is for the negatives: give their folder with --negatives, or --negatives auto.")
    else:
        _tell(
            "no negatives: a plain autoencoder is trained. LIS-AE is, with --negatives DIR or --negatives auto.",
            options,
        )
    grey = are_grey(path for paths in files.values() for path in paths)
    images = [
        read(
            paths,
            options.size,
            grey=grey,
            skip_broken=options.skip_broken,
            quiet=options.quiet,
            label=f"reading {len(paths)} {name}",
        )[1]
        for name, paths in files.items()
    ]
    if len({one.shape[1:] for one in images}) > 1:
        raise ValueError(
            f"the normal images and the negatives are of different sizes, {_sides(images[0])} and {_sides(images[1])}: "
            "--size, such as --size 64, brings all to one."
        )
    negatives = way or images[-1]
    detector.fit(images[0], **{"negatives": negatives} if options.negatives else {})
    detector.save(options.output)
    _tell(f"{options.output}: {_summary(information(options.output))}", options)


def score(options: Namespace) -> None:
    """Score the images of a folder and write the ranked scores as CSV, and as a page if that is asked for."""
    _check_model(options.model)
    _check_folder(options.folder)
    for path in (options.csv, options.html):
        if path:
            _check_output(path)
    detector = load(options.model, options.device)
    height, width, channels = detector.image_shape_
    paths, images = read(
        image_files(options.folder),
        (height, width) if _was_resized(detector) else None,
        grey=channels == 1,
        skip_broken=options.skip_broken,
        quiet=options.quiet,
        label="reading images",
    )
    if images.shape[1:3] != (height, width):
        raise ValueError(
            f"the images are {_sides(images)}, those of the model are {height} x {width}: "
            f"fit a model with --size {height}x{width}, which brings images of any size to its own."
        )
    scores = detector.anomaly_score(images)
    probabilities = detector.probabilities_of(scores)
    labels = ["normal" if label == 1 else "anomalous" for label in detector.labels_of(scores)]
    ranked = np.argsort(-scores, kind="stable")
    names = [path.relative_to(options.folder).as_posix() for path in paths]
    rows = [(names[i], f"{scores[i]:.6g}", f"{probabilities[i]:.4f}", labels[i]) for i in ranked]
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            _write_rows(file, rows)
    elif not options.html:
        _write_rows(sys.stdout, rows)
    if options.html:
        write_report(options.html, detector, images[ranked[: options.top]], rows, options.model.name)
    share = sum(label == "anomalous" for label in labels)
    _tell(f"{len(rows)} images scored; {share} above the threshold {detector.threshold_:.6g}.", options)


def info(options: Namespace) -> None:
    """Print what is in a file of a model."""
    _check_model(options.model)
    description = information(options.model)
    print(_summary(description))
    for name, value in sorted(description["settings"].items()):
        inner = value["settings"].items() if isinstance(value, dict) else None
        print(f"  {name}: {value['class'] if isinstance(value, dict) else value}")
        for key, one in sorted(inner or ()):
            print(f"    {key}: {one}")


def _summary(description: dict[str, Any]) -> str:
    values, versions = description["values"], description["versions"]
    shape = " x ".join(map(str, values["image_shape_"]))
    return (
        f"{description['class']} of images of {shape}, threshold {values['threshold_']:.6g}, "
        f"lisae {versions['lisae']}, torch {versions['torch']}"
    )


def _was_resized(detector: Any) -> bool:
    stage = detector.stage.of(detector) if detector.stage else None
    return any(getattr(one, "size", None) is not None for one in (detector, stage))


def _sides(images: Any) -> str:
    return f"{images.shape[1]} x {images.shape[2]}"


def _write_rows(file: Any, rows: list[tuple[str, str, str, str]]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("file", "score", "probability", "label"))
    writer.writerows(rows)


def _check_folder(folder: Path | None) -> None:
    if folder is not None and not folder.is_dir():
        raise CallError(f"{folder} is {'no folder' if folder.exists() else 'not there'}: give a folder of images.")


def _check_model(path: Path) -> None:
    if not path.is_file():
        raise CallError(f"{path} is {'no file' if path.exists() else 'not there'}: give a file that lisae fit wrote.")


def _check_output(path: Path) -> None:
    if not path.parent.is_dir():
        raise CallError(f"{path} cannot be written: there is no folder {path.parent}.")
    if path.is_dir():
        raise CallError(f"{path} cannot be written: it is a folder. Give the name of a file.")


def _tell(text: str, options: Namespace) -> None:
    if not options.quiet:
        print(text, file=sys.stderr)
