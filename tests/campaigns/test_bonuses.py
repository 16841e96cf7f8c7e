"""Campaigns and orders: exact to the point."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from campaigns.models import Budget, CampaignAward
from loyalty import ordering, refunds
from loyalty.earning import Earned
from loyalty.models import Order
from loyalty.refunds import RefundFacts
from members import queries as member_queries
from members.models import Member, Tier
from rewards import catalogue, stock
from rewards.models import Redemption, Reward, Voucher
from tests.campaigns.builders import bonus, campaign, double, line, parts, place, place_facts
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean, entries, program, wallet_of
from tests.loyalty.builders import order as order_facts

EVENING = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)  # 20:30 in Shanghai


def gold(member: Member, multiplier: str = "1.5") -> Member:
    """A member of the lowest tier, which earns × 1.5 from now on."""
    tier = member_queries.lowest_tier()
    Tier.objects.filter(pk=tier.pk).update(multiplier=Decimal(multiplier))
    member.refresh_from_db()
    return member


def refund(number: str, **facts: Any) -> Order:
    made = RefundFacts(reference=f"r-{number}-{len(facts)}", at=NOON, **facts)
    return refunds.refund(source="default", number=number, facts=made, now=NOON).order


class TestTheClassicFormula:
    """(base + 100) × evening 2 × new product 1.2 × gold 1.5, in exact decimals."""

    def rules(self) -> None:
        campaign("evening", hours=["20:00-24:00"])
        campaign("novelty", effect=double("1.2"), tags=["new"])
        campaign("first-app", effect=bonus(multiplied=True), first_order=True, channels=["app"])

    def basket(self, number: str, member: Member) -> Order:
        facts = order_facts(
            number,
            member=member,
            placed_at=EVENING,
            channel="app",
            lines=(line("A", "60.00"), line("B", "40.00", tags=("new",))),
        )
        placed = ordering.place(order=facts, at=EVENING)
        assert placed.order is not None
        return placed.order

    def test_gives_720_for_the_first_order_and_360_for_the_second(self, bob: Member) -> None:
        self.rules()
        gold(bob)

        first, second = self.basket("1", bob), self.basket("2", bob)

        assert (first.points, second.points) == (720, 360)
        assert parts(first) == [
            ("base", "base", 100),
            ("first-app", "bonus", 100),
            ("tier", "tier", 100),
            ("evening", "multiplier", 300),
            ("novelty", "multiplier", 120),
        ]
        assert first.status_points == 100
        assert_clean()

    @pytest.mark.parametrize(
        ("stacking", "points"), [("multiply", 360), ("add", 270), ("best", 200)]
    )
    def test_stacks_as_the_program_says(self, bob: Member, stacking: str, points: int) -> None:
        program(stacking=stacking)
        self.rules()
        gold(bob)
        self.basket("1", bob)

        assert self.basket("2", bob).points == points

    def test_a_quote_equals_the_order_that_follows(self, bob: Member) -> None:
        self.rules()
        gold(bob)
        facts = order_facts("1", "60.00", member=bob, placed_at=EVENING, channel="app")

        quoted = ordering.quote(order=facts, at=EVENING)
        order = ordering.place(order=facts, at=EVENING).order

        assert order is not None
        assert (quoted.order.points, quoted.order.explanation) == (order.points, order.explanation)
        matched = {rule["rule"]: rule["matched"] for rule in quoted.rules}
        assert matched == {
            "base": True,
            "tier": True,
            "evening": True,
            "novelty": False,
            "first-app": True,
        }
        evening = next(rule for rule in quoted.rules if rule["rule"] == "evening")
        assert evening["conditions"] == [
            {"name": "hours", "expected": ["20:00-24:00"], "seen": "20:30", "met": True}
        ]


class TestLines:
    def test_a_factor_on_matching_lines_leaves_the_others(self, bob: Member) -> None:
        campaign("dairy", effect=double("1.2", "matching_lines"), categories=["dairy"])

        order = place(
            "1",
            member=bob,
            lines=(line("A", "50.00", category="dairy"), line("B", "50.00", category="meat")),
        )

        assert order.points == 110
        assert [each.share for each in order.lines.order_by("position")] == ["60", "50"]
        assert_clean()

    def test_a_factor_of_nothing_keeps_lines_from_earning(self, bob: Member) -> None:
        campaign("no-tobacco", effect=double("0", "matching_lines"), categories=["tobacco"])

        order = place(
            "1",
            member=bob,
            lines=(line("A", "50.00", category="tobacco"), line("B", "49.99")),
        )

        assert (order.points, order.status_points) == (49, 99)
        assert parts(order) == [("base", "base", 99), ("no-tobacco", "multiplier", -50)]

    def test_stack_with_the_tier_line_by_line(self, bob: Member) -> None:
        gold(bob)
        campaign("dairy", effect=double("2", "matching_lines"), categories=["dairy"])
        lines = (line("A", "10.00", category="dairy"), line("B", "10.00"))

        order = place("1", member=bob, lines=lines)
        program(stacking="add")
        added = place("2", member=bob, lines=lines)
        program(stacking="best")
        best = place("3", member=bob, lines=lines)

        assert (order.points, added.points, best.points) == (30 + 15, 25 + 15, 20 + 15)
        assert_clean()

    def test_a_bonus_needs_one_line_and_hangs_on_all(self, bob: Member) -> None:
        campaign("new", effect=bonus(100), tags=["new"])
        lines = (line("A", "75.00", tags=("new",)), line("B", "25.00"))

        order = place("1", member=bob, lines=lines)

        assert order.points == 200
        assert [each.share for each in order.lines.order_by("position")] == ["150", "50"]
        refund("1", lines=(refunds.RefundLine(sku="B", amount=Decimal("25.00")),))
        assert entries(wallet_of(bob)) == [("earn", 200, 200), ("reverse", -50, 150)]
        assert_clean()

    def test_points_per_unit_and_per_amount_count_what_matches(self, bob: Member) -> None:
        campaign("drinks", effect={"type": "per_unit", "points": 3}, skus=["latte"])
        campaign(
            "cakes", effect={"type": "per_amount", "points": 1, "amount": "10.00"}, skus=["cake"]
        )
        lines = (
            line("latte", "66.00", quantity=2),
            line("cake", "29.90"),
            line("cake", "-5.00", quantity=-1),
        )

        order = place("1", member=bob, lines=lines)

        assert parts(order) == [
            ("base", "base", 95),
            ("drinks", "bonus", 6),
            ("cakes", "bonus", 2),
        ]
        assert_clean()

    def test_says_when_no_line_meets_everything_at_once(self, bob: Member) -> None:
        campaign("both", categories=["dairy"], brands=["A"])
        facts = order_facts(
            "1",
            member=bob,
            lines=(line("A", "5", category="dairy"), line("B", "5", brand="A")),
        )

        rule = ordering.quote(order=facts, at=NOON).rules[-1]

        assert not rule["matched"]
        assert [each["met"] for each in rule["conditions"]] == [True, True, False]


class TestHistory:
    def test_every_fifth_order_is_a_fifth_one(self, bob: Member) -> None:
        campaign("fifth", effect=bonus(50), every_nth_order=5)

        batch = [order_facts(str(n), "10.00", member=bob) for n in range(7)]
        points = [
            placed.order.points
            for placed in ordering.place_all(orders=batch, at=NOON)
            if placed.order
        ]

        assert points == [10, 10, 10, 10, 60, 10, 10]
        assert [place(f"x{n}", "10.00", member=bob).points for n in range(3)] == [10, 10, 60]

    def test_spend_500_next_order_double(self, bob: Member) -> None:
        campaign("next-double", after_spend={"amount": "500.00", "days": 30})

        def at(days: float) -> datetime:
            return NOON - timedelta(days=100) + timedelta(days=days)

        found = [
            place(str(days), amount, member=bob, placed_at=at(days)).points
            for days, amount in ((0, "500.00"), (30, "10.00"), (31, "499.99"), (32, "10.00"))
        ]

        assert found == [500, 20, 499, 10]

    def test_a_monthly_challenge_is_won_once(self, bob: Member) -> None:
        campaign("four", effect=bonus(100), period_count={"period": "month", "orders": 4})
        campaign("spend", effect=bonus(7), period_sum={"period": "month", "amount": "30.00"})

        found = [place(str(n), "10.00", member=bob).points for n in range(6)]

        assert found == [10, 10, 17, 110, 10, 10]

    def test_periods_that_begin_together_are_counted_apart(self, bob: Member) -> None:
        campaign("day", effect=bonus(1), period_count={"period": "day", "orders": 3})
        campaign("week", effect=bonus(100), period_count={"period": "week", "orders": 5})
        monday = datetime(2026, 11, 16, 4, tzinfo=UTC)

        def points(*hours: int) -> list[int]:
            orders = [
                order_facts(str(n), "10.00", member=bob, placed_at=monday + timedelta(hours=n))
                for n in hours
            ]
            found = ordering.place_all(orders=orders, at=NOON)
            return [placed.order.points for placed in found if placed.order is not None]

        # Two of Monday, one of Tuesday; then one of Monday comes late, and is the third of that day.
        assert points(0, 1, 24) == [10, 10, 10]
        assert points(2) == [11]
        assert points(25, 26) == [110, 11]

    def test_what_was_given_back_does_not_count_towards_a_goal(self, bob: Member) -> None:
        campaign("spend", effect=bonus(500), period_sum={"period": "month", "amount": "1000.00"})
        campaign("two", effect=bonus(7), period_count={"period": "month", "orders": 2})
        place("1", "990.00", member=bob)
        refund("1", amount=Decimal("990.00"))

        assert place("2", "10.00", member=bob).points == 10
        assert place("3", "10.00", member=bob).points == 17

    def test_a_factor_holds_from_the_goal_on(self, bob: Member) -> None:
        campaign("later", period_count={"period": "month", "orders": 3})

        assert [place(str(n), "10.00", member=bob).points for n in range(4)] == [10, 10, 20, 20]

    def test_the_first_order_in_a_channel(self, bob: Member) -> None:
        campaign("app", effect=bonus(100), first_order=True, channels=["app", "mini"])

        found = [
            place(str(n), "10.00", member=bob, channel=channel).points
            for n, channel in enumerate(["till", "mini", "app"])
        ]

        assert found == [10, 110, 10]


class TestLimits:
    def test_a_day_a_month_and_ever_cut_exactly(self, bob: Member) -> None:
        campaign(
            "capped",
            effect=bonus(100),
            limits={"per_member_per_day": 150, "per_member": 240, "on_exceed": "cut"},
        )

        first, second = place("1", "10.00", member=bob), place("2", "10.00", member=bob)
        tomorrow = place("3", "10.00", member=bob, placed_at=NOON - timedelta(days=1))

        assert [order.points for order in (first, second, tomorrow)] == [110, 60, 100]
        assert second.explanation[-1] == {
            "rule": "capped",
            "kind": "cap",
            "cap": "per_member_per_day",
            "points": -50,
            "title": "capped",
            "version": 1,
        }
        assert tomorrow.explanation[-1]["cap"] == "per_member"
        assert_clean()

    def test_refuse_gives_all_or_nothing(self, bob: Member) -> None:
        campaign("whole", effect=bonus(100), limits={"per_member": 150, "on_exceed": "refuse"})

        assert [place(str(n), "10.00", member=bob).points for n in range(2)] == [110, 10]

    def test_a_factor_counts_with_it_minus_without_it(self, bob: Member) -> None:
        gold(bob)
        campaign("double", limits={"per_member": 100})

        order = place("1", "100.00", member=bob)

        # 300 with it, 150 without it: worth 150, of which 100 fit.
        assert order.points == 250
        assert CampaignAward.objects.get().points == 100
        assert CampaignAward.objects.get().cut == 50
        assert [each.share for each in order.lines.all()] == ["250"]
        assert_clean()

    def test_each_of_two_that_multiply_gives_what_fits(self, bob: Member) -> None:
        campaign("a", limits={"per_member": 1})
        campaign("b", limits={"per_member": 1})

        order = place("1", "100.00", member=bob)

        assert order.points == 102
        assert [award.points for award in CampaignAward.objects.order_by("id")] == [1, 1]
        assert sum(part["points"] for part in order.explanation) == order.points
        assert [each.share for each in order.lines.all()] == ["102"]
        assert_clean()

    def test_holds_beside_a_factor_that_takes_away(self, bob: Member) -> None:
        campaign("nothing", effect=double("0"), limits={"per_member": 500})
        campaign("capped", effect=bonus(84), limits={"budget_points": 1})

        order = place("1", "100.00", member=bob)

        assert order.points == 1
        assert Budget.objects.get().used == 1
        assert_clean()

    def test_counts_what_shows_when_a_better_one_is_cut(self, bob: Member) -> None:
        program(stacking="best")
        campaign("double", limits={"per_member": 10})
        campaign("triple", effect=double("3"), limits={"per_member": 50, "on_exceed": "refuse"})

        order = place("1", "100.00", member=bob)

        # Beside the triple the double is worth nothing; without it 100, of which 10 fit.
        assert order.points == 110
        assert parts(order) == [
            ("base", "base", 100),
            ("double", "multiplier", 100),
            ("triple", "multiplier", 100),
            ("triple", "cap", -100),
            ("double", "cap", -90),
        ]
        assert_clean()

    def test_the_budget_is_used_up_exactly(self, bob: Member, mallory: Member) -> None:
        campaign("budget", effect=bonus(100), limits={"budget_points": 150})

        found = [
            place(str(n), "10.00", member=member).points
            for n, member in enumerate([bob, mallory, bob])
        ]

        assert found == [110, 60, 10]
        budget = Budget.objects.get()
        assert (budget.used, budget.left) == (150, 0)
        assert budget.exhausted_at is not None


class TestGroups:
    @pytest.mark.parametrize(("mode", "points"), [("stack", 600), ("first", 200), ("best", 300)])
    def test_of_a_group_its_first_rule_decides(self, bob: Member, mode: str, points: int) -> None:
        campaign("a", combine={"group": "g", "mode": mode, "priority": 10})
        campaign("b", effect=double("3"), combine={"group": "g", "mode": "stack", "priority": 5})

        assert place("1", "100.00", member=bob).points == points

    def test_best_compares_what_each_would_give_alone(self, bob: Member) -> None:
        combined = {"group": "g", "mode": "best", "priority": 0}
        campaign("double", combine=combined)
        campaign("bonus", effect=bonus(30), combine=combined)

        assert place("1", "20.00", member=bob).points == 50
        assert place("2", "100.00", member=bob).points == 200


class TestOtherEffects:
    def test_status_points_come_beside_and_go_with_the_order(self, bob: Member) -> None:
        campaign("status", effect={"type": "status_points", "points": 50})

        order = place("1", "100.00", member=bob)

        assert (order.points, order.status_points) == (100, 150)
        refund("1", amount=Decimal("50.00"))
        assert entries(wallet_of(bob, "status")) == [("earn", 150, 150), ("reverse", -75, 75)]
        assert_clean()

    def test_a_reward_is_given_and_taken_back_with_the_order(self, bob: Member) -> None:
        reward = Reward.objects.create(code="ten", name="¥10", kind="coupon", points=500)
        stock.set_to(row=reward, stock=1, by="", note="", at=NOON)
        campaign("coupon", effect={"type": "grant_reward", "reward": "ten"}, min_amount="100.00")

        place("1", "99.99", member=bob)
        order, late = place("2", "100.00", member=bob), place("3", "100.00", member=bob)

        assert (order.points, late.points) == (100, 100)
        assert Voucher.objects.get().state == "active"
        assert [each.cut for each in CampaignAward.objects.order_by("id")] == [0, 1]
        refund("2", amount=Decimal("100.00"))
        assert Voucher.objects.get().state == "void"
        assert Redemption.objects.get().state == "cancelled"
        reward.refresh_from_db()
        assert reward.stock == 1
        assert_clean()

    @pytest.mark.parametrize("change", [{"active": False}, {"ends_at": NOON}], ids=repr)
    def test_a_reward_that_went_off_sale_is_given_on(self, bob: Member, change: Any) -> None:
        ten = Reward.objects.create(code="ten", name="¥10", kind="coupon", points=500)
        campaign("coupon", effect={"type": "grant_reward", "reward": "ten"})
        catalogue.change(reward=ten, changes=change, at=NOON, by="")

        place("1", "10.00", member=bob)

        assert Voucher.objects.get().state == "active"

    def test_a_reward_that_was_taken_back_stays_used_of_the_limits(self, bob: Member) -> None:
        Reward.objects.create(code="ten", name="¥10", kind="coupon", points=500)
        campaign(
            "coupon",
            effect={"type": "grant_reward", "reward": "ten"},
            limits={"per_member": 1, "budget_points": 5},
        )
        place("1", "100.00", member=bob)
        refund("1", amount=Decimal("100.00"))

        place("2", "100.00", member=bob)

        awards = CampaignAward.objects.order_by("id").values_list("pieces", "cut")
        assert list(awards) == [(1, 0), (0, 1)]
        assert Voucher.objects.get().state == "void"
        assert_clean()

    def test_an_empty_shelf_is_told_and_not_used_of_the_budget(self, bob: Member) -> None:
        cup = Reward.objects.create(code="cup", name="cup", kind="gift", points=500)
        stock.set_to(row=cup, stock=1, by="", note="", at=NOON)
        campaign(
            "cup",
            effect={"type": "grant_reward", "reward": "cup"},
            limits={"budget_points": 5},
        )

        first, second = place("1", "10.00", member=bob), place("2", "10.00", member=bob)

        assert parts(first) == [("base", "base", 10), ("cup", "bonus", 0)]
        assert parts(second) == [("base", "base", 10)]
        assert Budget.objects.get().used == 1
        assert Redemption.objects.count() == 1
        assert_clean()

    def test_a_later_change_does_not_change_what_was_given(self, bob: Member) -> None:
        made = campaign("double")
        place("1", "100.00", member=bob)
        made.effect, made.version = double("5"), 2
        made.save()

        order = refund("1", amount=Decimal("50.00"))

        assert (order.points, order.points_reversed) == (200, 100)
        assert place("2", "100.00", member=bob).points == 500
        assert order.explanation[-1]["version"] == 1


class TestWindow:
    @pytest.mark.parametrize(("offset", "points"), [(-1, 10), (0, 20), (1, 20)])
    def test_begins_with_its_first_moment(self, bob: Member, offset: int, points: int) -> None:
        made = campaign("w")
        made.starts_at = NOON
        made.ends_at = NOON + timedelta(days=1)
        made.save()

        moment = NOON + timedelta(microseconds=offset)

        assert place("1", "10.00", member=bob, placed_at=moment).points == points

    @pytest.mark.parametrize(("offset", "points"), [(-1, 20), (0, 10)])
    def test_ends_before_its_last(self, bob: Member, offset: int, points: int) -> None:
        made = campaign("w")
        made.ends_at = NOON
        made.save()

        moment = NOON + timedelta(microseconds=offset)

        assert place("1", "10.00", member=bob, placed_at=moment).points == points

    def test_drafts_and_pauses_give_nothing(self, bob: Member) -> None:
        for state in ("draft", "paused", "ended"):
            campaign(state, state=state)

        assert place("1", "10.00", member=bob).points == 10

    def test_nobody_earns_nothing(self, db: None) -> None:
        campaign("double")
        order = place_facts(order_facts("1", "10.00", member=None))

        assert (order.points, order.explanation) == (0, [])


def test_what_was_given_can_be_asked_of_an_outcome(bob: Member) -> None:
    outcome = Earned(points=0, status_points=0, explanation=[], lines=2)

    assert outcome.shares == (Decimal(0), Decimal(0))
    assert outcome.given == []
