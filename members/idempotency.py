"""One effect per `Idempotency-Key`: the first call claims the key, every repeat gets its answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import OperationalError, connection
from django.utils.translation import gettext as _
from psycopg import errors as postgres_errors

from members import transactions
from members.errors import Conflict
from members.models import ApiClient, ApiRequest

# A second call waits for the first; each wait is as long as the database's lock limit.
WAITS = 4

CLAIM = """
    INSERT INTO members_apirequest (client_id, key, digest) VALUES (%s, %s, %s)
    ON CONFLICT (client_id, key) DO NOTHING RETURNING id
"""


class IdempotencyKeyReused(Conflict):
    """The key came before with another request."""

    code = "idempotency_key_reused"

    def __str__(self) -> str:
        return _(
            "This Idempotency-Key was used before for another request. "
            "Repeat that request unchanged or choose a new key."
        )


class StillAtWork(OperationalError):
    """The first call with the key has not finished within the lock limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A request that asks to be done once: whose key it is and what it says."""

    client: ApiClient
    key: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A finished answer; the body is kept as text, so that a repeat is the same to the byte."""

    status: int
    body: str
    is_replayed: bool = False


def answer_once(*, claim: Claim, work: Callable[[], Answer]) -> Answer:
    """Do the work and keep its answer in one transaction, or give the answer that was kept.

    While another call with the same key is at work, wait for its answer. When the work raises, nothing
    is kept and the key is free again. Raises IdempotencyKeyReused, and StillAtWork when waiting took
    too long.
    """
    for _attempt in range(WAITS - 1):
        try:
            return transactions.in_transaction(lambda: _claim_and_answer(claim, work))
        except StillAtWork:
            continue
    return transactions.in_transaction(lambda: _claim_and_answer(claim, work))


def _claim_and_answer(claim: Claim, work: Callable[[], Answer]) -> Answer:
    claimed = _insert(claim)
    if claimed is None:
        return _kept_answer(claim)
    answer = work()
    ApiRequest.objects.filter(id=claimed).update(status=answer.status, body=answer.body)
    return answer


def _insert(claim: Claim) -> int | None:
    """The id of the new claim, or None when the key was claimed before.

    The unique index lets a second call wait here until the first has committed or given up.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(CLAIM, [claim.client.pk, claim.key, claim.digest])
            row = cursor.fetchone()
    except OperationalError as error:
        if isinstance(error.__cause__, postgres_errors.LockNotAvailable):
            raise StillAtWork(*error.args) from error.__cause__
        raise
    return None if row is None else row[0]


def _kept_answer(claim: Claim) -> Answer:
    kept = ApiRequest.objects.get(client=claim.client, key=claim.key)
    if kept.digest != claim.digest:
        raise IdempotencyKeyReused
    return Answer(status=kept.status or 0, body=str(kept.body), is_replayed=True)


def forget(*, before: datetime) -> int:
    """Remove the answers kept before a moment; returns how many. Safe to run twice."""
    return ApiRequest.objects.filter(created_at__lt=before).delete()[0]
