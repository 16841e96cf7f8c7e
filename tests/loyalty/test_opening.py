"""Opening balances: credited once, with their original dates."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty import opening, queries, wording
from loyalty.errors import LoyaltyError
from loyalty.ledger import MAX_POINTS
from loyalty.models import Entry
from loyalty.opening import Opened, OpeningBalance
from members.errors import InvalidInput, MemberClosed, ReferenceReused
from members.models import Member, Tier, TierChange
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    day,
    entries,
    figures,
    lot_of,
    order,
    program,
    wallet_of,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")


def balance(member: Member, points: int = 100, **more: Any) -> OpeningBalance:
    said = {"earned_at": day(-30), "reference": "A", **more}
    return OpeningBalance(member=member, points=points, **said)


def open_one(*balances: OpeningBalance) -> list[Opened]:
    return opening.open_all(balances=balances, at=NOON)


class TestOpenAll:
    def test_credits_points_with_their_dates(self, bob: Member) -> None:
        assert open_one(balance(bob, note="from the old till")) == [Opened(is_new=True)]

        entry = Entry.objects.get()
        assert (entry.kind, entry.points, entry.at) == ("earn", 100, day(-30))
        assert entry.reference == "opening-balance/A"
        assert entry.details == {"opening": True, "note": "from the old till"}
        assert wording.entry_title(entry) == wording.part_title({"rule": "opening"})
        lot = lot_of(wallet_of(bob), entry.reference)
        assert (lot.active_from, lot.is_pending) == (day(-30), False)
        assert lot.expires_at == datetime(2028, 10, 23, tzinfo=SHANGHAI)  # 22 October + 24 months
        assert figures(wallet_of(bob)) == {"active": 100, "earned": 100}
        assert_clean()

    def test_keeps_the_dates_that_are_given(self, bob: Member) -> None:
        open_one(balance(bob, active_from=day(5), expires_at=day(6), title="Old card"))

        lot = lot_of(wallet_of(bob), "opening-balance/A")
        assert (lot.active_from, lot.expires_at, lot.is_pending) == (day(5), day(6), True)
        assert wording.entry_title(Entry.objects.get()) == "Old card"
        assert figures(wallet_of(bob)) == {"pending": 100, "earned": 100}

    def test_lets_what_is_over_lapse_at_once(self, bob: Member) -> None:
        open_one(balance(bob, earned_at=day(-1000)), balance(bob, 7, reference="B"))

        assert entries(wallet_of(bob)) == [
            ("earn", 100, 100),
            ("expire", -100, 0),
            ("earn", 7, 7),
        ]
        assert figures(wallet_of(bob)) == {"active": 7, "earned": 107, "expired": 100}
        lapse = Entry.objects.get(kind="expire")
        assert lapse.at == lot_of(wallet_of(bob), "opening-balance/A").expires_at
        assert_clean()

    def test_the_same_again_has_no_second_effect(self, bob: Member) -> None:
        open_one(balance(bob, status_points=5))
        before = books()

        assert open_one(balance(bob, status_points=5)) == [Opened(is_new=False)]
        assert (
            opening.open_all(
                balances=[balance(bob, status_points=5, title="Better words")] * 2, at=day(9)
            )
            == [Opened(is_new=False)] * 2
        )
        assert books() == before

    def test_without_a_reference_the_content_makes_one(self, bob: Member, mallory: Member) -> None:
        first = balance(bob, reference="")
        same = balance(
            bob, reference="", title="x", earned_at=day(-30).astimezone(ZoneInfo("Asia/Tokyo"))
        )
        others = [
            balance(bob, 101, reference=""),
            balance(bob, reference="", earned_at=day(-31)),
            balance(bob, reference="", expires_at=day(9)),
            balance(mallory, reference=""),
        ]

        answers = open_one(first, same, *others)

        assert [each.is_new for each in answers] == [True, False, True, True, True, True]

    @pytest.mark.parametrize(
        "other", [{"points": 101}, {"earned_at": day(-31)}], ids=["points", "moment"]
    )
    def test_refuses_a_reference_with_other_content(
        self, bob: Member, other: dict[str, Any]
    ) -> None:
        open_one(balance(bob))
        before = books()

        (answer,) = open_one(balance(bob, **other))

        assert isinstance(answer.problem, ReferenceReused)
        assert books() == before

    def test_one_that_is_refused_stops_no_other(self, bob: Member, mallory: Member) -> None:
        Member.objects.filter(pk=mallory.pk).update(status="closed")
        answers = open_one(
            balance(bob, 1, reference="1"),
            balance(mallory, 2, reference="2"),
            balance(bob, 3, reference="3", expires_at=day(-60)),
            balance(bob, MAX_POINTS, reference="4"),
            balance(bob, 5, reference="5"),
        )

        assert [type(each.problem) for each in answers] == [
            type(None),
            MemberClosed,
            InvalidInput,
            InvalidInput,
            type(None),
        ]
        assert entries(wallet_of(bob)) == [("earn", 1, 1), ("earn", 5, 6)]
        assert figures(wallet_of(mallory)) == {}
        assert_clean()

    def test_credits_a_frozen_member_and_pays_debt_first(self, bob: Member) -> None:
        Member.objects.filter(pk=bob.pk).update(status="frozen")

        assert open_one(balance(bob)) == [Opened(is_new=True)]
        assert figures(wallet_of(bob)) == {"active": 100, "earned": 100}

    def test_is_awaited_by_the_activity_of_its_member(self, bob: Member) -> None:
        from loyalty import ordering

        program(expiry_policy="inactivity", expiry_months=6)
        ordering.place(order=order("1", "1.00", member=bob, placed_at=day(-10)), at=NOON)

        open_one(balance(bob, earned_at=day(-400)))

        # Half a year from the order of 11 November, not from what was earned long ago.
        assert lot_of(wallet_of(bob), "opening-balance/A").expires_at == datetime(
            2027, 5, 12, tzinfo=SHANGHAI
        )
        assert queries.figures(member=bob, at=NOON).active == 101


class TestStatus:
    def test_counts_for_the_tier_from_its_moment_on(self, bob: Member) -> None:
        silver = Tier.objects.order_by("rank")[1]

        open_one(balance(bob, 0, status_points=silver.threshold))

        assert figures(wallet_of(bob, "status")) == {
            "active": silver.threshold,
            "earned": silver.threshold,
        }
        lot = lot_of(wallet_of(bob, "status"), "opening-balance/A")
        assert lot.active_from == day(-30)
        assert lot.expires_at == datetime(2027, 10, 23, tzinfo=SHANGHAI)
        assert Member.objects.get(pk=bob.pk).tier == silver
        change = TierChange.objects.filter(member=bob).latest("id")
        assert (change.tier, change.at) == (silver, day(-30))
        assert figures(wallet_of(bob)) == {}
        assert_clean()

    def test_that_has_lapsed_reaches_nothing_now(self, bob: Member) -> None:
        silver = Tier.objects.order_by("rank")[1]

        open_one(balance(bob, 0, status_points=silver.threshold, earned_at=day(-800)))

        status = queries.figures(member=bob, at=NOON).status_points
        assert status == 0
        assert figures(wallet_of(bob, "status")) == {
            "earned": silver.threshold,
            "expired": silver.threshold,
        }


def test_problems_are_those_of_the_house() -> None:
    assert issubclass(LoyaltyError, Exception)
    assert opening.open_all(balances=[], at=datetime(2026, 1, 1, tzinfo=UTC)) == []
