"""The database itself holds the line, whoever writes."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from loyalty.models import Allocation, Entry
from members.models import Member
from tests.loyalty.builders import books, credit, debit, post, wallet_of


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)


@pytest.fixture
def wallet(bob: Member) -> int:
    """100 points in, 30 out."""
    wallet = wallet_of(bob)
    post(credit(wallet, 100, "in"), debit(wallet, 30, "out"))
    return wallet


@pytest.mark.usefixtures("wallet")
class TestAppendOnly:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE loyalty_entry SET points = points",
            "UPDATE loyalty_entry SET details = '{}' WHERE kind = 'earn'",
            "DELETE FROM loyalty_entry WHERE kind = 'redeem'",
            "TRUNCATE loyalty_entry CASCADE",
            "UPDATE loyalty_allocation SET points = -1",
            "DELETE FROM loyalty_allocation",
            "TRUNCATE loyalty_allocation",
            "TRUNCATE loyalty_wallet CASCADE",
        ],
    )
    def test_refuses_to_change_remove_or_empty(self, statement: str) -> None:
        before = books()

        with pytest.raises(DatabaseError, match=r"pgtrigger: Cannot (update or delete|truncate)"):
            run(statement)

        assert books() == before
        assert (Entry.objects.count(), Allocation.objects.count()) == (2, 1)


class TestConstraints:
    @pytest.mark.parametrize(
        ("name", "statement"),
        [
            ("wallet_figures_not_negative", "UPDATE loyalty_wallet SET active = -1"),
            ("wallet_figures_not_negative", "UPDATE loyalty_wallet SET pending = -1"),
            ("wallet_figures_not_negative", "UPDATE loyalty_wallet SET reserved = -1"),
            ("wallet_figures_not_negative", "UPDATE loyalty_wallet SET debt = -1, active = 0"),
            ("wallet_totals_not_negative", "UPDATE loyalty_wallet SET earned = -1"),
            ("wallet_totals_not_negative", "UPDATE loyalty_wallet SET spent = -1"),
            ("wallet_totals_not_negative", "UPDATE loyalty_wallet SET expired = -1"),
            ("wallet_active_or_debt_not_both", "UPDATE loyalty_wallet SET active = 1, debt = 1"),
            ("lot_remaining_within_points", "UPDATE loyalty_lot SET remaining = -1"),
            ("lot_remaining_within_points", "UPDATE loyalty_lot SET remaining = points + 1"),
            ("lot_points_positive", "UPDATE loyalty_lot SET points = 0, remaining = 0"),
            ("lot_lapsed_within_points", "UPDATE loyalty_lot SET lapsed = points + 1"),
            ("lot_forgiven_within_lapsed", "UPDATE loyalty_lot SET forgiven = 1"),
            ("lot_expires_after_activation", "UPDATE loyalty_lot SET expires_at = active_from"),
        ],
    )
    def test_refuses_figures_that_cannot_be(self, wallet: int, name: str, statement: str) -> None:
        with pytest.raises(IntegrityError, match=name):
            run(statement)

    @pytest.mark.parametrize(
        ("name", "kind", "points", "sequence", "reference"),
        [
            ("entry_points_not_zero", "adjust", 0, 9, "new"),
            ("entry_sign_of_kind", "earn", -5, 9, "new"),
            ("entry_sign_of_kind", "return", -5, 9, "new"),
            ("entry_sign_of_kind", "redeem", 5, 9, "new"),
            ("entry_sign_of_kind", "reverse", 5, 9, "new"),
            ("entry_sign_of_kind", "expire", 5, 9, "new"),
            ("entry_sign_of_kind", "gift", 5, 9, "new"),
            ("entry_sequence_positive", "earn", 5, 0, "new"),
            ("entry_sequence", "earn", 5, 1, "new"),
            ("entry_once_per_reference", "earn", 5, 9, "in"),
        ],
    )
    def test_refuses_entries_that_cannot_be(
        self, wallet: int, name: str, kind: str, points: int, sequence: int, reference: str
    ) -> None:
        with pytest.raises(IntegrityError, match=name):
            run(
                "INSERT INTO loyalty_entry"
                " (wallet_id, kind, points, balance, sequence, reference, at, details, explanation)"
                f" VALUES ({wallet}, '{kind}', {points}, 0, {sequence}, '{reference}', now(),"
                " '{}', '[]')"
            )

    def test_refuses_an_allocation_of_nothing(self, wallet: int) -> None:
        with pytest.raises(IntegrityError, match="allocation_points_not_zero"):
            run(
                "INSERT INTO loyalty_allocation (lot_id, entry_id, points)"
                " SELECT id, entry_id, 0 FROM loyalty_lot"
            )

    def test_refuses_a_second_wallet_of_a_type(self, wallet: int) -> None:
        with pytest.raises(IntegrityError, match="wallet_once_per_type"):
            run(
                "INSERT INTO loyalty_wallet (member_id, point_type_id, active, pending, reserved,"
                " debt, earned, spent, expired, sequence, merged_from)"
                " SELECT member_id, point_type_id, 0, 0, 0, 0, 0, 0, 0, 0, '{}' FROM loyalty_wallet"
            )

    def test_refuses_to_remove_a_member_with_a_wallet(self, wallet: int, bob: Member) -> None:
        with pytest.raises(IntegrityError):
            run(f"DELETE FROM members_member WHERE id = {bob.pk}")
