import errno
import os
import signal
import threading
import time

import pytest

from benchmarks.data import registries
from benchmarks.data.registries import SourceError, run_client


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(registries, "LIMIT", 20)


def _gone(pid: int) -> bool:
    """No such process, or one that has ended and waits to be buried."""
    for _ in range(100):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def test_a_client_works_in_the_folder(tmp_path, client):
    noted = client("npm", 'echo "$CI $LC_ALL $DEBIAN_FRONTEND" > made; echo chatter; echo chatter >&2')
    run_client(["npm", "pack", "x y"], tmp_path)
    assert (tmp_path / "made").read_text() == "1 C noninteractive\n"
    assert noted.read_text() == "pack x y\n"


def test_its_chatter_is_not_shown(tmp_path, client, capfd):
    client("npm", "echo chatter; echo chatter >&2")
    run_client(["npm"], tmp_path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("no_clients")
def test_a_missing_client_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"^npm is not installed$"):
        run_client(["npm"], tmp_path)


def test_a_failure_is_told_by_its_error_lines(tmp_path, client):
    client("npm", "echo notice; echo 'npm error code E404' >&2; echo 'npm error  not found' >&2; exit 3")
    with pytest.raises(SourceError, match=r"^npm failed \(3\): code E404 not found$"):
        run_client(["npm"], tmp_path)


def test_a_failure_without_error_lines_is_told_whole(tmp_path, client):
    client("npm", "echo this; echo that >&2; exit 1")
    with pytest.raises(SourceError, match=r"^npm failed \(1\): this that$"):
        run_client(["npm"], tmp_path)


@pytest.mark.parametrize("said", ["npm error code ENOSPC", "E: Write error - write (28: No space left on device)"])
def test_a_full_disk_is_known_as_such(tmp_path, client, said):
    client("npm", f"echo '{said}'; exit 1")
    with pytest.raises(OSError, match=r"ENOSPC|No space left") as caught:
        run_client(["npm"], tmp_path)
    assert caught.value.errno == errno.ENOSPC


def test_a_silent_failure_is_told(tmp_path, client):
    client("npm", "exit 1")
    with pytest.raises(SourceError, match="it said nothing"):
        run_client(["npm"], tmp_path)


@pytest.fixture
def answers(tmp_path):
    """Somebody types at this process's standard input."""
    typed = tmp_path / "typed"
    typed.write_text("yes\n" * 100)
    before = os.dup(0)
    with typed.open() as stream:
        os.dup2(stream.fileno(), 0)
    yield
    os.dup2(before, 0)
    os.close(before)


@pytest.mark.usefixtures("answers")
def test_a_client_cannot_ask(tmp_path, client):
    client("npm", 'read answer && exit 7; (: < /dev/tty) 2>/dev/null && exit 8; echo "no answer" > made')
    run_client(["npm"], tmp_path)
    assert (tmp_path / "made").read_text() == "no answer\n"


def test_a_client_that_takes_too_long_is_ended_with_its_children(tmp_path, client, monkeypatch):
    monkeypatch.setattr(registries, "LIMIT", 0.5)
    monkeypatch.setattr(registries, "IDLE", 30)
    client("npm", "sleep 60 & echo $! > child; while :; do echo . >> more; sleep 0.05; done")
    begun = time.monotonic()
    with pytest.raises(SourceError, match=r"^npm was ended after 0\.5 s$"):
        run_client(["npm"], tmp_path)
    assert time.monotonic() - begun < 10
    assert _gone(int((tmp_path / "child").read_text()))


def test_a_client_to_which_nothing_comes_is_ended(tmp_path, client, monkeypatch):
    monkeypatch.setattr(registries, "LIMIT", 30)
    monkeypatch.setattr(registries, "IDLE", 0.3)
    client("npm", "sleep 60")
    begun = time.monotonic()
    with pytest.raises(SourceError, match=r"nothing arrived for 0\.3 s"):
        run_client(["npm"], tmp_path)
    assert time.monotonic() - begun < 10


def test_a_client_to_which_something_comes_is_waited_for(tmp_path, client, monkeypatch):
    monkeypatch.setattr(registries, "LIMIT", 30)
    monkeypatch.setattr(registries, "IDLE", 0.9)
    client("npm", "for i in 1 2 3 4; do echo . >> more; sleep 0.3; done")
    run_client(["npm"], tmp_path)
    assert (tmp_path / "more").read_text() == ".\n" * 4


def test_an_interrupt_ends_the_client(tmp_path, client):
    client("npm", "echo $$ > pid.part; mv pid.part pid; sleep 60")

    def interrupt():
        while not (tmp_path / "pid").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_client(["npm"], tmp_path)
    thread.join()
    assert _gone(int((tmp_path / "pid").read_text()))
