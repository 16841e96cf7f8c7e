from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from loyalty import closing, merging
from members.errors import MemberClosed, ReferenceReused
from members.models import Member, Store
from rewards import redemption, vouchers
from rewards.models import Redemption, Reward, Voucher
from tests.loyalty.builders import assert_clean, credit, figures, post, wallet_of

Redeem = Callable[..., Redemption]


def close(member: Member, at: datetime) -> None:
    asked = closing.Closing(member=member.number, forfeit=True)
    closing.close(closing=asked, by="owner", at=at)


def merge(source: Member, target: Member, at: datetime) -> None:
    merging.merge(source=source.number, into=target.number, by="owner", at=at)


def use(voucher: Voucher, at: datetime, reference: str = "") -> Voucher:
    return vouchers.use(code=voucher.code, store=None, reference=reference, used_by="till", at=at)


class TestClosed:
    def test_voids_what_is_left_and_forgets_the_address(
        self, ada: Member, cake: Reward, redeem: Redeem, noon: datetime
    ) -> None:
        first = redeem(ada, cake, "r1", quantity=2, address={"city": "上海"})
        use(first.vouchers.order_by("id")[0], noon)
        redemption.cancel(number=redeem(ada, cake, "r2").number, at=noon)

        close(ada, noon)

        states = Voucher.objects.order_by("id").values_list("state", flat=True)
        assert list(states) == ["used", "void", "void"]
        rows = Redemption.objects.order_by("id").values_list("state", "address")
        assert list(rows) == [("expired", None), ("cancelled", None)]

    def test_nothing_comes_back_any_more(
        self, ada: Member, cake: Reward, redeem: Redeem, noon: datetime
    ) -> None:
        made = redeem(ada, cake, "r1")
        close(ada, noon)

        with pytest.raises(MemberClosed):
            redemption.cancel(number=made.number, at=noon)
        with pytest.raises(MemberClosed):
            use(made.vouchers.get(), noon)
        with pytest.raises(MemberClosed):
            redeem(ada, cake, "r2")

        assert figures(wallet_of(ada)) == {"earned": 1000, "spent": 300}


class TestMerged:
    def test_a_redemption_of_the_source_returns_to_the_target(
        self, ada: Member, bob: Member, cake: Reward, redeem: Redeem, noon: datetime
    ) -> None:
        made = redeem(ada, cake, "r1")
        merge(ada, bob, noon)

        cancelled = redemption.cancel(number=made.number, at=noon)

        assert (cancelled.member, cancelled.state) == (bob, "cancelled")
        assert figures(wallet_of(bob)) == {"active": 1000, "earned": 1000}
        assert_clean()

    def test_a_voucher_of_the_source_is_the_targets(
        self, ada: Member, bob: Member, cake: Reward, redeem: Redeem, noon: datetime
    ) -> None:
        voucher = redeem(ada, cake, "r1").vouchers.get()
        merge(ada, bob, noon)

        used = use(voucher, noon, "u1")

        assert (used.member, used.state) == (bob, "used")
        assert use(voucher, noon, "u1") == used

    def test_a_reference_of_the_source_counts_as_the_targets(
        self, ada: Member, bob: Member, cake: Reward, redeem: Redeem, noon: datetime
    ) -> None:
        made = redeem(ada, cake, "r1")
        merge(ada, bob, noon)

        assert redeem(bob, cake, "r1") == made
        with pytest.raises(ReferenceReused):
            redeem(bob, cake, "r1", quantity=2)

    def test_references_that_both_have_used_are_told_apart(
        self,
        ada: Member,
        bob: Member,
        cake: Reward,
        redeem: Redeem,
        noon: datetime,
        store: Store,
    ) -> None:
        post(credit(wallet_of(bob), 1000, "in"))
        made: list[Any] = []
        for member in (ada, bob):
            made.append(redeem(member, cake, "r1"))
            use(made[-1].vouchers.get(), noon, "u1")
            redeem(member, cake, "r2")

        merge(ada, bob, noon)

        rows = Redemption.objects.filter(member=bob).order_by("id")
        suffix = f"/{ada.number}"
        assert [row.reference for row in rows] == [f"r1{suffix}", f"r2{suffix}", "r1", "r2"]
        used = Voucher.objects.filter(member=bob).order_by("id")
        assert [row.used_reference for row in used] == [f"u1{suffix}", "", "u1", ""]
        assert redeem(bob, cake, "r1") == made[1]
