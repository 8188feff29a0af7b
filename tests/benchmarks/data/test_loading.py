import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import benchmarks
from benchmarks.data import fetch, load
from benchmarks.data.fetch import SOURCES, Source
from benchmarks.errors import CallError, UnavailableError


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
    np.savez(tmp_path / "mnist.npz", **arrays._asdict())
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
    assert first.digest == second.digest
    np.testing.assert_array_equal(first.test_labels, second.test_labels)


@pytest.mark.usefixtures("no_sources")
def test_offline_fetches_nothing(tmp_path):
    with pytest.raises(UnavailableError, match=r"Run once without --offline, or put mnist\.npz there") as caught:
        load("mnist", tmp_path / "new", offline=True)
    assert str(tmp_path / "new") in str(caught.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("no_sources")
def test_a_damaged_file_is_named_and_kept(tmp_path):
    path = tmp_path / "mnist.npz"
    path.write_bytes(b"half a file")
    with pytest.raises(UnavailableError, match="left as it was"):
        load("mnist", tmp_path)
    assert path.read_bytes() == b"half a file"


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
