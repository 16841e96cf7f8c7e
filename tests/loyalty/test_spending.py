from typing import Any

import pytest
from django.db import transaction

from loyalty import spending
from loyalty.errors import InsufficientPoints, WalletFrozen
from loyalty.models import Entry
from members.errors import MemberClosed, NotFound, ReferenceReused
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    credit,
    day,
    entries,
    figures,
    lot_of,
    open_lots,
    post,
    program,
    wallet_of,
)


def spend(member: Member, points: int = 300, reference: str = "R1", at: Any = NOON) -> Entry:
    return spending.spend(
        member=member,
        points=points,
        reference=reference,
        details={"reward": "Mug"},
        explanation=[{"rule": "mug", "title": "Mug", "kind": "reward", "points": -points}],
        at=at,
    )


def give_back(member: Member, at: Any = NOON, reference: str = "R1") -> Entry:
    return spending.give_back(
        member=member,
        reference=reference,
        return_reference=reference,
        details={"reward": "Mug"},
        at=at,
    )


class TestSpend:
    def test_takes_points_and_returns_the_entry(self, ada: Member) -> None:
        entry = spend(ada)

        assert (entry.kind, entry.points, entry.balance, entry.reference) == (
            "redeem",
            -300,
            700,
            "R1",
        )
        assert figures(wallet_of(ada)) == {"active": 700, "earned": 1000, "spent": 300}
        assert_clean()

    def test_again_takes_nothing_more(self, ada: Member) -> None:
        assert spend(ada) == spend(ada)
        assert figures(wallet_of(ada))["active"] == 700

    def test_with_other_points_under_the_reference_is_refused(self, ada: Member) -> None:
        spend(ada)
        before = books()

        with pytest.raises(ReferenceReused):
            spend(ada, 301)

        assert books() == before

    @pytest.mark.parametrize(
        ("status", "refusal"), [("frozen", WalletFrozen), ("closed", MemberClosed)]
    )
    def test_is_refused_to_the_frozen_and_the_closed_as_they_are_under_the_lock(
        self, ada: Member, status: str, refusal: type[Exception]
    ) -> None:
        Member.objects.filter(pk=ada.pk).update(status=status)
        before = books()

        with pytest.raises(refusal):
            spend(ada)

        assert books() == before

    def test_more_than_there_is_is_refused(self, ada: Member) -> None:
        with pytest.raises(InsufficientPoints) as refusal:
            spend(ada, 1001)

        assert refusal.value.data == {"needed": 1001, "available": 1000}


class TestGiveBack:
    def test_returns_the_points_to_their_lots(self, ada: Member) -> None:
        post(credit(wallet_of(ada), 100, "soon", expires_at=day(5)))
        spend(ada)

        entry = give_back(ada)

        assert (entry.kind, entry.points, entry.balance) == ("return", 300, 1100)
        assert entry.explanation == [
            {"rule": "mug", "title": "Mug", "kind": "return", "points": 300}
        ]
        assert open_lots(wallet_of(ada)) == {"welcome": 1000, "soon": 100}
        assert_clean()

    def test_again_returns_nothing_more(self, ada: Member) -> None:
        spend(ada)

        assert give_back(ada) == give_back(ada)
        assert figures(wallet_of(ada)) == {"active": 1000, "earned": 1000}

    def test_goes_on_for_a_frozen_member(self, ada: Member) -> None:
        spend(ada)
        Member.objects.filter(pk=ada.pk).update(status="frozen")

        assert give_back(ada).points == 300

    def test_of_nothing_is_not_found(self, ada: Member) -> None:
        with pytest.raises(NotFound):
            give_back(ada)

    def test_lets_lapsed_points_lapse_again(self, bob: Member) -> None:
        post(credit(wallet_of(bob), 300, "in", expires_at=day(1)))
        spend(bob)

        give_back(bob, at=day(2))

        assert entries(wallet_of(bob))[-2:] == [("return", 300, 300), ("expire", -300, 0)]

    def test_gives_lapsed_points_grace_to_the_end_of_the_nth_local_day(self, bob: Member) -> None:
        program(return_grace_days=3)
        post(
            credit(wallet_of(bob), 200, "in", expires_at=day(1)),
            credit(wallet_of(bob), 100, "long", expires_at=day(90)),
        )
        spend(bob)

        give_back(bob, at=day(2))

        # 23 November in Shanghai and three days more: good through the 26th.
        expires_at = lot_of(wallet_of(bob), "in").expires_at
        assert expires_at is not None
        assert expires_at.isoformat() == "2026-11-26T16:00:00+00:00"
        assert lot_of(wallet_of(bob), "long").expires_at == day(90)
        assert figures(wallet_of(bob)) == {"active": 300, "earned": 300}
        assert_clean()


class TestLockMember:
    def test_settles_and_reads_the_member_afresh(self, bob: Member) -> None:
        post(credit(wallet_of(bob), 300, "in", expires_at=day(1)))
        Member.objects.filter(pk=bob.pk).update(status="frozen")

        with transaction.atomic():
            member = spending.lock_member(member=bob, at=day(1))

        assert member.status == "frozen"
        assert figures(wallet_of(bob)) == {"earned": 300, "expired": 300}
