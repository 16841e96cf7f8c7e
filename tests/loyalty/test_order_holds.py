"""Orders paid with points: holds captured in the same transaction, and given back with refunds."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import holds, order_steps, ordering, refunds
from loyalty.errors import HoldClosed, ShareReached, WalletFrozen
from loyalty.holds import HoldRequest
from loyalty.models import Entry, Hold, Order, Refund
from loyalty.order_facts import OrderFacts
from loyalty.refunds import Refunded, RefundFacts
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    credit,
    day,
    entries,
    examples,
    figures,
    open_lots,
    order,
    post,
    program,
    sandbox,
    taken_by,
    wallet_of,
)


def held(member: Member, points: int, reference: str = "h1") -> Hold:
    request = HoldRequest(member=member.number, points=points, reference=reference)
    return holds.hold(request=request, at=NOON).hold


def paid_with(hold: Hold | str, *amounts: str, number: str = "1", **more: Any) -> OrderFacts:
    name = hold if isinstance(hold, str) else str(hold.pk)
    return order(number, *(amounts or ("64.00",)), hold=name, **more)


def place(facts: OrderFacts) -> Order:
    placed = ordering.place(order=facts, at=NOON).order
    assert placed is not None
    return placed


def refund(reference: str, amount: str, number: str = "1") -> Refunded:
    facts = RefundFacts(reference=reference, at=NOON, amount=Decimal(amount))
    return refunds.refund(source="default", number=number, facts=facts, now=NOON)


def cancel(number: str = "1") -> Order:
    return order_steps.advance(
        source="default", number=number, status="cancelled", at=NOON, now=NOON
    )


def everything() -> dict[str, Any]:
    return {
        **books(),
        "holds": list(Hold.objects.order_by("id").values()),
        "orders": list(Order.objects.order_by("id").values()),
        "refunds": list(Refund.objects.order_by("id").values()),
    }


class TestPlace:
    def test_captures_the_hold_worth_what_its_points_are(self, ada: Member) -> None:
        hold = held(ada, 500)

        made = place(paid_with(hold, "64.00", "36.00", member=ada))

        hold.refresh_from_db()
        assert (hold.state, hold.captured_points, hold.order) == ("captured", 500, made)
        assert hold.closed_at == NOON
        # 500 × 0.01 = 5.00; the other 95.00 earn.
        assert (made.points_paid_amount, made.points) == (Decimal("5.00"), 95)
        assert figures(wallet_of(ada)) == {"active": 595, "earned": 1095, "spent": 500}
        assert entries(wallet_of(ada))[-2:] == [("redeem", -500, 500), ("earn", 95, 595)]
        redeem = Entry.objects.get(kind="redeem")
        assert (redeem.reference, redeem.at) == (f"hold/{hold.pk}", NOON)
        assert redeem.details["order"] == "default/1"
        assert_clean()

    @pytest.mark.parametrize(
        ("point_value", "points", "amount", "worth"),
        [
            ("0.01", 500, "64.00", "5.00"),
            ("0.01", 500, "5.00", "5.00"),
            ("0.0333", 100, "64.00", "3.33"),
            ("0.0099", 1, "64.00", "0.00"),
            ("0", 500, "64.00", "0.00"),
        ],
    )
    def test_is_worth_whole_cents(
        self, ada: Member, point_value: str, points: int, amount: str, worth: str
    ) -> None:
        program(point_value=Decimal(point_value))

        made = place(paid_with(held(ada, points), amount, member=ada))

        assert made.points_paid_amount == Decimal(worth)
        assert figures(wallet_of(ada))["spent"] == points

    @pytest.mark.parametrize(
        ("rule", "amount", "spent"),
        [
            ({}, "4.99", 499),
            ({}, "0.01", 1),
            ({"step": 100}, "2.99", 300),  # 200 would be worth less than the order
            ({"step": 100}, "3.01", 400),
            ({"min": 350}, "2.00", 350),
            ({"step": 300, "min": 300}, "4.00", 500),  # held before the rule was made
        ],
    )
    def test_of_more_than_the_order_gives_the_rest_back(
        self, ada: Member, rule: dict[str, Any], amount: str, spent: int
    ) -> None:
        hold = held(ada, 500)
        program(pay_with_points={"max_share": "1", "min": None, "step": None, **rule})

        made = place(paid_with(hold, amount, member=ada))

        hold.refresh_from_db()
        assert (made.points_paid_amount, made.points) == (Decimal(amount), 0)
        assert (hold.state, hold.captured_points) == ("captured", spent)
        assert figures(wallet_of(ada)) == {
            "active": 1000 - spent,
            "earned": 1000,
            "spent": spent,
        }
        assert place(paid_with(hold, amount, member=ada)) == made
        assert cancel().status == "cancelled"
        assert figures(wallet_of(ada)) == {"active": 1000, "earned": 1000}
        assert_clean()

    def test_of_an_order_that_costs_nothing_is_refused(self, ada: Member) -> None:
        before = everything()

        with pytest.raises(ShareReached) as refusal:
            place(paid_with(held(ada, 500), "0.00", member=ada))

        assert (refusal.value.data["limit"], refusal.value.data["used"]) == (0, 500)
        assert Hold.objects.get().state == "held"
        assert everything()["orders"] == before["orders"]

    def test_is_worth_what_the_order_says(self, ada: Member) -> None:
        facts = paid_with(held(ada, 500), member=ada, points_paid_amount=Decimal("10.00"))

        assert (place(facts).points_paid_amount, place(facts).points) == (Decimal("10.00"), 54)

    def test_lets_the_part_paid_with_points_earn_where_the_program_does(self, ada: Member) -> None:
        program(earn_on_points_paid=True)

        assert place(paid_with(held(ada, 500), member=ada)).points == 64
        assert not Entry.objects.filter(details__has_key="paid_with_points").exists()

    def test_captures_though_the_points_are_not_due_yet(self, ada: Member) -> None:
        made = place(paid_with(held(ada, 500), member=ada, status="created"))

        assert (made.points, made.points_paid_amount) == (0, Decimal("5.00"))
        assert figures(wallet_of(ada)) == {"active": 500, "earned": 1000, "spent": 500}
        order_steps.advance(source="default", number="1", status="paid", at=NOON, now=NOON)
        assert Order.objects.get().points == 59

    def test_of_an_order_called_off_gives_the_points_straight_back(self, ada: Member) -> None:
        before = figures(wallet_of(ada))

        made = place(paid_with(held(ada, 500), member=ada, status="cancelled"))

        assert (made.status, Order.objects.get().points_returned) == ("cancelled", 500)
        assert figures(wallet_of(ada)) == before
        assert cancel().status == "cancelled"
        assert figures(wallet_of(ada)) == before
        assert_clean()

    @pytest.mark.parametrize("later", [{}, {"points_paid_amount": Decimal("5.00")}])
    def test_again_is_known_and_captures_nothing_more(
        self, ada: Member, later: dict[str, Any]
    ) -> None:
        hold = held(ada, 500)
        place(paid_with(hold, member=ada))
        program(point_value=Decimal("0.02"))
        before = everything()

        again = ordering.place(order=paid_with(hold, member=ada, **later), at=NOON)

        assert not again.is_new
        assert everything() == before

    def test_again_with_another_worth_is_refused(self, ada: Member) -> None:
        hold = held(ada, 500)
        place(paid_with(hold, member=ada))

        with pytest.raises(ReferenceReused):
            place(paid_with(hold, member=ada, points_paid_amount=Decimal("5.01")))


class TestRefusals:
    def refuse(self, facts: OrderFacts, problem: type[Exception]) -> Any:
        before = everything()
        with pytest.raises(problem) as refusal:
            place(facts)
        assert everything() == before
        with pytest.raises(problem):
            ordering.quote(order=facts, at=NOON)
        return refusal.value

    def test_of_a_hold_that_is_not_there_or_somebody_elses(self, ada: Member, bob: Member) -> None:
        hold = held(ada, 500)
        for facts in (
            paid_with(hold, member=bob),
            paid_with(hold, member=None),
            paid_with(str(hold.pk + 1), member=ada),
            paid_with("abc", member=ada),
            paid_with("9" * 30, member=ada),
        ):
            assert self.refuse(facts, NotFound).pointer == "/hold"

    def test_of_a_hold_that_is_closed(self, ada: Member) -> None:
        captured, released = held(ada, 100, "c"), held(ada, 100, "r")
        place(paid_with(captured, number="0", member=ada))
        holds.release(hold=released.pk, at=NOON)

        refusals = [
            self.refuse(paid_with(hold, member=ada), HoldClosed) for hold in (captured, released)
        ]

        assert [each.data for each in refusals] == [{"state": "captured"}, {"state": "released"}]

    def test_of_a_hold_that_timed_out(self, ada: Member) -> None:
        hold = held(ada, 500)
        late = hold.expires_at
        with sandbox():
            just_before = late - timedelta(microseconds=1)
            assert ordering.place(order=paid_with(hold, member=ada), at=just_before).is_new

        with pytest.raises(HoldClosed) as refusal:
            ordering.place(order=paid_with(hold, member=ada), at=late)

        assert refusal.value.data == {"state": "expired"}
        assert not Order.objects.exists()

    @pytest.mark.parametrize(
        ("status", "problem"), [("frozen", WalletFrozen), ("closed", MemberClosed)]
    )
    def test_of_members_who_may_not_spend(
        self, ada: Member, status: str, problem: type[Exception]
    ) -> None:
        hold = held(ada, 500)
        Member.objects.filter(pk=ada.pk).update(status=status)

        self.refuse(paid_with(hold, member=ada), problem)

    @pytest.mark.parametrize(
        "wrong", [{"store": "nowhere"}, {"points_paid_amount": Decimal("64.01")}]
    )
    def test_of_the_order_leaves_the_hold_open(self, ada: Member, wrong: dict[str, Any]) -> None:
        hold = held(ada, 500)

        self.refuse(paid_with(hold, member=ada, **wrong), InvalidInput)

        hold.refresh_from_db()
        assert hold.state == "held"
        assert place(paid_with(hold, member=ada)).points == 59


class TestQuote:
    def test_says_what_the_order_would_earn_and_writes_nothing(self, ada: Member) -> None:
        hold = held(ada, 500)
        before = everything()

        quote = ordering.quote(order=paid_with(hold, member=ada), at=NOON)

        assert everything() == before
        made = place(paid_with(hold, member=ada))
        assert (quote.order.points, quote.order.points_paid_amount) == (59, Decimal("5.00"))
        assert quote.order.explanation == made.explanation


class TestPlaceAll:
    def plan(self, ada: Member, bob: Member) -> list[OrderFacts]:
        hold, other = held(ada, 300, "a"), held(ada, 200, "b")
        return [
            order("1", "10.00", member=ada),
            paid_with(hold, number="2", member=ada),
            order("3", "20.00", member=bob),
            paid_with(hold, number="4", member=ada),
            paid_with(other, number="5", member=ada, status="cancelled"),
            paid_with(other, number="6", member=bob),
            order("7", "30.00", member=ada, status="created"),
        ]

    def test_gives_what_the_orders_give_one_by_one(self, ada: Member, bob: Member) -> None:
        plan = self.plan(ada, bob)
        with sandbox():
            together = ordering.place_all(orders=plan, at=NOON)
            batch = self.outcome()
        one_by_one = [ordering.place_all(orders=[each], at=NOON)[0] for each in plan]

        assert self.outcome() == batch
        problems = [type(each.problem).__name__ for each in together]
        assert problems == [type(each.problem).__name__ for each in one_by_one]
        assert problems == [*["NoneType"] * 3, "HoldClosed", "NoneType", "NotFound", "NoneType"]

    def outcome(self) -> Any:
        assert_clean()
        return books(), list(Hold.objects.order_by("id").values("state", "order__number"))


class TestRefund:
    def test_gives_the_points_that_paid_back_to_their_lots(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(credit(wallet, 300, "soon", expires_at=day(9)), credit(wallet, 300, "late"))
        place(paid_with(held(bob, 500), "100.00", member=bob))  # 300 soon, 200 late; 95 earned

        first = refund("r1", "2.00")

        # 2.00 of the 5.00 paid with points: 200 of 500, the latest-expiring first.
        assert (first.refund.points_returned, first.order.points_returned) == (200, 200)
        assert first.refund.points_reversed == 1
        reference = f"hold/{Hold.objects.get().pk}/default/1/r1"
        assert taken_by(wallet, reference) == {"late": 200}
        entry = Entry.objects.get(wallet=wallet, kind="return")
        assert entry.details == {
            "order": "1",
            "source": "default",
            "refund": "r1",
            "amount": "2.00",
        }
        rest = refund("r2", "98.00")
        assert (rest.refund.points_returned, rest.refund.points_reversed) == (300, 94)
        assert open_lots(wallet) == {"soon": 300, "late": 300}
        assert figures(wallet) == {"active": 600, "earned": 600}
        assert_clean()

    @pytest.mark.parametrize(
        ("refund_first", "returned"),
        [("points", [200, 300, 0, 0]), ("cash", [0, 0, 333, 167])],
    )
    def test_by_points_or_cash_first(
        self, ada: Member, refund_first: str, returned: list[int]
    ) -> None:
        program(refund_first=refund_first)
        place(paid_with(held(ada, 500), "10.00", member=ada, points_paid_amount=Decimal("3.00")))

        # Points first: 1.20 and the rest of 3.00. Cash first: 7.00 of cash, then 2.00 of 3.00, then all.
        done = [refund(f"r{n}", money) for n, money in enumerate(["1.20", "5.80", "2.00", "1.00"])]

        assert [each.refund.points_returned for each in done] == returned
        assert done[-1].order.points_returned == 500
        assert figures(wallet_of(ada)) == {"active": 1000, "earned": 1000}
        assert_clean()

    @given(
        amount=st.integers(1, 9_999),
        share=st.integers(0, 100),
        points=st.integers(1, 1_000),
        refund_first=st.sampled_from(["points", "cash"]),
        parts=st.lists(st.integers(1, 70), max_size=4),
        ends=st.sampled_from(["refund", "cancel"]),
    )
    @examples(20)
    def test_gives_exactly_all_back_in_the_end(
        self,
        ada: Member,
        amount: int,
        share: int,
        points: int,
        refund_first: str,
        parts: list[int],
        ends: str,
    ) -> None:
        with sandbox():
            program(refund_first=refund_first)
            paid = Decimal(amount * share // 100) / 100
            whole = Decimal(amount) / 100
            facts = paid_with(
                held(ada, points), f"{whole:.2f}", member=ada, points_paid_amount=paid
            )
            place(facts)
            left = amount
            for number, percent in enumerate(parts):
                cents = left * percent // 100
                if cents:
                    left -= cents
                    done = refund(f"r{number}", f"{Decimal(cents) / 100:.2f}")
                    money = whole - Decimal(left) / 100
                    back = (
                        min(money, paid)
                        if refund_first == "points"
                        else max(Decimal(0), money - (whole - paid))
                    )
                    due = int(points * back / paid) if paid else 0
                    assert done.order.points_returned == due
            if ends == "refund":
                refund("rest", f"{Decimal(left) / 100:.2f}")
            else:
                cancel()
            assert Order.objects.get().points_returned == points
            assert figures(wallet_of(ada)) == {"active": 1000, "earned": 1000}
            assert_clean()

    def test_pays_what_the_refund_takes_and_makes_no_debt(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(credit(wallet, 500, "in"))
        place(paid_with(held(bob, 500), member=bob))
        place(paid_with(held(bob, 59, "h2"), number="2", member=bob, status="created"))

        done = refund("r1", "64.00")

        assert (done.refund.points_returned, done.refund.debt_added) == (500, 0)
        assert figures(wallet) == {"active": 441, "earned": 500, "spent": 59}
        assert_clean()

    @pytest.mark.parametrize(("grace", "left"), [(0, {}), (7, {"active": 500})])
    def test_gives_to_a_lot_that_lapsed_as_the_program_says(
        self, bob: Member, grace: int, left: dict[str, int]
    ) -> None:
        program(return_grace_days=grace)
        post(credit(wallet_of(bob), 500, "in", expires_at=day(9)))
        place(paid_with(held(bob, 500), "5.00", member=bob))

        facts = RefundFacts(reference="r1", amount=Decimal("5.00"))
        refunds.refund(source="default", number="1", facts=facts, now=day(10))

        found = figures(wallet_of(bob))
        assert {name: points for name, points in found.items() if name == "active"} == left

    def test_gives_nothing_back_to_a_closed_member(self, bob: Member) -> None:
        post(credit(wallet_of(bob), 500, "in"))
        place(paid_with(held(bob, 500), "100.00", member=bob))
        Member.objects.filter(pk=bob.pk).update(status="closed")

        done = refund("r1", "100.00")

        assert (done.refund.points_returned, done.refund.points_reversed) == (0, 95)

    def test_of_a_hold_captured_for_the_order_later_counts_too(self, ada: Member) -> None:
        place(order("1", "10.00", member=ada, points_paid_amount=Decimal("5.00")))
        later = held(ada, 500)
        holds.capture(hold=later.pk, points=400, order="default/1", at=NOON)

        assert refund("r1", "2.50").refund.points_returned == 200
        assert cancel().points_returned == 400

    def test_that_comes_again_says_the_same(self, ada: Member) -> None:
        place(paid_with(held(ada, 500), member=ada))
        refund("r1", "2.50")
        before = everything()

        again = refund("r1", "2.50")

        assert (again.is_new, again.refund.points_returned) == (False, 250)
        assert everything() == before


class TestCancelled:
    def test_gives_back_what_refunds_have_not(self, ada: Member) -> None:
        place(paid_with(held(ada, 500), member=ada))
        refund("r1", "2.50")

        assert order_steps.cancellation(order=Order.objects.get()).returned == 250
        made = cancel()

        assert (made.status, made.points_returned) == ("cancelled", 500)
        assert figures(wallet_of(ada)) == {"active": 1000, "earned": 1000}
        assert_clean()
