from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from loyalty import adjustments
from loyalty.adjustments import Adjusted, AdjustmentFacts
from loyalty.errors import (
    AdjustmentDecided,
    ExpiredMeanwhile,
    InDebt,
    InsufficientPoints,
    SelfApproval,
)
from loyalty.ledger import MAX_POINTS
from loyalty.models import Adjustment, Entry
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    credit,
    day,
    debit,
    entries,
    figures,
    lot_of,
    post,
    program,
    reversal,
    taken_by,
    wallet_of,
)


def facts(member: Member, points: int = 50, **more: Any) -> AdjustmentFacts:
    said: dict[str, Any] = {"reason": "goodwill", "reference": "a1"}
    return AdjustmentFacts(member=member.number, points=points, **{**said, **more})


def adjust(said: AdjustmentFacts) -> Adjusted:
    return adjustments.adjust(facts=said, requested_by="owner", at=NOON)


class TestAdjust:
    def test_credits_outside_the_lifetime_totals(self, bob: Member) -> None:
        done = adjust(facts(bob, message="生日快乐", note="asked by phone"))

        made = done.adjustment
        assert (done.is_new, made.state, made.requested_by, made.at) == (
            True,
            "posted",
            "owner",
            NOON,
        )
        assert figures(wallet_of(bob)) == {"active": 50}
        entry = Entry.objects.get()
        assert (entry.kind, entry.points, entry.reference) == ("adjust", 50, "a1")
        assert entry.details == {"reason": "goodwill", "message": "生日快乐"}
        assert_clean()

    def test_lets_a_credit_expire_by_the_programs_policy(self, bob: Member) -> None:
        program(expiry_months=1)

        adjust(facts(bob))

        expires_at = lot_of(wallet_of(bob), "a1").expires_at
        assert expires_at is not None
        assert expires_at.isoformat() == "2026-12-21T16:00:00+00:00"

    def test_takes_an_expiry_to_the_moment(self, bob: Member) -> None:
        adjust(facts(bob, expires_at=day(3)))

        assert lot_of(wallet_of(bob), "a1").expires_at == day(3)

    def test_is_active_at_once_whatever_orders_wait(self, bob: Member) -> None:
        program(pending_days=7)

        adjust(facts(bob))

        assert figures(wallet_of(bob)) == {"active": 50}

    def test_debits_soonest_expiry_first(self, ada: Member) -> None:
        post(credit(wallet_of(ada), 30, "soon", expires_at=day(2)))

        adjust(facts(ada, -40))

        assert taken_by(wallet_of(ada), "a1") == {"soon": -30, "welcome": -10}
        assert figures(wallet_of(ada)) == {"active": 990, "earned": 1030}
        assert entries(wallet_of(ada))[-1] == ("adjust", -40, 990)
        assert_clean()

    def test_pays_debt(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(
            credit(wallet, 30, "in"), debit(wallet, 30, "out"), reversal(wallet, 30, "r", of="in")
        )

        adjust(facts(bob, 50))

        assert figures(wallet) == {"active": 20, "spent": 30}

    def test_never_makes_debt(self, ada: Member) -> None:
        before = books()

        with pytest.raises(InsufficientPoints) as refusal:
            adjust(facts(ada, -1001))

        assert refusal.value.data == {"needed": 1001, "available": 1000}
        assert books() == before
        assert Adjustment.objects.count() == 0

    def test_refuses_a_debit_in_debt(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(
            credit(wallet, 30, "in"), debit(wallet, 30, "out"), reversal(wallet, 30, "r", of="in")
        )

        with pytest.raises(InDebt) as refusal:
            adjust(facts(bob, -5))

        assert refusal.value.data == {"debt": 30}

    def test_goes_on_for_a_frozen_member(self, bob: Member) -> None:
        Member.objects.filter(pk=bob.pk).update(status="frozen")

        adjust(facts(bob, 50))
        adjust(facts(bob, -20, reference="a2"))

        assert figures(wallet_of(bob)) == {"active": 30}

    def test_same_again_has_no_second_effect(self, bob: Member) -> None:
        first = adjust(facts(bob, expires_at=day(3)))

        again = adjustments.adjust(
            facts=facts(bob, expires_at=day(3)), requested_by="somebody else", at=day(2)
        )

        assert (again.adjustment, again.is_new) == (first.adjustment, False)
        assert figures(wallet_of(bob)) == {"active": 50}
        assert Adjustment.objects.count() == 1

    @pytest.mark.parametrize(
        "other",
        [
            {"points": 51},
            {"points": -50},
            {"reason": "other"},
            {"note": "n"},
            {"message": "m"},
            {"expires_at": day(3)},
        ],
    )
    def test_same_reference_with_other_content_is_refused(
        self, bob: Member, other: dict[str, Any]
    ) -> None:
        adjust(facts(bob))
        before = books()

        with pytest.raises(ReferenceReused):
            adjust(replace(facts(bob), **other))

        assert books() == before
        assert Adjustment.objects.count() == 1

    def test_same_reference_of_another_member_is_another_adjustment(
        self, bob: Member, ada: Member
    ) -> None:
        adjust(facts(bob))
        adjust(facts(ada))

        assert (figures(wallet_of(bob))["active"], figures(wallet_of(ada))["active"]) == (50, 1050)

    def test_a_refused_one_does_not_use_up_its_reference(self, bob: Member) -> None:
        with pytest.raises(InsufficientPoints):
            adjust(facts(bob, -1))

        assert adjust(facts(bob, 50)).is_new

    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            ({"points": 0}, "/points", "invalid"),
            ({"points": True}, "/points", "invalid"),
            ({"points": 1.5}, "/points", "invalid"),
            ({"points": "5"}, "/points", "invalid"),
            ({"points": MAX_POINTS + 1}, "/points", "out_of_range"),
            ({"points": -MAX_POINTS - 1}, "/points", "out_of_range"),
            ({"reason": "because"}, "/reason", "invalid_choice"),
            ({"expires_at": NOON}, "/expires_at", "in_the_past"),
            ({"expires_at": day(-1)}, "/expires_at", "in_the_past"),
        ],
    )
    def test_refuses_what_cannot_be_meant(
        self, bob: Member, said: dict[str, Any], pointer: str, code: str
    ) -> None:
        with pytest.raises(InvalidInput) as refusal:
            adjust(replace(facts(bob), **said))

        assert (refusal.value.pointer, refusal.value.code) == (pointer, code)
        assert Adjustment.objects.count() == Entry.objects.count() == 0

    def test_refuses_a_sum_past_2_63(self, ada: Member) -> None:
        with pytest.raises(InvalidInput) as refusal:
            adjust(facts(ada, MAX_POINTS))

        assert refusal.value.code == "out_of_range"
        assert Adjustment.objects.count() == 0

    def test_refuses_a_closed_member_and_does_not_find_a_stranger(self, bob: Member) -> None:
        with pytest.raises(NotFound) as refusal:
            adjust(replace(facts(bob), member="0"))
        assert refusal.value.pointer == "/member"
        Member.objects.filter(pk=bob.pk).update(status="closed")

        with pytest.raises(MemberClosed):
            adjust(facts(bob))

        assert Adjustment.objects.count() == Entry.objects.count() == 0


LATER = day(1)
MOMENT = timedelta(microseconds=1)


def asked(member: Member, points: int = 50, **more: Any) -> Adjustment:
    """An adjustment above the threshold, asked for by the owner at noon."""
    program(approval_threshold=40)
    done = adjust(facts(member, points, **more))
    assert (done.is_new, done.adjustment.state) == (True, "awaiting_approval")
    return done.adjustment


def approve(adjustment: Adjustment, by: str = "manager", at: Any = LATER) -> Adjustment:
    return adjustments.approve(adjustment=adjustment.pk, by=by, at=at)


def reject(adjustment: Adjustment, by: str = "manager", at: Any = LATER) -> Adjustment:
    return adjustments.reject(adjustment=adjustment.pk, by=by, at=at)


def decision(adjustment: Adjustment) -> tuple[Any, ...]:
    row = Adjustment.objects.get(pk=adjustment.pk)
    return row.state, row.decided_by, row.decided_at


WAITING = ("awaiting_approval", "", None)


class TestThreshold:
    @pytest.mark.parametrize(
        ("threshold", "points", "state"),
        [
            (None, 10**9, "posted"),
            (50, 50, "posted"),
            (50, 51, "awaiting_approval"),
            (50, -50, "posted"),
            (50, -51, "awaiting_approval"),
            (0, 1, "awaiting_approval"),
            (0, -1, "awaiting_approval"),
        ],
    )
    def test_is_passed_by_what_is_above_it(
        self, ada: Member, threshold: int | None, points: int, state: str
    ) -> None:
        program(approval_threshold=threshold)

        assert adjust(facts(ada, points)).adjustment.state == state

    def test_nothing_is_posted_before_somebody_has_decided(self, ada: Member) -> None:
        before = books()

        made = asked(ada)

        assert books() == before
        assert decision(made) == WAITING

    def test_bad_input_is_refused_at_once(self, ada: Member) -> None:
        program(approval_threshold=40)

        with pytest.raises(InvalidInput) as problem:
            adjust(facts(ada, expires_at=NOON))

        assert problem.value.pointer == "/expires_at"
        assert Adjustment.objects.count() == 0

    def test_a_debit_beyond_the_balance_is_judged_when_it_is_approved(self, bob: Member) -> None:
        made = asked(bob, -50)

        with pytest.raises(InsufficientPoints):
            approve(made)
        assert decision(made) == WAITING

        post(credit(wallet_of(bob), 60, "in"))
        approve(made)
        assert figures(wallet_of(bob)) == {"active": 10, "earned": 60}

    def test_the_same_again_is_the_one_that_waits(self, bob: Member) -> None:
        made = asked(bob)

        again = adjust(facts(bob))

        assert (again.adjustment, again.is_new) == (made, False)
        with pytest.raises(ReferenceReused):
            adjust(facts(bob, 51))


class TestApprove:
    def test_posts_as_of_the_decision(self, bob: Member) -> None:
        program(expiry_months=1)

        done = approve(asked(bob, message="x"))

        assert (done.state, done.decided_by, done.decided_at) == ("posted", "manager", LATER)
        assert decision(done) == ("posted", "manager", LATER)
        entry = Entry.objects.get()
        assert (entry.kind, entry.points, entry.reference, entry.at) == ("adjust", 50, "a1", LATER)
        assert entry.details == {"reason": "goodwill", "message": "x"}
        lot = lot_of(wallet_of(bob), "a1")
        assert lot.active_from == LATER
        assert lot.expires_at is not None
        assert lot.expires_at.isoformat() == "2026-12-22T16:00:00+00:00"
        assert_clean()

    def test_takes_points(self, ada: Member) -> None:
        approve(asked(ada, -400))

        assert figures(wallet_of(ada)) == {"active": 600, "earned": 1000}

    def test_is_never_for_whoever_asked(self, bob: Member) -> None:
        made = asked(bob)

        for decide in (approve, reject):
            with pytest.raises(SelfApproval):
                decide(made, by="owner")

        assert decision(made) == WAITING
        assert Entry.objects.count() == 0

    def test_again_changes_nothing(self, bob: Member) -> None:
        made = approve(asked(bob))

        again = approve(made, at=day(2))

        assert (again.state, again.decided_at) == ("posted", LATER)
        assert figures(wallet_of(bob)) == {"active": 50}
        assert approve(made, by="somebody else").decided_by == "manager"

    def test_whoever_asked_stays_refused_afterwards(self, bob: Member) -> None:
        made = approve(asked(bob))

        with pytest.raises(SelfApproval):
            approve(made, by="owner")

    def test_of_a_rejected_one_is_refused(self, bob: Member) -> None:
        made = reject(asked(bob))

        with pytest.raises(AdjustmentDecided) as refusal:
            approve(made)

        assert refusal.value.data == {"state": "rejected"}
        assert Entry.objects.count() == 0

    def test_of_one_that_was_posted_at_once_changes_nothing(self, bob: Member) -> None:
        made = adjust(facts(bob)).adjustment

        assert decision(approve(made)) == ("posted", "", None)
        assert figures(wallet_of(bob)) == {"active": 50}

    @pytest.mark.parametrize("points", [50, -50])
    def test_refuses_a_closed_member_and_goes_on_waiting(self, ada: Member, points: int) -> None:
        made = asked(ada, points)
        Member.objects.filter(pk=ada.pk).update(status="closed")

        with pytest.raises(MemberClosed):
            approve(made)

        assert decision(made) == WAITING

    def test_refuses_a_debit_in_debt_and_goes_on_waiting(self, bob: Member) -> None:
        made = asked(bob, -50)
        wallet = wallet_of(bob)
        post(
            credit(wallet, 30, "in"), debit(wallet, 30, "out"), reversal(wallet, 30, "r", of="in")
        )

        with pytest.raises(InDebt):
            approve(made)

        assert decision(made) == WAITING

    def test_goes_on_for_a_frozen_member(self, bob: Member) -> None:
        made = asked(bob)
        Member.objects.filter(pk=bob.pk).update(status="frozen")

        assert approve(made).state == "posted"

    @pytest.mark.parametrize(("at", "is_good"), [(day(1) - MOMENT, True), (day(1), False)])
    def test_refuses_points_that_would_have_expired(
        self, bob: Member, at: Any, is_good: bool
    ) -> None:
        made = asked(bob, expires_at=day(1))

        if is_good:
            assert approve(made, at=at).state == "posted"
            return
        with pytest.raises(ExpiredMeanwhile) as refusal:
            approve(made, at=at)
        assert refusal.value.data == {"expires_at": day(1).isoformat()}
        assert decision(made) == WAITING

    def test_of_an_unknown_one_is_not_found(self, db: None) -> None:
        with pytest.raises(NotFound):
            adjustments.approve(adjustment=1, by="manager", at=NOON)

    def test_the_database_has_the_last_word(self, bob: Member, monkeypatch: Any) -> None:
        made = asked(bob)
        monkeypatch.setattr(adjustments, "_is_open", lambda *_: True)

        with pytest.raises(IntegrityError, match="adjustment_decided_by_somebody_else"):
            approve(made, by="owner")


class TestReject:
    def test_posts_nothing_for_good(self, bob: Member) -> None:
        made = reject(asked(bob))

        assert decision(made) == ("rejected", "manager", LATER)
        assert reject(made, at=day(2)).decided_at == LATER
        assert Entry.objects.count() == 0

    def test_of_a_posted_one_is_refused(self, bob: Member) -> None:
        made = approve(asked(bob))

        with pytest.raises(AdjustmentDecided) as refusal:
            reject(made)

        assert refusal.value.data == {"state": "posted"}
        assert figures(wallet_of(bob)) == {"active": 50}

    def test_the_same_reference_again_is_the_rejected_one(self, bob: Member) -> None:
        made = reject(asked(bob))

        again = adjust(facts(bob))

        assert (again.adjustment, again.is_new) == (made, False)

    def test_is_possible_for_a_closed_member(self, bob: Member) -> None:
        made = asked(bob)
        Member.objects.filter(pk=bob.pk).update(status="closed")

        assert reject(made).state == "rejected"
