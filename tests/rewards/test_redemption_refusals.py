"""What may not be redeemed, and that a refusal leaves everything as it was."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loyalty import awarding, programs, refunds
from loyalty.errors import InDebt, InsufficientPoints, WalletFrozen
from members.errors import MemberClosed
from members.models import Member, Tier
from rewards import catalogue, queries, redemption
from rewards.errors import (
    LimitReached,
    MonthlyCapReached,
    NotEligible,
    NotOnSale,
    OutOfStock,
)
from rewards.models import Redemption, Reward
from tests.conftest import NOON
from tests.rewards.builders import DECEMBER, MICROSECOND, MIDNIGHT, SECOND, Everything, Redeem
from tests.rewards.conftest import new_reward


class TestRefusals:
    """Each refusal names its reason and leaves everything as it was."""

    @pytest.fixture
    def refused(self, redeem: Redeem, everything: Everything) -> Callable[..., Any]:
        def refused(kind: type[Exception], *wish: Any, **said: Any) -> dict[str, Any]:
            before = everything()
            with pytest.raises(kind) as refusal:
                redeem(*wish, **said)
            assert type(refusal.value) is kind
            assert everything() == before
            return getattr(refusal.value, "data", {})

        return refused

    def test_points_are_short(
        self, ada: Member, cake: Reward, refused: Callable[..., Any]
    ) -> None:
        data = refused(InsufficientPoints, ada, cake, "r1", quantity=4)
        assert data == {"needed": 1200, "available": 1000}

    def test_one_point_decides(
        self, ada: Member, redeem: Redeem, refused: Callable[..., Any]
    ) -> None:
        dear = new_reward("dear", points=1001)
        just = new_reward("just", points=1000)
        refused(InsufficientPoints, ada, dear, "r1")
        assert redeem(ada, just, "r1").points == 1000

    def test_a_frozen_member_may_not_spend(
        self, ada: Member, cake: Reward, refused: Callable[..., Any]
    ) -> None:
        Member.objects.filter(pk=ada.pk).update(status=Member.Status.FROZEN)
        refused(WalletFrozen, ada, cake, "r1")

    def test_a_closed_member_takes_part_in_nothing(
        self, ada: Member, cake: Reward, refused: Callable[..., Any]
    ) -> None:
        Member.objects.filter(pk=ada.pk).update(status=Member.Status.CLOSED)
        refused(MemberClosed, ada, cake, "r1")

    def test_a_reward_switched_off_is_not_on_sale(
        self, ada: Member, refused: Callable[..., Any]
    ) -> None:
        refused(NotOnSale, ada, new_reward("off", active=False), "r1")

    def test_a_reward_for_other_tiers(
        self, ada: Member, refused: Callable[..., Any], redeem: Redeem
    ) -> None:
        vip = new_reward("vip", tiers=["gold", "diamond"])
        assert refused(NotEligible, ada, vip, "r1") == {"tiers": ["gold", "diamond"]}
        Member.objects.filter(pk=ada.pk).update(tier=Tier.objects.get(code="gold"))
        assert redeem(ada, vip, "r1").state == "issued"

    def test_stock_has_run_out(self, ada: Member, refused: Callable[..., Any]) -> None:
        assert refused(OutOfStock, ada, new_reward("none", stock=0), "r1") == {"left": 0}

    def test_stock_is_all_or_nothing(
        self, ada: Member, refused: Callable[..., Any], redeem: Redeem
    ) -> None:
        few = new_reward("few", stock=2)
        assert refused(OutOfStock, ada, few, "r1", quantity=3) == {"left": 2}
        redeem(ada, few, "r1", quantity=2)
        assert Reward.objects.get().stock == 0

    def test_stock_comes_back_when_points_are_short(
        self, ada: Member, refused: Callable[..., Any]
    ) -> None:
        refused(InsufficientPoints, ada, new_reward("dear", points=5000, stock=5), "r1")
        assert Reward.objects.get().stock == 5

    def test_what_is_wrong_first_is_said_first(
        self, ada: Member, refused: Callable[..., Any]
    ) -> None:
        wrong = new_reward(
            "wrong", points=5000, active=False, tiers=["gold"], per_member=1, stock=0
        )
        Member.objects.filter(pk=ada.pk).update(status=Member.Status.FROZEN)
        refused(WalletFrozen, ada, wrong, "r1", quantity=2)
        Member.objects.filter(pk=ada.pk).update(status=Member.Status.ACTIVE)
        refused(NotOnSale, ada, wrong, "r1", quantity=2)
        catalogue.change(reward=wrong, changes={"active": True}, at=NOON)
        refused(NotEligible, ada, wrong, "r1", quantity=2)
        catalogue.change(reward=wrong, changes={"tiers": []}, at=NOON)
        refused(LimitReached, ada, wrong, "r1", quantity=2)
        catalogue.change(reward=wrong, changes={"per_member": None}, at=NOON)
        refused(OutOfStock, ada, wrong, "r1", quantity=2)
        catalogue.change(reward=wrong, changes={"stock": None}, at=NOON)
        refused(InsufficientPoints, ada, wrong, "r1", quantity=2)


class TestSaleWindow:
    @pytest.mark.parametrize(
        ("after_start", "is_sold"),
        [(-MICROSECOND, False), (0 * SECOND, True), (MICROSECOND, True)],
    )
    def test_begins_with_its_first_moment(
        self, ada: Member, redeem: Redeem, noon: datetime, after_start: timedelta, is_sold: bool
    ) -> None:
        reward = new_reward("sale", starts_at=noon)
        assert queries.is_on_sale(reward, noon + after_start) == is_sold
        assert queries.on_sale(noon + after_start).exists() == is_sold
        if is_sold:
            redeem(ada, reward, "r1", at=noon + after_start)
        else:
            with pytest.raises(NotOnSale):
                redeem(ada, reward, "r1", at=noon + after_start)

    @pytest.mark.parametrize(
        ("after_end", "is_sold"),
        [(-MICROSECOND, True), (0 * SECOND, False), (MICROSECOND, False)],
    )
    def test_ends_before_its_last_moment(
        self, ada: Member, redeem: Redeem, noon: datetime, after_end: timedelta, is_sold: bool
    ) -> None:
        reward = new_reward("sale", ends_at=noon)
        assert queries.is_on_sale(reward, noon + after_end) == is_sold
        assert queries.on_sale(noon + after_end).exists() == is_sold
        if is_sold:
            redeem(ada, reward, "r1", at=noon + after_end)
        else:
            with pytest.raises(NotOnSale):
                redeem(ada, reward, "r1", at=noon + after_end)


class TestLimits:
    @pytest.mark.parametrize(
        ("period", "turn"), [("day", MIDNIGHT), ("month", DECEMBER)], ids=["day", "month"]
    )
    def test_count_by_the_day_and_month_of_the_program(
        self, ada: Member, redeem: Redeem, period: str, turn: datetime
    ) -> None:
        daily = new_reward("daily", per_member=2, per_member_period=period)
        redeem(ada, daily, "r1", at=turn - SECOND)
        redeem(ada, daily, "r2", at=turn - MICROSECOND)
        with pytest.raises(LimitReached) as refusal:
            redeem(ada, daily, "r3", at=turn - MICROSECOND)
        assert refusal.value.data == {"limit": 2, "used": 2}
        redeem(ada, daily, "r4", at=turn)
        with pytest.raises(LimitReached):
            redeem(ada, daily, "r5", at=turn + MICROSECOND, quantity=2)
        redeem(ada, daily, "r6", at=turn + MICROSECOND)
        assert Redemption.objects.count() == 4

    def test_the_program_may_live_in_another_zone(self, ada: Member, redeem: Redeem) -> None:
        programs.change(changes={"time_zone": "America/New_York"})
        midnight = datetime(2026, 11, 22, 5, tzinfo=UTC)
        daily = new_reward("daily", per_member=1, per_member_period="day")
        redeem(ada, daily, "r1", at=midnight - MICROSECOND)
        redeem(ada, daily, "r2", at=midnight)
        with pytest.raises(LimitReached):
            redeem(ada, daily, "r3", at=midnight + timedelta(hours=23, minutes=59))

    def test_ever_means_ever(self, ada: Member, redeem: Redeem, noon: datetime) -> None:
        once = new_reward("once", per_member=1)
        redeem(ada, once, "r1")
        with pytest.raises(LimitReached):
            redeem(ada, once, "r2", at=noon + timedelta(days=3650))

    def test_count_pieces_not_redemptions(self, ada: Member, redeem: Redeem) -> None:
        three = new_reward("three", per_member=3)
        with pytest.raises(LimitReached) as refusal:
            redeem(ada, three, "r1", quantity=4)
        assert refusal.value.data == {"limit": 3, "used": 0}
        redeem(ada, three, "r1", quantity=2)
        with pytest.raises(LimitReached) as refusal:
            redeem(ada, three, "r2", quantity=2)
        assert refusal.value.data == {"limit": 3, "used": 2}

    def test_are_each_members_own(
        self, ada: Member, bob: Member, redeem: Redeem, noon: datetime
    ) -> None:
        awarding.award(
            member=bob, points=100, reference="welcome", details={}, expires_at=None, at=noon
        )
        once = new_reward("once", per_member=1)
        redeem(ada, once, "r1")
        assert redeem(bob, once, "r1").state == "issued"

    def test_the_program_caps_the_points_of_a_month(
        self, ada: Member, cake: Reward, redeem: Redeem, everything: Everything, noon: datetime
    ) -> None:
        programs.change(changes={"monthly_redemption_cap": 700})
        redeem(ada, cake, "r1", at=DECEMBER - MICROSECOND)
        redeem(ada, cake, "r2", at=DECEMBER - MICROSECOND)
        before = everything()
        with pytest.raises(MonthlyCapReached) as refusal:
            redeem(ada, new_reward("pin", points=101), "r3", at=DECEMBER - MICROSECOND)
        assert refusal.value.data == {"limit": 700, "used": 600}
        assert refusal.value.code == "limit_reached"
        assert everything()[1:] == before[1:]
        redeem(ada, new_reward("pen", points=100), "r4", at=DECEMBER - MICROSECOND)
        redeem(ada, cake, "r5", at=DECEMBER)

    def test_a_cancelled_redemption_counts_in_no_limit(
        self, ada: Member, redeem: Redeem, noon: datetime
    ) -> None:
        programs.change(changes={"monthly_redemption_cap": 100})
        once = new_reward("once", per_member=1)
        made = redeem(ada, once, "r1")
        redemption.cancel(number=made.number, at=noon)
        assert redeem(ada, once, "r2").state == "issued"


def test_a_debt_is_said_before_missing_points(
    bob: Member, cake: Reward, redeem: Redeem, everything: Everything, noon: datetime
) -> None:
    from decimal import Decimal

    from loyalty import ordering

    order = ordering.OrderFacts(
        number="1",
        member=bob.number,
        placed_at=noon,
        lines=(ordering.Line(sku="A", amount=Decimal("300.00")),),
    )
    ordering.place(order=order, at=noon)
    redeem(bob, cake, "r1")
    facts = refunds.RefundFacts(reference="b1", at=noon, amount=Decimal("300.00"), lines=None)
    refunds.refund(source="default", number="1", facts=facts, now=noon)
    before = everything()
    with pytest.raises(InDebt) as refusal:
        redeem(bob, cake, "r2")
    assert refusal.value.data == {"debt": 300}
    assert everything() == before
