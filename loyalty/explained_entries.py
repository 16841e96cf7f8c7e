"""Every entry of the ledger recomputed from its explanation alone, in batches."""

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection

from loyalty import recomputing

BATCH = 20_000

_BATCH = """
SELECT id, wallet_id, sequence, kind, points, explanation::text FROM loyalty_entry
WHERE id > %s ORDER BY id LIMIT %s"""


def differences() -> Iterator[tuple[int, str]]:
    """(wallet id, text) for each entry whose points do not follow from what it says."""
    before = 0
    while rows := _rows(before):
        for _id, wallet, sequence, kind, points, explanation in rows:
            problem = recomputing.problem(
                kind=kind, points=points, explanation=json.loads(explanation)
            )
            if problem:
                yield wallet, f"entry {sequence}: {problem}"
        before = rows[-1][0]


def _rows(before: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_BATCH, [before, BATCH])
        return list(cursor.fetchall())
