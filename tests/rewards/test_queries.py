from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty import holds
from loyalty import queries as loyalty_queries
from members.errors import NotFound
from members.models import Member
from rewards import catalogue, queries, redemption, vouchers
from rewards.models import Redemption, Reward, Voucher
from tests.conftest import NOON
from tests.rewards.conftest import new_reward

Redeem = Callable[..., Redemption]
SHANGHAI = ZoneInfo("Asia/Shanghai")


def offers(member: Member, at: datetime) -> dict[str, queries.Offer]:
    figures = loyalty_queries.figures(member=member, at=at)
    found = queries.offers_for(member=member, at=at, figures=figures)
    return {offer.reward.code: offer for offer in found}


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


class TestOffersFor:
    def test_says_what_a_member_could_have(
        self, ada: Member, redeem: Redeem, noon: datetime
    ) -> None:
        new_reward("just", points=1000)
        new_reward("dear", points=1001)
        new_reward("vip", tiers=["gold"])
        limited = new_reward("limited", per_member=2, points=1)
        redeem(ada, limited, "r1")
        catalogue.change(reward=queries.reward("just"), changes={"points": 999}, at=NOON)
        found = offers(ada, noon)
        assert list(found) == ["limited", "vip", "just", "dear"]
        seen = {
            code: (one.affordable, one.eligible, one.price, one.missing, one.left_for_member)
            for code, one in found.items()
        }
        assert seen == {
            "limited": (True, True, 1, 0, 1),
            "vip": (True, False, 100, 0, None),
            "just": (True, True, 999, 0, None),
            "dear": (False, True, 1001, 2, None),
        }

    def test_a_debt_has_to_be_earned_first(
        self, bob: Member, cake: Reward, noon: datetime
    ) -> None:
        from dataclasses import replace

        figures = loyalty_queries.figures(member=bob, at=noon)
        owing = replace(figures, debt=50)
        offer = queries.offers_for(member=bob, at=noon, figures=owing)[0]
        assert (offer.affordable, offer.missing) == (False, 350)

    def test_counts_each_limit_in_its_own_period(
        self, ada: Member, redeem: Redeem, noon: datetime
    ) -> None:
        for period in ("day", "month", "ever"):
            each = new_reward(period, points=1, per_member=10, per_member_period=period)
            for number, days in enumerate([40, 3, 0]):
                redeem(ada, each, f"{period}{number}", at=noon - timedelta(days=days))
        left = {code: one.left_for_member for code, one in offers(ada, noon).items()}
        assert left == {"day": 9, "month": 8, "ever": 7}

    def test_takes_the_same_queries_for_any_number_of_rewards(
        self, ada: Member, noon: datetime
    ) -> None:
        figures = loyalty_queries.figures(member=ada, at=noon)
        counts = []
        for number in range(10):
            new_reward(f"r{number}", per_member=1, per_member_period="month")
            with CaptureQueriesContext(connection) as captured:
                queries.offers_for(member=ada, at=noon, figures=figures)
            counts.append(len(captured))
        assert counts == [3] * 10


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
