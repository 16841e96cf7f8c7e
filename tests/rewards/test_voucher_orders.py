"""Vouchers that orders use up, and what of them comes back with the orders."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from loyalty import order_steps, ordering, programs, refunds
from loyalty.models import Order
from loyalty.refunds import RefundFacts
from members.errors import NotFound, ReferenceReused
from members.models import Member, Store
from rewards import voucher_orders, voucher_returns, voucher_steps, vouchers
from rewards.errors import AlreadyUsed
from rewards.models import Redemption, Reward, Voucher
from tests.conftest import NOON
from tests.loyalty.builders import examples, order, sandbox
from tests.rewards.conftest import new_reward

Redeem = Callable[..., Redemption]


@pytest.fixture
def ten_off(db: None) -> Reward:
    return new_reward("ten-off", discount_amount=Decimal("10.00"), min_spend=Decimal("50.00"))


@pytest.fixture
def voucher(ada: Member, ten_off: Reward, redeem: Redeem) -> Voucher:
    return redeem(ada, ten_off, "r1").vouchers.get()


def place(voucher: Voucher, *, number: str = "1", amount: str = "80.00", **more: Any) -> Order:
    facts = {"member": voucher.member, "coupon": voucher.code, **more}
    placed = ordering.place(order=order(number, amount, **facts), at=NOON)
    assert placed.order is not None
    return placed.order


def refund(number: str, amount: str, reference: str, at: datetime = NOON) -> None:
    facts = RefundFacts(reference=reference, amount=Decimal(amount))
    refunds.refund(source="default", number=number, facts=facts, now=at)


def states() -> list[tuple[str, Decimal | None]]:
    return list(Voucher.objects.order_by("id").values_list("state", "amount"))


def steps(voucher: Voucher) -> list[str]:
    return [step.kind for step in voucher_steps.of(voucher)]


class TestUseCoupons:
    def test_an_order_uses_the_voucher_it_names(
        self, voucher: Voucher, store: Store, noon: datetime
    ) -> None:
        made = place(voucher, store="SH-1", coupon=vouchers.pretty(voucher.code).lower())
        voucher.refresh_from_db()
        assert (voucher.state, voucher.used_at, voucher.used_store) == ("used", noon, store)
        assert voucher.used_order == made
        assert Redemption.objects.get().state == "used"
        last = voucher_steps.of(voucher).last()
        assert last is not None
        assert (last.kind, last.store, last.note) == ("used", store, "default/1")

    def test_the_same_order_again_changes_nothing(self, voucher: Voucher) -> None:
        place(voucher)
        place(voucher)
        assert steps(voucher) == ["issued", "used"]

    @pytest.mark.parametrize(
        "said",
        [
            {"member": None},
            {"coupon": "NOSUCHCODE"},
            {"status": "cancelled"},
            {"placed_at": NOON + timedelta(days=40)},
        ],
    )
    def test_an_order_that_cannot_use_it_is_stored_all_the_same(
        self, voucher: Voucher, said: dict[str, Any]
    ) -> None:
        facts = {"member": voucher.member, "coupon": voucher.code, **said}
        at = NOON + timedelta(days=41)
        assert ordering.place(order=order("1", "80.00", **facts), at=at).is_new
        assert states() == [("active", None)]

    def test_somebody_elses_voucher_is_left_alone(self, voucher: Voucher, bob: Member) -> None:
        place(voucher, member=bob)
        assert states() == [("active", None)]

    def test_a_frozen_member_keeps_it(self, voucher: Voucher) -> None:
        Member.objects.filter(pk=voucher.member_id).update(status="frozen")
        place(voucher)
        assert states() == [("active", None)]

    def test_elsewhere_or_on_another_day_it_is_kept(
        self, voucher: Voucher, ten_off: Reward, store: Store
    ) -> None:
        Reward.objects.update(stores=["SH-2"])
        place(voucher, store="SH-1")
        place(voucher, number="2")
        Reward.objects.update(stores=["SH-1"], weekdays=[1, 2])  # 2026-11-21 is a Saturday
        place(voucher, number="3", store="SH-1")
        assert states() == [("active", None)]
        Reward.objects.update(weekdays=[6])
        place(voucher, number="4", store="SH-1")
        assert states() == [("used", None)]

    @pytest.mark.parametrize(
        ("amount", "state"),
        # ¥10 off from ¥50: what was paid, or what it was before.
        [("39.99", "active"), ("40.00", "used"), ("50.00", "used")],
    )
    def test_below_its_least_spend_it_is_kept(
        self, voucher: Voucher, amount: str, state: str
    ) -> None:
        place(voucher, amount=amount)
        assert states() == [(state, None)]

    def test_of_percent_off_the_least_spend_is_that_before(
        self, voucher: Voucher, ten_off: Reward
    ) -> None:
        Reward.objects.update(discount_amount=None, discount_percent=Decimal(20))
        place(voucher, amount="39.99")
        assert states() == [("active", None)]
        place(voucher, number="2", amount="40.00")
        assert states() == [("used", None)]

    def test_the_first_of_two_orders_in_a_batch_uses_it(self, voucher: Voucher) -> None:
        facts = [
            order(number, "80.00", member=voucher.member, coupon=voucher.code)
            for number in ("1", "2")
        ]
        placed = ordering.place_all(orders=facts, at=NOON)
        assert [each.is_new for each in placed] == [True, True]
        assert Voucher.objects.get().used_order == placed[0].order

    def test_a_till_may_use_it_first_and_report_the_order_then(
        self, voucher: Voucher, noon: datetime
    ) -> None:
        vouchers.use(code=voucher.code, store=None, reference="", used_by="till", at=noon)
        made = place(voucher)
        voucher.refresh_from_db()
        assert (voucher.used_order, voucher.used_by) == (made, "till")
        place(voucher, number="2")
        voucher.refresh_from_db()
        assert voucher.used_order == made
        assert steps(voucher) == ["issued", "used", "linked"]

    def test_takes_as_many_queries_for_many_orders_as_for_two(
        self, ada: Member, ten_off: Reward, redeem: Redeem
    ) -> None:
        made = redeem(ada, ten_off, "r1", quantity=10)
        codes = list(made.vouchers.order_by("id").values_list("code", flat=True))
        counts = []
        for part in (codes[:2], codes[2:4], codes[4:]):
            facts = [order(code, "80.00", member=ada, coupon=code) for code in part]
            with CaptureQueriesContext(connection) as seen:
                ordering.place_all(orders=facts, at=NOON)
            counts.append(sum("rewards_" in each["sql"] for each in seen))
        assert counts[0] == counts[1] == counts[2]
        assert set(states()) == {("used", None)}


class TestUseForAnOrder:
    def use(self, voucher: Voucher, named: str, **said: Any) -> Voucher:
        wish: dict[str, Any] = {"store": None, "reference": "", "used_by": "till"}
        return vouchers.use(code=voucher.code, at=NOON, order=named, **{**wish, **said})

    @pytest.mark.parametrize("named", ["default/1", "1"])
    def test_links_it(self, voucher: Voucher, named: str) -> None:
        made = place(voucher, coupon="")
        assert self.use(voucher, named).used_order == made

    def test_a_number_with_a_slash_is_understood(self, voucher: Voucher) -> None:
        made = place(voucher, number="A/1", coupon="")
        assert self.use(voucher, "A/1").used_order == made

    def test_an_unknown_order_or_one_of_somebody_else_is_not_found(
        self, voucher: Voucher, bob: Member
    ) -> None:
        place(voucher, member=bob, coupon="")
        for named in ("default/1", "2", "\x00"):
            with pytest.raises(NotFound) as missing:
                self.use(voucher, named)
            assert missing.value.pointer == "/order"
        assert states() == [("active", None)]

    def test_another_order_under_the_same_reference_is_refused(self, voucher: Voucher) -> None:
        place(voucher, coupon="")
        place(voucher, number="2", coupon="")
        self.use(voucher, "1", reference="u")
        assert self.use(voucher, "1", reference="u").state == "used"
        with pytest.raises(ReferenceReused):
            self.use(voucher, "2", reference="u")


class TestGiveBack:
    def test_a_full_refund_makes_it_good_again(self, voucher: Voucher) -> None:
        place(voucher)
        refund("1", "80.00", "f1")
        voucher.refresh_from_db()
        assert (voucher.state, voucher.used_at, voucher.used_order) == ("active", None, None)
        assert Redemption.objects.get().state == "issued"
        assert steps(voucher) == ["issued", "used", "returned"]
        place(voucher, number="2")
        assert states() == [("used", None)]

    def test_cancelling_the_order_does_too(self, voucher: Voucher) -> None:
        place(voucher)
        order_steps.advance(source="default", number="1", status="cancelled", at=None, now=NOON)
        assert states() == [("active", None)]

    @pytest.mark.parametrize(("grace", "is_good"), [(0, False), (7, True)])
    def test_one_that_lapsed_meanwhile_lives_on_by_the_days_of_grace(
        self, voucher: Voucher, grace: int, is_good: bool
    ) -> None:
        programs.change(changes={"return_grace_days": grace})
        place(voucher)
        later = NOON + timedelta(days=60)
        refund("1", "80.00", "f1", later)
        voucher.refresh_from_db()
        state = vouchers.state_of(voucher, later)
        assert state == ("active" if is_good else "expired")
        if is_good:
            # To the end of the seventh local day after 2027-01-20.
            assert str(voucher.expires_at) == "2027-01-27 16:00:00+00:00"

    def test_a_part_gives_a_voucher_over_its_share(self, voucher: Voucher) -> None:
        place(voucher)
        refund("1", "25.00", "f1")
        assert states() == [("used", None), ("active", Decimal("3.12"))]  # 10 × 25 ÷ 80 = 3.125
        share = Voucher.objects.get(state="active")
        assert (share.replaces, share.member) == (voucher, voucher.member)
        assert share.expires_at == voucher.expires_at
        assert Redemption.objects.get().state == "issued"

    def test_parts_add_up_to_the_whole_to_the_cent(self, voucher: Voucher) -> None:
        place(voucher)
        for number, amount in enumerate(("25.00", "0.01", "30.00", "24.99")):
            refund("1", amount, f"f{number}")
        assert states() == [
            ("used", None),
            ("active", Decimal("3.12")),
            (
                "active",
                Decimal("3.75"),
            ),  # with the cent before, which gave nothing, 6.87 of 6.87625
            ("active", Decimal("3.13")),
        ]

    def test_cancelling_after_a_part_gives_the_rest(self, voucher: Voucher) -> None:
        place(voucher)
        refund("1", "25.00", "f1")
        order_steps.advance(source="default", number="1", status="cancelled", at=None, now=NOON)
        assert states() == [
            ("used", None),
            ("active", Decimal("3.12")),
            ("active", Decimal("6.88")),
        ]

    def test_a_share_that_was_used_gives_its_own_share_back(self, voucher: Voucher) -> None:
        place(voucher)
        refund("1", "40.00", "f1")
        share = Voucher.objects.get(state="active")
        place(share, number="2", amount="60.00")
        refund("2", "30.00", "f1")
        assert states()[-1] == ("active", Decimal("2.50"))

    def test_one_without_an_amount_comes_back_with_the_whole_alone(
        self, ada: Member, redeem: Redeem
    ) -> None:
        voucher = redeem(ada, new_reward("cake"), "r1").vouchers.get()
        place(voucher)
        refund("1", "40.00", "f1")
        assert states() == [("used", None)]
        refund("1", "40.00", "f2")
        assert states() == [("active", None)]

    def test_a_closed_member_gets_nothing_back(self, voucher: Voucher) -> None:
        place(voucher)
        Member.objects.filter(pk=voucher.member_id).update(status="closed")
        refund("1", "80.00", "f1")
        assert states() == [("used", None)]

    def test_what_came_back_cannot_be_cancelled_for_points_while_a_part_is_used(
        self, voucher: Voucher
    ) -> None:
        from rewards import redemption

        place(voucher)
        refund("1", "25.00", "f1")
        with pytest.raises(AlreadyUsed):
            redemption.cancel(number=voucher.redemption.number, at=NOON)


CENTS = st.integers(min_value=1, max_value=20_000)


@given(
    amount=CENTS,
    whole=CENTS,
    parts=st.lists(CENTS, max_size=12),
)
def test_shares_are_exact_however_refunds_are_split(
    amount: int, whole: int, parts: list[int]
) -> None:
    off, order_amount = Decimal(amount) / 100, Decimal(whole) / 100
    money, back = Decimal(0), Decimal(0)
    for part in [*parts, whole]:
        money = min(order_amount, money + Decimal(part) / 100)
        share = voucher_returns.due(off, money, order_amount) - back
        assert share >= 0
        back += share
        # floor(amount × money ÷ whole) in whole cents, worked out in whole numbers.
        assert back == Decimal(amount * int(money * 100) // whole) / 100
    assert back == off


@examples(15)
@given(parts=st.lists(st.integers(min_value=1, max_value=4_000), min_size=1, max_size=6))
def test_the_vouchers_themselves_add_up(db: None, parts: list[int]) -> None:
    with sandbox():
        from members import enrolment
        from rewards import giving
        from rewards.giving import Gift

        member = enrolment.enrol(newcomer=enrolment.Newcomer(phone="+8613900000009"), at=NOON)
        reward = new_reward("off", discount_amount=Decimal("13.37"))
        gift = Gift(member=member.pk, reward=reward.code, pieces=1, reference="g")
        made = giving.give(gift=gift, at=NOON)
        assert made is not None
        place(made.vouchers.get(), amount="79.99")
        money = 0
        for number, wanted in enumerate(parts):
            part = min(wanted, 7_999 - money)
            if part:
                refund("1", f"{Decimal(part) / 100:.2f}", f"f{number}")
                money += part
        shares = [each.amount or Decimal(0) for each in Voucher.objects.exclude(amount=None)]
        total = sum(shares, Decimal(0))
        if money == 7_999 and not shares:
            assert states() == [("active", None)]
        else:
            assert total == Decimal(1_337 * money // 7_999) / 100


class TestTold:
    def told(self, *orders: Order) -> list[list[dict[str, str | None]]]:
        return voucher_orders.told(orders=orders, at=NOON)

    def test_says_which_voucher_was_used(self, voucher: Voucher) -> None:
        made = place(voucher)
        assert self.told(made) == [[{"code": voucher.code, "state": "used", "reason": None}]]

    def test_says_why_one_was_not(self, voucher: Voucher) -> None:
        low = place(voucher, amount="20.00")
        said = {"code": voucher.code, "state": "active", "reason": "below_min_spend"}
        assert self.told(low) == [[said]]
        place(voucher, number="2")
        last = place(voucher, number="3")
        assert self.told(last)[0][0]["reason"] == "already_used"

    def test_says_when_it_came_back_with_the_order(self, voucher: Voucher) -> None:
        made = place(voucher)
        refund("1", "80.00", "back")
        made.refresh_from_db()
        said = {"code": voucher.code, "state": "active", "reason": "order_closed"}
        assert self.told(made) == [[said]]

    @pytest.mark.parametrize("said", [{"coupon": ""}, {"coupon": "SPRING"}, {"member": None}])
    def test_says_nothing_of_other_codes(self, voucher: Voucher, said: dict[str, Any]) -> None:
        assert self.told(place(voucher, **said)) == [[]]

    def test_says_nothing_of_what_is_somebody_elses(self, voucher: Voucher, bob: Member) -> None:
        assert self.told(place(voucher, member=bob)) == [[]]

    @pytest.mark.parametrize(("many", "queries"), [(0, 0), (1, 2), (5, 2)])
    def test_asks_as_often_for_many_and_not_at_all_without_codes(
        self, voucher: Voucher, many: int, queries: int, django_assert_num_queries: Any
    ) -> None:
        made = [place(voucher, number=f"n{number}", coupon="") for number in range(3)]
        made += [place(voucher, number=str(number)) for number in range(many)]
        with django_assert_num_queries(queries):
            assert sum(len(each) for each in self.told(*made)) == many


def test_a_second_use_names_the_order(voucher: Voucher, noon: datetime) -> None:
    place(voucher)
    with pytest.raises(AlreadyUsed) as refusal:
        vouchers.use(code=voucher.code, store=None, reference="", used_by="till", at=noon)
    assert refusal.value.data["used_order"] == "default/1"
    assert "订单 1" in str(refusal.value)
