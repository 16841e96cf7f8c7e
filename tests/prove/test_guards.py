"""The database holds the line, whoever writes: every guard of its value is broken once and says no."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from _pytest.outcomes import Failed
from django.db import DatabaseError, connection, transaction

from loyalty.models import (
    Adjustment,
    BuyBack,
    DaySheet,
    Donation,
    Order,
    OrderLine,
    OrderStep,
    PointType,
    Refund,
    Seal,
    Transfer,
    VerificationRun,
)
from tests.conftest import NOON, Scene, enrol_ada, enrol_bob
from tests.loyalty.builders import (
    books,
    credit,
    day,
    debit,
    give_back,
    hold,
    post,
    sandbox,
    wallet_of,
)
from tests.prove import campaign_guards, reward_guards
from tests.prove.guards import MENDED, VIOLATIONS, guards, references
from tests.prove.sizes import record


def run(*statements: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in statements:
            cursor.execute(statement)


def fill_every_table() -> None:
    """Bob has 100 points, spent 30, got 10 of them back, and 20 are on hold."""
    ada, bob = enrol_ada(), enrol_bob()
    wallet = wallet_of(bob)
    post(
        credit(wallet, 100, "in", expires_at=day(90)),
        debit(wallet, 30, "out"),
        give_back(wallet, 10, "back", of="out"),
    )
    hold(wallet, 20, until=day(1))
    order = Order.objects.create(
        member=ada, number="1", placed_at=NOON, amount=10, points=10, status_points=10
    )
    OrderLine.objects.create(order=order, position=0, sku="A", amount=10)
    OrderStep.objects.create(order=order, status="paid", at=NOON)
    Refund.objects.create(
        order=order,
        reference="r",
        at=NOON,
        amount=1,
        points_reversed=1,
        status_points_reversed=1,
        debt_added=0,
    )
    each: dict[str, Any] = {"points": 5, "reference": "x", "at": NOON}
    Transfer.objects.create(sender=ada, receiver=bob, **each)
    Donation.objects.create(member=ada, project="trees", **each)
    BuyBack.objects.create(member=ada, value=1, **each)
    Adjustment.objects.create(member=ada, reason="other", requested_by="eve", **each)
    Seal.objects.create(
        day=NOON.date(),
        starts_at=NOON,
        ends_at=NOON + timedelta(days=1),
        entries=0,
        points=0,
        previous=b"",
        digest=b"",
    )
    DaySheet.objects.create(
        day=NOON.date(),
        point_type=PointType.objects.get(code="points"),
        kind="earn",
        entries=1,
        points=1,
    )
    VerificationRun.objects.create(
        started_at=NOON, finished_at=NOON, by="eve", wallets=1, differences=0
    )
    campaign_guards.rows(member=ada, friend=bob, order=order, at=NOON)
    reward_guards.rows(member=ada, friend=bob, at=NOON)


@pytest.fixture(scope="class")
def rows(scene: Scene[None]) -> Iterator[None]:
    """A row in every table."""
    with scene(fill_every_table):
        yield


def refuses_its_violations(key: str) -> None:
    """Each statement that breaks the guard is refused by this guard and no other."""
    before = books()
    for statement in VIOLATIONS[key]:
        with pytest.raises(DatabaseError) as refused:
            run(statement)
        assert _refuser(refused.value) == key
    assert books() == before


def refuses_a_reference_to_nothing(key: str) -> None:
    table, column = key.split(".")
    with pytest.raises(DatabaseError) as refused:
        run(
            f"ALTER TABLE {table} DISABLE TRIGGER USER",  # or it would be refused anyway
            f"UPDATE {table} SET {column} = -1 WHERE id = (SELECT min(id) FROM {table})",
        )
    assert _refuser(refused.value) == key


def carries_its_own_digest(_key: str) -> None:
    """Whatever the writer says, an entry's digest is that of its content."""
    run(
        "INSERT INTO loyalty_entry (wallet_id, kind, points, balance, sequence, reference, at, details, explanation,"
        " digest) SELECT wallet_id, 'adjust', 5, 0, 99, 'new', at, '{}', '[]', digest"
        " FROM loyalty_entry WHERE reference = 'in'"
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT digest = loyalty_entry_digest(e) FROM loyalty_entry e")
        assert {row[0] for row in cursor.fetchall()} == {True}


TRIGGERS = {
    "Cannot update or delete rows from loyalty_entry": "loyalty_entry.append_only",
    "Cannot update or delete rows from loyalty_allocation": "loyalty_allocation.append_only",
    "Cannot update or delete rows from loyalty_seal": "loyalty_seal.append_only",
    "Cannot truncate entries": "loyalty_entry.no_truncate",
    "Cannot truncate allocations": "loyalty_allocation.no_truncate",
    "Cannot truncate seals": "loyalty_seal.no_truncate",
    "Cannot update or delete rows from rewards_stockmovement": "rewards_stockmovement.append_only",
    "Cannot update or delete rows from rewards_voucherstep": "rewards_voucherstep.append_only",
    "Cannot delete rows from rewards_drawplay": "rewards_drawplay.kept",
    "puts more right than": "loyalty_entry.corrects_within",
}

# Every guard by its key, with the proof that it is there.
PROOFS: dict[str, Callable[[str], None]] = {
    **dict.fromkeys(VIOLATIONS, refuses_its_violations),
    **dict.fromkeys(references(), refuses_a_reference_to_nothing),
    **dict.fromkeys(MENDED, carries_its_own_digest),
}


@pytest.mark.usefixtures("rows", "db")
class TestGuards:
    def test_none_is_forgotten(self) -> None:
        assert {each.key for each in guards()} == set(PROOFS)

    @pytest.mark.parametrize("key", PROOFS)
    def test_holds_and_is_missed_when_it_is_gone(self, key: str) -> None:
        prove = PROOFS[key]
        with sandbox():
            prove(key)

        with without(key), pytest.raises((Failed, AssertionError)):
            prove(key)
        record(part="mutations", guard=key, found_by=f"test_guards.py: {prove.__name__}")


@contextmanager
def without(key: str) -> Iterator[None]:
    """Take the guard away for a while."""
    (guard,) = (each for each in guards() if each.key == key)
    with sandbox(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(guard.removal())
        yield


def _refuser(error: DatabaseError) -> str:
    """The key of what refused; a trigger is known by its words."""
    for words, key in TRIGGERS.items():
        if words in str(error):
            return key
    cause: Any = error.__cause__
    name = cause.diag.constraint_name
    return next((each.key for each in guards() if each.name == name), str(error))
