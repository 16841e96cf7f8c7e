from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from loyalty import adjustments, ordering, refunds, tasks, verification
from loyalty.refunds import RefundFacts
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    credit,
    day,
    debit,
    give_back,
    order,
    post,
    reversal,
    settle,
    wallet_of,
)


@pytest.fixture
def wallet(bob: Member) -> int:
    """A wallet in which everything has happened, and which is now at rest."""
    wallet = wallet_of(bob)
    ordering.place(order=order("1", "5000.00", "19.90", member=bob, placed_at=day(-3)), at=NOON)
    refund = RefundFacts(reference="r1", amount=Decimal("10.00"))
    refunds.refund(source="default", number="1", facts=refund, now=NOON)
    post(
        credit(wallet, 40, "soon", expires_at=day(1)),
        credit(wallet, 30, "later", active_from=day(20)),
        debit(wallet, 25, "out"),
        debit(wallet, 5, "kept"),
    )
    settle(wallet, day(2))
    post(give_back(wallet, 25, "back", of="out"), at=day(2))
    post(reversal(wallet, 4, "undone", of="soon"), at=day(2))
    adjustments.adjust(
        facts=adjustments.AdjustmentFacts(
            member=bob.number, points=-7, reason="correction", reference="a1"
        ),
        requested_by="owner",
        at=day(2),
    )
    assert_clean()
    return wallet


def spoil(statement: str) -> None:
    """Change what the database protects, as somebody with all its rights could."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = origin")


def found() -> set[str]:
    return {each.check for each in verification.differences()}


SPOILED = [
    # one wrong point in each figure of a wallet
    ("UPDATE loyalty_wallet SET active = active + 1 WHERE id = %d", "entries sum to"),
    ("UPDATE loyalty_wallet SET active = active - 1 WHERE id = %d", "lots of each state"),
    ("UPDATE loyalty_wallet SET pending = pending + 1 WHERE id = %d", "lots of each state"),
    (
        "UPDATE loyalty_wallet SET active = active - 1, pending = pending + 1 WHERE id = %d",
        "lots of each state",
    ),
    ("UPDATE loyalty_wallet SET reserved = reserved + 1 WHERE id = %d", "entries sum to"),
    ("UPDATE loyalty_wallet SET earned = earned + 1 WHERE id = %d", "lifetime totals"),
    ("UPDATE loyalty_wallet SET spent = spent + 1 WHERE id = %d", "lifetime totals"),
    ("UPDATE loyalty_wallet SET expired = expired - 1 WHERE id = %d", "lifetime totals"),
    ("UPDATE loyalty_wallet SET sequence = sequence + 1 WHERE id = %d", "the last entry"),
    ("UPDATE loyalty_wallet SET next_due_at = NULL WHERE id = %d", "nothing is due"),
    (
        "UPDATE loyalty_wallet SET next_due_at = next_due_at + interval '1 s' WHERE id = %d",
        "nothing is due",
    ),
    # … of a lot
    (
        "UPDATE loyalty_lot SET remaining = remaining - 1 WHERE wallet_id = %d AND remaining > 99",
        "a lot's rest",
    ),
    (
        (
            "UPDATE loyalty_lot SET points = points + 1, remaining = remaining + 1"
            " WHERE wallet_id = %d AND remaining > 99"
        ),
        "a lot holds what",
    ),
    (
        "UPDATE loyalty_lot SET lapsed = lapsed - 1 WHERE wallet_id = %d AND lapsed > 9",
        "a lot has lapsed",
    ),
    (
        "UPDATE loyalty_lot SET is_pending = false WHERE wallet_id = %d AND is_pending",
        "lots of each state",
    ),
    ("DELETE FROM loyalty_lot WHERE wallet_id = %d AND is_pending", "lots of each state"),
    # … of an entry
    (
        "UPDATE loyalty_entry SET balance = balance + 1 WHERE wallet_id = %d AND sequence = 2",
        "sequences have no gap",
    ),
    (
        "UPDATE loyalty_entry SET points = points + 1 WHERE wallet_id = %d AND sequence = 3",
        "entries sum to",
    ),
    (
        (
            "DELETE FROM loyalty_entry WHERE wallet_id = %d AND sequence ="
            " (SELECT sequence FROM loyalty_wallet w WHERE w.id = wallet_id)"
        ),
        "the last entry",
    ),
    ("DELETE FROM loyalty_entry WHERE wallet_id = %d AND sequence = 2", "sequences have no gap"),
    ("DELETE FROM loyalty_entry WHERE wallet_id = %d", "entries sum to"),
    (
        "UPDATE loyalty_entry SET explanation = '[]' WHERE wallet_id = %d AND sequence = 1",
        "an explanation adds up",
    ),
    # … of an allocation
    (
        (
            "UPDATE loyalty_allocation SET points = points - 1 WHERE id = (SELECT max(a.id)"
            " FROM loyalty_allocation a JOIN loyalty_lot l ON l.id = a.lot_id WHERE wallet_id = %d)"
        ),
        "an entry takes from lots",
    ),
    (
        (
            "DELETE FROM loyalty_allocation WHERE id = (SELECT min(a.id)"
            " FROM loyalty_allocation a JOIN loyalty_lot l ON l.id = a.lot_id WHERE wallet_id = %d)"
        ),
        "a lot's rest",
    ),
]


class TestDifferences:
    def test_are_none_in_books_that_the_ledger_wrote(self, wallet: int, ada: Member) -> None:
        assert found() == set()

    @pytest.mark.parametrize(("statement", "check"), SPOILED)
    def test_name_one_wrong_point_and_its_wallet(
        self, wallet: int, ada: Member, statement: str, check: str
    ) -> None:
        spoil(statement % wallet)

        differences = list(verification.differences())

        assert {each.wallet for each in differences} == {wallet}
        assert any(each.check.startswith(check) for each in differences), differences

    def test_find_figures_of_a_wallet_without_entries(self, mallory: Member) -> None:
        empty = wallet_of(mallory)

        for figure in ("active", "pending", "reserved", "debt", "earned", "spent", "expired"):
            spoil(f"UPDATE loyalty_wallet SET {figure} = 1 WHERE id = {empty}")
            assert found(), figure
            spoil(f"UPDATE loyalty_wallet SET {figure} = 0 WHERE id = {empty}")
            assert not found()

    def test_find_an_order_whose_points_or_status_were_not_posted(
        self, wallet: int, bob: Member
    ) -> None:
        for column in ("points", "status_points"):
            spoil(f"UPDATE loyalty_order SET {column} = {column} + 1")
            assert found() == {"an order's points were posted"}
            spoil(f"UPDATE loyalty_order SET {column} = {column} - 1")
        assert_clean()


class TestVerifyLedger:
    def test_says_that_nothing_was_found(self, wallet: int) -> None:
        out = StringIO()

        call_command("verify_ledger", stdout=out)

        assert str(verification.count_wallets()) in out.getvalue()

    def test_names_each_difference_and_fails(self, wallet: int, bob: Member) -> None:
        spoil(f"UPDATE loyalty_wallet SET active = active + 1 WHERE id = {wallet}")
        errors = StringIO()

        with pytest.raises(CommandError) as failure:
            call_command("verify_ledger", stderr=errors)

        lines = errors.getvalue().splitlines()
        assert failure.value.returncode == 1
        assert len(lines) == 3
        assert all(str(wallet) in line for line in lines)
        assert Member.objects.get(pk=bob.pk).status == "active"

    def test_freezes_the_owner_when_asked_to_and_nobody_else(
        self, wallet: int, bob: Member, ada: Member
    ) -> None:
        spoil(f"UPDATE loyalty_wallet SET active = active + 1 WHERE id = {wallet}")

        with pytest.raises(CommandError):
            call_command("verify_ledger", "--freeze", stderr=StringIO())

        assert Member.objects.get(pk=bob.pk).status == "frozen"
        assert Member.objects.get(pk=ada.pk).status == "active"

    def test_leaves_a_closed_member_closed(self, wallet: int, bob: Member) -> None:
        Member.objects.filter(pk=bob.pk).update(status="closed")
        spoil(f"UPDATE loyalty_wallet SET active = active + 1 WHERE id = {wallet}")

        assert verification.verify_and_freeze() == 3
        assert Member.objects.get(pk=bob.pk).status == "closed"

    def test_every_night_freezes_by_itself(self, wallet: int, bob: Member) -> None:
        assert tasks.verify_books() == 0
        spoil(f"UPDATE loyalty_wallet SET active = active + 1 WHERE id = {wallet}")

        assert tasks.verify_books() == 3
        assert Member.objects.get(pk=bob.pk).status == "frozen"
