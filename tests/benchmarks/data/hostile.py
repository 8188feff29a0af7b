"""What tests of hostile files share: a bound on time and memory, and files that are none."""

import os
import signal
import socket
import tracemalloc
from contextlib import contextmanager

MEGABYTE = 2**20


@contextmanager
def cheap(megabytes=8):
    """Fail a block that takes long, or more memory than this."""

    def late(*_):
        raise AssertionError("it does not end")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 30)
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * MEGABYTE
    finally:
        tracemalloc.stop()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fifo(place):
    os.mkfifo(place)


def device(place):
    place.symlink_to("/dev/zero")


def listening(place):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))


KINDS = [(fifo, "a named pipe"), (device, "a device"), (listening, "a socket"), (os.mkdir, "a folder")]
