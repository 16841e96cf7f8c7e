"""Processes side by side: they start together, and none of them outlives the others or us."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_WITHIN_SECONDS = 10
LOOK_EVERY_SECONDS = 0.5
PR_SET_PDEATHSIG = 1

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Service:
    """What people call it, and what follows `python` on its command line."""

    name: str
    arguments: tuple[str, ...]


class ServiceEnded(Exception):
    """A process ended by itself."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(name, code)
        self.name, self.code = name, code

    def __str__(self) -> str:
        how = f"by signal {-self.code}" if self.code < 0 else f"with code {self.code}"
        return (
            f"The {self.name} process ended {how}; its last words are above. Stopped the others."
        )


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into a KeyboardInterrupt; later ones cannot disturb."""
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    yield


def _interrupt(number: int, frame: FrameType | None) -> None:
    _ignore_stop_signals()
    raise KeyboardInterrupt


def _ignore_stop_signals() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def side_by_side(services: Iterable[Service]) -> Iterator[dict[str, Process]]:
    """Start them all; however the block is left, they are gone afterwards."""
    running: dict[str, Process] = {}
    try:
        for service in services:
            running[service.name] = _start(service)
        yield running
    finally:
        _ignore_stop_signals()
        _stop(list(running.values()))


def refuse_ended(running: dict[str, Process]) -> None:
    """Raise ServiceEnded when one of them does not run any more."""
    for name, process in running.items():
        code = process.poll()
        if code is not None:
            raise ServiceEnded(name, code)


def stay(running: dict[str, Process], *, look_after: Callable[[], None]) -> None:
    """Watch until one of them ends, which raises ServiceEnded; `look_after` is called every few seconds."""
    while True:
        look_after()
        for _ in range(10):
            refuse_ended(running)
            time.sleep(LOOK_EVERY_SECONDS)


def _start(service: Service) -> Process:
    return subprocess.Popen(  # noqa: S603 - programs named in our code
        [sys.executable, *service.arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        process_group=0,  # Ctrl-C reaches us alone, and we end the others in good order
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - we have no threads
    )


def _end_with_parent() -> None:
    # So that not even a kill -9 of the parent leaves a child behind.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(processes: list[Process]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + STOP_WITHIN_SECONDS
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(0.0, deadline - time.monotonic()))
        # What did not listen, and what a process that ended has started and forgotten.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
