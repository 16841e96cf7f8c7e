"""Filling an empty database with a large, consistent shop: set-based SQL, the same rows whatever the machine.

Every member gets the same story (STORY) with other amounts and days; one more member has a wallet of a great many
entries. Rows are written in the order of the story, so that one wallet's entries lie far apart, as in a shop that grew.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from config.bench import seeding_sql as sql
from config.bench.story import EXTRA, STORY, Step
from members.models import Member

CHUNK = 100_000
OPEN_LOTS_OF_LONG_WALLET = 4
# Whose indexes are dropped and built again around the filling.
TABLES = (
    "members_member",
    "members_tierchange",
    "loyalty_wallet",
    "loyalty_entry",
    "loyalty_lot",
    "loyalty_allocation",
)

Say = Callable[[str], None]


class NotEmpty(Exception):
    """The database has members already."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything: `members` with `steps` entries each, and one member with `long` entries."""

    members: int
    steps: tuple[Step, ...]
    long: int
    at: datetime

    @property
    def long_in_a_step(self) -> int:
        """Entries of the long wallet that are written after each step of the others."""
        return -(-self.long // max(1, len(self.steps)))

    @property
    def pairs(self) -> int:
        """How often the long wallet earns and spends all of it; what follows are earns that stay open."""
        return max(0, self.long - OPEN_LOTS_OF_LONG_WALLET) // 2

    @property
    def lots(self) -> list[int]:
        """The numbers of the steps that bring a lot."""
        return [number for number, step in enumerate(self.steps) if step.lot_left is not None]


def planned(*, members: int, entries: int, long: int, at: datetime) -> Plan:
    """Split `entries` (0: a shop that has just opened) among `members`.

    The last member takes `long` of them and what does not divide.
    """
    if not entries:
        return Plan(members - 1, (), 0, at)
    ordinary = members - 1
    each = (entries - long) // ordinary if ordinary > 0 else 0
    if each < len(STORY):
        raise ValueError(f"{len(STORY)} entries for each member are the least")
    extras = tuple(EXTRA(number) for number in range(each - len(STORY)))
    return Plan(ordinary, (*STORY, *extras), entries - each * ordinary, at)


def fill(*, plan: Plan, say: Say) -> None:
    """Fill the connected database in one transaction; raises NotEmpty where there are members."""
    with transaction.atomic(), connection.cursor() as cursor:
        if Member.objects.exists():
            raise NotEmpty
        cursor.execute(sql.SETTINGS)
        with _without_indexes(say), _digests():
            _fill_members(plan, say)
            _fill_ledger(plan, say)
            _fill_long_wallet(plan, say)
            for table in TABLES:
                cursor.execute(sql.NEXT_ID.format(table=table))
    with connection.cursor() as cursor:
        say("analyse")
        cursor.execute("VACUUM (ANALYZE)")


def _fill_members(plan: Plan, say: Say) -> None:
    say(f"{plan.members + 1:,} members with two wallets each")
    values = {"at": plan.at, "last": plan.members}
    for statement in (sql.MEMBERS, sql.TIER_CHANGES, sql.wallets(plan.steps)):
        _run(statement, values)
    values |= {"long": plan.long, "pairs": plan.pairs}
    _run(sql.LONG_WALLET, values)


def _fill_ledger(plan: Plan, say: Say) -> None:
    for number, step in enumerate(plan.steps):
        say(f"entries: step {number + 1} of {len(plan.steps)} ({step.name})")
        for first in range(0, plan.members, CHUNK):
            values = {
                "at": plan.at,
                "first": first,
                "last": min(first + CHUNK, plan.members) - 1,
                "base": number * (plan.members + plan.long_in_a_step),
            }
            for statement in sql.step(plan.steps, number, plan.members, plan.long_in_a_step):
                _run(statement, values)


def _fill_long_wallet(plan: Plan, say: Say) -> None:
    if not plan.long:
        return
    say(f"one wallet with {plan.long:,} entries")
    values = {
        "at": plan.at,
        "members": plan.members,
        "long": plan.long,
        "pairs": plan.pairs,
        "block": plan.long_in_a_step,
        "lots": len(plan.lots) * plan.members,
    }
    for statement in (sql.LONG_ENTRIES, sql.LONG_LOTS, sql.LONG_ALLOCATIONS):
        _run(statement, values)


def _run(statement: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@contextmanager
def _digests() -> Iterator[None]:
    """Triggers are off but for the one that computes the digests."""
    with connection.cursor() as cursor:
        cursor.execute(sql.DIGEST_TRIGGER)
        (name,) = cursor.fetchone()
        cursor.execute(f'ALTER TABLE loyalty_entry ENABLE ALWAYS TRIGGER "{name}"')
        yield
        cursor.execute(f'ALTER TABLE loyalty_entry ENABLE TRIGGER "{name}"')


@contextmanager
def _without_indexes(say: Say) -> Iterator[None]:
    """Build the indexes once at the end instead of row by row."""
    with connection.cursor() as cursor:
        cursor.execute(sql.INDEXES, [list(TABLES)])
        found = cursor.fetchall()
        for table, name, constraint, _definition in found:
            if constraint:
                cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
            else:
                cursor.execute(f'DROP INDEX "{name}"')
        yield
        for table, name, constraint, definition in found:
            say(f"index {name}")
            if constraint:
                cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
            else:
                cursor.execute(definition)
