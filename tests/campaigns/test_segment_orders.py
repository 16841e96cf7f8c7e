"""Orders judged by segments: each sees what was stored before it, and never itself."""

from datetime import timedelta
from typing import Any

import pytest

from campaigns.models import Segment
from loyalty import explaining, order_steps, ordering
from members.models import Member
from tests.campaigns.builders import bonus, campaign, place
from tests.campaigns.test_explaining import make
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean, program
from tests.loyalty.builders import order as order_facts


@pytest.fixture
def sleepy(bob: Member) -> Member:
    """A member who has not bought for long, and a bonus that wakes such members."""
    rules = {"all": [{"field": "days_since_last_order", "op": "gt", "value": 90}]}
    Segment.objects.create(code="sleepy", name="sleepy", rules=rules)
    return bob


def wake() -> None:
    campaign("wake", effect=bonus(200), segments=["sleepy"])


class TestBatch:
    def test_gives_what_the_orders_give_one_by_one(self, sleepy: Member, mallory: Member) -> None:
        wake()
        people: list[Any] = [sleepy, mallory, sleepy, None, mallory, sleepy]
        batch = [order_facts(str(n), "10.00", member=who) for n, who in enumerate(people)]

        placed = ordering.place_all(orders=batch, at=NOON)

        assert [each.order.points for each in placed if each.order] == [210, 210, 10, 0, 10, 10]
        assert_clean()

    def test_tells_of_the_bad_ones_in_their_places(self, sleepy: Member) -> None:
        wake()
        batch = [
            order_facts("1", "10.00", member=sleepy),
            order_facts("2", "10.00", member=sleepy, store="nowhere"),
            order_facts("1", "10.00", member=sleepy),
        ]

        placed = ordering.place_all(orders=batch, at=NOON)

        assert [each.is_new for each in placed] == [True, False, False]
        assert placed[1].problem is not None
        assert placed[2].order == placed[0].order


class TestLateAward:
    def test_does_not_see_its_own_order(self, sleepy: Member) -> None:
        program(award_on="completed")
        wake()
        place("1", "10.00", member=sleepy, placed_at=NOON - timedelta(hours=1))

        order = order_steps.advance(
            source="default", number="1", status="completed", at=NOON, now=NOON
        )

        assert order.points == 210
        assert_clean()


class TestExplain:
    def test_says_that_a_campaign_that_paid_matched(self, sleepy: Member) -> None:
        make("wake", effect=bonus(200), conditions={"segments": ["sleepy"]})
        first = place("1", "10.00", member=sleepy)
        second = place("2", "10.00", member=sleepy)

        found = [explaining.rules_for(each)[-1] for each in (first, second)]

        assert [each["matched"] for each in found] == [True, False]
        assert found[0]["conditions"][0]["seen"] == ["sleepy"]
