import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import benchmarks
from benchmarks.data import NAMES, DataIdentity, data_directory, fetch, identify, load
from benchmarks.data.cache import Arrays
from benchmarks.data.fetch import SOURCES, Source
from benchmarks.errors import CallError, UnavailableError


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


@pytest.fixture
def no_sources(monkeypatch):
    """Whoever fetches, fails the test."""

    def fail(folder):
        pytest.fail("a source was asked")

    monkeypatch.setitem(SOURCES, "mnist", (Source("none", fail),))


@pytest.mark.usefixtures("no_sources")
@pytest.mark.parametrize("offline", [False, True])
def test_what_is_there_is_read(tmp_path, known, offline, capfd):
    arrays = known()
    np.savez_compressed(tmp_path / "mnist.npz", **arrays._asdict(), more=np.zeros(3))
    found = load("mnist", tmp_path, offline=offline)
    np.testing.assert_array_equal(found.train_labels, arrays.train_labels)
    assert os.listdir(tmp_path) == ["mnist.npz"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("no_sources")
def test_the_variable_names_the_folder(tmp_path, known, monkeypatch):
    np.savez(tmp_path / "mnist.npz", **known()._asdict())
    monkeypatch.setenv("LISAE_DATA", str(tmp_path))
    assert load("mnist").name == "mnist"


def test_what_is_not_there_is_fetched_once(tmp_path, known, monkeypatch):
    arrays, asked = known(), []

    def give(folder):
        asked.append(folder)
        return arrays

    monkeypatch.setitem(SOURCES, "mnist", (Source("here", give),))
    first, second = load("mnist", tmp_path / "new", quiet=True), load("mnist", tmp_path / "new", quiet=True)
    assert len(asked) == 1
    assert first.identity == second.identity
    np.testing.assert_array_equal(first.test_labels, second.test_labels)


@pytest.mark.usefixtures("no_sources")
def test_offline_fetches_nothing(tmp_path):
    with pytest.raises(UnavailableError, match=r"Run once without --offline, or put mnist\.npz there") as caught:
        load("mnist", tmp_path / "new", offline=True)
    assert str(tmp_path / "new") in str(caught.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("no_sources")
@pytest.mark.parametrize("offline", [False, True])
def test_a_link_that_leads_nowhere_is_kept(tmp_path, offline):
    path = tmp_path / "mnist.npz"
    path.symlink_to(tmp_path / "unplugged" / "mnist.npz")
    with pytest.raises(UnavailableError, match="No such file"):
        load("mnist", tmp_path, offline=offline)
    assert path.is_symlink()


@pytest.mark.parametrize(
    ("name", "near"),
    [("cifar", "cifar10"), ("CIFAR10", "cifar10"), ("fashion_mnist", "fashion-mnist"), ("MNIST", "mnist")],
)
def test_an_unknown_name_gets_the_nearest(tmp_path, name, near):
    with pytest.raises(CallError, match=rf"'{name}' is no data set: there are mnist, .*\. Did you mean {near}\?"):
        load(name, tmp_path)


def test_a_name_like_no_other_gets_the_list(tmp_path):
    with pytest.raises(
        CallError, match=r"'\.\./x' is no data set: there are mnist, fashion-mnist, svhn, cifar10, omniglot\.$"
    ):
        load("../x", tmp_path)


def test_importing_and_reading_stay_cheap(tmp_path, arrays_of):
    np.savez(tmp_path / "mnist.npz", **arrays_of("mnist")._asdict(), variant="tiny")
    script = (
        "import sys; from benchmarks import data; data.load('mnist', sys.argv[1]);"
        "print([m for m in ('torch', 'torchvision', 'scipy', 'PIL', 'rich', 'filelock') if m in sys.modules])"
    )
    root = Path(benchmarks.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], cwd=root, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


def test_fetching_is_asked_with_what_was_said(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(fetch, "fetch", lambda name, path, *, quiet: said.append((name, path, quiet)))
    load("svhn", tmp_path, quiet=True)
    assert said == [("svhn", tmp_path / "svhn.npz", True)]


@pytest.fixture
def identity_of(tmp_path, monkeypatch):
    """Write a set and identify it; what ``load`` gives must have the same identity."""

    def make(arrays, variant="", name="mnist", save=np.savez):
        save(tmp_path / f"{name}.npz", **arrays._asdict(), variant=variant)
        found = identify(name, tmp_path)
        assert found == load(name, tmp_path, offline=True).identity
        return found

    return make


@pytest.mark.parametrize("variant", ["", "half"])
def test_the_identity_of_what_the_catalogue_vouches_for_is_its_variant(identity_of, known, variant):
    assert identity_of(known(variant=variant), variant) == DataIdentity(variant, "")


def test_images_that_the_catalogue_vouches_for_are_not_read(tmp_path, monkeypatch):
    np.savez(tmp_path / "mnist.npz", train_images=np.zeros(3))
    monkeypatch.setenv("LISAE_DATA", str(tmp_path))
    assert identify("mnist") == ("", "")
    assert identify("mnist", tmp_path / "elsewhere") is None


def test_an_official_set_without_known_digests_is_identified_by_its_own(identity_of, known, arrays_of):
    arrays = known("svhn", "another")
    found = identity_of(arrays, "", "svhn")
    assert found.variant == ""
    assert len(found.digest) == 16
    assert identity_of(arrays._replace(test_labels=9 - arrays.test_labels), "", "svhn") != found


def _relabelled(arrays):
    """Swap the labels of the first two images of different classes."""
    labels = arrays.test_labels.copy()
    labels[:2] = labels[1::-1]
    return arrays._replace(test_labels=labels)


def _changed(key, index=-1):
    """Return a change by the least that is possible: one value of one array, by one."""

    def change(arrays):
        values = getattr(arrays, key).copy()
        values.flat[index] = values.flat[index] ^ 1
        return arrays._replace(**{key: values})

    return change


def _swapped(arrays):
    return Arrays(*arrays[2:], *arrays[:2])


def _shortened(arrays):
    return arrays._replace(train_images=arrays.train_images[:-1], train_labels=arrays.train_labels[:-1])


@pytest.mark.parametrize(
    "change",
    [
        *(_changed(key, i) for key in Arrays._fields for i in (0, -1) if "images" in key),
        _relabelled,
        _swapped,
        _shortened,
    ],
)
def test_two_sets_of_one_variant_have_two_identities(identity_of, arrays_of, change):
    before, after = (identity_of(arrays, "mine") for arrays in (arrays_of("mnist"), change(arrays_of("mnist"))))
    assert before.variant == after.variant == "mine"
    assert before.digest != after.digest


def test_the_identity_does_not_depend_on_how_a_set_was_saved(identity_of, arrays_of):
    arrays = arrays_of("mnist")
    other = arrays._replace(
        train_images=np.asfortranarray(arrays.train_images), test_labels=arrays.test_labels.astype(">i2")
    )
    assert identity_of(arrays, "mine") == identity_of(other, " mine ", save=np.savez_compressed)


def test_what_cannot_be_read_has_no_identity(tmp_path, arrays_of):
    (tmp_path / "mnist.npz").write_bytes(b"half a file")
    (tmp_path / "svhn.npz").mkdir()
    np.savez(tmp_path / "cifar10.npz", **arrays_of("cifar10")._asdict(), variant=3)
    np.savez(tmp_path / "fashion-mnist.npz", train_images=np.zeros(3), variant="mine")
    with (tmp_path / "omniglot.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    assert [identify(name, tmp_path) for name in NAMES] == [None] * 5


def test_an_unknown_name_has_no_identity(tmp_path):
    with pytest.raises(CallError, match="Did you mean mnist"):
        identify("MNIST", tmp_path)
