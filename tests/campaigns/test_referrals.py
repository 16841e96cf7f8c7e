"""Friends who were brought in: share_shop's rules, exact to the point, and what takes the points back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from campaigns.models import Campaign, CampaignAward, Conversion
from loyalty import closing, merging, order_steps, ordering, refunds
from loyalty.models import Lot, Order
from loyalty.refunds import RefundFacts
from members import enrolment
from members.enrolment import Newcomer
from members.models import Member
from tests.campaigns.builders import bonus, campaign
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    day,
    debit,
    entries,
    figures,
    post,
    program,
    wallet_of,
)
from tests.loyalty.builders import order as order_facts


def friend_of(referrer: Member, n: int = 1) -> Member:
    newcomer = Newcomer(phone=f"+86137{n:08d}", referral_code=referrer.referral_code)
    return enrolment.enrol(newcomer=newcomer, at=NOON)


def share_shop(**limits: Any) -> list[Campaign]:
    """200 for who brings a friend (10 a month), 100 for the friend, when the first order of ¥50 stands for 7 days."""
    common: dict[str, Any] = {"trigger": "referral.converted", "min_amount": "50.00"}
    return [
        campaign(
            "bring",
            effect=bonus(200, to="referrer", pending_days=7),
            limits={"per_member_per_month": 2000, **limits},
            **common,
        ),
        campaign("brought", effect=bonus(100, to="referee", pending_days=7), **common),
    ]


def spend(member: Member, amount: str, number: str = "1", **more: Any) -> Order:
    facts = order_facts(number, amount, member=member, **more)
    placed = ordering.place(order=facts, at=NOON)
    assert placed.order is not None
    return placed.order


def refund(number: str, amount: str, **more: Any) -> None:
    facts = RefundFacts(reference=f"r{amount}", at=NOON, amount=Decimal(amount))
    refunds.refund(source="default", number=number, facts=facts, now=more.get("now", NOON))


def points(member: Member) -> tuple[int, int, int]:
    found = figures(wallet_of(member))
    return found.get("active", 0), found.get("pending", 0), found.get("debt", 0)


class TestShareShop:
    def test_pays_both_when_the_first_order_of_50_has_stood_for_7_days(self, ada: Member) -> None:
        share_shop()
        bob = friend_of(ada)

        spend(bob, "49.99")
        assert (points(ada), points(bob)) == ((1000, 0, 0), (49, 0, 0))
        spend(bob, "50.00", "2")
        assert (points(ada), points(bob)) == ((1000, 200, 0), (99, 100, 0))
        spend(bob, "50.00", "3")

        assert points(ada) == (1000, 200, 0)
        assert Conversion.objects.count() == 2
        lots = Lot.objects.filter(entry__reference__startswith="referral/")
        assert {lot.active_from for lot in lots} == {day(7)}
        assert_clean()

    def test_ten_friends_a_month_are_paid_for(self, ada: Member) -> None:
        share_shop()

        for n in range(1, 13):
            spend(friend_of(ada, n), "50.00", str(n))

        assert points(ada) == (1000, 2000, 0)
        cut = CampaignAward.objects.filter(campaign__code="bring", member=ada).order_by("id")
        assert [award.cut for award in cut] == [0] * 10 + [200] * 2
        assert_clean()

    def test_a_new_month_begins_anew(self, ada: Member) -> None:
        share_shop(per_member_per_month=200)
        moments = (day(-25), day(-24), NOON)

        for n, placed_at in enumerate(moments, 1):
            friend = friend_of(ada, n)
            spend(friend, "50.00", str(n), placed_at=placed_at)

        paid = Conversion.objects.filter(campaign__code="bring").order_by("id")
        assert [each.referrer_points for each in paid] == [200, 0, 200]
        assert_clean()

    def test_a_friends_friend_pays_only_who_brought_them(self, ada: Member) -> None:
        share_shop()
        bob = friend_of(ada)
        eve = friend_of(bob, 2)

        spend(eve, "50.00")

        assert points(ada) == (1000, 0, 0)
        assert (points(bob), points(eve)) == ((0, 200, 0), (50, 100, 0))

    def test_who_came_alone_pays_nobody(self, bob: Member) -> None:
        share_shop()

        spend(bob, "50.00")

        assert Conversion.objects.count() == 0


class TestTakenBack:
    def test_with_the_whole_refund_from_both(self, ada: Member) -> None:
        share_shop()
        bob = friend_of(ada)
        spend(bob, "50.00")

        refund("1", "50.00")

        assert (points(ada), points(bob)) == ((1000, 0, 0), (0, 0, 0))
        assert {each.reversed_at for each in Conversion.objects.all()} == {NOON}
        assert entries(wallet_of(ada))[1:] == [("earn", 200, 1200), ("reverse", -200, 1000)]
        assert_clean()

    def test_not_with_a_part_of_it(self, ada: Member) -> None:
        share_shop()
        spend(friend_of(ada), "60.00")

        refund("1", "59.99")
        assert points(ada) == (1000, 200, 0)
        refund("1", "0.01")

        assert points(ada) == (1000, 0, 0)
        assert_clean()

    def test_spent_points_become_debt(self, bob: Member) -> None:
        campaign(
            "both", trigger="referral.converted", effect=bonus(200, to="both", pending_days=0)
        )
        eve = friend_of(bob)
        spend(eve, "50.00")
        post(debit(wallet_of(bob), 150, "out"))

        refund("1", "50.00")

        assert (points(bob), points(eve)) == ((0, 0, 150), (0, 0, 0))
        assert_clean()

    def test_with_the_cancelled_order(self, ada: Member) -> None:
        share_shop()
        bob = friend_of(ada)
        spend(bob, "50.00")

        order_steps.advance(source="default", number="1", status="cancelled", at=NOON, now=NOON)

        assert (points(ada), points(bob)) == ((1000, 0, 0), (0, 0, 0))
        assert_clean()

    def test_once_taken_back_it_is_not_paid_again(self, ada: Member) -> None:
        share_shop()
        bob = friend_of(ada)
        spend(bob, "50.00")
        refund("1", "50.00")

        spend(bob, "50.00", "2")

        assert points(ada) == (1000, 0, 0)


class TestWhen:
    def test_the_order_is_awarded_later_it_pays_then(self, ada: Member) -> None:
        program(award_on="completed")
        share_shop()
        bob = friend_of(ada)
        spend(bob, "50.00", placed_at=day(-3))
        assert Conversion.objects.count() == 0

        order_steps.advance(source="default", number="1", status="completed", at=day(-1), now=NOON)

        assert (points(ada), points(bob)) == ((1000, 200, 0), (50, 100, 0))
        assert {each.active_from for each in Conversion.objects.all()} == {day(6)}
        order_steps.advance(source="default", number="1", status="cancelled", at=NOON, now=NOON)
        assert (points(ada), points(bob)) == ((1000, 0, 0), (0, 0, 0))
        assert_clean()

    def test_several_orders_come_at_once_the_first_that_is_enough_pays(self, ada: Member) -> None:
        share_shop()
        bob, eve = friend_of(ada), friend_of(ada, 2)
        orders = [
            order_facts("1", "49.99", member=bob),
            order_facts("2", "50.00", member=bob),
            order_facts("3", "70.00", member=bob),
            order_facts("4", "50.00", member=eve),
        ]

        ordering.place_all(orders=orders, at=NOON)

        paid = Conversion.objects.filter(campaign__code="bring").order_by("id")
        assert [each.order.number for each in paid] == ["2", "4"]
        assert points(ada) == (1000, 400, 0)
        assert_clean()

    def test_the_referrer_was_closed_only_the_friend_is_paid(self, bob: Member) -> None:
        campaign("both", trigger="referral.converted", effect=bonus(100, to="both"))
        eve = friend_of(bob)
        closing.close(closing=closing.Closing(member=bob.number), by="x", at=NOON)

        spend(eve, "50.00")

        found = Conversion.objects.get()
        assert (found.referrer_points, found.referee_points) == (0, 100)
        assert points(eve) == (150, 0, 0)
        refund("1", "50.00")
        assert points(eve) == (0, 0, 0)
        assert_clean()

    def test_the_referrer_is_closed_afterwards_only_the_friend_gives_back(
        self, bob: Member
    ) -> None:
        campaign("both", trigger="referral.converted", effect=bonus(100, to="both"))
        eve = friend_of(bob)
        spend(eve, "50.00")
        asked = closing.Closing(member=bob.number, forfeit=True)
        closing.close(closing=asked, by="x", at=NOON)

        refund("1", "50.00")

        assert points(eve) == (0, 0, 0)
        assert_clean()

    def test_the_referrer_was_merged_the_heir_is_paid_and_gives_back(
        self, ada: Member, bob: Member
    ) -> None:
        share_shop()
        eve, joe = friend_of(bob), friend_of(bob, 2)
        spend(eve, "50.00")
        merging.merge(source=bob.number, into=ada.number, by="x", at=NOON)

        spend(joe, "50.00", "2")
        assert points(ada) == (1000, 400, 0)
        refund("1", "50.00")
        refund("2", "50.00")

        assert points(ada) == (1000, 0, 0)
        assert_clean()

    def test_the_friend_was_merged_the_heir_gives_back(self, ada: Member, bob: Member) -> None:
        share_shop()
        eve, joe = friend_of(bob), friend_of(bob, 2)
        spend(eve, "50.00")
        spend(joe, "50.00", "2")
        merging.merge(source=eve.number, into=joe.number, by="x", at=NOON)

        refund("1", "50.00")
        refund("2", "50.00")

        assert (points(bob), points(joe)) == ((0, 0, 0), (0, 0, 0))
        assert_clean()

    @pytest.mark.parametrize("is_reverse", [False, True])
    def test_both_become_one_person_all_comes_back_from_it(
        self, bob: Member, *, is_reverse: bool
    ) -> None:
        share_shop()
        eve = friend_of(bob)
        spend(eve, "50.00")
        source, target = (bob, eve) if is_reverse else (eve, bob)
        merging.merge(source=source.number, into=target.number, by="x", at=NOON)
        assert points(target) == (50, 300, 0)

        refund("1", "50.00")

        assert points(target) == (0, 0, 0)
        assert_clean()

    def test_the_campaign_waits_as_long_as_the_program_if_it_says_nothing(
        self, ada: Member
    ) -> None:
        program(pending_days=3)
        campaign("both", trigger="referral.converted", effect=bonus(100, to="both"))

        spend(friend_of(ada), "50.00", placed_at=NOON - timedelta(days=1))

        assert Conversion.objects.get().active_from == day(2)
