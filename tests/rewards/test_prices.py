from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty import programs
from members.models import Member, Tier
from rewards import prices
from rewards.models import Offer, PriceQuote, Redemption, Reward, Variant
from rewards.prices import Price
from tests.rewards.conftest import new_reward

Redeem = Callable[..., Redemption]
MICROSECOND = timedelta(microseconds=1)
STOCK = {"type": "stock", "at_most": "0.1", "factor": "1.5"}
SEASON = {"type": "season", "from": "11-01", "to": "02-28", "factor": "0.8"}
DEMAND = {"type": "demand", "above": "2", "factor": "1.2"}


@pytest.fixture
def seat(db: None) -> Reward:
    """The award seat of the presets: 10,000 points, 8 of 100 left, all three rules."""
    pricing = {"floor": "0.5", "ceiling": "2", "step": 100, "rules": [STOCK, SEASON, DEMAND]}
    return reward("seat", points=10_000, stock=8, stock_start=100, pricing=pricing)


def reward(code: str, **changes: Any) -> Reward:
    made = new_reward(code)
    for name, value in changes.items():
        setattr(made, name, value)
    made.save()
    return made


def offer(of: Reward, at: datetime, **said: Any) -> Offer:
    """An offer of an hour for 50 points that begins at a moment."""
    usual: dict[str, Any] = {
        "code": f"{of.code}-offer",
        "name": "秒杀",
        "points": 50,
        "starts_at": at,
        "ends_at": at + timedelta(hours=1),
    }
    return Offer.objects.create(reward=of, **(usual | said))


def redeemed(of: Reward, member: Member, at: datetime, quantity: int, **said: Any) -> Redemption:
    """A row of the history that prices look at."""
    number = f"R-{Redemption.objects.count()}"
    usual: dict[str, Any] = {"points": 100, "digest": ""}
    return Redemption.objects.create(
        member=member,
        reward=of,
        quantity=quantity,
        number=number,
        reference=number,
        redeemed_at=at,
        **(usual | said),
    )


def price(of: Reward, at: datetime, member: Member | None = None) -> Price:
    return prices.price_for(reward=of, member=member, variant=None, at=at)


class TestPriceFor:
    def test_is_the_rewards_own(self, cake: Reward, bob: Member, noon: datetime) -> None:
        assert price(cake, noon, bob) == Price(
            points=300,
            cash=Decimal(0),
            offer=None,
            steps=[{"kind": "base", "points": 300}],
            regular=300,
            stands_until=None,
        )

    def test_is_that_of_the_members_tier(self, bob: Member, noon: datetime) -> None:
        mug = reward("mug", points=500, tier_prices={"gold": 400})
        assert price(mug, noon, bob).points == 500
        bob.tier = Tier.objects.get(code="gold")
        found = price(mug, noon, bob)
        assert (found.points, found.regular) == (400, 400)
        assert found.steps[-1] == {"kind": "tier", "tier": "gold", "points": 400}
        assert price(mug, noon, None).points == 500

    def test_floats_from_the_tiers_price(self, seat: Reward, bob: Member, noon: datetime) -> None:
        seat.tier_prices = {"base": 9_990}
        assert price(seat, noon, bob).points == 12_000  # 11,988 rounded up

    def test_a_variant_comes_on_top(self, cake: Reward, noon: datetime) -> None:
        large = Variant.objects.create(reward=cake, code="xl", name="XL", extra_points=30)
        offer(cake, noon)
        found = prices.price_for(reward=cake, member=None, variant=large, at=noon)
        assert (found.points, found.regular) == (80, 330)
        assert found.steps[-1] == {
            "kind": "variant",
            "variant": "xl",
            "extra_points": 30,
            "points": 80,
        }

    def test_takes_one_query_for_a_plain_reward(
        self, cake: Reward, bob: Member, noon: datetime, django_assert_num_queries: Any
    ) -> None:
        assert bob.tier.code == "base"
        with django_assert_num_queries(1):
            price(cake, noon, bob)


class TestOffers:
    @pytest.mark.parametrize(
        ("after_start", "expected"),
        [
            (-MICROSECOND, 300),
            (timedelta(0), 50),
            (timedelta(hours=1) - MICROSECOND, 50),
            (timedelta(hours=1), 300),
        ],
    )
    def test_run_from_the_first_moment_to_the_last(
        self, cake: Reward, noon: datetime, after_start: timedelta, expected: int
    ) -> None:
        offer(cake, noon)
        assert price(cake, noon + after_start).points == expected

    def test_lower_the_price_and_keep_the_regular_one(self, cake: Reward, noon: datetime) -> None:
        running = offer(cake, noon, cash=None, stock=1)
        Reward.objects.update(cash=5)
        cake.refresh_from_db()
        found = price(cake, noon)
        assert (found.points, found.cash, found.regular) == (50, Decimal(5), 300)
        assert found.offer == running
        assert found.steps[-1] == {"kind": "offer", "offer": "cake-offer", "points": 50}

    @pytest.mark.parametrize(
        "said", [{"active": False}, {"stock": 0}, {"points": 300}, {"points": 301}, {"cash": 1}]
    )
    def test_count_only_where_they_are_cheaper(
        self, cake: Reward, noon: datetime, said: dict[str, Any]
    ) -> None:
        offer(cake, noon, **said)
        found = price(cake, noon)
        assert (found.points, found.offer, found.cash) == (300, None, Decimal(0))

    def test_may_lower_the_money_alone(self, cake: Reward, noon: datetime) -> None:
        cake.cash = Decimal(5)
        offer(cake, noon, points=300, cash=0)
        found = price(cake, noon)
        assert (found.points, found.cash) == (300, Decimal(0))

    def test_compare_with_the_floating_price(self, seat: Reward, noon: datetime) -> None:
        offer(seat, noon, points=11_000)
        found = price(seat, noon)
        assert (found.points, found.regular) == (11_000, 12_000)

    def test_are_over_for_a_member_who_had_as_many_as_one_may(
        self, cake: Reward, ada: Member, bob: Member, noon: datetime
    ) -> None:
        running = offer(cake, noon, per_member=2)
        redeemed(cake, ada, noon, 1, offer=running)
        redeemed(cake, ada, noon, 1, offer=running, state="cancelled")
        expired = {"state": "expired", "reserved_until": noon + timedelta(hours=1)}
        redeemed(cake, ada, noon, 1, offer=running, **expired)
        assert price(cake, noon, ada).points == 50
        redeemed(cake, ada, noon, 1, offer=running)
        assert price(cake, noon, ada).points == 300
        assert price(cake, noon, bob).points == 50


class TestFloating:
    def test_is_the_worked_example(self, seat: Reward, ada: Member, noon: datetime) -> None:
        redeemed(seat, ada, noon - timedelta(days=8), 20)
        redeemed(seat, ada, noon - timedelta(days=1), 11)
        found = price(seat, noon)
        assert found.points == 14_400
        assert [step["kind"] for step in found.steps] == ["base", "stock", "season", "demand"]

    def test_demand_leaves_out_gifts_and_what_was_called_off(
        self, seat: Reward, ada: Member, noon: datetime
    ) -> None:
        redeemed(seat, ada, noon - timedelta(days=8), 20)
        redeemed(seat, ada, noon - timedelta(days=1), 10)
        redeemed(seat, ada, noon - timedelta(days=1), 9, points=0)
        redeemed(seat, ada, noon - timedelta(days=1), 9, state="cancelled")
        assert price(seat, noon).points == 12_000

    def test_demand_is_counted_without_reading_the_table(
        self, seat: Reward, noon: datetime
    ) -> None:
        with CaptureQueriesContext(connection) as caught:
            price(seat, noon)
        (counting,) = [query["sql"] for query in caught if '"lately"' in query["sql"]]
        with connection.cursor() as cursor:
            # A few rows are read as they lie; a hot reward has hundreds of thousands.
            for way in ("seqscan", "bitmapscan", "indexscan"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
            cursor.execute(f"EXPLAIN {counting}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Index Only Scan using redemption_of_reward" in plan

    @pytest.mark.parametrize(
        ("ago", "expected"),
        [
            (timedelta(0), 12_000),  # at this very moment: not yet
            (MICROSECOND, 14_400),
            (timedelta(days=7), 14_400),
            (timedelta(days=7) + MICROSECOND, 12_000),
        ],
    )
    def test_the_last_week_to_the_microsecond(
        self, seat: Reward, ada: Member, noon: datetime, ago: timedelta, expected: int
    ) -> None:
        redeemed(seat, ada, noon - timedelta(days=20), 4)
        redeemed(seat, ada, noon - ago, 3)
        assert price(seat, noon).points == expected

    @pytest.mark.parametrize(
        ("ago", "expected"),
        [(timedelta(days=35), 14_400), (timedelta(days=35) + MICROSECOND, 12_000)],
    )
    def test_the_weeks_before_to_the_microsecond(
        self, seat: Reward, ada: Member, noon: datetime, ago: timedelta, expected: int
    ) -> None:
        redeemed(seat, ada, noon - timedelta(days=1), 3)
        redeemed(seat, ada, noon - ago, 4)
        assert price(seat, noon).points == expected

    @pytest.mark.parametrize(
        ("at", "expected"),
        [
            (datetime(2026, 10, 31, 15, 59, 59, 999_999, tzinfo=UTC), 15_000),
            (datetime(2026, 10, 31, 16, tzinfo=UTC), 12_000),
            (datetime(2027, 2, 28, 15, 59, 59, 999_999, tzinfo=UTC), 12_000),
            (datetime(2027, 2, 28, 16, tzinfo=UTC), 15_000),
        ],
    )
    def test_a_season_begins_at_the_programs_midnight(
        self, seat: Reward, at: datetime, expected: int
    ) -> None:
        assert price(seat, at).points == expected

    def test_a_season_follows_the_programs_zone(self, seat: Reward) -> None:
        at = datetime(2026, 10, 31, 16, tzinfo=UTC)
        programs.change(changes={"time_zone": "UTC"})
        assert price(seat, at).points == 15_000


class TestQuote:
    def test_stands_ten_minutes(
        self, seat: Reward, ada: Member, bob: Member, noon: datetime
    ) -> None:
        told = prices.quote(reward=seat, member=ada, variant=None, at=noon)
        over = noon + timedelta(minutes=10)
        assert (told.points, told.stands_until) == (12_000, over)
        Reward.objects.update(stock=11)
        seat.refresh_from_db()
        assert price(seat, noon, bob).points == 8_000
        standing = price(seat, over - MICROSECOND, ada)
        assert (standing.points, standing.stands_until) == (12_000, over)
        assert standing.steps == told.steps
        lapsed = price(seat, over, ada)
        assert (lapsed.points, lapsed.stands_until) == (8_000, None)

    def test_saves_counting_what_was_redeemed(
        self, seat: Reward, ada: Member, noon: datetime, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(4):  # offers, program, quotes, demand
            price(seat, noon, ada)
        prices.quote(reward=seat, member=ada, variant=None, at=noon)
        with django_assert_num_queries(3):
            price(seat, noon, ada)

    def test_an_unexpired_one_stays(self, seat: Reward, ada: Member, noon: datetime) -> None:
        prices.quote(reward=seat, member=ada, variant=None, at=noon)
        seat.stock = 11
        again = prices.quote(reward=seat, member=ada, variant=None, at=noon + timedelta(minutes=9))
        assert (again.points, again.stands_until) == (12_000, noon + timedelta(minutes=10))
        later = noon + timedelta(minutes=10)
        renewed = prices.quote(reward=seat, member=ada, variant=None, at=later)
        assert (renewed.points, renewed.stands_until) == (8_000, later + timedelta(minutes=10))
        assert PriceQuote.objects.count() == 1

    def test_an_offer_may_still_be_cheaper(
        self, seat: Reward, ada: Member, noon: datetime
    ) -> None:
        prices.quote(reward=seat, member=ada, variant=None, at=noon)
        offer(seat, noon, points=9_000)
        found = price(seat, noon, ada)
        assert (found.points, found.regular) == (9_000, 12_000)

    def test_is_not_noted_where_nothing_floats(
        self, cake: Reward, ada: Member, noon: datetime
    ) -> None:
        told = prices.quote(reward=cake, member=ada, variant=None, at=noon)
        assert (told.points, told.stands_until) == (300, None)
        assert not PriceQuote.objects.exists()

    def test_lapses_when_the_price_floats_no_more(
        self, seat: Reward, ada: Member, noon: datetime
    ) -> None:
        prices.quote(reward=seat, member=ada, variant=None, at=noon)
        assert price(replaced(seat, pricing={}), noon, ada).points == 10_000

    def test_many_at_once_are_told_one_price(self, committed_db: Any, noon: datetime) -> None:
        from members import enrolment

        newcomer = enrolment.Newcomer(phone="+8613800000009", name="Many")
        member = enrolment.enrol(newcomer=newcomer, at=noon)
        pricing = {"rules": [STOCK]}
        made = reward("seat", points=10_000, stock=8, stock_start=100, pricing=pricing)

        def told(number: int) -> int:
            seen = replaced(made, stock=8 if number % 2 else 50)
            return prices.quote(reward=seen, member=member, variant=None, at=noon).points

        results = committed_db.run_parallel(told, 40)
        assert set(results) == {PriceQuote.objects.get().points}


def replaced(made: Reward, **changes: Any) -> Reward:
    """The reward as somebody else read it."""
    other = Reward.objects.get(pk=made.pk)
    for name, value in changes.items():
        setattr(other, name, value)
    return other


class TestPricesFor:
    def test_takes_the_same_queries_for_any_number(
        self, seat: Reward, ada: Member, noon: datetime
    ) -> None:
        counts = []
        for number in range(6):
            each = reward(f"r{number}", points=100, pricing=seat.pricing)
            offer(each, noon, per_member=1)
            found = list(Reward.objects.all())
            with CaptureQueriesContext(connection) as captured:
                prices.prices_for(rewards=found, member=ada, at=noon)
            counts.append(len(captured))
        assert counts == [5] * 6

    def test_is_the_same_as_one_by_one(
        self, seat: Reward, cake: Reward, ada: Member, noon: datetime
    ) -> None:
        offer(cake, noon)
        prices.quote(reward=seat, member=ada, variant=None, at=noon)
        found = prices.prices_for(rewards=[seat, cake], member=ada, at=noon)
        assert found == {each.pk: price(each, noon, ada) for each in (seat, cake)}

    def test_nothing_costs_nothing(self, db: None, noon: datetime) -> None:
        assert prices.prices_for(rewards=[], member=None, at=noon) == {}
