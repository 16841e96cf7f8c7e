"""A campaign over the orders of a period: what it would have given, and that nothing is written."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from campaigns import editing, replaying
from campaigns.errors import NotReplayable
from campaigns.models import Campaign, CampaignAward
from loyalty import ordering, refunds
from loyalty.models import Order
from loyalty.order_facts import OrderFacts
from loyalty.refunds import RefundFacts
from members import jobs, stores
from members.errors import InvalidInput
from members.models import Job, Member
from tests.campaigns.builders import bonus, campaign, double, line, place
from tests.conftest import NOON, TABLES
from tests.loyalty.builders import examples, program, sandbox
from tests.loyalty.builders import order as order_facts

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL = datetime(2026, 11, 21, tzinfo=UTC)


def at(day: float) -> datetime:
    return SINCE + timedelta(days=day)


def replay(tried: Campaign | dict[str, Any], **period: Any) -> dict[str, Any]:
    content = tried if isinstance(tried, dict) else editing.content(tried)
    reports: list[int] = []
    found = replaying.replay(
        content=content,
        since=period.get("since", SINCE),
        until=period.get("until", UNTIL),
        report=reports.append,
        at=NOON,
    )
    assert reports == sorted(reports)
    return found


def draft(code: str = "tried", **more: Any) -> Campaign:
    return campaign(code, state="draft", **more)


# ---- the law: what a replay says is what the orders then earn -----------------------------------------
CATEGORIES = ("dairy", "meat", "wine")


class Shop:
    """Baskets and campaigns drawn at random, always the same for one seed."""

    def __init__(self, seed: int, members: Sequence[Member]) -> None:
        self.draw = random.Random(seed)
        self.members = members

    def orders(self) -> list[OrderFacts]:
        moments = sorted(at(self.draw.randrange(20 * 24) / 24) for _ in range(25))
        return [self._order(number, moment) for number, moment in enumerate(moments)]

    def _order(self, number: int, moment: datetime) -> OrderFacts:
        draw = self.draw
        lines = tuple(
            line(
                draw.choice("abc"),
                f"{draw.choice([-500, 0, 990, 2999, 12345, 100000]) / 100:.2f}",
                quantity=draw.randrange(4),
                category=draw.choice(CATEGORIES),
                tags=tuple(draw.sample(["new", "bio"], draw.randrange(3))),
            )
            for _ in range(draw.randrange(1, 5))
        )
        amount = sum((each.amount for each in lines if each.amount > 0), Decimal(0))
        return order_facts(
            str(number),
            member=draw.choice(self.members),
            placed_at=moment,
            lines=lines,
            store=draw.choice(["north", "south", None]),
            channel=draw.choice(["app", "till"]),
            coupon=draw.choice(["", "SPRING"]),
            payments=((draw.choice(["card", "cash"]), amount),),
            points_paid_amount=draw.choice([None, (amount / 3).quantize(Decimal("0.01"))]),
        )

    def campaign(self, code: str) -> dict[str, Any]:
        draw = self.draw
        names = draw.sample(list(self.conditions()), draw.randrange(3))
        return {
            "code": code,
            "effect": draw.choice(self.effects()),
            "limits": draw.choice([{}, self.limits()]),
            "combine": draw.choice(
                [
                    {},
                    {
                        "group": "g",
                        "mode": draw.choice(["stack", "best", "first"]),
                        "priority": draw.randrange(3),
                    },
                ]
            ),
            **{name: self.conditions()[name] for name in names},
        }

    def effects(self) -> list[dict[str, Any]]:
        return [
            double(self.draw.choice(["0", "0.5", "1.2", "2", "3"])),
            double(self.draw.choice(["0", "2", "1.5"]), "matching_lines"),
            bonus(self.draw.choice([7, 100, 1000])),
            bonus(30, multiplied=True),
            {"type": "per_amount", "points": 1, "amount": "10.00"},
            {"type": "per_unit", "points": 3},
            {"type": "draw_ticket", "tickets": 2},
        ]

    def limits(self) -> dict[str, Any]:
        draw = self.draw
        names = ["per_member_per_day", "per_member_per_month", "per_member", "budget_points"]
        found: dict[str, Any] = {
            name: draw.choice([1, 50, 500]) for name in draw.sample(names, draw.randrange(1, 3))
        }
        return found | {"on_exceed": draw.choice(["cut", "refuse"])}

    def conditions(self) -> dict[str, Any]:
        draw = self.draw
        return {
            "weekdays": [1, 2, 6, 7],
            "hours": ["20:00-08:00"],
            "stores": ["north"],
            "channels": ["app"],
            "tiers": [draw.choice(["base", "silver"])],
            "categories": draw.sample(CATEGORIES, 2),
            "exclude_categories": ["wine"],
            "tags": ["new"],
            "skus": ["a", "b"],
            "min_amount": "50.00",
            "payment_methods": ["card"],
            "coupon": "spring",
            "first_order": True,
            "every_nth_order": 3,
            "after_spend": {"amount": "100.00", "days": 5},
            "period_sum": {"period": draw.choice(["week", "month"]), "amount": "500.00"},
            "period_count": {"period": "week", "orders": 2},
            "percentage": 50,
        }


def earned(orders: Sequence[OrderFacts]) -> list[Order]:
    """Place the orders before and in the period, one transaction."""
    placed = ordering.place_all(orders=orders, at=NOON)
    return [each.order for each in placed if each.order is not None]


class TestTheLaw:
    @examples(60)
    @given(seed=st.integers(0, 10**6))
    @pytest.mark.usefixtures("bob", "mallory")
    def test_a_replay_says_what_the_orders_earn_with_the_campaign(self, seed: int) -> None:
        with sandbox():
            self._check(seed)

    def _check(self, seed: int) -> None:
        shop = Shop(seed, list(Member.objects.order_by("id")))
        for code in ("north", "south"):
            stores.create(changes={"code": code, "name": code})
        program(stacking=shop.draw.choice(["multiply", "add", "best"]))
        for number in range(shop.draw.randrange(3)):
            campaign(**shop.campaign(f"other-{number}"))
        said, orders = shop.campaign("tried"), shop.orders()
        before, inside = orders[:8], orders[8:]
        since = inside[0].placed_at
        if before[-1].placed_at == since:
            return
        # Limits begin at nothing in a replay: so they do here.
        Campaign.objects.update(starts_at=since)
        with sandbox():
            tried = campaign(**said, state="draft")
            earned(before)
            without = earned(inside)
            found = replay(tried, since=since)
        earned(before)
        tried = campaign(**said)
        with_it = earned(inside)

        gained = {
            one.number: one.points - other.points
            for one, other in zip(with_it, without, strict=True)
        }
        assert found["points"] == sum(gained.values()), seed
        awards = list(CampaignAward.objects.filter(campaign=tried).order_by("id"))
        assert found["status_points"] == sum(each.status_points for each in awards)
        assert found["orders_looked_at"] == len(inside)
        cut = sum(each.cut for each in awards)
        assert sum(hits["points"] for hits in found["cap_hits"].values()) == cut, seed
        for name in ("by_day", "by_tier", "by_store"):
            assert sum(each["points"] for each in found[name]) == found["points"]
        self._check_budget(found, said["limits"], awards)

    def _check_budget(
        self, found: dict[str, Any], limits: dict[str, Any], awards: list[CampaignAward]
    ) -> None:
        budget = limits.get("budget_points")
        used = accumulate(
            max(0, each.points + each.status_points + each.pieces) for each in awards
        )
        gone = next(
            (
                each.at
                for each, sum_ in zip(awards, used, strict=True)
                if budget and sum_ >= budget
            ),
            None,
        )
        said = found["budget_gone_at"]
        assert (said and datetime.fromisoformat(said)) == gone


# ---- one by one ---------------------------------------------------------------------------------------
def counts() -> dict[str, int]:
    """How many rows every table has."""
    names = [name for name in connection.introspection.table_names() if name.startswith(TABLES)]
    with connection.cursor() as cursor:
        found = {}
        for name in names:
            cursor.execute(f'SELECT count(*) FROM "{name}"')
            (found[name],) = cursor.fetchone()
    return found


class TestReplay:
    def test_says_what_it_would_have_given_and_to_whom(self, bob: Member, mallory: Member) -> None:
        stores.create(changes={"code": "north", "name": "North"})
        place("1", "100.00", member=bob, placed_at=at(1), store="north")
        place("2", "50.00", member=bob, placed_at=at(1.5))
        place("3", "30.00", member=mallory, placed_at=at(3), store="north")
        place("4", "5.00", member=mallory, placed_at=at(4))
        tried = draft(min_amount="10.00")
        before = counts()

        found = replay(tried)

        assert counts() == before
        figures = {"status_points": 0, "pieces": 0}
        assert found == {
            "period": {"from": "2026-11-01T08:00:00+08:00", "to": "2026-11-21T08:00:00+08:00"},
            "window": "kept",
            "campaigns_beside": [],
            "orders_looked_at": 4,
            "orders": 3,
            "members": 2,
            "points": 180,
            "cost": "1.80",
            **figures,
            "average_per_order": "60.0",
            "by_day": [
                {
                    "day": "2026-11-02",
                    "orders": 2,
                    "members": 1,
                    "points": 150,
                    "cost": "1.50",
                    **figures,
                },
                {
                    "day": "2026-11-04",
                    "orders": 1,
                    "members": 1,
                    "points": 30,
                    "cost": "0.30",
                    **figures,
                },
            ],
            "by_tier": [
                {
                    "tier": bob.tier.code,
                    "name": bob.tier.name,
                    "orders": 3,
                    "members": 2,
                    "points": 180,
                    "cost": "1.80",
                    **figures,
                },
            ],
            "by_store": [
                {
                    "store": "north",
                    "name": "North",
                    "orders": 2,
                    "members": 2,
                    "points": 130,
                    "cost": "1.30",
                    **figures,
                },
                {
                    "store": None,
                    "name": "",
                    "orders": 1,
                    "members": 1,
                    "points": 50,
                    "cost": "0.50",
                    **figures,
                },
            ],
            "winners": [
                {"number": bob.number, "name": "B**", "points": 150},
                {"number": mallory.number, "name": "M**", "points": 30},
            ],
            "losers": {"members": 0, "points": 0, "most": []},
            "now": None,
            "cap_hits": {},
            "first_at": "2026-11-02T08:00:00+08:00",
            "budget_gone_at": None,
        }

    def test_says_which_caps_cut_and_when_the_budget_is_gone(
        self, bob: Member, mallory: Member
    ) -> None:
        for number, member in enumerate([bob, bob, mallory]):
            place(str(number), "100.00", member=member, placed_at=at(number))

        found = replay(draft(limits={"per_member": 150, "budget_points": 180}))

        assert found["points"] == 180
        assert found["budget_gone_at"] == "2026-11-03T08:00:00+08:00"
        assert found["cap_hits"] == {
            "per_member": {"times": 1, "points": 50},
            "budget_points": {"times": 1, "points": 70},
        }

    def test_includes_the_first_moment_and_not_the_last(self, bob: Member) -> None:
        tick = timedelta(microseconds=1)
        for number, moment in enumerate([SINCE - tick, SINCE, UNTIL - tick, UNTIL]):
            place(str(number), "10.00", member=bob, placed_at=moment)

        assert replay(draft())["orders_looked_at"] == 2

    def test_the_order_that_lifts_a_tier_counts_at_the_old_one(self, bob: Member) -> None:
        place("1", "6000.00", member=bob, placed_at=at(1))
        place("2", "100.00", member=bob, placed_at=at(1))

        found = replay(draft())

        assert [(each["tier"], each["points"]) for each in found["by_tier"]] == [
            ("base", 6000),
            ("silver", 120),
        ]

    def test_of_orders_at_one_moment_the_one_that_lifted_counts_at_the_old_one(
        self, bob: Member
    ) -> None:
        for number, amount in enumerate(["10.00", "6000.00", "100.00"]):
            place(str(number), amount, member=bob, placed_at=at(1))

        found = replay(draft())

        assert [(each["tier"], each["points"]) for each in found["by_tier"]] == [
            ("base", 6010),
            ("silver", 120),
        ]

    def test_refunded_orders_count_as_they_earned(self, bob: Member) -> None:
        place("1", "100.00", member=bob, placed_at=at(1))
        refunds.refund(
            source="default",
            number="1",
            facts=RefundFacts(reference="r", at=NOON, amount=Decimal("100.00")),
            now=NOON,
        )

        assert replay(draft())["points"] == 100

    def test_compares_a_changed_campaign_with_the_one_that_runs(
        self, bob: Member, mallory: Member
    ) -> None:
        running = campaign("tried", effect=double("3"))
        place("1", "100.00", member=bob, placed_at=at(1), channel="app")
        place("2", "40.00", member=mallory, placed_at=at(2))
        changed = {
            **editing.content(running),
            "conditions": {"channels": ["app"]},
            "effect": double("4"),
        }

        found = replay(changed)

        assert found["points"] == 300
        assert found["now"] == {"points": 280, "cost": "2.80"}
        assert found["losers"] == {
            "members": 1,
            "points": -80,
            "most": [{"number": mallory.number, "name": "M**", "points": -80}],
        }
        assert found["campaigns_beside"] == []

    def test_a_better_one_in_its_group_takes_its_place(self, bob: Member) -> None:
        group = {"group": "g", "mode": "best", "priority": 0}
        campaign("double", combine=group)
        place("1", "100.00", member=bob, placed_at=at(1))

        assert replay(draft(effect=double("3"), combine=group))["points"] == 100
        assert replay(draft("worse", effect=bonus(5), combine=group))["points"] == 0

    def test_leaves_out_a_window_that_is_still_to_come(self, bob: Member) -> None:
        place("1", "100.00", member=bob, placed_at=at(1))
        place("2", "10.00", member=bob, placed_at=at(5))
        coming, past = draft(), draft("past")
        Campaign.objects.filter(pk=coming.pk).update(starts_at=NOON + timedelta(days=30))
        Campaign.objects.filter(pk=past.pk).update(starts_at=at(4), ends_at=at(6))

        found = [replay(Campaign.objects.get(pk=each.pk)) for each in (coming, past)]

        assert [(each["window"], each["points"]) for each in found] == [
            ("left_out", 110),
            ("kept", 10),
        ]

    def test_counts_pieces_and_status_points(self, bob: Member) -> None:
        place("1", "100.00", member=bob, placed_at=at(1))

        tickets = replay(draft(effect={"type": "draw_ticket", "tickets": 3}))
        status = replay(draft("status", effect={"type": "status_points", "points": 50}))

        assert (tickets["pieces"], tickets["points"], tickets["orders"]) == (3, 0, 1)
        assert (status["status_points"], status["points"], status["members"]) == (50, 0, 1)

    def test_reads_in_pieces(self, bob: Member, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("campaigns.past_orders.CHUNK", 2)
        for number in range(5):
            place(str(number), "10.00", member=bob, placed_at=at(number // 2))

        found = replay(draft(effect=bonus(7), every_nth_order=2))

        assert (found["orders_looked_at"], found["points"]) == (5, 14)

    def test_periods_that_begin_together_are_counted_apart(self, bob: Member) -> None:
        campaign("week", effect=bonus(50), period_count={"period": "week", "orders": 9})
        monday = datetime(2026, 11, 16, 4, tzinfo=UTC)
        for number in range(3):
            place(str(number), "10.00", member=bob, placed_at=monday + timedelta(hours=number))

        found = replay(draft(effect=bonus(7), period_count={"period": "day", "orders": 2}))

        assert (found["orders"], found["points"]) == (1, 7)

    def test_an_empty_period_gives_nothing(self, bob: Member) -> None:
        found = replay(draft())

        assert (found["orders"], found["average_per_order"], found["by_day"]) == (0, "0.0", [])


class TestStart:
    def test_does_the_work_in_the_background(self, bob: Member) -> None:
        place("1", "100.00", member=bob, placed_at=at(1))
        content = editing.content(draft())

        job = replaying.start(content=content, since=SINCE, until=UNTIL, by="owner", at=NOON)
        jobs.run(job=job.pk, clock=lambda: NOON)

        job.refresh_from_db()
        assert (job.kind, job.state, job.progress) == ("replay", "done", 100)
        assert job.result is not None
        assert job.result["points"] == 100
        assert job.parameters["campaign"] == "tried"

    @pytest.mark.parametrize(
        ("since", "until", "pointer"),
        [
            (UNTIL, UNTIL, "/to"),
            (UNTIL, SINCE, "/to"),
            (UNTIL - timedelta(days=1099), UNTIL, "/from"),
        ],
    )
    def test_refuses_an_empty_or_endless_period(
        self, bob: Member, since: datetime, until: datetime, pointer: str
    ) -> None:
        with pytest.raises(InvalidInput) as refused:
            replaying.start(
                content=editing.content(draft()), since=since, until=until, by="owner", at=NOON
            )

        assert refused.value.pointer == pointer
        assert not Job.objects.exists()

    def test_refuses_a_campaign_that_looks_at_no_order(self, bob: Member) -> None:
        content = {**editing.content(draft()), "trigger": "check_in"}

        with pytest.raises(NotReplayable):
            replaying.start(content=content, since=SINCE, until=UNTIL, by="owner", at=NOON)
