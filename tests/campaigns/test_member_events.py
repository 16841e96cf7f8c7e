"""What happens to members by itself: enrolment, a complete profile, a tier reached."""

from datetime import date
from typing import Any

import pytest

from campaigns.models import Act, CampaignAward
from loyalty import ordering, refunds, tier_grants
from loyalty.models import Entry, Order
from loyalty.refunds import RefundFacts
from members import enrolment
from members.enrolment import Newcomer
from members.errors import AlreadyEnrolled
from members.models import Member, Tier
from tests.campaigns.builders import bonus, campaign
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean, day, entries, figures, wallet_of
from tests.loyalty.builders import order as order_facts

WHOLE: dict[str, Any] = {"name": "Eve", "birthday": date(1990, 5, 1), "email": "eve@example.com"}


def enrol(phone: str = "+8613900000001", **more: Any) -> Member:
    return enrolment.enrol(newcomer=Newcomer(phone=phone, **more), at=NOON)


def change(member: Member, **changes: Any) -> Member:
    return enrolment.change(member=member, changes=changes, at=day(1))


def kept() -> list[tuple[str, str, int]]:
    return list(Act.objects.order_by("id").values_list("type", "reference", "points"))


class TestEnrolled:
    def test_is_welcomed_as_of_the_enrolment(self, db: None) -> None:
        campaign("welcome", trigger="member.enrolled", effect=bonus(100))

        member = enrol(enrolled_at=day(-3))

        assert kept() == [("member.enrolled", "enrolled", 100)]
        assert Entry.objects.get().at == day(-3)
        assert figures(wallet_of(member)) == {"active": 100, "earned": 100}
        assert_clean()

    def test_before_the_campaign_began_gives_nothing(self, db: None) -> None:
        made = campaign("welcome", trigger="member.enrolled", effect=bonus(100))
        made.starts_at = day(-1)
        made.save()

        enrol(enrolled_at=day(-3))

        assert Act.objects.count() == 0

    def test_costs_one_question_where_no_campaign_waits(
        self, db: None, django_assert_max_num_queries: Any
    ) -> None:
        newcomers = [Newcomer(phone=f"+86137{number:08d}") for number in range(50)]
        with django_assert_max_num_queries(16):
            enrolment.enrol_all(newcomers=newcomers, at=NOON)
        assert Act.objects.count() == 0

    def test_of_many_takes_as_many_statements_as_of_one(
        self, db: None, django_assert_num_queries: Any
    ) -> None:
        campaign("welcome", trigger="member.enrolled", effect=bonus(100))
        with django_assert_num_queries(20) as one:
            enrolment.enrol_all(newcomers=[Newcomer(phone="+8613700000099")], at=NOON)
        newcomers = [Newcomer(phone=f"+86137{number:08d}") for number in range(50)]

        with django_assert_num_queries(len(one)):
            enrolment.enrol_all(newcomers=newcomers, at=NOON)

        assert Act.objects.count() == CampaignAward.objects.count() == 51
        assert_clean()


class TestProfileCompleted:
    def rule(self) -> None:
        campaign("profile", trigger="member.profile_completed", effect=bonus(50))

    def test_by_the_last_of_the_three(self, db: None) -> None:
        self.rule()
        member = enrol(name="Eve")

        change(member, birthday=date(1990, 5, 1))
        assert kept() == []
        change(member, email="eve@example.com")

        assert kept() == [("member.profile_completed", "profile", 50)]
        assert Act.objects.get().at == day(1)

    def test_at_the_enrolment(self, db: None) -> None:
        self.rule()
        campaign("welcome", trigger="member.enrolled", effect=bonus(100))

        member = enrol(**WHOLE)

        assert [reference for _, reference, _ in kept()] == ["enrolled", "profile"]
        assert figures(wallet_of(member))["active"] == 150

    def test_only_once_for_ever(self, db: None) -> None:
        self.rule()
        member = enrol(**WHOLE)

        change(member, email="")
        change(member, email="new@example.com")

        assert entries(wallet_of(member)) == [("earn", 50, 50)]

    def test_a_change_of_a_complete_one_says_nothing(self, db: None) -> None:
        member = enrol(**WHOLE)
        self.rule()

        change(member, name="Eva")

        assert kept() == []

    def test_a_change_that_is_refused_leaves_nothing(self, db: None) -> None:
        self.rule()
        enrol()
        member = enrol("+8613900000002", name="Eve", email="e@example.com")

        with pytest.raises(AlreadyEnrolled):
            change(member, birthday=date(1990, 5, 1), phone="+8613900000001")

        assert kept() == []


class TestTierUpgraded:
    def spend(self, member: Member, number: str, amount: str, **more: Any) -> Order:
        facts = order_facts(number, amount, member=member, **more)
        placed = ordering.place(order=facts, at=NOON).order
        assert placed is not None
        return placed

    def test_gives_for_the_tier_with_the_order_that_reached_it(self, bob: Member) -> None:
        campaign("silver", trigger="tier.upgraded", effect=bonus(200), tiers=["silver"])
        campaign("gold", trigger="tier.upgraded", effect=bonus(500), tiers=["gold"])

        order = self.spend(bob, "1", "5000.00")

        act = Act.objects.get()
        assert (act.points, act.data) == (200, {"tier": "silver", "from": "base"})
        assert act.reference == "tier/silver/2026"
        assert order.points == 5000
        assert entries(wallet_of(bob)) == [("earn", 5000, 5000), ("earn", 200, 5200)]
        assert_clean()

    def test_a_leap_over_a_tier_is_one_rise(self, bob: Member) -> None:
        campaign("any", trigger="tier.upgraded", effect=bonus(200))

        self.spend(bob, "1", "25000.00")

        assert [act.data for act in Act.objects.all()] == [{"tier": "gold", "from": "base"}]

    def test_a_batch_tells_of_every_rise_in_one_go(
        self, bob: Member, mallory: Member, django_assert_max_num_queries: Any
    ) -> None:
        campaign("any", trigger="tier.upgraded", effect=bonus(200))
        orders = [
            order_facts(f"{number}", "5000.00", member=member, placed_at=day(-number - 1))
            for number, member in enumerate([bob, mallory] * 4)
        ]

        placed = ordering.place_all(orders=orders, at=NOON)

        assert all(each.is_new for each in placed)
        found = {(act.member, act.data["tier"]) for act in Act.objects.all()}
        assert found == {(each, tier) for each in (bob, mallory) for tier in ("silver", "gold")}
        assert_clean()

    def test_status_points_of_a_campaign_may_lift_further(self, bob: Member) -> None:
        effect = {"type": "status_points", "points": 15_000}
        campaign("lift", trigger="tier.upgraded", effect=effect, tiers=["silver"])

        self.spend(bob, "1", "5000.00")

        bob.refresh_from_db()
        assert bob.tier.code == "gold"
        assert [act.data["tier"] for act in Act.objects.order_by("id")] == ["silver", "gold"]
        assert_clean()

    def test_buying_giving_back_and_buying_again_is_one_rise_of_the_year(
        self, bob: Member
    ) -> None:
        campaign("silver", trigger="tier.upgraded", effect=bonus(200), limits={"per_member": 300})
        self.spend(bob, "1", "5000.00", placed_at=day(-2))
        facts = RefundFacts(reference="r", at=day(-1), amount=Order.objects.get().amount)
        refunds.refund(source="default", number="1", facts=facts, now=NOON)
        assert Act.objects.count() == 1

        self.spend(bob, "2", "5000.00")

        assert [act.points for act in Act.objects.order_by("id")] == [200]
        assert_clean()

    def test_given_by_hand_it_counts_too(self, bob: Member) -> None:
        campaign("any", trigger="tier.upgraded", effect=bonus(200))

        tier_grants.give(
            member=bob,
            tier=Tier.objects.get(code="gold"),
            until=None,
            reason="",
            by="eve",
            at=NOON,
        )

        assert figures(wallet_of(bob))["active"] == 200
        assert_clean()

    def test_costs_little_where_nothing_waits(self, bob: Member) -> None:
        self.spend(bob, "1", "5000.00")

        assert Act.objects.count() == 0
