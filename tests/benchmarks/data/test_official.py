"""torchvision's own code, pointed at a server of small files on this machine."""

import gzip
import hashlib
import pickle
import socket
import sys
import tarfile
import threading
import time
import warnings
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import scipy.io
from PIL import Image
from torchvision import datasets

from benchmarks.data import official
from benchmarks.data.reading import ContentError


def _md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def _same(found, want):
    for key, values in want._asdict().items():
        np.testing.assert_array_equal(getattr(found, key), values, err_msg=key)
    assert found.train_images.dtype == found.test_images.dtype == np.uint8
    assert found.train_images.flags.c_contiguous


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def direct(monkeypatch):
    """Whatever proxy this machine has is not asked for its own addresses."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def there(tmp_path):
    """Where the official files lie."""
    place = tmp_path / "there"
    place.mkdir()
    return place


@pytest.fixture
def url(there, direct):
    """The address of that folder, with a slash at its end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=there)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def idx_files(there, arrays_of, idx_bytes):
    arrays = arrays_of("mnist")
    names = [f"{split}-{what}-ubyte.gz" for split in ("train", "t10k") for what in ("images-idx3", "labels-idx1")]
    for name, values in zip(names, arrays, strict=True):
        (there / name).write_bytes(gzip.compress(idx_bytes(values)))
    return [(name, _md5(there / name)) for name in names], arrays


@pytest.mark.parametrize("kind", ["MNIST", "FashionMNIST"])
def test_the_mnists_are_read(tmp_path, url, idx_files, monkeypatch, kind):
    resources, arrays = idx_files
    fetch = {"MNIST": official.mnist, "FashionMNIST": official.fashion_mnist}[kind]
    monkeypatch.setattr(getattr(datasets, kind), "mirrors", [url])
    monkeypatch.setattr(getattr(datasets, kind), "resources", resources)
    _same(fetch(tmp_path / "folder"), arrays)


@pytest.fixture
def cifar(there, url, arrays_of, monkeypatch):
    arrays = arrays_of("cifar10")

    def batch(name, images, labels):
        path = there / name
        flat = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
        path.write_bytes(pickle.dumps({"data": flat, "labels": labels.tolist()}))
        return [name, _md5(path)]

    halves = [batch(f"data_batch_{i}", arrays.train_images[i::2], arrays.train_labels[i::2]) for i in (0, 1)]
    test = [batch("test_batch", arrays.test_images, arrays.test_labels)]
    (there / "meta").write_bytes(pickle.dumps({"label_names": []}))
    with tarfile.open(there / "cifar.tar.gz", "w:gz") as archive:
        for name in ("data_batch_0", "data_batch_1", "test_batch", "meta"):
            archive.add(there / name, f"cifar-10-batches-py/{name}")
    kind = datasets.CIFAR10
    monkeypatch.setattr(kind, "url", f"{url}cifar.tar.gz")
    monkeypatch.setattr(kind, "filename", "cifar.tar.gz")
    monkeypatch.setattr(kind, "tgz_md5", _md5(there / "cifar.tar.gz"))
    monkeypatch.setattr(kind, "train_list", halves)
    monkeypatch.setattr(kind, "test_list", test)
    monkeypatch.setattr(kind, "meta", {"filename": "meta", "key": "label_names", "md5": _md5(there / "meta")})
    order = np.r_[0:20:2, 1:20:2]
    return arrays._replace(train_images=arrays.train_images[order], train_labels=arrays.train_labels[order])


def test_cifar10_is_read(tmp_path, cifar):
    _same(official.cifar10(tmp_path / "folder"), cifar)


def test_a_wrong_md5_is_refused(tmp_path, cifar, monkeypatch):
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", "0" * 32)
    with pytest.raises(RuntimeError, match="corrupted"):
        official.cifar10(tmp_path / "folder")


def test_svhn_is_read_and_its_ten_is_a_zero(tmp_path, there, url, arrays_of, monkeypatch):
    arrays = arrays_of("svhn")
    assert 0 in arrays.train_labels
    splits = {}
    for split in ("train", "test"):
        images, labels = getattr(arrays, f"{split}_images"), getattr(arrays, f"{split}_labels")
        path = there / f"{split}.mat"
        tens = np.where(labels == 0, 10, labels).astype(np.uint8)
        scipy.io.savemat(path, {"X": images.transpose(1, 2, 3, 0), "y": tens[:, None]})
        splits[split] = [f"{url}{path.name}", path.name, _md5(path)]
    monkeypatch.setattr(datasets.SVHN, "split_list", splits)
    _same(official.svhn(tmp_path / "folder"), arrays)


def test_a_damaged_mat_file_does_not_reach_scipy_which_can_crash(tmp_path, there, url, monkeypatch):
    scipy.io.savemat(there / "train.mat", {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.ones((2, 1))})
    md5 = _md5(there / "train.mat")
    (there / "train.mat").write_bytes((there / "train.mat").read_bytes()[:-9])
    monkeypatch.setattr(datasets.SVHN, "split_list", {"train": [f"{url}train.mat", "train.mat", md5]})
    monkeypatch.setattr(scipy.io, "loadmat", lambda *_: pytest.fail("it was read"))
    with pytest.raises(RuntimeError, match="corrupted"):
        official.svhn(tmp_path / "folder")


def _drawing(path, value):
    """Ink (0) at one place of white paper, one bit a pixel as in the official files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    paper = np.full((105, 105), 255, np.uint8)
    paper.flat[value] = 0
    Image.fromarray(paper).convert("1").save(path)


def test_omniglot_is_read_in_the_order_of_names_and_numbered_by_file(tmp_path, there, url, monkeypatch):
    trees = {
        "images_background": ["B/character01/0003_01.png", "A/character02/0902_01.png", "A/character02/0902_02.png"],
        "images_evaluation": ["C/character01/0965_01.png"],
    }
    md5s = {}
    for tree, names in trees.items():
        for value, name in enumerate(names):
            _drawing(there / tree / name, value)
        with zipfile.ZipFile(there / f"{tree}.zip", "w") as archive:
            for name in names:
                archive.write(there / tree / name, f"{tree}/{name}")
        md5s[tree] = _md5(there / f"{tree}.zip")
    monkeypatch.setattr(datasets.Omniglot, "download_url_prefix", url.rstrip("/"))
    monkeypatch.setattr(datasets.Omniglot, "zips_md5", md5s)
    found = official.omniglot(tmp_path / "folder")
    assert found.train_labels.tolist() == [902, 902, 3]
    assert found.test_labels.tolist() == [965]
    assert found.train_images.shape == (3, 105, 105)
    assert found.train_images.dtype == np.uint8
    want = np.zeros((3, 105 * 105), np.uint8)
    want[[0, 1, 2], [1, 2, 0]] = 255
    np.testing.assert_array_equal(found.train_images.reshape(3, -1), want)


def test_a_folder_without_drawings_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no drawings"):
        official.drawings(tmp_path)


def test_a_drawing_of_another_size_is_not_unpacked(tmp_path):
    path = tmp_path / "A" / "character01" / "0001_01.png"
    path.parent.mkdir(parents=True)
    Image.new("1", (9000, 9000)).save(path)
    with pytest.raises(ValueError, match=r"0001_01\.png is a drawing of \(9000, 9000\) pixels, not \(105, 105\)"):
        official.drawings(tmp_path)


def test_a_drawing_of_very_many_bytes_is_not_read(tmp_path):
    path = tmp_path / "A" / "character01" / "0001_01.png"
    _drawing(path, 0)
    with path.open("ab") as file:
        file.truncate(10**12)  # a hole, which takes no space
    with pytest.raises(ContentError, match="more than 65,536 bytes"):
        official.drawings(tmp_path)


@pytest.mark.usefixtures("direct")
def test_an_address_without_an_answer_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(official, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/train.mat"
        monkeypatch.setattr(datasets.SVHN, "split_list", {"train": [url, "train.mat", "0" * 32]})
        begun = time.monotonic()
        with pytest.raises((URLError, TimeoutError)):
            official.svhn(tmp_path / "folder")
        assert time.monotonic() - begun < 5


def test_torchvision_is_silenced_and_timed_and_both_end(tmp_path, monkeypatch, capfd):
    seen = []

    def download(folder, **_):
        seen.append(socket.getdefaulttimeout())
        print("chatter")
        print("chatter", file=sys.stderr)
        warnings.warn("chatter", stacklevel=1)
        raise RuntimeError("no")

    monkeypatch.setattr(official, "_datasets", lambda: SimpleNamespace(SVHN=download))
    streams, filters = (sys.stdout, sys.stderr), list(warnings.filters)
    with pytest.raises(RuntimeError, match=r"^no$"):
        official.svhn(tmp_path)
    assert seen == [20.0]
    assert socket.getdefaulttimeout() is None
    assert (sys.stdout, sys.stderr) == streams
    assert warnings.filters == filters
    assert capfd.readouterr() == ("", "")
