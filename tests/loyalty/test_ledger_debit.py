import pytest

from loyalty.errors import InDebt, InsufficientPoints
from loyalty.models import Allocation, Entry
from members.errors import InvalidInput, ReferenceReused
from members.models import Member
from tests.loyalty.builders import (
    assert_clean,
    books,
    credit,
    day,
    debit,
    entries,
    figures,
    lot_of,
    open_lots,
    post,
    reversal,
    taken_by,
    wallet_of,
)


@pytest.fixture
def wallet(bob: Member) -> int:
    """An empty wallet."""
    return wallet_of(bob)


class TestDebit:
    def test_takes_soonest_expiry_first_then_activation_then_posting_and_never_last(
        self, wallet: int
    ) -> None:
        post(
            credit(wallet, 10, "never"),
            credit(wallet, 10, "late", expires_at=day(30)),
            credit(wallet, 10, "second", expires_at=day(9)),
            credit(wallet, 10, "third", expires_at=day(9)),
            credit(wallet, 10, "first", active_from=day(-1), expires_at=day(9)),
        )

        post(debit(wallet, 45, "all but five"))

        assert list(taken_by(wallet, "all but five").items()) == [
            ("first", -10),
            ("second", -10),
            ("third", -10),
            ("late", -10),
            ("never", -5),
        ]
        assert open_lots(wallet) == {"never": 5}
        assert_clean()

    def test_of_eternal_lots_takes_the_earlier_activation_first(self, wallet: int) -> None:
        post(credit(wallet, 10, "new"), credit(wallet, 10, "old", active_from=day(-3)))

        post(debit(wallet, 12, "out"))

        assert list(taken_by(wallet, "out").items()) == [("old", -10), ("new", -2)]

    def test_in_a_batch_with_its_credits_takes_in_the_same_order(self, wallet: int) -> None:
        post(credit(wallet, 10, "stored", expires_at=day(9)))

        post(
            credit(wallet, 10, "sooner", expires_at=day(8)),
            credit(wallet, 10, "equal", expires_at=day(9)),
            debit(wallet, 25, "out"),
        )

        assert list(taken_by(wallet, "out").items()) == [
            ("sooner", -10),
            ("stored", -10),
            ("equal", -5),
        ]
        assert_clean()

    def test_leaves_the_rest_as_points_plus_allocations(self, wallet: int) -> None:
        post(credit(wallet, 100, "in"))

        for number, points in enumerate([1, 20, 30]):
            post(debit(wallet, points, f"out {number}"))

        lot = lot_of(wallet, "in")
        taken = [each.points for each in Allocation.objects.filter(lot=lot).order_by("id")]
        assert taken == [-1, -20, -30]
        assert lot.remaining == lot.points + sum(taken) == 49
        assert entries(wallet) == [
            ("earn", 100, 100),
            ("redeem", -1, 99),
            ("redeem", -20, 79),
            ("redeem", -30, 49),
        ]
        assert figures(wallet) == {"active": 49, "earned": 100, "spent": 51}

    def test_of_another_kind_than_redeem_counts_as_not_spent(self, wallet: int) -> None:
        post(credit(wallet, 100, "in"), debit(wallet, 30, "out", kind="adjust"))

        assert figures(wallet) == {"active": 70, "earned": 100}

    def test_takes_the_very_last_point(self, wallet: int) -> None:
        post(credit(wallet, 100, "in"))

        assert post(debit(wallet, 100, "out"))[0].balance == 0
        assert figures(wallet) == {"earned": 100, "spent": 100}

    def test_is_all_or_nothing(self, wallet: int) -> None:
        post(credit(wallet, 35, "in"), credit(wallet, 60, "later", active_from=day(2)))
        before = books()

        with pytest.raises(InsufficientPoints) as refusal:
            post(debit(wallet, 80, "out"))

        assert refusal.value.data == {"needed": 80, "available": 35}
        assert books() == before

    def test_that_is_refused_takes_its_whole_batch_with_it(
        self, wallet: int, mallory: Member
    ) -> None:
        before = books()

        with pytest.raises(InsufficientPoints):
            post(credit(wallet_of(mallory), 9, "in"), debit(wallet, 1, "out"))

        assert books() == before

    def test_does_not_take_what_lapsed_a_moment_ago(self, wallet: int) -> None:
        post(credit(wallet, 100, "in", expires_at=day(1)))

        with pytest.raises(InsufficientPoints) as refusal:
            post(debit(wallet, 1, "out"), at=day(1))

        assert refusal.value.data == {"needed": 1, "available": 0}

    def test_refuses_in_debt_before_it_looks_at_the_points(self, wallet: int) -> None:
        post(
            credit(wallet, 10, "in"),
            debit(wallet, 10, "out"),
            reversal(wallet, 10, "undone", of="in"),
        )
        before = books()

        with pytest.raises(InDebt) as refusal:
            post(debit(wallet, 80, "more"))

        assert refusal.value.data == {"debt": 10}
        assert books() == before

    def test_same_reference_again_takes_nothing_more(self, wallet: int) -> None:
        post(credit(wallet, 100, "in"))
        first = post(debit(wallet, 30, "out"))[0]

        again = post(debit(wallet, 30, "out"), debit(wallet, 30, "out"))

        assert [(each.points, each.balance, each.is_new) for each in again] == [
            (first.points, first.balance, False)
        ] * 2
        assert figures(wallet)["active"] == 70

    def test_same_reference_with_other_points_is_refused(self, wallet: int) -> None:
        post(credit(wallet, 100, "in"), debit(wallet, 30, "out"))
        before = books()

        with pytest.raises(ReferenceReused):
            post(debit(wallet, 31, "out"))

        assert books() == before

    @pytest.mark.parametrize("points", [0, -5, True, 1.5])
    def test_refuses_points_that_are_no_positive_whole_number(
        self, wallet: int, points: int
    ) -> None:
        post(credit(wallet, 100, "in"))

        with pytest.raises(InvalidInput) as refusal:
            post(debit(wallet, points, "odd"))

        assert refusal.value.pointer == "/points"
        assert Entry.objects.filter(wallet=wallet).count() == 1
