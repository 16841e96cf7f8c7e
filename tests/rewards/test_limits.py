"""May the member have it: sale, early access, sessions, tiers, limits, stock and the price that was shown."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from loyalty.errors import InsufficientPoints, WalletFrozen
from members.errors import InvalidInput
from members.models import Member, Tier
from rewards import redemption
from rewards.errors import (
    LimitReached,
    NotEligible,
    NotOnSale,
    OfferLimitReached,
    OfferShort,
    OutOfStock,
)
from rewards.models import Redemption, Reward, Variant
from rewards.redemption_errors import PriceChanged
from tests.conftest import NOON
from tests.rewards.builders import asked, later, left, offer, variant
from tests.rewards.conftest import new_reward

MICROSECOND = timedelta(microseconds=1)
Everything = Callable[[], list[Any]]


@pytest.fixture
def refused(everything: Everything) -> Callable[..., Any]:
    """Redeem, expect a refusal of this kind and that nothing was written; the refusal."""

    def refused(kind: type[Exception], member: Member, reward: Reward, **said: Any) -> Any:
        at = said.pop("at", NOON)
        before = everything()
        with pytest.raises(kind) as refusal:
            redemption.redeem(request=asked(member, reward, "refused", **said), at=at)
        assert everything() == before
        return refusal.value

    return refused


def redeemed(member: Member, reward: Reward, reference: str = "r1", **said: Any) -> Redemption:
    at = said.pop("at", NOON)
    return redemption.redeem(request=asked(member, reward, reference, **said), at=at).redemption


class TestEarlyAccess:
    @pytest.fixture
    def mug(self, db: None) -> Reward:
        return new_reward(
            "mug",
            starts_at=later(days=2),
            early_from=later(days=1),
            early_tiers=[Tier.objects.order_by("rank")[0].code],
        )

    def test_is_for_some_tiers_from_its_moment_on(
        self, ada: Member, mug: Reward, refused: Any
    ) -> None:
        Reward.objects.update(early_tiers=[ada.tier.code])
        refused(NotOnSale, ada, mug, at=later(days=1) - MICROSECOND)
        assert redeemed(ada, mug, at=later(days=1)).state == "issued"

    def test_is_for_nobody_else(self, ada: Member, mug: Reward, refused: Any) -> None:
        Reward.objects.update(early_tiers=["gold"])
        refused(NotOnSale, ada, mug, at=later(days=2) - MICROSECOND)
        assert redeemed(ada, mug, at=later(days=2)).state == "issued"

    def test_switched_off_is_off(self, ada: Member, mug: Reward, refused: Any) -> None:
        Reward.objects.update(early_tiers=[ada.tier.code], active=False)
        refused(NotOnSale, ada, mug, at=later(days=1))


class TestVariants:
    @pytest.fixture
    def shirt(self, db: None) -> Reward:
        return new_reward("shirt", kind="gift", stock=5)

    def test_one_has_to_be_chosen(self, ada: Member, shirt: Reward, refused: Any) -> None:
        variant(shirt, "red", 2)
        assert refused(InvalidInput, ada, shirt).pointer == "/variant"
        assert refused(InvalidInput, ada, shirt, variant="blue").pointer == "/variant"

    def test_its_points_come_on_top_and_its_stock_counts(
        self, ada: Member, shirt: Reward, refused: Any
    ) -> None:
        red = variant(shirt, "red", 2, extra_points=20)
        made = redeemed(ada, shirt, variant="red", quantity=2)
        assert (made.points, made.variant) == (240, red)
        assert left(shirt, red) == [3, 0]
        assert refused(OutOfStock, ada, shirt, variant="red").data == {"left": 0}

    def test_one_that_is_switched_off_is_not_on_sale(
        self, ada: Member, shirt: Reward, refused: Any
    ) -> None:
        variant(shirt, "red", 2, active=False)
        refused(NotOnSale, ada, shirt, variant="red")
        # Nothing is left to choose from.
        assert redeemed(ada, shirt).variant is None

    @pytest.mark.parametrize(
        ("at", "is_open"),
        [(later(days=1) - MICROSECOND, True), (later(days=1), False)],
    )
    def test_a_session_is_over_once_it_begins(
        self, ada: Member, at: Any, is_open: bool, refused: Any
    ) -> None:
        show = new_reward("show", kind="experience")
        variant(show, "friday", 3, begins_at=later(days=1))
        if is_open:
            assert redeemed(ada, show, variant="friday", at=at).state == "issued"
        else:
            refused(NotOnSale, ada, show, variant="friday", at=at)

    def test_the_same_request_again_is_the_same_whatever_became_of_the_reward(
        self, ada: Member, shirt: Reward
    ) -> None:
        made = redeemed(ada, shirt)
        variant(shirt, "red", 2)
        Reward.objects.update(delivery="shipping", active=False)
        again = redemption.redeem(request=asked(ada, shirt), at=later(days=1))
        assert (again.redemption, again.is_new) == (made, False)


class TestOffers:
    def test_the_best_running_one_is_taken_and_noted(self, ada: Member) -> None:
        mug = new_reward("mug", stock=9, cash="9.90")
        offer(mug, "coming", 3, points=30, starts_at=later(days=7), ends_at=later(days=8))
        flash = offer(mug, "flash", 3, points=40, cash=Decimal("1.00"))
        made = redeemed(ada, mug, quantity=2)
        assert (made.points, made.cash, made.offer) == (80, Decimal("2.00"), flash)
        assert left(mug, flash) == [7, 1]

    def test_one_that_is_named_is_taken_also_by_whose_tier_has_it_cheaper(
        self, ada: Member
    ) -> None:
        mug = new_reward("mug", tier_prices={ada.tier.code: 30})
        variant(mug, "red", extra_points=5)
        flash = offer(mug, "flash", 3, points=40)
        assert redeemed(ada, mug, variant="red").points == 35
        made = redeemed(ada, mug, "r2", variant="red", offer="flash")
        assert (made.points, made.offer) == (45, flash)
        assert [step["points"] for step in made.price_steps] == [100, 30, 40, 45]
        assert left(flash) == [2]

    @pytest.mark.parametrize(
        ("changes", "at"),
        [
            ({}, later(days=8)),
            ({"starts_at": later(hours=1)}, NOON),
            ({"active": False}, NOON),
        ],
    )
    def test_a_named_one_that_does_not_run_is_refused(
        self, ada: Member, changes: dict[str, Any], at: Any, refused: Any
    ) -> None:
        mug = new_reward("mug")
        offer(mug, "flash", 3, **changes)
        refused(NotOnSale, ada, mug, offer="flash", at=at)

    def test_one_of_another_reward_is_unknown(self, ada: Member, refused: Any) -> None:
        offer(new_reward("cup"), "flash", 3)
        assert refused(InvalidInput, ada, new_reward("mug"), offer="flash").pointer == "/offer"

    def test_a_named_one_that_is_sold_out_is_never_sold_dearer(
        self, ada: Member, refused: Any
    ) -> None:
        mug = new_reward("mug")
        offer(mug, "flash", 0)
        assert refused(OfferShort, ada, mug, offer="flash").data == {"left": 0, "offer": "flash"}
        assert redeemed(ada, mug).points == 100

    @pytest.mark.parametrize(
        ("language", "words"),
        [
            ("en", "Only 1 piece is left at the price of this offer. No points were taken."),
            ("zh-hans", "活动价仅剩 1 件，积分没有扣除。"),
        ],
    )
    def test_more_pieces_than_it_has_are_not_sold_dearer_by_surprise(
        self, ada: Member, refused: Any, language: str, words: str
    ) -> None:
        mug = new_reward("mug", stock=9)
        flash = offer(mug, "flash", 1)
        refusal = refused(OfferShort, ada, mug, quantity=2)
        assert (refusal.code, refusal.data) == ("out_of_stock", {"left": 1, "offer": "flash"})
        with translation.override(language):
            assert str(refusal) == words
        assert [redeemed(ada, mug, name).points for name in ("r1", "r2")] == [50, 100]
        assert left(mug, flash) == [7, 0]

    def test_where_the_reward_itself_is_short_the_offer_is_not_blamed(
        self, ada: Member, refused: Any
    ) -> None:
        mug = new_reward("mug", stock=1)
        offer(mug, "flash", 1)
        assert refused(OutOfStock, ada, mug, quantity=2).data == {"left": 1}

    def test_pieces_per_member_count_for_the_offer(self, ada: Member, refused: Any) -> None:
        mug = new_reward("mug")
        offer(mug, "flash", 9, per_member=2)
        redeemed(ada, mug, offer="flash")
        for named in ("flash", None):
            refusal = refused(OfferLimitReached, ada, mug, offer=named, quantity=2)
            assert refusal.data == {"limit": 2, "used": 1, "offer": "flash"}
            assert refusal.code == "limit_reached"
        redemption.cancel(number=Redemption.objects.get().number, at=NOON)
        assert redeemed(ada, mug, "r2", offer="flash", quantity=2).points == 100


class TestPrice:
    def test_another_than_was_shown_is_refused_with_both(self, ada: Member, refused: Any) -> None:
        mug = new_reward("mug")
        refusal = refused(PriceChanged, ada, mug, quantity=2, price=180)
        assert refusal.data == {"shown": 180, "now": 200}
        assert redeemed(ada, mug, quantity=2, price=200).points == 200

    def test_of_the_tier_is_explained(self, ada: Member) -> None:
        mug = new_reward("mug", tier_prices={ada.tier.code: 70})
        made = redeemed(ada, mug, quantity=2)
        assert made.points == 140
        assert redemption.explanation(made) == [
            {
                "rule": "mug",
                "title": "MUG",
                "kind": "reward",
                "points": -140,
                "price": 70,
                "quantity": 2,
                "steps": [
                    {"kind": "base", "points": 100},
                    {"kind": "tier", "tier": ada.tier.code, "points": 70},
                ],
            }
        ]

    def test_cost_and_partner_share_are_kept(self, ada: Member) -> None:
        mug = new_reward("mug", cost="12.50", partner="CUP CO", partner_share="0.4")
        made = redeemed(ada, mug, quantity=3)
        Reward.objects.update(cost=1, partner_share=0)
        made.refresh_from_db()
        assert (made.cost, made.partner_share) == (Decimal("37.50"), Decimal("0.4000"))


class TestOrder:
    """What is refused first, where several things are wrong."""

    def test_is_as_agreed(self, ada: Member, refused: Any) -> None:
        tiers = ["gold"]
        mug = new_reward("mug", points=2000, stock=1, per_member=1, tiers=[ada.tier.code])
        Reward.objects.update(active=False, tiers=tiers)
        Member.objects.update(status="frozen")
        said = {"quantity": 2, "price": 1}
        refused(WalletFrozen, ada, mug, **said)
        Member.objects.update(status="active")
        refused(NotOnSale, ada, mug, **said)
        Reward.objects.update(active=True)
        refused(NotEligible, ada, mug, **said)
        Reward.objects.update(tiers=[])
        refused(LimitReached, ada, mug, **said)
        Reward.objects.update(per_member=None)
        refused(OutOfStock, ada, mug, **said)
        refused(PriceChanged, ada, mug, quantity=1, price=1)
        refused(InsufficientPoints, ada, mug)
        assert not Variant.objects.exists()
