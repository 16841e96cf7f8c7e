import re
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from loyalty import (
    adjustments,
    buy_backs,
    donations,
    holds,
    ordering,
    refunds,
    seals,
    tasks,
    transfers,
    verification,
)
from loyalty.models import Entry, Seal, VerificationRun
from loyalty.refunds import RefundFacts
from members.models import Member, StatusChange
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    credit,
    day,
    debit,
    give_back,
    order,
    post,
    program,
    reversal,
    settle,
    spoil,
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


@pytest.fixture
def papers(wallet: int, bob: Member, ada: Member) -> int:
    """A hold captured, one open and one let go, points given, received, donated and bought back."""
    program(
        transfer={"enabled": True, "min": None, "per_transfer": None, "per_day": None, "fee": 3}
    )
    for number, points in enumerate((100, 50, 20)):
        placed = holds.hold(
            request=holds.HoldRequest(member=bob.number, points=points, reference=f"h{number}"),
            at=day(2),
        ).hold
        if number == 0:
            holds.capture(hold=placed.pk, points=60, order=None, at=day(2))
        if number == 1:
            holds.release(hold=placed.pk, at=day(2))
    gift = transfers.TransferRequest(
        sender=bob.number, receiver=ada.number, points=30, reference="t"
    )
    transfers.transfer(request=gift, at=day(2))
    gift = transfers.TransferRequest(
        sender=ada.number, receiver=bob.number, points=10, reference="t"
    )
    transfers.transfer(request=gift, at=day(2))
    donation = donations.DonationRequest(
        member=bob.number, points=11, project="trees", reference="d"
    )
    donations.donate(request=donation, at=day(2))
    back = buy_backs.BuyBackRequest(member=bob.number, points=200, reference="b")
    buy_backs.buy_back(request=back, at=day(2))
    assert_clean()
    return wallet


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
    (
        (
            "UPDATE loyalty_entry SET explanation = jsonb_set(explanation, '{0,rule}', '\"other\"')"
            " WHERE wallet_id = %d AND sequence = 1"
        ),
        "an entry is as it was written",
    ),
    (
        "UPDATE loyalty_entry SET at = at + interval '1 us' WHERE wallet_id = %d AND sequence = 2",
        "an entry is as it was written",
    ),
    (
        "UPDATE loyalty_entry SET corrects_id = NULL WHERE wallet_id = %d AND kind = 'return'",
        "a correction names",
    ),
    (
        (
            "UPDATE loyalty_entry SET corrects_id = (SELECT min(id) FROM loyalty_entry"
            " WHERE kind = 'earn') WHERE wallet_id = %d AND kind = 'return'"
        ),
        "a correction stays",
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

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE loyalty_refund SET points_reversed = points_reversed + 1",
            "UPDATE loyalty_refund SET status_points_reversed = status_points_reversed + 1",
            "UPDATE loyalty_order SET points_reversed = points_reversed - 1",
        ],
    )
    def test_find_a_refund_that_says_something_else(self, wallet: int, statement: str) -> None:
        spoil(statement)

        assert found() == {"refunds took back what they say"}

    def test_find_points_that_came_back_only_on_paper(self, wallet: int) -> None:
        spoil("UPDATE loyalty_order SET points_returned = 1")

        assert found() == {"an order's points came back as it says"}

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE loyalty_adjustment SET points = points - 1",
            "UPDATE loyalty_adjustment SET state = 'awaiting_approval'",
            "DELETE FROM loyalty_adjustment",
            "UPDATE loyalty_hold SET captured_points = 59 WHERE state = 'captured'",
            (
                "UPDATE loyalty_hold SET state = 'released', captured_points = 0"
                " WHERE state = 'captured'"
            ),
            (
                "UPDATE loyalty_hold SET state = 'captured', captured_points = 50"
                " WHERE state = 'released'"
            ),
            "UPDATE loyalty_transfer SET points = points + 1 WHERE points = 30",
            "UPDATE loyalty_transfer SET fee = 2 WHERE points = 10",
            "DELETE FROM loyalty_transfer WHERE points = 30",
            "UPDATE loyalty_donation SET points = 12",
            "DELETE FROM loyalty_donation",
            "UPDATE loyalty_buyback SET points = 199",
            (
                "INSERT INTO loyalty_buyback (member_id, points, value, reference, at)"
                " SELECT member_id, 1, 0, 'x', now() FROM loyalty_buyback"
            ),
        ],
    )
    def test_find_a_paper_without_its_entry_and_an_entry_without_its_paper(
        self, papers: int, statement: str
    ) -> None:
        spoil(statement)

        assert found() == {"a paper has its entry and an entry its paper"}

    @pytest.mark.parametrize(
        ("statement", "check"),
        [
            ("UPDATE loyalty_reservation SET points = points + 1", "a hold keeps what it says"),
            (
                "UPDATE loyalty_lot SET reserved = reserved - 1 WHERE reserved > 0",
                "a lot keeps for holds what open holds say",
            ),
        ],
    )
    def test_find_a_hold_that_keeps_something_else(
        self, papers: int, statement: str, check: str
    ) -> None:
        spoil(statement)

        assert check in found()

    def test_find_figures_that_came_back_to_a_merged_wallet(
        self, wallet: int, ada: Member
    ) -> None:
        heir = wallet_of(ada)
        spoil(f"UPDATE loyalty_wallet SET merged_from = '{{{wallet}}}' WHERE id = {heir}")

        assert "a merged wallet is empty" in found()

    def test_find_a_guard_of_the_database_that_is_off(self, wallet: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = 'loyalty_entry'::regclass"
                " AND tgname LIKE '%%append\\_only%%'"
            )
            (name,) = cursor.fetchone()
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f'ALTER TABLE loyalty_entry DISABLE TRIGGER "{name}"')

        differences = list(verification.differences())

        assert [(each.check, each.wallet) for each in differences] == [
            ("the database protects the ledger", None)
        ]


class TestSeals:
    @pytest.fixture
    def sealed(self, wallet: int) -> list[Seal]:
        """The wallet's entries, some posted three days ago and some the day before yesterday, sealed."""
        early = (timezone.now() - timedelta(days=3)).isoformat()
        late = (timezone.now() - timedelta(days=2)).isoformat()
        spoil(
            f"UPDATE loyalty_entry SET created_at = CASE WHEN sequence <= 3 THEN '{early}'"
            f"::timestamptz WHEN sequence <= 5 THEN '{late}' ELSE created_at END"
        )
        made = seals.seal_days(at=timezone.now()).seals
        assert made[0].entries >= 3
        assert_clean()
        return made

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM loyalty_entry WHERE wallet_id = %d AND sequence = 5",
            (
                "INSERT INTO loyalty_entry (wallet_id, kind, points, balance, sequence, reference, at, details,"
                " explanation, digest, created_at) SELECT wallet_id, kind, points, balance, 99, 'new', at, details,"
                " explanation, digest, created_at FROM loyalty_entry WHERE wallet_id = %d AND sequence = 5"
            ),
            ("UPDATE loyalty_entry SET created_at = now() WHERE wallet_id = %d AND sequence = 5"),
            # With a digest that fits the changed content: only the seal knows better.
            (
                "UPDATE loyalty_entry SET details = '{\"x\": 1}', digest = '\\x00'"
                " WHERE wallet_id = %d AND sequence = 5"
            ),
        ],
    )
    def test_find_a_changed_day(self, sealed: list[Seal], wallet: int, statement: str) -> None:
        spoil(statement % wallet)

        by_seal = [
            each
            for each in verification.differences()
            if each.check == "a sealed day is as it was sealed"
        ]

        assert [each.wallet for each in by_seal] == [None]
        assert by_seal[0].found.startswith(str(sealed[1].day))

    def test_find_a_forged_digest_that_fits(self, sealed: list[Seal], wallet: int) -> None:
        entry = f"wallet_id = {wallet} AND sequence = 5"
        spoil(f"UPDATE loyalty_entry SET details = '{{\"x\": 1}}' WHERE {entry}")
        spoil(f"UPDATE loyalty_entry e SET digest = loyalty_entry_digest(e) WHERE {entry}")

        assert found() == {"a sealed day is as it was sealed"}

    @pytest.mark.parametrize(
        ("statement", "count"),
        [
            ("DELETE FROM loyalty_seal WHERE id = %d", 2),
            ("UPDATE loyalty_seal SET entries = entries + 1 WHERE id = %d", 1),
            ("UPDATE loyalty_seal SET points = points + 1 WHERE id = %d", 1),
            ("UPDATE loyalty_seal SET previous = '\\x00' WHERE id = %d", 2),
            ("UPDATE loyalty_seal SET digest = '\\x00' WHERE id = %d", 2),
        ],
    )
    def test_find_a_changed_seal_and_the_broken_chain(
        self, sealed: list[Seal], statement: str, count: int
    ) -> None:
        spoil(statement % sealed[0].pk)

        by_seal = [
            each
            for each in verification.differences()
            if each.check == "a sealed day is as it was sealed"
        ]
        assert len(by_seal) >= count
        assert {each.wallet for each in by_seal} == {None}

    def test_day_sheets_are_recounted(self, sealed: list[Seal]) -> None:
        spoil("UPDATE loyalty_daysheet SET points = points + 1 WHERE kind = 'earn'")

        assert found() == {"day sheets are the sums of their entries"}


class TestVerifyLedger:
    def test_says_that_nothing_was_found_and_keeps_it(self, wallet: int) -> None:
        out = StringIO()

        call_command("verify_ledger", stdout=out)

        lines = out.getvalue().splitlines()
        assert str(verification.count_wallets()) in lines[-1]
        assert len(lines) == len(verification.checks()) + 2
        assert all(" s  " in line for line in lines[:-1])
        assert all(re.search("[\u4e00-\u9fff]", line) for line in lines)
        run = VerificationRun.objects.get()
        assert (run.differences, run.frozen, run.found) == (0, 0, [])
        assert run.wallets == verification.count_wallets()

    def test_names_each_difference_freezes_its_member_and_fails(
        self, wallet: int, bob: Member, ada: Member
    ) -> None:
        spoil(f"UPDATE loyalty_wallet SET active = active + 1 WHERE id = {wallet}")
        errors = StringIO()

        with pytest.raises(CommandError) as failure:
            call_command("verify_ledger", stdout=StringIO(), stderr=errors)

        lines = errors.getvalue().splitlines()
        assert failure.value.returncode == 1
        assert len(lines) == 4
        assert all(str(wallet) in line and bob.number in line for line in lines[:3])
        assert bob.name not in errors.getvalue()
        assert Member.objects.get(pk=bob.pk).status == "frozen"
        assert Member.objects.get(pk=ada.pk).status == "active"
        change = StatusChange.objects.get(member=bob)
        assert (change.after, change.reason) == ("frozen", verification.REASON)
        run = VerificationRun.objects.get()
        assert (run.differences, run.frozen) == (3, 1)
        assert {each["member"] for each in run.found} == {bob.number}

    def test_only_looks_when_asked_to(self, wallet: int, bob: Member) -> None:
        spoil(f"UPDATE loyalty_wallet SET active = active + 1 WHERE id = {wallet}")

        with pytest.raises(CommandError):
            call_command("verify_ledger", "--no-freeze", stdout=StringIO(), stderr=StringIO())

        assert Member.objects.get(pk=bob.pk).status == "active"
        assert VerificationRun.objects.count() == 0

    def test_names_what_belongs_to_no_wallet(self, wallet: int) -> None:
        spoil(
            "INSERT INTO loyalty_daysheet (day, point_type_id, kind, entries, points)"
            " SELECT '2020-01-01', min(id), 'earn', 1, 1 FROM loyalty_pointtype"
        )
        errors = StringIO()

        with pytest.raises(CommandError):
            call_command("verify_ledger", stdout=StringIO(), stderr=errors)

        assert "2020-01-01" in errors.getvalue()
        assert VerificationRun.objects.get().found[0]["member"] is None

    def test_names_no_more_than_it_can_hold(
        self, wallet: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(verification, "MOST", 2)
        spoil("UPDATE loyalty_wallet SET earned = earned + 1")
        assert Entry.objects.exists()

        assert len(list(verification.differences())) == 2

    def test_leaves_a_closed_member_closed(self, wallet: int, bob: Member) -> None:
        Member.objects.filter(pk=bob.pk).update(status="closed")
        spoil(f"UPDATE loyalty_wallet SET active = active + 1 WHERE id = {wallet}")

        assert verification.verify_and_freeze(by="night", at=NOON) == 3
        assert Member.objects.get(pk=bob.pk).status == "closed"

    def test_every_night_freezes_by_itself(self, wallet: int, bob: Member) -> None:
        assert tasks.verify_books() == 0
        spoil(f"UPDATE loyalty_wallet SET active = active + 1 WHERE id = {wallet}")

        assert tasks.verify_books() == 3
        assert Member.objects.get(pk=bob.pk).status == "frozen"
        assert VerificationRun.objects.count() == 2


class TestSnapshot:
    def test_a_ledger_at_work_raises_no_false_alarm(self, committed_db: Any) -> None:
        """One verifies while others post: every look is of one moment."""
        from members import enrolment

        newcomer = enrolment.Newcomer(phone="+8613800000009")
        wallet = wallet_of(enrolment.enrol(newcomer=newcomer, at=NOON))

        def work(number: int) -> int:
            if number % 3 == 0:
                return len(list(verification.differences()))
            post(credit(wallet, 5, f"c{number}"), debit(wallet, 3, f"d{number}"))
            return 0

        assert committed_db.run_parallel(work, times=30, connections_at_once=6) == [0] * 30
