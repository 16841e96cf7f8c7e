from dataclasses import replace
from typing import Any

import pytest

from loyalty import adjustments
from loyalty.adjustments import Adjusted, AdjustmentFacts
from loyalty.errors import InDebt, InsufficientPoints
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
