import hashlib
import os
import pickle
import zipfile
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from benchmarks.data.cache import ContentError, checked, read, split_digest
from benchmarks.errors import UnavailableError


class Trap:
    """Unpickling this would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


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


@pytest.mark.parametrize("content", [b"<html>not found</html>", b"PK\x03\x04 and so on"])
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
    _refused(path, "test_labels")
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
    _refused(path, "cannot be read as an npz file")


def test_a_variant_that_is_no_array_is_refused(tmp_path, arrays_of):
    path = tmp_path / "mnist.npz"
    np.savez(path, **arrays_of("mnist")._asdict())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("variant", "half")
    _refused(path, "cannot be read as an npz file")


@pytest.mark.parametrize("name", ["mnist", "omniglot"])
def test_a_set_with_the_known_digest_is_made(known, name):
    arrays = known(name)
    narrow = {key: getattr(arrays, key).astype(np.int16) for key in ("train_labels", "test_labels")}
    found = checked(name, arrays._replace(**narrow))
    assert (found.name, found.variant) == (name, "")
    assert found.train_labels.dtype == found.test_labels.dtype == np.int64
    np.testing.assert_array_equal(found.train_images, arrays.train_images)
    np.testing.assert_array_equal(found.train_labels, arrays.train_labels)
    np.testing.assert_array_equal(found.test_images, arrays.test_images)
    np.testing.assert_array_equal(found.test_labels, arrays.test_labels)


def test_a_dataset_is_frozen_and_has_a_short_repr(known):
    found = checked("mnist", known())
    with pytest.raises(FrozenInstanceError):
        found.variant = "mine"
    assert len(repr(found)) < 100


def test_the_digest_is_of_images_in_c_order_then_labels():
    images = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    want = hashlib.sha256(bytes(range(12)) + b"\1\2").hexdigest()
    assert split_digest(np.asfortranarray(images), np.array([1, 2]), "u1") == want
    wide = hashlib.sha256(bytes(range(12)) + b"\x01\x00\x57\x06").hexdigest()
    assert split_digest(images, np.array([1, 1623], dtype=">i8"), "<u2") == wide


@pytest.mark.parametrize("key", ["train_images", "train_labels", "test_images", "test_labels"])
def test_one_changed_value_is_found(known, key):
    arrays = known("mnist")
    changed = getattr(arrays, key).copy()
    changed.flat[3] = (changed.flat[3] + 1) % 10
    with pytest.raises(ContentError, match=f"not the official set: the SHA-256 of its {key.split('_', 1)[0]} half"):
        checked("mnist", arrays._replace(**{key: changed}))


def test_an_unknown_variant_is_accepted_and_carried(known, arrays_of):
    known("mnist")
    found = checked("mnist", arrays_of("mnist", (11, 10)), "every tenth")
    assert found.variant == "every tenth"
    assert len(found.train_images) == 11


def test_a_known_variant_is_held_to_its_digest(known, arrays_of):
    arrays = known("svhn", "half", arrays_of("svhn", (12, 10)))
    assert checked("svhn", arrays, "half").variant == "half"
    with pytest.raises(ContentError, match="is not the variant 'half'"):
        checked("svhn", arrays._replace(test_labels=9 - arrays.test_labels), "half")


def test_a_set_without_digest_is_held_to_the_official_counts(known, arrays_of):
    arrays = known("svhn", "another")
    assert checked("svhn", arrays).variant == ""
    for counts in ((19, 10), (20, 9)):
        with pytest.raises(ContentError, match="'variant'"):
            checked("svhn", arrays_of("svhn", counts))


def test_the_real_svhn_is_held_to_its_official_counts(arrays_of):
    with pytest.raises(ContentError, match="73257"):
        checked("svhn", arrays_of("svhn"))


def _strings(labels):
    return labels.astype(str)


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("images", lambda a: a.astype(np.float32), "type float32, not uint8"),
        ("images", lambda a: a.astype(np.int8), "type int8, not uint8"),
        ("images", lambda a: a.reshape(len(a), -1), r"not \(n, 28, 28\)"),
        ("images", lambda a: a[..., None], r"not \(n, 28, 28\)"),
        ("images", lambda a: a.reshape(-1, 14, 56), r"not \(n, 28, 28\)"),
        ("images", lambda a: a[:, :1, :1], r"not \(n, 28, 28\)"),
        ("images", lambda a: a[0, 0, 0], r"not \(n, 28, 28\)"),
        ("images", lambda a: a[:0], "where 1 to 70000"),
        ("images", lambda a: np.broadcast_to(a[0], (70_001, 28, 28)), "where 1 to 70000"),
        ("images", np.zeros_like, "all the same"),
        ("images", lambda a: a[[0] * len(a)], "all the same"),
        ("images", lambda a: a[1:], "images but"),
        ("labels", lambda a: a[1:], "images but"),
        ("labels", lambda a: a.astype(float), "type float64, not integers"),
        ("labels", _strings, "not integers"),
        ("labels", lambda a: a[:, None], r"not \(n,\)"),
        ("labels", lambda a: a + 256, "where 0 to 9 are possible"),
        ("labels", lambda a: a - 10, "where 0 to 9 are possible"),
        ("labels", lambda a: np.where(a == 3, 4, a), r"images of class 3 \(3\), and"),
        ("labels", lambda a: np.full_like(a, 7), r"class 0 \(0\), 1 \(1\), .*, 9 \(9\)"),
    ],
)
def test_malformed_arrays_are_refused_even_as_a_variant(arrays_of, split, key, change, message):
    arrays = arrays_of("mnist")
    field = f"{split}_{key}"
    with pytest.raises(ContentError, match=message) as caught:
        checked("mnist", arrays._replace(**{field: change(getattr(arrays, field))}), "mine")
    assert split in str(caught.value)
