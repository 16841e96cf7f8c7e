from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from loyalty import buy_backs
from loyalty.buy_backs import BoughtBack, BuyBackRequest
from loyalty.errors import InDebt, InsufficientPoints, WalletFrozen
from loyalty.ledger import MAX_POINTS
from loyalty.models import BuyBack, Entry
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    credit,
    day,
    debit,
    figures,
    post,
    program,
    reversal,
    wallet_of,
)
from tests.loyalty.test_transfers import merge


def buy_back(member: Member, points: int = 300, *, at: Any = NOON, **more: Any) -> BoughtBack:
    said: dict[str, Any] = {"reference": "b1", **more}
    request = BuyBackRequest(member=member.number, points=points, **said)
    return buy_backs.buy_back(request=request, at=at)


def refused(refusal: type[Exception], act: Callable[[], Any]) -> Any:
    before = (books(), BuyBack.objects.count())
    with pytest.raises(refusal) as found:
        act()
    assert (books(), BuyBack.objects.count()) == before
    return found.value


class TestBuyBack:
    def test_takes_the_points_and_notes_their_value(self, ada: Member) -> None:
        done = buy_back(ada)

        made = BuyBack.objects.get()
        assert (done.is_new, done.buy_back) == (True, made)
        assert (made.member, made.points, made.value, made.reference, made.at) == (
            ada,
            300,
            Decimal("3.00"),
            "b1",
            NOON,
        )
        entry = Entry.objects.get(kind="buy_back")
        assert (entry.points, entry.balance, entry.reference) == (-300, 700, "b1")
        assert entry.details == {"value": "3.00"}
        assert figures(wallet_of(ada)) == {"active": 700, "earned": 1000, "spent": 300}
        assert_clean()

    @pytest.mark.parametrize(
        ("rate", "points", "value"),
        [
            ("0.0199", 5, "0.09"),
            ("0.009999", 1, "0.00"),
            ("0", 7, "0.00"),
            ("1.999999", 1, "1.99"),
        ],
    )
    def test_rounds_the_value_down_to_cents(
        self, ada: Member, rate: str, points: int, value: str
    ) -> None:
        program(point_value=Decimal(rate))

        assert buy_back(ada, points).buy_back.value == Decimal(value)

    def test_keeps_the_value_of_its_day(self, ada: Member) -> None:
        buy_back(ada)
        program(point_value=Decimal("0.05"))

        again = buy_back(ada, at=day(1))

        assert (again.is_new, again.buy_back.value) == (False, Decimal("3.00"))
        assert figures(wallet_of(ada))["active"] == 700

    def test_of_more_than_money_can_count_is_out_of_range(self, bob: Member) -> None:
        program(point_value=Decimal("999999.999999"))
        post(credit(wallet_of(bob), MAX_POINTS, "in"))

        refusal = refused(InvalidInput, lambda: buy_back(bob, MAX_POINTS))

        assert (refusal.pointer, refusal.code) == ("/points", "out_of_range")

    def test_with_other_points_under_the_reference_is_refused(self, ada: Member) -> None:
        buy_back(ada)

        refused(ReferenceReused, lambda: buy_back(ada, 301))

    def test_knows_the_references_of_members_merged_into_this_one(
        self, ada: Member, bob: Member
    ) -> None:
        first = buy_back(ada)
        merge(ada, bob)

        assert buy_back(bob).buy_back == first.buy_back

    @pytest.mark.parametrize(
        ("status", "refusal"), [("frozen", WalletFrozen), ("closed", MemberClosed)]
    )
    def test_is_refused_to_the_frozen_and_the_closed(
        self, ada: Member, status: str, refusal: type[Exception]
    ) -> None:
        Member.objects.update(status=status)

        refused(refusal, lambda: buy_back(ada))

    def test_of_more_than_there_is_is_refused(self, ada: Member) -> None:
        refusal = refused(InsufficientPoints, lambda: buy_back(ada, 1001))

        assert refusal.data == {"needed": 1001, "available": 1000}

    def test_from_one_who_owes_is_refused(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(credit(wallet, 70, "in"))
        post(debit(wallet, 70, "out"))
        post(reversal(wallet, 70, "back", of="in"))

        refused(InDebt, lambda: buy_back(bob, 1))

    def test_from_nobody_is_refused(self, db: None) -> None:
        request = BuyBackRequest(member="nobody", points=1, reference="b1")

        with pytest.raises(NotFound) as refusal:
            buy_backs.buy_back(request=request, at=NOON)

        assert refusal.value.pointer == "/member"

    @pytest.mark.parametrize(
        ("more", "pointer"),
        [
            ({"points": 0}, "/points"),
            ({"points": -1}, "/points"),
            ({"points": True}, "/points"),
            ({"points": 1.0}, "/points"),
            ({"points": MAX_POINTS + 1}, "/points"),
            ({"reference": ""}, "/reference"),
            ({"reference": "x" * 101}, "/reference"),
        ],
    )
    def test_of_what_cannot_be_meant_is_refused(
        self, ada: Member, more: dict[str, Any], pointer: str
    ) -> None:
        assert refused(InvalidInput, lambda: buy_back(ada, **more)).pointer == pointer
