"""The large shop of the bench: consistent books, whatever the sizes."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from config.bench.measuring import Goal, Line, table
from loyalty import awarding, expiry, queries, verification
from loyalty.models import Allocation, Entry, Lot, Wallet
from members import codes
from members.models import Member
from tests.conftest import NOON


def guards() -> list[Any]:
    """Indexes, constraints and triggers, by name and form."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
            UNION ALL SELECT tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"""
        )
        return list(cursor.fetchall())


class TestSeedLarge:
    def test_fills_the_books_without_a_difference_and_leaves_every_guard_in_place(
        self, committed_db: Any
    ) -> None:
        before = guards()

        call_command("seed_large", members=30, entries=340, long=30, stdout=StringIO())

        assert guards() == before
        assert Member.objects.count() == 30
        assert all(codes.is_member_number(each.number) for each in Member.objects.all())
        assert Wallet.objects.count() == 60
        assert Entry.objects.count() == 340
        assert set(Entry.objects.values_list("kind", flat=True)) == {
            "earn",
            "redeem",
            "expire",
            "reverse",
        }
        long = queries.wallet_of(member=Member.objects.latest("id"))
        assert Entry.objects.filter(wallet=long).count() == 50
        assert Lot.objects.count() == 29 * 7 + 27
        assert Allocation.objects.count() == 29 * 3 + 23
        assert list(verification.differences()) == []

    def test_what_comes_after_gets_fresh_numbers(self, committed_db: Any) -> None:
        call_command("seed_large", members=3, entries=0, stdout=StringIO())

        member = Member.objects.earliest("id")
        awarding.award(member=member, points=7, reference="a", details={}, at=NOON)

        assert Entry.objects.get().balance == 7
        assert list(verification.differences()) == []

    def test_one_lot_of_each_member_falls_due_together(self, committed_db: Any) -> None:
        call_command("seed_large", members=21, entries=200, long=10, stdout=StringIO())
        due = Lot.objects.filter(remaining__gt=0).order_by("expires_at")[0].expires_at
        assert due is not None

        assert expiry.expire_due(at=due) == 20

        assert Entry.objects.filter(kind="expire", at=due).count() == 20
        assert list(verification.differences()) == []

    def test_refuses_a_database_with_members_and_sizes_that_do_not_fit(
        self, committed_db: Any
    ) -> None:
        with pytest.raises(CommandError, match="the least"):
            call_command("seed_large", members=30, entries=100, stdout=StringIO())
        call_command("seed_large", members=3, entries=0, stdout=StringIO())

        with pytest.raises(CommandError, match="members already"):
            call_command("seed_large", members=3, entries=0, stdout=StringIO())

        assert Member.objects.count() == 3


class TestTable:
    @pytest.mark.parametrize(
        ("value", "is_least", "met"),
        [
            (0.6, False, "aim"),
            (0.5, False, "aim"),
            (0.3, False, "must"),
            (0.2, False, "no"),
            (0.2, True, "aim"),
            (0.25, True, "aim"),
            (0.6, True, "no"),
        ],
    )
    def test_says_what_is_met(self, value: float, is_least: bool, met: str) -> None:
        must, aim = (0.5, 0.25) if is_least else (0.25, 0.5)
        goal = Goal(must=must, aim=aim, is_least=is_least)
        line = Line(what="awards", ours="2/s", beside="4/s", value=value, goal=goal)

        assert table([line]).splitlines()[-1].endswith(f"| {met} |")

    def test_a_line_without_goals_has_nothing_to_meet(self) -> None:
        assert Goal(must=None, aim=None).met(1) == "–"
