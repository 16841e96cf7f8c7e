from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty import holds
from members.errors import NotFound
from members.models import Member, Tier
from rewards import catalogue, queries, redemption, vouchers
from rewards.models import Redemption, Reward, Voucher
from tests.conftest import NOON
from tests.rewards.conftest import new_reward

Redeem = Callable[..., Redemption]
MICROSECOND = timedelta(microseconds=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")


class TestReward:
    def test_finds_by_code(self, cake: Reward) -> None:
        assert queries.reward("cake") == cake

    @pytest.mark.parametrize("code", ["CAKE", "", "\x00", "\ud800"])
    def test_says_that_a_code_is_unknown(self, cake: Reward, code: str) -> None:
        with pytest.raises(NotFound) as problem:
            queries.reward(code, "/reward")
        assert problem.value.pointer == "/reward"


class TestOnSale:
    def test_is_the_cheapest_first(self, db: None, noon: datetime) -> None:
        for code, points in [("c", 300), ("a", 100), ("b", 100)]:
            new_reward(code, points=points)
        new_reward("off", active=False)
        new_reward("later", starts_at=noon + timedelta(days=1))
        new_reward("over", ends_at=noon)
        new_reward("sold-out", points=1, stock=0)
        assert [one.code for one in queries.on_sale(noon)] == ["sold-out", "a", "b", "c"]


class TestOnSaleFor:
    @pytest.mark.parametrize(
        ("tier", "after", "is_sold"),
        [
            ("base", timedelta(days=3) - MICROSECOND, False),
            ("base", timedelta(days=3), True),
            ("gold", timedelta(days=1) - MICROSECOND, False),
            ("gold", timedelta(days=1), True),
            ("gold", timedelta(days=9) - MICROSECOND, True),
            ("gold", timedelta(days=9), False),
        ],
    )
    def test_some_tiers_may_have_it_early(
        self, bob: Member, noon: datetime, tier: str, after: timedelta, is_sold: bool
    ) -> None:
        early = {"early_tiers": ["gold"], "early_from": noon + timedelta(days=1)}
        ends_at = noon + timedelta(days=9)
        made = new_reward("mug", starts_at=noon + timedelta(days=3), ends_at=ends_at, **early)
        bob.tier = Tier.objects.get(code=tier)
        assert queries.on_sale_for(bob, noon + after).exists() == is_sold
        expected = made.early_from if tier == "gold" else made.starts_at
        assert queries.opens_at(made, bob) == expected

    def test_what_is_off_or_over_is_for_nobody(self, bob: Member, noon: datetime) -> None:
        new_reward("off", active=False)
        new_reward("over", ends_at=noon)
        assert not queries.on_sale_for(bob, noon).exists()


class TestPiecesTaken:
    def test_counts_each_limit_in_its_own_period(
        self, ada: Member, redeem: Redeem, noon: datetime
    ) -> None:
        for period in ("day", "month", "ever"):
            each = new_reward(period, points=1, per_member=10, per_member_period=period)
            for number, days in enumerate([40, 3, 0]):
                redeem(ada, each, f"{period}{number}", at=noon - timedelta(days=days))
        found = list(Reward.objects.all())
        taken = queries.pieces_taken(member=ada, rewards=found, at=noon)
        assert {each.code: taken[each.pk] for each in found} == {"day": 1, "month": 2, "ever": 3}


class TestNearest:
    def test_is_the_cheapest_that_points_alone_keep_away(
        self, ada: Member, redeem: Redeem, noon: datetime
    ) -> None:
        new_reward("affordable", points=1000)
        new_reward("sold-out", points=1001, stock=0)
        new_reward("vip", points=1002, tiers=["gold"])
        new_reward("later", points=1003, starts_at=noon + timedelta(days=1))
        had = new_reward("had", points=1, per_member=1)
        redeem(ada, had, "r1")
        catalogue.change(reward=had, changes={"points": 1004}, at=NOON)
        wanted = new_reward("wanted", points=1200)
        new_reward("dearer", points=1300)
        assert queries.nearest(member=ada, at=noon, available=1000) == wanted

    def test_may_be_none(self, ada: Member, noon: datetime) -> None:
        new_reward("affordable", points=1000)
        assert queries.nearest(member=ada, at=noon, available=1000) is None


class TestPeriodOf:
    @pytest.mark.parametrize(
        ("period", "at", "first", "after"),
        [
            ("day", (2026, 11, 21, 15, 59), (2026, 11, 21), (2026, 11, 22)),
            ("day", (2026, 11, 21, 16, 0), (2026, 11, 22), (2026, 11, 23)),
            ("day", (2028, 2, 28, 16, 0), (2028, 2, 29), (2028, 3, 1)),
            ("month", (2026, 11, 30, 15, 59), (2026, 11, 1), (2026, 12, 1)),
            ("month", (2026, 11, 30, 16, 0), (2026, 12, 1), (2027, 1, 1)),
            ("month", (2028, 2, 28, 16, 0), (2028, 2, 1), (2028, 3, 1)),
        ],
    )
    def test_is_the_programs_day_or_month(
        self,
        period: str,
        at: tuple[int, ...],
        first: tuple[int, int, int],
        after: tuple[int, int, int],
    ) -> None:
        moment = datetime(*at, tzinfo=UTC)  # type: ignore[arg-type, misc]
        expected = datetime(*first, tzinfo=SHANGHAI), datetime(*after, tzinfo=SHANGHAI)
        assert queries.period_of(period, moment, SHANGHAI) == expected

    def test_ever_has_no_bounds(self, noon: datetime) -> None:
        assert queries.period_of("ever", noon, SHANGHAI) is None


class TestRedemptionsAndVouchers:
    @pytest.fixture
    def made(self, ada: Member, cake: Reward, redeem: Redeem, noon: datetime) -> list[Redemption]:
        return [
            redeem(ada, cake, "r1", at=noon),
            redeem(ada, cake, "r2", at=noon + timedelta(hours=1), quantity=2),
        ]

    def test_are_listed_the_newest_first(
        self, ada: Member, mallory: Member, made: list[Redemption]
    ) -> None:
        assert list(queries.redemptions_of(ada)) == made[::-1]
        assert list(queries.redemptions_of(mallory)) == []
        assert len(queries.vouchers_of(ada)) == 3
        assert queries.vouchers_of(ada)[2].redemption == made[0]
        assert list(queries.vouchers_of(mallory)) == []

    def test_are_found_by_number_and_code(self, made: list[Redemption]) -> None:
        assert queries.redemption(f" {made[0].number.lower()} ") == made[0]
        code = Voucher.objects.get(redemption=made[0]).code
        assert queries.voucher(vouchers.pretty(code).lower()).redemption == made[0]

    def test_come_with_what_is_shown_of_them(
        self, made: list[Redemption], django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(2):
            for one in queries.redemptions():
                assert (one.reward.code, one.member.tier.code, one.store) == ("cake", "base", None)
            for each in queries.vouchers():
                assert (each.reward.code, each.member.name, each.used_store) == (
                    "cake",
                    "Ada",
                    None,
                )

    def test_vouchers_come_by_redemption_in_one_query(
        self, made: list[Redemption], django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(1):
            found = queries.vouchers_by_redemption(made)
        assert [len(found[one.pk]) for one in made] == [1, 2]

    def test_points_of_the_month_leave_out_what_was_cancelled(
        self, ada: Member, made: list[Redemption], noon: datetime
    ) -> None:
        def month(at: datetime) -> int:
            return queries.points_redeemed_this_month(member=ada, at=at, zone=SHANGHAI)

        assert month(noon) == 900
        assert month(noon + timedelta(days=10)) == 0
        redemption.cancel(number=made[1].number, at=noon)
        assert month(noon) == 300
        # Points as part of a payment are redeemed points too, from the moment at which they are held.
        held = holds.HoldRequest(member=ada.number, points=50, reference="h1")
        holds.hold(request=held, at=noon)
        assert month(noon) == 350

    def test_says_what_is_unknown(self, made: list[Redemption]) -> None:
        for question in (queries.redemption, queries.voucher):
            for name in ("", "R20261121-", "\x00", "\ud800"):
                with pytest.raises(NotFound):
                    question(name)
