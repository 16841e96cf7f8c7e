"""One transaction around a verb, tried again when the database had to break it off."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction

T = TypeVar("T")

ATTEMPTS = 5
DEADLOCK_DETECTED = "40P01"
SERIALIZATION_FAILURE = "40001"


def in_transaction(work: Callable[[], T]) -> T:
    """Run work in a transaction; the outermost one retries deadlocks and serialization failures.

    `work` may run up to five times, each time from the start and in a fresh transaction, so it
    must read whatever it decides from inside. Within a transaction it is a plain atomic block: a
    deadlock breaks the whole transaction, so only the outermost can begin again.
    """
    if connection.in_atomic_block:
        with transaction.atomic():
            return work()
    for attempt in range(1, ATTEMPTS):
        try:
            with transaction.atomic():
                return work()
        except OperationalError as error:
            if not is_transient(error):
                raise
        # The jitter keeps two that collided from meeting again.
        time.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311 - not a secret
    with transaction.atomic():
        return work()


def is_transient(error: OperationalError) -> bool:
    """Whether the same work may well succeed when it is tried again at once."""
    state = getattr(error.__cause__, "sqlstate", None)
    return state in {DEADLOCK_DETECTED, SERIALIZATION_FAILURE}
