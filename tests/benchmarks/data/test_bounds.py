"""Hostile data sets: each is refused in words, in a moment, and without the memory that it asks for."""

import io
import struct
import zipfile

import numpy as np
import pytest

from benchmarks.data import fetch, identify, load
from benchmarks.data.cache import read
from benchmarks.errors import UnavailableError
from tests.benchmarks.data.hostile import KINDS, MEGABYTE, cheap, listening


def refused(path, match):
    with cheap(), pytest.raises(UnavailableError, match=match) as caught:
        read(path.stem, path)
    assert "left as it was" in str(caught.value)
    assert len(str(caught.value)) < 800


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mnist.npz"


@pytest.fixture
def members(arrays_of):
    """The members of a set that is right, as bytes; change one and write them."""
    made = io.BytesIO()
    np.savez(made, **arrays_of("mnist")._asdict(), variant="mine")
    with zipfile.ZipFile(made) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def _zip(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _npy(header, values=b"", version=1):
    text = header if isinstance(header, bytes) else header.encode("latin1")
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + values


def _described(shape, descr="'|u1'", fortran=False):
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}}}"


# Files that are none


@pytest.mark.parametrize(("make", "kind"), KINDS)
def test_what_is_no_file_is_named_and_not_waited_for(path, make, kind, monkeypatch):
    monkeypatch.chdir(path.parent)  # the path of a socket is short
    make(path.relative_to(path.parent) if make is listening else path)
    refused(path, f"{path} is {kind}, not a file")
    with cheap(), pytest.raises(UnavailableError, match=kind):
        load("mnist", path.parent, offline=True)
    with cheap(32), pytest.raises(UnavailableError, match=kind):
        fetch.fetch("mnist", path, quiet=True)
    assert identify("mnist", path.parent) is None


def test_a_link_to_a_file_is_followed(path, members):
    _zip(path.with_name("elsewhere"), members)
    path.symlink_to("elsewhere")
    assert read("mnist", path).variant == "mine"


def test_a_pointer_of_git_lfs_is_named(path):
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    refused(path, "git lfs pull")


# npz files


@pytest.mark.parametrize("key", ["train_images", "train_labels", "test_images", "test_labels"])
def test_an_array_larger_than_a_set_is_not_unpacked(path, members, key):
    shape = (70_001, 28, 28) if "images" in key else (70_001 * 784,)
    members[f"{key}.npy"] = _npy(_described(shape), bytes(70_001 * 784))
    _zip(path, members)
    assert path.stat().st_size < 200_000
    refused(path, rf"has {shape[0]} \w+ \w+, where 1 to 70000 are possible")


def test_a_member_larger_than_its_header_says_is_not_unpacked(path, members):
    members["train_images.npy"] = _npy(_described((20, 28, 28)), bytes(64 * MEGABYTE))
    _zip(path, members)
    refused(path, "not what its header declares")


def test_a_directory_that_belittles_a_member_is_found_out(path, members):
    honest = members["train_labels.npy"]
    members["train_labels.npy"] = honest + bytes(64 * MEGABYTE)
    _zip(path, members)
    size = len(members["train_labels.npy"])
    content = path.read_bytes()
    assert content.count(struct.pack("<I", size)) == 2
    path.write_bytes(content.replace(struct.pack("<I", size), struct.pack("<I", len(honest))))
    refused(path, "Bad CRC-32")


def test_members_that_are_not_asked_for_are_not_unpacked(path, members):
    _zip(path, members | {"more.npy": bytes(64 * MEGABYTE)})
    with cheap():
        assert read("mnist", path).variant == "mine"


@pytest.mark.parametrize("length", [201, 16_000_000])
def test_a_long_variant_is_not_read(path, members, length):
    members["variant.npy"] = _npy(_described("()", f"'<U{length}'"), b"a\0\0\0" * length)
    _zip(path, members)
    refused(path, "one line of text of up to 200 letters")
    assert identify("mnist", path.parent) is None


def test_a_variant_of_characters_that_there_are_not_is_refused(path, members):
    for letter, match in ((b"\xff\xff\xff\xff", "cannot be read"), (b"\0\xd8\0\0", "one line of text")):
        members["variant.npy"] = _npy(_described("()", "'<U1'"), letter)
        _zip(path, members)
        refused(path, match)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_without_a_bound_are_refused(path, members, method):
    _zip(path, members | {"train_images.npy": _npy(_described((20, 28, 28)), bytes(32 * MEGABYTE))}, method)
    refused(path, "another way than by deflate")


def test_a_directory_of_very_many_members_is_not_read(path, members):
    _zip(path, {f"{number:0200}": b"" for number in range(5000)} | members)
    refused(path, "a directory of more than 262,144 bytes")


HEADERS = [
    _npy(_described((10**18, 28, 28))),
    _npy(_described((-20, 28, 28))),
    _npy(_described((-1, -28, -28))),
    _npy(_described((2**64, 2**64))),
    _npy(_described("(20, 28.0, 28)")),
    _npy(_described("28")),
    _npy(_described((20, 28, 28), "'O'")),
    _npy(_described((20, 28, 28), "'V0'")),
    _npy(_described((20,), "('|u1', (28, 28))"), bytes(20 * 784)),
    _npy(_described((20, 28, 28), "[('a', '|u1')]"), bytes(20 * 784)),
    _npy(_described((20, 28, 28), "'<M8[s]'"), bytes(20 * 784 * 8)),
    _npy(_described((20, 28, 28), "'no such type'")),
    _npy(_described((20, 28, 28))[:-5]),
    _npy("(" * 9000),
    _npy("-" * 9000 + "1"),
    _npy(" " * 60_000 + "{}"),
    _npy("{}" + " " * 32 * MEGABYTE, version=2),
    _npy(_described((20, 28, 28)), bytes(20 * 784 - 1)),
    _npy(_described((20, 28, 28)), bytes(20 * 784 + 1)),
    _npy(b"\xff" * 300, version=3),
    b"\x93NUMPY\x02\0" + b"\xff" * 100,
    b"\x93NUMPY\x01\0",
    b"",
]


@pytest.mark.parametrize("content", HEADERS, ids=range(len(HEADERS)))
def test_a_hostile_header_is_refused(path, members, content):
    _zip(path, members | {"train_images.npy": content})
    refused(path, "train_images|npz file of plain arrays|more than 262,144 bytes")


@pytest.mark.parametrize("layout", ["fortran", "big-endian", "wide"])
def test_other_layouts_of_the_same_values_are_read_alike(path, arrays_of, layout):
    arrays = arrays_of("mnist")
    np.savez(path, **arrays._asdict(), variant="mine")
    plain = read("mnist", path)
    change = {
        "fortran": np.asfortranarray,
        "big-endian": lambda values: values.astype(values.dtype.newbyteorder(">")),
        "wide": lambda values: values.astype(np.uint64) if values.ndim == 1 else values,
    }[layout]
    np.savez_compressed(path, **{key: change(values) for key, values in arrays._asdict().items()}, variant="mine")
    other = read("mnist", path)
    assert other.identity == plain.identity
    np.testing.assert_array_equal(other.train_images, plain.train_images)
    np.testing.assert_array_equal(other.test_labels, plain.test_labels)


def test_a_file_cut_anywhere_is_refused(path, members):
    _zip(path, members)
    whole = path.read_bytes()
    for keep in [*range(0, len(whole), len(whole) // 40), len(whole) - 1]:
        path.write_bytes(whole[:keep])
        with pytest.raises(UnavailableError, match="left as it was"):
            read("mnist", path)
