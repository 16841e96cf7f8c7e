from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members.models import Member
from rewards import stock
from rewards.errors import OfferShort, OutOfStock
from rewards.models import Offer, Redemption, Reward, StockMovement, Variant
from tests.rewards.builders import assert_sums, left, moved
from tests.rewards.conftest import new_reward


@pytest.fixture
def mug(db: None, noon: datetime) -> Reward:
    mug = new_reward("mug", kind="gift")
    return stock.set_to(row=mug, stock=5, by="owner", note="", at=noon)


def wanted(member: Member, reward: Reward, at: datetime, pieces: int = 1) -> Redemption:
    """A redemption's row, as the verb stores it before it takes the pieces."""
    number = Redemption.objects.count()
    return Redemption.objects.create(
        number=f"R{number}",
        member=member,
        reward=reward,
        quantity=pieces,
        points=pieces,
        reference=f"r{number}",
        redeemed_at=at,
        digest="",
    )


def shelves(mug: Reward, noon: datetime) -> tuple[Variant, Offer]:
    variant = Variant.objects.create(reward=mug, code="red", name="Red")
    offer = Offer.objects.create(
        code="flash",
        name="Flash",
        reward=mug,
        points=50,
        starts_at=noon,
        ends_at=noon + timedelta(days=1),
    )
    variant = stock.set_to(row=variant, stock=3, by="owner", note="", at=noon)
    return variant, stock.set_to(row=offer, stock=2, by="owner", note="", at=noon)


class TestTake:
    def test_takes_from_reward_variant_and_offer_and_notes_each(
        self, ada: Member, mug: Reward, noon: datetime
    ) -> None:
        variant, offer = shelves(mug, noon)
        mine = wanted(ada, mug, noon, pieces=2)
        stock.take(redemption=mine, reward=mug, variant=variant, offer=offer, at=noon)
        assert left(mug, variant, offer) == [3, 1, 0]
        noted = StockMovement.objects.filter(redemption=mine).order_by("id")
        assert [(one.pieces, one.cause, one.at) for one in noted] == [(-2, "redeemed", noon)] * 3
        assert [one.variant for one in noted] == [None, variant, None]
        assert [one.offer for one in noted] == [None, None, offer]
        assert_sums()

    @pytest.mark.parametrize("short", ["reward", "variant", "offer"])
    def test_refuses_when_one_of_them_is_short_and_says_what_is_left(
        self, ada: Member, mug: Reward, noon: datetime, short: str
    ) -> None:
        variant, offer = shelves(mug, noon)
        if short == "reward":
            stock.set_to(row=mug, stock=1, by="owner", note="", at=noon)
        elif short == "variant":
            stock.set_to(row=variant, stock=1, by="owner", note="", at=noon)
        else:
            stock.set_to(row=offer, stock=1, by="owner", note="", at=noon)
        mine = wanted(ada, mug, noon, pieces=2)
        before = list(StockMovement.objects.values())
        with pytest.raises(OutOfStock) as refusal, transaction.atomic():
            stock.take(redemption=mine, reward=mug, variant=variant, offer=offer, at=noon)
        of_offer = {"offer": offer.code} if short == "offer" else {}
        assert refusal.value.data == {"left": 1, **of_offer}
        assert list(StockMovement.objects.values()) == before
        assert_sums()

    def test_what_is_left_of_an_offer_is_said_whatever_the_reward_has_just_given(
        self, ada: Member, mug: Reward, noon: datetime
    ) -> None:
        _variant, offer = shelves(mug, noon)
        stock.set_to(row=mug, stock=2, by="owner", note="", at=noon)
        stock.set_to(row=offer, stock=1, by="owner", note="", at=noon)
        mine = wanted(ada, mug, noon, pieces=2)
        with pytest.raises(OfferShort) as refusal, transaction.atomic():
            stock.take(redemption=mine, reward=mug, variant=None, offer=offer, at=noon)
        assert refusal.value.data == {"left": 1, "offer": offer.code}

    def test_an_unlimited_stock_moves_nothing_and_locks_no_row(
        self, ada: Member, cake: Reward, noon: datetime, django_assert_num_queries: Any
    ) -> None:
        wish = wanted(ada, cake, noon)
        with django_assert_num_queries(0):
            stock.take(redemption=wish, reward=cake, variant=None, offer=None, at=noon)
        cake.refresh_from_db()
        assert cake.stock is None
        assert not StockMovement.objects.exists()


class TestPutBack:
    def test_gives_back_to_all_three(self, ada: Member, mug: Reward, noon: datetime) -> None:
        variant, offer = shelves(mug, noon)
        mine = wanted(ada, mug, noon, pieces=2)
        mine.variant, mine.offer = variant, offer
        stock.take(redemption=mine, reward=mug, variant=variant, offer=offer, at=noon)
        stock.put_back(redemption=mine, at=noon)
        assert left(mug, variant, offer) == [5, 3, 2]
        back = StockMovement.objects.filter(redemption=mine, cause="returned")
        assert [one.pieces for one in back.order_by("id")] == [2, 2, 2]
        assert_sums()


class TestSetTo:
    def test_notes_what_came_and_what_was_missing(self, mug: Reward, noon: datetime) -> None:
        mug = stock.set_to(row=mug, stock=12, by="owner", note="delivery 7", at=noon)
        assert (mug.stock, mug.stock_start) == (12, 12)
        mug = stock.set_to(row=mug, stock=10, by="owner", note="two broke", at=noon)
        noted = list(StockMovement.objects.filter(reward=mug).order_by("-id")[:2])
        assert [(one.pieces, one.cause, one.by, one.note) for one in noted] == [
            (-2, "corrected", "owner", "two broke"),
            (7, "received", "owner", "delivery 7"),
        ]
        assert_sums()

    def test_the_same_figure_and_an_unlimited_stock_are_understood(
        self, mug: Reward, noon: datetime
    ) -> None:
        count = StockMovement.objects.count()
        stock.set_to(row=mug, stock=5, by="owner", note="", at=noon)
        assert StockMovement.objects.count() == count
        mug = stock.set_to(row=mug, stock=None, by="owner", note="", at=noon)
        assert (mug.stock, mug.stock_start) == (None, None)
        assert moved(mug) == 0

    def test_below_zero_the_database_refuses(self, mug: Reward, noon: datetime) -> None:
        with pytest.raises(IntegrityError, match="reward_stock"), transaction.atomic():
            stock.set_to(row=mug, stock=-1, by="owner", note="", at=noon)
        assert_sums()


class TestSums:
    """Whatever happens in whatever order, the movements add up to the stock."""

    STEPS = st.lists(
        st.one_of(
            st.tuples(st.just("take"), st.integers(1, 4)),
            st.tuples(st.just("back"), st.integers(0, 9)),
            st.tuples(st.just("set"), st.one_of(st.none(), st.integers(0, 6))),
            st.tuples(st.just("set variant"), st.one_of(st.none(), st.integers(0, 6))),
        ),
        max_size=12,
    )

    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(steps=STEPS)
    def test_movements_are_the_stock(
        self, ada: Member, noon: datetime, steps: list[tuple[str, int | None]]
    ) -> None:
        mug = new_reward(f"mug-{Reward.objects.count()}", kind="gift")
        variant = Variant.objects.create(reward=mug, code="red", name="Red")
        taken: list[Redemption] = []
        for what, number in steps:
            if what == "take" and number:
                mine = wanted(ada, mug, noon, pieces=number)
                mine.variant = variant
                try:
                    with transaction.atomic():
                        stock.take(
                            redemption=mine, reward=mug, variant=variant, offer=None, at=noon
                        )
                    taken.append(mine)
                except OutOfStock:
                    pass
            elif what == "back" and taken:
                stock.put_back(redemption=taken.pop((number or 0) % len(taken)), at=noon)
            elif what == "set":
                stock.set_to(row=mug, stock=number, by="", note="", at=noon)
            elif what == "set variant":
                stock.set_to(row=variant, stock=number, by="", note="", at=noon)
        assert_sums()
