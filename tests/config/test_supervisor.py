"""Real processes: a parent that supervises two children, each of which has a child of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import supervisor

PARENT = """
from config import supervisor
from config.supervisor import Service
services = [Service(name, ("-m", "tests.config.sleeper")) for name in ("web", "worker")]
try:
    with supervisor.interruptible(), supervisor.side_by_side(services) as running:
        print(*(process.pid for process in running.values()), flush=True)
        supervisor.stay(running, look_after=lambda: None)
except KeyboardInterrupt:
    print("interrupted")
except supervisor.ServiceEnded as error:
    raise SystemExit(str(error))
"""


class Family:
    """A supervising process, its children and grandchildren."""

    def __init__(self) -> None:
        self.parent = subprocess.Popen(
            [sys.executable, "-c", PARENT],
            cwd=supervisor.ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.parent.stdout is not None
        self.children = [int(word) for word in self.parent.stdout.readline().split()]
        self.grandchildren = [_child_of(child) for child in self.children]

    def outcome(self) -> tuple[int, str]:
        """Wait for the parent's end; returns its code and what it said."""
        said, complained = self.parent.communicate(timeout=30)
        return self.parent.returncode, said + complained

    def survivors(self) -> list[int]:
        """Who is still there, with a moment for those whose parent was killed."""
        deadline = time.monotonic() + 10
        while left := [pid for pid in (*self.children, *self.grandchildren) if _is_alive(pid)]:
            if time.monotonic() > deadline:
                return left
            time.sleep(0.05)
        return []


def _child_of(parent: int) -> int:
    children = Path(f"/proc/{parent}/task/{parent}/children")
    deadline = time.monotonic() + 20
    while not (found := children.read_text().split()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return int(found[0])


def _is_alive(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())  # a zombie has none
    except FileNotFoundError:
        return False


@pytest.fixture
def family() -> Iterator[Family]:
    family = Family()
    yield family
    for pid in (family.parent.pid, *family.children, *family.grandchildren):
        if _is_alive(pid):
            os.kill(pid, signal.SIGKILL)
    family.parent.communicate(timeout=30)


class TestSideBySide:
    @pytest.mark.parametrize("number", supervisor.STOP_SIGNALS)
    def test_leaves_nobody_behind_when_told_to_stop(
        self, family: Family, number: signal.Signals
    ) -> None:
        family.parent.send_signal(number)
        assert family.outcome() == (0, "interrupted\n")
        assert family.survivors() == []

    def test_stops_the_others_when_one_ends_and_names_it(self, family: Family) -> None:
        os.kill(family.children[1], signal.SIGKILL)
        code, said = family.outcome()
        assert code == 1
        assert "The worker process ended by signal 9" in said
        assert family.survivors() == []

    def test_leaves_no_child_when_killed_itself(self, family: Family) -> None:
        family.parent.kill()
        family.outcome()
        assert family.survivors() == []
