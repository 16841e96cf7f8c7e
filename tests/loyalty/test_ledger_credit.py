import pytest
from django.db import transaction

from loyalty import ledger
from loyalty.errors import InsufficientPoints
from loyalty.ledger import MAX_POINTS
from loyalty.models import Entry, Lot, Wallet
from members.errors import InvalidInput, ReferenceReused
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    credit,
    day,
    debit,
    entries,
    figures,
    give_back,
    lot_of,
    open_lots,
    post,
    reversal,
    settle,
    taken_by,
    wallet_of,
)


@pytest.fixture
def wallet(bob: Member) -> int:
    """An empty wallet."""
    return wallet_of(bob)


def owe(wallet: int, points: int) -> None:
    """Bring a wallet into debt: earn, spend all, take the earn back."""
    post(
        credit(wallet, points, "owed"),
        debit(wallet, points, "spent"),
        reversal(wallet, points, "taken back", of="owed"),
    )


class TestCredit:
    def test_makes_an_entry_and_a_lot(self, wallet: int) -> None:
        answer = post(credit(wallet, 64, "order", expires_at=day(9)))[0]

        assert (answer.points, answer.balance, answer.is_new) == (64, 64, True)
        assert entries(wallet) == [("earn", 64, 64)]
        assert figures(wallet) == {"active": 64, "earned": 64}
        lot = lot_of(wallet, "order")
        assert (lot.points, lot.remaining, lot.active_from, lot.expires_at) == (
            64,
            64,
            NOON,
            day(9),
        )
        assert Wallet.objects.get(pk=wallet).next_due_at == day(9)

    def test_of_another_kind_than_earn_counts_as_not_earned(self, wallet: int) -> None:
        post(credit(wallet, 64, "gift", kind="adjust"))

        assert figures(wallet) == {"active": 64}

    def test_pays_debt_first_and_says_so_in_an_allocation_of_its_own_entry(
        self, wallet: int
    ) -> None:
        owe(wallet, 30)
        assert figures(wallet) == {"debt": 30, "spent": 30}

        answer = post(credit(wallet, 50, "order"))[0]

        assert answer.balance == 20
        assert figures(wallet) == {"active": 20, "earned": 50, "spent": 30}
        assert open_lots(wallet) == {"order": 20}
        assert taken_by(wallet, "order") == {"order": -30}
        assert_clean()

    def test_that_debt_swallows_leaves_nothing_due(self, wallet: int) -> None:
        owe(wallet, 30)

        post(credit(wallet, 30, "order", expires_at=day(1)))

        assert figures(wallet) == {"earned": 30, "spent": 30}
        assert Wallet.objects.get(pk=wallet).next_due_at is None

    def test_with_an_old_date_lapses_at_once_and_says_when(self, wallet: int) -> None:
        answer = post(credit(wallet, 40, "old", active_from=day(-9), expires_at=day(-2)))[0]

        assert (answer.points, answer.balance) == (40, 40)
        assert entries(wallet) == [("earn", 40, 40), ("expire", -40, 0)]
        assert figures(wallet) == {"earned": 40, "expired": 40}
        expiry = Entry.objects.get(wallet=wallet, kind="expire")
        lot = lot_of(wallet, "old")
        assert (expiry.at, expiry.reference) == (day(-2), f"lot/{lot.pk}")
        assert expiry.explanation == [{"rule": "expiry", "kind": "expiry", "points": -40}]
        assert (lot.remaining, lot.lapsed) == (0, 40)
        assert_clean()

    def test_that_expires_this_very_moment_lapses(self, wallet: int) -> None:
        post(credit(wallet, 40, "old", active_from=day(-9), expires_at=NOON))

        assert figures(wallet) == {"earned": 40, "expired": 40}

    def test_with_an_old_date_pays_debt_before_it_lapses(self, wallet: int) -> None:
        owe(wallet, 30)

        post(credit(wallet, 40, "old", active_from=day(-9), expires_at=day(-2)))

        assert figures(wallet) == {"earned": 40, "spent": 30, "expired": 10}
        assert_clean()

    def test_in_the_future_is_pending_and_pays_no_debt_yet(self, wallet: int) -> None:
        owe(wallet, 30)

        post(credit(wallet, 50, "order", active_from=day(3), expires_at=day(9)))

        assert figures(wallet) == {"pending": 50, "debt": 30, "earned": 50, "spent": 30}
        assert Wallet.objects.get(pk=wallet).next_due_at == day(3)

    def test_becomes_active_by_settling_and_pays_debt_then_without_an_entry(
        self, wallet: int
    ) -> None:
        owe(wallet, 30)
        post(credit(wallet, 50, "order", active_from=day(3), expires_at=day(9)))
        before = entries(wallet)

        settle(wallet, day(3))

        assert figures(wallet) == {"active": 20, "earned": 50, "spent": 30}
        assert entries(wallet) == before
        assert taken_by(wallet, "order") == {"order": -30}
        assert Wallet.objects.get(pk=wallet).next_due_at == day(9)
        assert not lot_of(wallet, "order").is_pending
        assert_clean()

    def test_same_reference_again_gives_the_same_answer_and_no_second_effect(
        self, wallet: int
    ) -> None:
        first = post(credit(wallet, 64, "order"))[0]
        post(credit(wallet, 1, "other"))

        again = post(credit(wallet, 64, "order"))[0]

        assert (first.is_new, again.is_new) == (True, False)
        assert (again.points, again.balance) == (first.points, first.balance) == (64, 64)
        assert figures(wallet) == {"active": 65, "earned": 65}

    def test_same_reference_twice_in_a_batch_counts_once(self, wallet: int) -> None:
        answers = post(credit(wallet, 64, "order"), credit(wallet, 64, "order"))

        assert [each.is_new for each in answers] == [True, False]
        assert figures(wallet) == {"active": 64, "earned": 64}

    def test_same_reference_with_other_points_is_refused_and_nothing_is_written(
        self, wallet: int
    ) -> None:
        post(credit(wallet, 64, "order"))
        before = books()

        with pytest.raises(ReferenceReused) as refusal:
            post(credit(wallet, 7, "fine"), credit(wallet, 65, "order"))

        assert refusal.value.data == {"reference": "order"}
        assert books() == before

    def test_same_reference_in_another_wallet_or_kind_is_another_credit(
        self, wallet: int, mallory: Member
    ) -> None:
        other = wallet_of(mallory)

        post(
            credit(wallet, 1, "order"),
            credit(wallet, 2, "order", kind="adjust"),
            credit(other, 3, "order"),
        )

        assert (figures(wallet)["active"], figures(other)["active"]) == (3, 3)

    @pytest.mark.parametrize("points", [0, -5, True, 1.5, 2.0, "5"])
    def test_refuses_points_that_are_no_positive_whole_number(
        self, wallet: int, points: int
    ) -> None:
        with pytest.raises(InvalidInput) as refusal:
            post(credit(wallet, points, "odd"))

        assert (refusal.value.pointer, refusal.value.code) == ("/points", "invalid")
        assert (figures(wallet), entries(wallet)) == ({}, [])

    def test_refuses_an_expiry_before_the_activation(self, wallet: int) -> None:
        with pytest.raises(InvalidInput) as refusal:
            post(credit(wallet, 5, "odd", active_from=day(3), expires_at=day(3)))

        assert refusal.value.pointer == "/expires_at"
        assert (figures(wallet), entries(wallet)) == ({}, [])


class TestLimits:
    def test_takes_what_just_fits(self, wallet: int) -> None:
        post(credit(wallet, MAX_POINTS - 1, "much"), credit(wallet, 1, "last"))

        assert figures(wallet) == {"active": MAX_POINTS, "earned": MAX_POINTS}
        assert_clean()

    @pytest.mark.parametrize("kind", ["earn", "adjust"])
    def test_refuses_a_sum_past_2_63(self, wallet: int, kind: str) -> None:
        post(credit(wallet, MAX_POINTS, "much", kind=kind))
        before = books()

        with pytest.raises(InvalidInput) as refusal:
            post(credit(wallet, 1, "one more", kind="adjust"))

        assert refusal.value.code == "out_of_range"
        assert books() == before

    def test_refuses_points_that_no_column_holds(self, wallet: int) -> None:
        with pytest.raises(InvalidInput) as refusal:
            post(credit(wallet, MAX_POINTS + 1, "too much"))

        assert refusal.value.code == "out_of_range"
        assert entries(wallet) == []

    def test_counts_what_was_earned_before_though_it_is_spent(self, wallet: int) -> None:
        post(credit(wallet, MAX_POINTS, "much"), debit(wallet, MAX_POINTS, "spent"))

        with pytest.raises(InvalidInput) as refusal:
            post(credit(wallet, 1, "one more"))

        assert refusal.value.code == "out_of_range"

    def test_counts_what_expired_so_that_no_expiry_can_pass_it(self, wallet: int) -> None:
        post(credit(wallet, MAX_POINTS, "much", kind="adjust", expires_at=day(1)))

        with pytest.raises(InvalidInput) as refusal:
            post(credit(wallet, 1, "more", kind="adjust", expires_at=day(3)), at=day(2))

        assert refusal.value.code == "out_of_range"
        settle(wallet, day(4))
        assert figures(wallet) == {"expired": MAX_POINTS}

    def test_refuses_to_spend_more_in_a_life_than_can_be_counted(self, wallet: int) -> None:
        post(credit(wallet, MAX_POINTS, "much", kind="adjust"), debit(wallet, MAX_POINTS, "spent"))
        post(credit(wallet, 5, "more", kind="adjust"))
        before = books()

        with pytest.raises(InvalidInput) as refusal:
            post(debit(wallet, 5, "again"))

        assert refusal.value.code == "out_of_range"
        assert books() == before

    def test_refuses_to_give_back_what_would_no_longer_fit(self, wallet: int) -> None:
        post(
            credit(wallet, MAX_POINTS, "much", kind="adjust"),
            debit(wallet, MAX_POINTS, "spent"),
            credit(wallet, 5, "more", kind="adjust"),
        )
        before = books()

        with pytest.raises(InvalidInput) as refusal:
            post(give_back(wallet, MAX_POINTS, "back", of="spent"))

        assert refusal.value.code == "out_of_range"
        assert books() == before


class TestHeld:
    """Locked wallets may be posted to more than once."""

    def test_sees_what_was_posted_before_under_the_same_lock(self, wallet: int) -> None:
        post(credit(wallet, 50, "before"))

        with transaction.atomic():
            held = ledger.lock_wallets(wallets=[wallet], at=NOON)
            for posting in (
                credit(wallet, 30, "in", expires_at=day(5)),
                debit(wallet, 20, "out"),
                debit(wallet, 40, "more"),
                give_back(wallet, 20, "back", of="out"),
                reversal(wallet, 30, "undone", of="in"),
            ):
                ledger.post(postings=[posting], at=NOON, held=held)

        assert figures(wallet) == {"active": 10, "earned": 50, "spent": 40}
        assert taken_by(wallet, "more") == {"in": -10, "before": -30}
        assert taken_by(wallet, "undone") == {"in": -20, "before": -10}
        assert open_lots(wallet) == {"before": 10}
        assert_clean()

    def test_gives_nothing_back_twice(self, wallet: int) -> None:
        post(credit(wallet, 50, "before"), debit(wallet, 20, "out"))

        with transaction.atomic():
            held = ledger.lock_wallets(wallets=[wallet], at=NOON)
            for _ in range(2):
                posting = give_back(wallet, 20, "back", of="out")
                ledger.post(postings=[posting], at=NOON, held=held)

        assert figures(wallet) == {"active": 50, "earned": 50}
        assert_clean()

    def test_cannot_be_used_after_a_refusal_because_its_figures_are_half_done(
        self, wallet: int
    ) -> None:
        post(credit(wallet, 50, "before"))

        with transaction.atomic():
            held = ledger.lock_wallets(wallets=[wallet], at=NOON)
            with pytest.raises(InsufficientPoints):
                ledger.post(
                    postings=[debit(wallet, 40, "fits"), debit(wallet, 40, "does not")],
                    at=NOON,
                    held=held,
                )
            with pytest.raises(KeyError):
                ledger.post(postings=[credit(wallet, 1, "more")], at=NOON, held=held)

        assert figures(wallet) == {"active": 50, "earned": 50}
        assert Lot.objects.filter(wallet=wallet).count() == 1
