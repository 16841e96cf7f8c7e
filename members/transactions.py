"""One transaction around a verb, tried again when the database had to break it off."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import OperationalError, connection, transaction

T = TypeVar("T")

ATTEMPTS = 5
DEADLOCK_DETECTED = "40P01"
SERIALIZATION_FAILURE = "40001"


class Collision(OperationalError):
    """What was drawn at random is taken already: the verb begins again from the start, and draws anew."""


@dataclass(slots=True)
class _Verb:
    """A verb that is running: what waits for its end, and what was read for it."""

    waiting: deque[Callable[[], object]] = field(default_factory=deque)
    remembered: dict[str, Any] = field(default_factory=dict)


# By thread, like its connection: the verbs that are running, the outermost first.
_running = threading.local()


def in_transaction(work: Callable[[], T]) -> T:
    """Run work in a transaction; the outermost one retries deadlocks, serialization failures and collisions.

    `work` may run up to five times, each time from the start and in a fresh transaction, so it
    must read whatever it decides from inside. Within a transaction it is a plain atomic block: a
    deadlock breaks the whole transaction, so only the outermost can begin again.
    """
    if connection.in_atomic_block:
        with transaction.atomic():
            return _to_its_end(work)
    for attempt in range(1, ATTEMPTS):
        try:
            with transaction.atomic():
                return _to_its_end(work)
        except OperationalError as error:
            if not is_transient(error):
                raise
        # The jitter keeps two that collided from meeting again.
        time.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311 - not a secret
    with transaction.atomic():
        return _to_its_end(work)


def before_commit(work: Callable[[], object]) -> None:
    """Do `work` at the end of the verb that is running, in its transaction; at once where none is.

    For whoever is told of something by a verb that still has rows in memory and will write them: what the work reads
    and writes is as the verb leaves it. A verb that fails, or is tried again, forgets it.
    """
    verbs = _verbs()
    if verbs:
        verbs[-1].waiting.append(work)
    else:
        work()


def before_commit_together(work: Callable[[list[T]], object], items: Sequence[T]) -> None:
    """As `before_commit`, but what the same verb gives to the same work, in however many calls, is done in one."""
    verbs = _verbs()
    for waiting in verbs[-1].waiting if verbs else ():
        if isinstance(waiting, _Together) and waiting.work is work:
            waiting.items += items
            return
    before_commit(_Together(work, list(items)))


def remembered(name: str, read: Callable[[], T]) -> T:
    """What `read` brings; while a verb is running it is read once for all that it does.

    What was read before a lock may have changed while that was waited for: whoever takes locks calls `forget`.
    """
    verbs = _verbs()
    if not verbs:
        return read()
    known = verbs[0].remembered
    if name not in known:
        known[name] = read()
    found: T = known[name]
    return found


def forget() -> None:
    """Read anew what was remembered."""
    for verb in _verbs()[:1]:
        verb.remembered.clear()


class _Together:
    """Work on all items that were gathered for it."""

    def __init__(self, work: Callable[[list[Any]], object], items: list[Any]) -> None:
        self.work = work
        self.items = items

    def __call__(self) -> None:
        self.work(self.items)


def _verbs() -> list[_Verb]:
    verbs: list[_Verb] | None = getattr(_running, "verbs", None)
    if verbs is None:
        verbs = _running.verbs = []
    return verbs


def _to_its_end(work: Callable[[], T]) -> T:
    """Run a verb, then what has been waiting for its end (which may make more of that)."""
    verbs, verb = _verbs(), _Verb()
    verbs.append(verb)
    try:
        result = work()
        while verb.waiting:
            verb.waiting.popleft()()
    except BaseException:
        forget()  # what it wrote and then read is undone
        raise
    else:
        return result
    finally:
        verbs.pop()


def is_transient(error: OperationalError) -> bool:
    """Whether the same work may well succeed when it is tried again at once."""
    if isinstance(error, Collision):
        return True
    state = getattr(error.__cause__, "sqlstate", None)
    return state in {DEADLOCK_DETECTED, SERIALIZATION_FAILURE}
