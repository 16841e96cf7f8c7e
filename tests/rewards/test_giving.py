"""Rewards given without points: what many get at once is what they get one by one, in as many statements."""

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from members.models import Member
from rewards import giving, pools
from rewards.giving import Gift
from rewards.models import Redemption, Reward, StockMovement, Voucher
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean
from tests.rewards.builders import assert_sums, left
from tests.rewards.conftest import new_reward


def gift(member: Member, reward: Reward, reference: str, pieces: int = 1) -> Gift:
    return Gift(member=member.pk, reward=reward.code, pieces=pieces, reference=reference)


def give(*gifts: Gift) -> list[Redemption | None]:
    return giving.give_all(gifts=gifts, at=NOON)


class TestGiveAll:
    def test_goes_through_the_stock_in_the_order_of_the_gifts(
        self, ada: Member, bob: Member
    ) -> None:
        mug = new_reward("mug", kind="gift", stock=3, cost="5.00")
        made = give(
            gift(ada, mug, "g1", 2),
            gift(bob, mug, "g2", 2),
            gift(bob, mug, "g3"),
            Gift(member=ada.pk, reward="none", pieces=1, reference="g4"),
        )
        assert [each and each.quantity for each in made] == [2, None, 1, None]
        assert left(mug) == [0]
        assert [str(each.cost) for each in made if each] == ["10.00", "5.00"]
        noted = StockMovement.objects.filter(cause="redeemed").order_by("id")
        assert [(one.pieces, one.redemption) for one in noted] == [(-2, made[0]), (-1, made[2])]
        assert Voucher.objects.filter(member=ada).count() == 2
        assert_clean()
        assert_sums()

    def test_the_same_reference_is_given_once(self, ada: Member, cake: Reward) -> None:
        (first,) = give(gift(ada, cake, "g1"))
        assert give(gift(ada, cake, "g1"), gift(ada, cake, "g1")) == [first, first]
        assert Voucher.objects.count() == 1

    def test_partners_codes_tickets_and_donations_are_given_too(
        self, ada: Member, bob: Member
    ) -> None:
        film = new_reward("film", kind="partner_code")
        pools.add(reward="film", file=b"a1\na2,2026-11-22\n", by="", at=NOON)
        tree, bag = (
            new_reward("tree", kind="donation"),
            new_reward("bag", kind="gift", delivery="shipping"),
        )
        made = give(
            gift(ada, film, "g1"),
            gift(bob, film, "g2"),
            gift(bob, film, "g3"),
            gift(ada, tree, "g4"),
            gift(ada, bag, "g5"),
        )
        states = [each and (each.state, each.vouchers.count()) for each in made]
        assert states == [("issued", 1), ("issued", 1), None, ("fulfilled", 0), ("issued", 1)]
        assert {one.code for one in Voucher.objects.filter(reward=film)} == {"a1", "a2"}
        assert left(film) == [0]
        assert_clean()

    def test_a_hundred_take_no_more_statements_than_two(
        self, ada: Member, bob: Member, cake: Reward
    ) -> None:
        mug = new_reward("mug", kind="gift", stock=500)

        def statements(count: int, name: str) -> int:
            gifts = [
                gift(member, reward, f"{name}{number}")
                for number in range(count)
                for member, reward in [(ada, mug), (bob, cake)]
            ]
            with CaptureQueriesContext(
                connection,
            ) as seen:
                give(*gifts)
            return len(seen)

        two, hundred = statements(1, "few"), statements(50, "many")
        assert two == hundred <= 12, (two, hundred)
        assert Voucher.objects.count() == 102
        assert_sums()


class TestStockOf:
    def test_a_pool_without_codes_is_empty(self, db: None, cake: Reward) -> None:
        new_reward("film", kind="partner_code")
        found: Any = giving.stock_of(codes=["film", "cake", "none"], lock=False)
        assert found == {"film": 0, "none": 0}
