import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks.data import cached_variant, data_directory
from benchmarks.data.cache import read
from benchmarks.errors import UnavailableError


class Trap:
    """Unpickling this would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_the_directory_is_what_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("LISAE_DATA", "/elsewhere")
    assert data_directory(tmp_path) == data_directory(str(tmp_path)) == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_directory("~/sets") == tmp_path / "sets"


def test_the_directory_is_else_the_variable_else_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LISAE_DATA", str(tmp_path / "sets"))
    assert data_directory(None) == tmp_path / "sets"
    monkeypatch.setenv("LISAE_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    found = data_directory()
    assert found.name == "data"
    assert "lisae" in found.parts
    assert found.is_relative_to(tmp_path)


def test_a_set_is_read(tmp_path, known):
    arrays = known()
    path = tmp_path / "mnist.npz"
    np.savez_compressed(path, **arrays._asdict(), more=np.zeros(3))
    found = read("mnist", path)
    assert found.variant == ""
    np.testing.assert_array_equal(found.test_images, arrays.test_images)


def test_a_variant_is_read(tmp_path, arrays_of):
    path = tmp_path / "mnist.npz"
    np.savez(path, **arrays_of("mnist")._asdict(), variant=" every tenth ")
    assert read("mnist", path).variant == "every tenth"


def test_an_empty_variant_is_the_official_set(tmp_path, arrays_of):
    path = tmp_path / "mnist.npz"
    np.savez(path, **arrays_of("mnist")._asdict(), variant="")
    with pytest.raises(UnavailableError, match="complete official set"):
        read("mnist", path)


def _refused(path: Path, message: str) -> str:
    before = path.read_bytes()
    with pytest.raises(UnavailableError, match=message) as caught:
        read("mnist", path)
    text = str(caught.value)
    assert str(path) in text
    assert "left as it was" in text
    assert "delete it and it is fetched again" in text
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
    return text


@pytest.mark.parametrize("variant", [np.array(["a", "b"]), np.array(3), np.array("two\nlines"), np.array(b"bytes")])
def test_a_variant_that_is_not_a_line_of_text_is_refused(tmp_path, arrays_of, variant):
    path = tmp_path / "mnist.npz"
    np.savez(path, **arrays_of("mnist")._asdict(), variant=variant)
    _refused(path, "'variant' that is not one line of text")


def test_another_digest_is_refused(tmp_path, known):
    arrays = known()
    path = tmp_path / "mnist.npz"
    np.savez(path, **arrays._replace(test_images=255 - arrays.test_images)._asdict())
    _refused(path, "SHA-256 of its test half")


@pytest.mark.parametrize("keep", [0, 10, 0.5, -1])
def test_a_truncated_file_is_refused(tmp_path, known, keep):
    path = tmp_path / "mnist.npz"
    np.savez(path, **known()._asdict())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    _refused(path, "cannot be read as an npz file")


def test_a_file_with_a_flipped_byte_is_refused(tmp_path, known):
    path = tmp_path / "mnist.npz"
    for save in (np.savez, np.savez_compressed):
        save(path, **known()._asdict())
        content = bytearray(path.read_bytes())
        content[400] ^= 0xFF
        path.write_bytes(content)
        _refused(path, "cannot be read as an npz file")


@pytest.mark.parametrize("content", [b"<html>not found</html>", b"PK\x03\x04 and so on", b"\x93NUMPY\x01\x00"])
def test_another_format_is_refused(tmp_path, content):
    path = tmp_path / "mnist.npz"
    path.write_bytes(content)
    _refused(path, "cannot be read as an npz file")


def test_a_single_array_is_refused(tmp_path):
    path = tmp_path / "mnist.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    _refused(path, "single array")


def test_a_pickle_is_not_opened(tmp_path):
    path, trap = tmp_path / "there" / "mnist.npz", tmp_path / "trap"
    path.parent.mkdir()
    path.write_bytes(pickle.dumps(Trap(trap)))
    _refused(path, "cannot be read as an npz file")
    assert not trap.exists()


def test_a_pickled_array_is_not_opened(tmp_path, arrays_of):
    path, trap = tmp_path / "there" / "mnist.npz", tmp_path / "trap"
    path.parent.mkdir()
    pickled = np.array([Trap(trap)], dtype=object)
    np.savez(path, **arrays_of("mnist")._replace(test_labels=pickled)._asdict(), variant="mine")
    _refused(path, "cannot be read as an npz file")
    assert not trap.exists()


def test_missing_keys_are_named(tmp_path, arrays_of):
    arrays = arrays_of("mnist")
    path = tmp_path / "mnist.npz"
    np.savez(path, train_images=arrays.train_images, test_labels=arrays.test_labels)
    _refused(path, "lacks train_labels, test_images")


def test_a_member_that_is_no_array_is_refused(tmp_path, arrays_of):
    arrays = arrays_of("mnist")._asdict()
    del arrays["test_labels"]
    path = tmp_path / "mnist.npz"
    np.savez(path, **arrays)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("test_labels", "1 2 3")
    _refused(path, "something other than an array as test_labels")


def test_a_variant_that_is_no_array_is_refused(tmp_path, arrays_of):
    path = tmp_path / "mnist.npz"
    np.savez(path, **arrays_of("mnist")._asdict())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("variant", "half")
    _refused(path, "'variant' that is not one line of text")


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    path = tmp_path / "mnist.npz"
    path.mkdir()
    with pytest.raises(UnavailableError, match=f"{path} cannot be read: Is a directory"):
        read("mnist", path)


def test_the_variant_that_is_there_is_told_without_reading_images(tmp_path, arrays_of, monkeypatch):
    np.savez(tmp_path / "svhn.npz", **arrays_of("svhn")._asdict(), variant=" half ")
    np.savez(tmp_path / "mnist.npz", train_images=np.zeros(3))
    monkeypatch.setenv("LISAE_DATA", str(tmp_path / "elsewhere"))
    assert cached_variant("svhn") is None
    assert cached_variant("svhn", tmp_path) == "half"
    assert cached_variant("mnist", tmp_path) == ""
    assert cached_variant("cifar10", tmp_path) is None
    monkeypatch.setenv("LISAE_DATA", str(tmp_path))
    assert cached_variant("svhn") == "half"


def test_no_variant_is_told_of_what_cannot_be_read(tmp_path, arrays_of):
    (tmp_path / "mnist.npz").write_bytes(b"half a file")
    (tmp_path / "svhn.npz").mkdir()
    np.savez(tmp_path / "cifar10.npz", **arrays_of("cifar10")._asdict(), variant=3)
    with (tmp_path / "omniglot.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    assert [cached_variant(name, tmp_path) for name in ("mnist", "svhn", "cifar10", "omniglot")] == [None] * 4
