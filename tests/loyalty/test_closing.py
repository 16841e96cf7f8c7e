from datetime import timedelta
from typing import Any

import pytest

from loyalty import adjustments, awarding, closing, holds, ordering
from loyalty.adjustments import AdjustmentFacts
from loyalty.errors import WalletNotEmpty
from loyalty.holds import HoldRequest
from loyalty.models import Entry, Hold, Wallet
from members import enrolment, lifecycle
from members.errors import MemberClosed, NotFound
from members.models import Member, StatusChange
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    credit,
    day,
    debit,
    entries,
    figures,
    open_lots,
    order,
    post,
    reversal,
    wallet_of,
)


def close(member: Member, *, forfeit: bool = False, at: Any = NOON) -> Member:
    asked = closing.Closing(member=member.number, forfeit=forfeit, reason="asked to")
    return closing.close(closing=asked, by="owner", at=at)


def hold(member: Member, points: int, reference: str = "h") -> Hold:
    asked = HoldRequest(member=member.number, points=points, reference=reference)
    return holds.hold(request=asked, at=NOON).hold


def status(member: Member) -> str:
    return Member.objects.get(pk=member.pk).status


class TestClose:
    def test_closes_and_anonymises_a_member_without_points(self, bob: Member) -> None:
        closed = close(bob)

        assert (closed.status, closed.phone, closed.name) == ("closed", None, "")
        step = StatusChange.objects.get()
        assert (step.before, step.after, step.reason, step.by, step.at) == (
            "active",
            "closed",
            "asked to",
            "owner",
            NOON,
        )
        assert Entry.objects.count() == 0

    def test_again_changes_nothing(self, bob: Member) -> None:
        close(bob)

        assert close(bob, forfeit=True, at=day(1)).status == "closed"
        assert StatusChange.objects.count() == 1

    @pytest.mark.parametrize(
        ("pending", "held", "found"),
        [
            (0, 0, {"active": 1000, "pending": 0, "reserved": 0}),
            (20, 0, {"active": 1000, "pending": 20, "reserved": 0}),
            (0, 1000, {"active": 0, "pending": 0, "reserved": 1000}),
        ],
    )
    def test_refuses_what_is_not_empty(
        self, ada: Member, pending: int, held: int, found: dict[str, int]
    ) -> None:
        if pending:
            post(credit(wallet_of(ada), pending, "p", active_from=day(1)))
        if held:
            hold(ada, held)
        before = books()

        with pytest.raises(WalletNotEmpty) as refusal:
            close(ada)

        assert refusal.value.data == found
        assert (books(), status(ada)) == (before, "active")

    def test_forfeits_active_pending_and_held_points(self, ada: Member) -> None:
        wallet = wallet_of(ada)
        post(credit(wallet, 20, "p", active_from=day(1)))
        kept = hold(ada, 300)

        close(ada, forfeit=True)

        kept.refresh_from_db()
        assert (kept.state, kept.closed_at) == ("released", NOON)
        assert figures(wallet) == {"earned": 1020}
        assert open_lots(wallet) == {}
        taken = Entry.objects.latest("id")
        assert (taken.kind, taken.points, taken.balance, taken.reference, taken.details) == (
            "adjust",
            -1020,
            0,
            "closed",
            {"reason": "forfeited"},
        )
        assert_clean()

    def test_forfeits_under_a_reference_that_nobody_has_used(self, ada: Member) -> None:
        for name in ("closed", "closed/2"):
            said = AdjustmentFacts(member=ada.number, points=-1, reason="other", reference=name)
            adjustments.adjust(facts=said, requested_by="owner", at=NOON)

        close(ada, forfeit=True)

        assert Entry.objects.latest("id").reference == "closed/3"
        assert figures(wallet_of(ada)) == {"earned": 1000}

    def test_needs_no_forfeit_once_a_hold_timed_out_and_its_points_lapsed(
        self, bob: Member
    ) -> None:
        post(credit(wallet_of(bob), 50, "in", expires_at=day(1)))
        hold(bob, 50)

        assert close(bob, at=day(2)).status == "closed"
        assert entries(wallet_of(bob)) == [("earn", 50, 50), ("expire", -50, 0)]
        assert_clean()

    def test_leaves_debt_and_status_points_as_they_are(self, bob: Member) -> None:
        wallet, status_wallet = wallet_of(bob), wallet_of(bob, "status")
        post(
            credit(wallet, 30, "in"), debit(wallet, 30, "out"), reversal(wallet, 30, "r", of="in")
        )
        post(credit(status_wallet, 70, "in", expires_at=day(9)))

        close(bob)

        assert figures(wallet) == {"debt": 30, "spent": 30}
        assert figures(status_wallet) == {"active": 70, "earned": 70}

    def test_of_an_unknown_member_is_not_found(self, db: None) -> None:
        with pytest.raises(NotFound):
            closing.close(closing=closing.Closing(member="1"), by="owner", at=NOON)

    def test_goes_on_for_a_frozen_member(self, bob: Member) -> None:
        lifecycle.freeze(member=bob, reason="checked", by="owner", at=NOON)

        assert close(bob).status == "closed"


class TestAClosedMember:
    @pytest.fixture
    def gone(self, ada: Member) -> Member:
        return close(ada, forfeit=True)

    def test_gets_no_award(self, gone: Member) -> None:
        before = books()

        with pytest.raises(MemberClosed):
            awarding.award(member=gone, points=1, reference="new", details={}, at=NOON)

        assert books() == before

    def test_is_told_of_an_award_from_before(self, gone: Member) -> None:
        again = awarding.award(member=gone, points=1000, reference="welcome", details={}, at=NOON)

        assert not again.is_new

    def test_gets_no_points_whoever_posts(self, gone: Member) -> None:
        wallet = Wallet.objects.get(pk=wallet_of(gone))
        assert wallet.is_closed

        with pytest.raises(MemberClosed):
            post(credit(wallet.pk, 5, "x", active_from=day(1)))

        assert figures(wallet.pk) == {"earned": 1000}

    def test_buys_spends_and_holds_nothing(self, gone: Member) -> None:
        before = books()

        with pytest.raises(MemberClosed):
            ordering.place(order=order("1", "64.00", member=gone), at=NOON)
        with pytest.raises(MemberClosed):
            hold(gone, 1)
        with pytest.raises(MemberClosed):
            adjustments.adjust(
                facts=AdjustmentFacts(member=gone.number, points=5, reason="other", reference="a"),
                requested_by="owner",
                at=NOON,
            )

        assert books() == before

    def test_comes_back_as_somebody_new(self, gone: Member) -> None:
        newcomer = enrolment.Newcomer(phone="+8613800000001", name="Ada")

        again = enrolment.enrol(newcomer=newcomer, at=NOON + timedelta(days=1))

        assert again.number != gone.number
        assert figures(wallet_of(again)) == {}
