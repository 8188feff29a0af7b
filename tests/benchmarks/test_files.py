"""Files are written whole or not at all, and whatever prevents it is told with its remedy."""

import errno
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import benchmarks
from benchmarks.errors import CallError, UnavailableError
from benchmarks.files import check_writable, folder_size, full_disk, write_text, written_whole

ROOT = Path(benchmarks.__file__).parents[1]
FULL = [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS]


class LibraryError(Exception):
    """What a library makes of an error of the system."""


def _raise(error: BaseException) -> None:
    raise error


def _fail_in_block(path: Path, error: BaseException) -> None:
    with written_whole(path) as temporary:
        temporary.write_text("half")
        raise error


def _made_of(cause: BaseException, *, suppress: bool = False) -> LibraryError:
    """Return a library's error that was raised while ``cause`` was handled."""
    try:
        try:
            _raise(cause)
        except BaseException as caught:
            if suppress:
                raise LibraryError("could not save") from caught
            raise LibraryError("could not save")  # noqa: B904
    except LibraryError as error:
        return error


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Give a file that is there before and, whatever fails, afterwards, and nothing else."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    yield path
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_text_is_written_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "old")
    write_text(tmp_path / "new" / "a.txt", "ünïcode")
    assert (tmp_path / "new" / "a.txt").read_text(encoding="utf-8") == "ünïcode"
    assert os.listdir(tmp_path / "new") == ["a.txt"]


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("halfway"),
        KeyboardInterrupt(),
        CallError("no such font"),
        UnavailableError("another file"),
        _made_of(FileNotFoundError(errno.ENOENT, "no such font")),
        *(OSError(code, os.strerror(code)) for code in (errno.ENOENT, errno.EACCES, errno.EIO, errno.EPIPE)),
        OSError("cannot identify image file"),
    ],
    ids=repr,
)
def test_an_error_of_the_block_passes_as_it_is(path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        _fail_in_block(path, error)
    assert caught.value is error


def test_another_files_full_disk_is_not_blamed_on_this_one(path: Path) -> None:
    def nested() -> None:
        with written_whole(path):
            _fail_in_block(path.parent / "b.txt", OSError(errno.ENOSPC, "full"))

    with pytest.raises(UnavailableError, match=r"b\.txt could not"):
        nested()


@pytest.mark.parametrize("code", FULL)
@pytest.mark.parametrize(
    "wrapped",
    [lambda error: error, _made_of, partial(_made_of, suppress=True), lambda error: _made_of(_made_of(error))],
    ids=["itself", "handled", "cause", "twice"],
)
def test_a_full_disk_is_told_wherever_it_is_noticed(
    path: Path, code: int, wrapped: Callable[[BaseException], BaseException]
) -> None:
    remedy = {errno.EFBIG: "ulimit", errno.EROFS: "name a folder that can be written"}.get(code, "free some space")
    with pytest.raises(UnavailableError, match=f"{path} could not be written: {os.strerror(code)}.*{remedy}"):
        _fail_in_block(path, wrapped(OSError(code, "in other words")))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_really_full_disk_is_told(path: Path) -> None:
    def fill() -> None:
        with written_whole(path), Path("/dev/full").open("w") as full:
            full.write("text")

    with pytest.raises(UnavailableError, match="No space left"):
        fill()


@pytest.fixture
def small_files() -> Iterator[None]:
    """Have the system refuse files of more than a thousand bytes."""
    resource = pytest.importorskip("resource", reason="only POSIX limits the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_limit_that_safetensors_meets_is_told(path: Path) -> None:
    def save() -> None:
        with written_whole(path) as temporary:
            save_file({"weight": torch.zeros(1000)}, temporary)

    with pytest.raises(UnavailableError, match="ulimit"):
        save()


def test_an_exception_that_is_raised_by_its_own_consequence_is_no_endless_search() -> None:
    cause, consequence = LibraryError("cause"), LibraryError("consequence")
    cause.__context__, consequence.__cause__ = consequence, cause
    assert full_disk(cause) is None


@pytest.mark.parametrize("step", ["mkdir", "touch", "replace", "write_text"])
@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ENOSPC])
def test_a_step_that_is_refused_is_told(path: Path, step: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(Path, step, refuse)
        with pytest.raises(UnavailableError, match=os.strerror(code)) as caught:
            write_text(path, "new")
    assert ("free some space" in str(caught.value)) == (code == errno.ENOSPC)


@pytest.mark.parametrize(
    ("code", "kept"), [(errno.ENOSPC, True), (errno.EIO, True), (errno.EINVAL, False), (errno.EBADF, False)]
)
def test_what_cannot_be_flushed_is_an_error_unless_the_file_system_never_flushes(
    tmp_path: Path, code: int, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    path = tmp_path / "a.txt"
    write_text(path, "old")
    monkeypatch.setattr(os, "fsync", refuse)
    if kept:
        with pytest.raises(UnavailableError, match=os.strerror(code)):
            write_text(path, "new")
    else:
        write_text(path, "new")
    assert path.read_text() == ("old" if kept else "new")
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
@pytest.mark.parametrize("kind", ["text", "weights"])
def test_the_mode_follows_the_umask(tmp_path: Path, mask: int, kind: str) -> None:
    before = os.umask(mask)
    try:
        with written_whole(tmp_path / "a") as temporary:
            if kind == "text":
                temporary.write_text("text")
            else:
                save_file({"weight": torch.zeros(3)}, temporary)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOSYS])
def test_a_file_system_without_modes(tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "chmod", lambda *_: _raise(OSError(code, os.strerror(code))))
    with written_whole(tmp_path / "a") as temporary:
        save_file({"weight": torch.zeros(3)}, temporary)
    assert (tmp_path / "a").is_file()


@pytest.mark.parametrize("write", [lambda path: write_text(path, "text"), lambda path: check_writable(path.parent)])
def test_a_folder_that_is_a_file_is_told(tmp_path: Path, write: Callable[[Path], None]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match=r"could not be written: (Not a directory|File exists)"):
        write(tmp_path / "file" / "a.txt")


OFTEN = """
import sys
from pathlib import Path
from benchmarks.files import check_writable, write_text
folder, letter = Path(sys.argv[1]), sys.argv[2]
for _ in range(100):
    check_writable(folder)
    write_text(folder / "one.txt", letter * 10_000)
    assert len(set((folder / "one.txt").read_text())) == 1
"""


def test_many_processes_do_not_disturb_each_other(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OFTEN, str(tmp_path / "new")]
    processes = [subprocess.Popen([*command, letter], cwd=ROOT) for letter in "abcd"]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert os.listdir(tmp_path / "new") == ["one.txt"]


def test_many_threads_do_not_disturb_each_other(tmp_path: Path) -> None:
    def work(number: int) -> None:
        for _ in range(50):
            check_writable(tmp_path / "new")
            write_text(tmp_path / "new" / "one.txt", str(number) * 10_000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert os.listdir(tmp_path / "new") == ["one.txt"]
    assert len(set((tmp_path / "new" / "one.txt").read_text())) == 1


def test_a_full_disk_is_found_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: _raise(OSError(errno.ENOSPC, "full")))
    with pytest.raises(UnavailableError, match="free some space"):
        check_writable(tmp_path)


def test_the_size_of_a_folder_counts_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "deep/er/b").write_bytes(b"4567")
    assert folder_size(tmp_path) == 7
    assert folder_size(tmp_path / "nowhere") == 0
    monkeypatch.setattr(os, "walk", lambda folder: [(folder, [], ["gone", "a"])])
    assert folder_size(tmp_path) == 3
