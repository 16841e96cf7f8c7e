"""Two verbs over two connections, laid into each other at a chosen place: no luck, however busy the machine is."""

import re
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from tests.conftest import RealDatabase

# Nobody waits that long.
PATIENCE = 120


def interleave(
    db: RealDatabase, *, first: Callable[[], Any], after: str, then: Callable[[], Any]
) -> list[Any]:
    """Run `first` to its first statement that matches `after`; then `then`, until it is done or waits for a lock.

    After that both go on. Returns what they returned; an exception stands in the place of its result.
    """
    meeting = _Meeting(after)
    parts = (lambda: meeting.lead(first), lambda: meeting.follow(then), meeting.watch)
    *results, watched = db.run_parallel(lambda number: parts[number](), 3, 3)
    if isinstance(watched, Exception):
        raise watched
    return results


def be_patient() -> None:
    """Let this connection wait for locks as long as it takes."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")


class _Meeting:
    def __init__(self, after: str) -> None:
        self.after = re.compile(after)
        self.is_there, self.may_go_on = threading.Event(), threading.Event()
        self.is_known, self.is_done = threading.Event(), threading.Event()
        self.is_met = False
        self.follower = 0

    def lead(self, work: Callable[[], Any]) -> Any:
        be_patient()
        try:
            with connection.execute_wrapper(self._pause):
                return work()
        finally:
            self.is_there.set()

    def _pause(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if not self.is_met and self.after.search(sql):
            self.is_met = True
            self.is_there.set()
            assert self.may_go_on.wait(timeout=PATIENCE)
        return answer

    def follow(self, work: Callable[[], Any]) -> Any:
        assert self.is_there.wait(timeout=PATIENCE)
        be_patient()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (self.follower,) = cursor.fetchone()
        self.is_known.set()
        try:
            return work()
        finally:
            self.is_done.set()

    def watch(self) -> None:
        try:
            assert self.is_known.wait(timeout=PATIENCE)
            assert self.is_met, f"no statement matched {self.after.pattern}"
            latest = time.monotonic() + PATIENCE
            while not self.is_done.is_set() and not self._is_waiting():
                assert time.monotonic() < latest
                time.sleep(0.01)
        finally:
            self.may_go_on.set()

    def _is_waiting(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND NOT granted)",
                [self.follower],
            )
            return bool(cursor.fetchone()[0])
