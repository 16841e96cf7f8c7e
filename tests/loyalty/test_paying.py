"""Paying with points: what a program lets them pay, exact to the cent, and what it refuses."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from loyalty import asides, holds, ordering, paying, paying_words, queries, refunds
from loyalty.asides import Aside
from loyalty.errors import NotInSteps, ShareReached
from loyalty.holds import HoldRequest
from loyalty.models import Hold, Order, Program
from loyalty.refunds import RefundFacts, RefundLine
from members.errors import NotFound
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    day,
    examples,
    figures,
    order,
    program,
    sandbox,
    wallet_of,
)

SUPERMARKET = {"max_share": "0.5", "min": 200, "step": 100}


def ruled(max_share: str = "0.5", **more: Any) -> Program:
    """A program that is not stored."""
    rule = {"max_share": max_share, "min": more.pop("min", None), "step": more.pop("step", None)}
    return Program(pay_with_points=rule, point_value=Decimal(more.pop("value", "0.01")), **more)


def held(member: Member, points: int, reference: str = "h") -> Hold:
    request = HoldRequest(member=member.number, points=points, reference=reference)
    return holds.hold(request=request, at=NOON).hold


class TestMost:
    @pytest.mark.parametrize(
        ("amount", "rule", "points"),
        [
            ("80.00", {}, 4000),
            ("79.99", {}, 3999),  # 39.995 are 39.99
            ("79.99", {"step": 100}, 3900),
            ("0.01", {}, 0),
            ("3.00", {"min": 200}, 0),
            ("4.00", {"min": 200}, 200),
            ("4.00", {"min": 150, "step": 100}, 200),
            ("80.00", {"max_share": "0"}, 0),
            ("80.00", {"max_share": "1"}, 8000),
            ("80.00", {"max_share": "0.333333"}, 2666),
            ("80.00", {"value": "0.003"}, 13_334),  # 13,333 are worth 39.99
            ("80.00", {"value": "0.05"}, 800),
            ("79.99", {"value": "0.05"}, 799),  # 800 would be worth more
            ("80.00", {"value": "0"}, 0),
        ],
    )
    def test_is_exact(self, amount: str, rule: dict[str, Any], points: int) -> None:
        assert paying.most_points(Decimal(amount), ruled(**rule)) == points

    @given(
        cents=st.integers(0, 10_000_000),
        share=st.integers(0, 1_000_000),
        value=st.integers(1, 2_000_000),
        least=st.none() | st.integers(1, 5_000),
        step=st.none() | st.integers(1, 1_000),
    )
    def test_is_accepted_and_the_next_step_that_is_worth_more_refused(
        self, cents: int, share: int, value: int, least: int | None, step: int | None
    ) -> None:
        said = ruled(
            f"{Decimal(share) / 1_000_000:f}",
            min=least,
            step=step,
            value=f"{Decimal(value) / 1_000_000:f}",
        )
        amount = Decimal(cents) / 100
        points = paying.most_points(amount, said)

        def pays(points: int) -> None:
            worth = queries.value_of(points, said)
            paying.refuse_beyond_share(money=worth, points=points, amount=amount, program=said)

        pays(points)
        rule = paying.Rule.of(said)
        assert points == 0 or points % (step or 1) == 0
        assert points == 0 or points >= (least or 1)
        more = max(points + (step or 1), rule.least)
        if queries.value_of(more, said) > queries.value_of(points, said):
            with pytest.raises(ShareReached):
                pays(more)


class TestHold:
    @pytest.mark.parametrize(("points", "limit"), [(100, 200), (199, 200), (250, 200), (399, 300)])
    def test_of_too_few_or_no_whole_steps_is_refused_and_keeps_nothing(
        self, ada: Member, points: int, limit: int
    ) -> None:
        program(pay_with_points=SUPERMARKET)
        before = books()

        with pytest.raises(NotInSteps) as refused:
            held(ada, points)

        assert refused.value.data == {"limit": limit, "used": points, "min": 200, "step": 100}
        assert (books(), Hold.objects.count()) == (before, 0)
        assert held(ada, 200).points == 200  # the reference is free

    def test_for_anything_else_may_be_of_any_points_and_pays_no_order(self, ada: Member) -> None:
        program(pay_with_points=SUPERMARKET)
        aside = Aside(points=7, purpose="redemption", reference="r", until=day(1))
        with transaction.atomic():
            hold = asides.set_aside(member=ada, aside=aside, at=NOON)

        for attempt in (ordering.place, ordering.quote):
            with pytest.raises(NotFound):
                attempt(order=order("1", "80.00", member=ada, hold=str(hold.pk)), at=NOON)
        assert Hold.objects.get().state == "held"

    def test_that_was_there_before_the_rule_is_good(self, ada: Member) -> None:
        hold = held(ada, 150)
        program(pay_with_points=SUPERMARKET)

        placed = ordering.place(order=order("1", "80.00", member=ada, hold=str(hold.pk)), at=NOON)

        assert placed.order is not None
        assert placed.order.points_paid_amount == Decimal("1.50")


class TestCapture:
    def test_of_a_part_goes_by_steps_too(self, ada: Member) -> None:
        program(pay_with_points=SUPERMARKET)
        hold = held(ada, 600)

        for points in (100, 250):
            with pytest.raises(NotInSteps):
                holds.capture(hold=hold.pk, points=points, order=None, at=NOON)
        captured = holds.capture(hold=hold.pk, points=300, order=None, at=NOON)

        assert captured.captured_points == 300
        assert figures(wallet_of(ada)) == {"active": 700, "earned": 1000, "spent": 300}

    def test_for_an_order_stays_within_its_share_with_what_was_captured_before(
        self, ada: Member
    ) -> None:
        program(pay_with_points=SUPERMARKET)
        first, second = held(ada, 300, "h1"), held(ada, 200, "h2")
        ordering.place(order=order("1", "8.00", member=ada), at=NOON)
        holds.capture(hold=first.pk, points=None, order="1", at=NOON)
        before = books()

        with pytest.raises(ShareReached) as refused:
            holds.capture(hold=second.pk, points=None, order="1", at=NOON)

        assert (refused.value.data["limit"], refused.value.data["used"]) == (400, 500)
        assert books() == before
        assert Hold.objects.get(pk=second.pk).state == "held"


class TestOrder:
    @pytest.mark.parametrize(
        ("amount", "said", "limit", "used"),
        [
            ("15.98", None, 700, 800),
            ("15.99", None, 700, 800),
            ("15.99", Decimal("8.00"), 700, 800),
            ("4.00", None, 200, 800),
            ("3.98", None, 0, 800),
        ],
    )
    def test_paid_beyond_the_share_is_refused_and_the_hold_stays(
        self, ada: Member, amount: str, said: Decimal | None, limit: int, used: int
    ) -> None:
        program(pay_with_points=SUPERMARKET)
        hold = held(ada, 800)
        facts = order("1", amount, member=ada, hold=str(hold.pk), points_paid_amount=said)
        before = books()

        for attempt in (ordering.place, ordering.quote):
            with pytest.raises(ShareReached) as refused:
                attempt(order=facts, at=NOON)

        assert (refused.value.data["limit"], refused.value.data["used"]) == (limit, used)
        assert (books(), Order.objects.count()) == (before, 0)
        assert Hold.objects.get().state == "held"

    def test_at_the_share_is_accepted_and_the_paid_share_earns_nothing(self, ada: Member) -> None:
        program(pay_with_points=SUPERMARKET)
        hold = held(ada, 800)

        placed = ordering.place(order=order("1", "16.00", member=ada, hold=str(hold.pk)), at=NOON)

        assert placed.order is not None
        assert (placed.order.points, placed.order.points_paid_amount) == (8, Decimal("8.00"))
        assert_clean()

    def test_that_says_too_much_without_a_hold_is_refused(self, ada: Member) -> None:
        program(pay_with_points=SUPERMARKET)
        facts = order("1", "16.00", member=ada, points_paid_amount=Decimal("8.01"))

        with pytest.raises(ShareReached) as refused:
            ordering.place(order=facts, at=NOON)

        assert refused.value.data == {
            "limit": 800,
            "used": 801,
            "limit_amount": "8.00",
            "used_amount": "8.01",
            "min": 200,
            "step": 100,
        }
        assert not Order.objects.exists()

    def test_in_a_batch_stops_no_other(self, ada: Member) -> None:
        program(pay_with_points=SUPERMARKET)
        orders = [
            order("1", "10.00", member=ada, points_paid_amount=Decimal("9.00")),
            order("2", "10.00", member=ada, points_paid_amount=Decimal("5.00")),
        ]

        placed = ordering.place_all(orders=orders, at=NOON)

        assert isinstance(placed[0].problem, ShareReached)
        assert [each.order is not None for each in placed] == [False, True]

    def test_again_after_the_rule_changed_is_known(self, ada: Member) -> None:
        facts = order("1", "10.00", member=ada, points_paid_amount=Decimal("9.00"))
        ordering.place(order=facts, at=NOON)
        program(pay_with_points=SUPERMARKET)

        assert not ordering.place(order=facts, at=NOON).is_new


class TestRefund:
    """Ada has 1,000 points; what paid comes back exactly, by lines and by amounts in any split."""

    @given(
        lines=st.tuples(st.integers(1, 900), st.integers(1, 900)),
        share=st.integers(1, 100),
        refund_first=st.sampled_from(["points", "cash"]),
        earns=st.booleans(),
        by_line=st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 99)), max_size=3),
        by_amount=st.lists(st.integers(1, 70), max_size=2),
    )
    @examples(20)
    def test_gives_back_what_paid_and_takes_what_was_earned(
        self,
        ada: Member,
        lines: tuple[int, int],
        share: int,
        refund_first: str,
        earns: bool,
        by_line: list[tuple[str, int]],
        by_amount: list[int],
    ) -> None:
        with sandbox():
            rule = {"max_share": f"{Decimal(share) / 100:f}"}
            program(pay_with_points=rule, refund_first=refund_first, earn_on_points_paid=earns)
            left = dict(zip("AB", lines, strict=True))
            whole = sum(lines)
            basket = [f"{Decimal(cents) / 100:.2f}" for cents in lines]
            points = ordering.quote(order=order("", *basket, member=ada), at=NOON).payable.points
            hold = str(held(ada, points).pk) if points else None
            ordering.place(order=order("1", *basket, member=ada, hold=hold), at=NOON)
            paid = points  # a point is a cent
            for number, (sku, percent) in enumerate(by_line):
                cents = left[sku] * percent // 100
                left[sku] -= cents
                self._refund(f"l{number}", cents, sku)
            money = sum(left.values())
            for number, percent in enumerate(by_amount):
                cents = money * percent // 100
                money -= cents
                self._refund(f"a{number}", cents)
                refunded = whole - money
                back = min(refunded, paid) if refund_first == "points" else refunded - whole + paid
                assert Order.objects.get().points_returned == max(0, back)
            self._refund("rest", money)

            assert Order.objects.get().points_returned == points
            assert figures(wallet_of(ada)) == {"active": 1000, "earned": 1000}
            assert_clean()

    def _refund(self, reference: str, cents: int, sku: str | None = None) -> None:
        if not cents:
            return
        amount = Decimal(cents) / 100
        said: dict[str, Any] = {"amount": amount}
        if sku is not None:
            said = {"lines": (RefundLine(sku=sku, quantity=None, amount=amount),)}
        facts = RefundFacts(reference=reference, at=NOON, **said)
        refunds.refund(source="default", number="1", facts=facts, now=NOON)


class TestPayable:
    """Ada has 1,000 points."""

    @pytest.mark.parametrize(
        ("amount", "cap", "points", "money"),
        [
            ("16.00", None, 800, "8.00"),
            ("15.99", None, 700, "7.00"),
            ("3.98", None, 0, "0.00"),
            ("99.00", None, 1000, "10.00"),
            ("99.00", 350, 300, "3.00"),
            ("99.00", 100, 0, "0.00"),
        ],
    )
    def test_is_within_balance_share_steps_and_cap(
        self, ada: Member, amount: str, cap: int | None, points: int, money: str
    ) -> None:
        program(pay_with_points=SUPERMARKET, monthly_redemption_cap=cap)

        payable = ordering.quote(order=order("", amount, member=ada), at=NOON).payable

        assert (payable.points, payable.money) == (points, Decimal(money))
        assert (payable.min, payable.step) == (200, 100)

    def test_counts_what_the_hold_keeps_for_it(self, ada: Member) -> None:
        program(pay_with_points=SUPERMARKET, monthly_redemption_cap=900)
        hold = held(ada, 400)
        held(ada, 200, "another")
        facts = order("", "99.00", member=ada, hold=str(hold.pk))

        assert ordering.quote(order=facts, at=NOON).payable.points == 700
        assert ordering.quote(order=order("", "99.00", member=ada), at=NOON).payable.points == 300

    def test_is_nothing_for_nobody_and_the_frozen(self, ada: Member) -> None:
        Member.objects.filter(pk=ada.pk).update(status="frozen")

        assert ordering.quote(order=order("", "99.00", member=ada), at=NOON).payable.points == 0
        assert ordering.quote(order=order("", "99.00", member=None), at=NOON).payable.points == 0


class TestWords:
    @pytest.fixture(autouse=True)
    def in_english(self) -> Iterator[None]:
        with translation.override("en"):
            yield

    def test_say_the_rule(self) -> None:
        said = ruled(min=200, step=100)

        assert paying_words.for_merchants(said) == [
            "100 points are worth ¥1.00.",
            "They pay at most 50 % of an order.",
            "At least 200 points at a time.",
            "In steps of 100 points.",
            "The part paid with points earns nothing.",
            "A refund gives the points back first, then money.",
        ]

    def test_leave_out_what_is_not_limited(self) -> None:
        said = ruled("1", earn_on_points_paid=True, refund_first="cash")

        assert paying_words.for_members(said) == [
            "100 points are worth ¥1.00.",
            "They may pay a whole order.",
        ]
        assert paying_words.for_merchants(said)[2:] == [
            "The part paid with points earns points too.",
            "A refund gives money back first, then the points.",
        ]

    def test_say_that_points_pay_nothing(self) -> None:
        assert paying_words.for_members(ruled("0")) == []
        assert paying_words.for_merchants(ruled("0")) == [
            "Points cannot be used to pay at the till."
        ]
