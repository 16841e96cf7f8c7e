import pytest

from loyalty.errors import InsufficientPoints
from loyalty.ledger import MAX_POINTS
from loyalty.models import Entry, Lot
from members.errors import InvalidInput
from members.models import Member
from tests.loyalty.builders import (
    assert_clean,
    credit,
    day,
    debit,
    entries,
    figures,
    gift,
    open_lots,
    post,
    reversal,
    wallet_of,
)


@pytest.fixture
def wallet(bob: Member) -> int:
    """30 points: 10 until tomorrow, 20 for nine days."""
    wallet = wallet_of(bob)
    post(
        credit(wallet, 10, "tomorrow", expires_at=day(1)),
        credit(wallet, 20, "nine days", expires_at=day(9)),
    )
    return wallet


@pytest.fixture
def other(mallory: Member) -> int:
    return wallet_of(mallory)


class TestGift:
    def test_keeps_the_dates_of_every_piece(self, wallet: int, other: int) -> None:
        answer = post(gift(wallet, other, 15, "g"))[0]

        assert (answer.points, answer.balance, answer.is_new) == (-15, 15, True)
        lots = Lot.objects.filter(wallet=other).order_by("id")
        assert [(lot.points, lot.expires_at) for lot in lots] == [(10, day(1)), (5, day(9))]
        assert figures(wallet) == {"active": 15, "earned": 30}
        assert figures(other) == {"active": 15}
        assert entries(other) == [("transfer_in", 15, 15)]
        assert_clean()

    def test_takes_the_fee_on_top(self, wallet: int, other: int) -> None:
        with pytest.raises(InsufficientPoints) as refused:
            post(gift(wallet, other, 28, "g", fee=3))
        assert refused.value.data == {"needed": 31, "available": 30}
        post(gift(wallet, other, 27, "g", fee=3))

        assert entries(wallet)[-2:] == [("transfer_out", -27, 3), ("fee", -3, 0)]
        assert figures(other) == {"active": 27}
        assert_clean()

    def test_pays_the_receivers_debt_first(self, wallet: int, other: int) -> None:
        post(credit(other, 12, "a"), debit(other, 12, "b"), reversal(other, 12, "c", of="a"))
        assert figures(other) == {"debt": 12, "spent": 12}

        post(gift(wallet, other, 15, "g"))

        assert figures(other) == {"active": 3, "spent": 12}
        assert list(
            Lot.objects.filter(wallet=other, remaining__gt=0).values_list("points", "remaining")
        ) == [(5, 3)]
        assert_clean()

    def test_again_changes_nothing(self, wallet: int, other: int) -> None:
        first = post(gift(wallet, other, 15, "g"))[0]
        again = post(gift(wallet, other, 15, "g"))[0]

        assert (again.points, again.balance, again.is_new) == (-15, first.balance, False)
        assert Entry.objects.filter(kind="transfer_in").count() == 1

    def test_refuses_a_sum_that_nobody_can_count(self, wallet: int, other: int) -> None:
        post(credit(other, MAX_POINTS - 5, "all"))

        with pytest.raises(InvalidInput) as refused:
            post(gift(wallet, other, 6, "g"))

        assert refused.value.code == "out_of_range"

        assert open_lots(wallet) == {"tomorrow": 10, "nine days": 20}
