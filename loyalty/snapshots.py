"""One consistent look at the whole ledger while others go on writing."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# Big sums are sorted and hashed in memory, by several workers where there are cores.
ROOM_TO_SUM = {
    "work_mem": "256MB",
    "hash_mem_multiplier": "2",
    "max_parallel_workers_per_gather": "4",
    # Next to nothing of what is read comes back.
    "parallel_tuple_cost": "0",
    "statement_timeout": "0",
}


@contextmanager
def snapshot(*, settings: dict[str, str] | None = None) -> Iterator[None]:
    """Everything read inside is of one moment; nothing can be written; `settings` hold for its statements.

    Inside a transaction of the caller the caller's isolation stays.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            if is_outermost:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for name, value in (settings or {}).items():
                cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        yield
