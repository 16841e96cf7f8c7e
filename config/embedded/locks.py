"""File locks between the processes that share a server; the kernel drops them when a process ends.

START  held alone while the server is started or stopped
LEASE  shared by everybody who uses the server; the watchdog waits for it to become free
USERS  shared by the same ones; never waited for, so whether it is free can be asked without disturbing anybody
WATCH  held by the watchdog
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

START, LEASE, USERS, WATCH = "start.lock", "lease.lock", "users.lock", "watch.lock"


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Hold a lock alone; waits for whoever has it."""
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def shared(file: Path) -> IO[str]:
    """Hold a lock together with others, until the returned file is closed."""
    handle = file.open("a")
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def is_free(file: Path) -> bool:
    """Whether nobody holds the lock at this moment."""
    with file.open("a") as handle:
        return obtained(handle, within_seconds=0)


def becomes_free(file: Path, *, within_seconds: float) -> bool:
    """Wait until nobody holds the lock; False when the time is over."""
    with file.open("a") as handle:
        return obtained(handle, within_seconds=within_seconds)


def becomes_held(file: Path, *, within_seconds: float) -> bool:
    """Wait until somebody holds the lock; False when the time is over."""
    deadline = time.monotonic() + within_seconds
    while is_free(file):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True


def obtained(handle: IO[str], *, within_seconds: float) -> bool:
    """Try to hold an open lock file alone; False when the time is over."""
    deadline = time.monotonic() + within_seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        else:
            return True
