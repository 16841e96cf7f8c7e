import pytest

from loyalty.models import Entry, Wallet
from members.models import Member
from tests.loyalty.builders import (
    assert_clean,
    credit,
    day,
    debit,
    entries,
    figures,
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


class TestReversal:
    def test_takes_from_the_earns_own_lot_though_others_expire_sooner(self, wallet: int) -> None:
        post(credit(wallet, 50, "sooner", expires_at=day(1)), credit(wallet, 50, "own"))

        answer = post(reversal(wallet, 30, "refund", of="own"))[0]

        assert (answer.points, answer.balance, answer.debt_added) == (-30, 70, 0)
        assert taken_by(wallet, "refund") == {"own": -30}
        assert figures(wallet) == {"active": 70, "earned": 70}
        assert entries(wallet)[-1] == ("reverse", -30, 70)

    def test_then_from_other_active_lots_in_spending_order(self, wallet: int) -> None:
        post(
            credit(wallet, 50, "own", expires_at=day(1)),
            debit(wallet, 40, "out"),
            credit(wallet, 20, "never"),
            credit(wallet, 20, "soon", expires_at=day(2)),
        )

        post(reversal(wallet, 50, "refund", of="own"))

        assert list(taken_by(wallet, "refund").items()) == [
            ("own", -10),
            ("soon", -20),
            ("never", -20),
        ]
        assert figures(wallet) == {"earned": 40, "spent": 40}
        assert_clean()

    def test_then_makes_debt_of_what_is_missing(self, wallet: int) -> None:
        post(credit(wallet, 50, "own"), debit(wallet, 45, "out"))

        answer = post(reversal(wallet, 50, "refund", of="own"))[0]

        assert (answer.points, answer.balance, answer.debt_added) == (-50, -45, 45)
        assert figures(wallet) == {"debt": 45, "spent": 45}
        assert entries(wallet)[-1] == ("reverse", -50, -45)
        assert_clean()

    def test_adds_to_debt_that_is_there(self, wallet: int) -> None:
        post(
            credit(wallet, 50, "one"),
            credit(wallet, 50, "two"),
            debit(wallet, 100, "out"),
            reversal(wallet, 50, "refund one", of="one"),
            reversal(wallet, 50, "refund two", of="two"),
        )

        assert figures(wallet) == {"debt": 100, "spent": 100}
        assert_clean()

    def test_clamped_stops_before_debt(self, wallet: int) -> None:
        post(credit(wallet, 50, "own"), debit(wallet, 45, "out"))

        answer = post(reversal(wallet, 50, "refund", of="own", clamp=True))[0]

        assert (answer.points, answer.balance, answer.debt_added) == (-5, 0, 0)
        assert figures(wallet) == {"earned": 45, "spent": 45}

    def test_clamped_to_nothing_writes_no_entry(self, wallet: int) -> None:
        post(credit(wallet, 50, "own"), debit(wallet, 50, "out"))

        answer = post(reversal(wallet, 50, "refund", of="own", clamp=True))[0]

        assert (answer.points, answer.balance) == (0, 0)
        assert len(entries(wallet)) == 2
        assert figures(wallet) == {"earned": 50, "spent": 50}
        assert_clean()

    def test_takes_a_pending_lot_before_it_is_active(self, wallet: int) -> None:
        post(credit(wallet, 50, "other"), credit(wallet, 50, "own", active_from=day(3)))

        post(reversal(wallet, 50, "refund", of="own"))

        assert figures(wallet) == {"active": 50, "earned": 50}
        assert open_lots(wallet) == {"other": 50}
        settle(wallet, day(3))
        assert figures(wallet) == {"active": 50, "earned": 50}
        assert Wallet.objects.get(pk=wallet).next_due_at is None

    def test_takes_a_part_of_a_pending_lot(self, wallet: int) -> None:
        post(credit(wallet, 50, "own", active_from=day(3)))

        post(reversal(wallet, 20, "refund", of="own"))

        assert figures(wallet) == {"pending": 30, "earned": 30}
        settle(wallet, day(3))
        assert figures(wallet) == {"active": 30, "earned": 30}
        assert_clean()

    def test_leaves_other_pending_lots_alone(self, wallet: int) -> None:
        post(
            credit(wallet, 50, "own"),
            debit(wallet, 50, "out"),
            credit(wallet, 70, "pending", active_from=day(3)),
        )

        answer = post(reversal(wallet, 50, "refund", of="own"))[0]

        assert answer.debt_added == 50
        assert figures(wallet) == {"pending": 70, "debt": 50, "earned": 70, "spent": 50}
        settle(wallet, day(3))
        assert figures(wallet) == {"active": 20, "earned": 70, "spent": 50}
        assert_clean()

    def test_forgives_the_part_that_expired(self, wallet: int) -> None:
        post(credit(wallet, 50, "own", expires_at=day(1)), debit(wallet, 20, "out"))
        post(credit(wallet, 100, "other"), at=day(2))

        answer = post(reversal(wallet, 50, "refund", of="own"), at=day(2))[0]

        assert (answer.points, answer.debt_added) == (-20, 0)
        assert taken_by(wallet, "refund") == {"other": -20}
        assert figures(wallet) == {"active": 80, "earned": 130, "spent": 20, "expired": 30}
        assert lot_of(wallet, "own").forgiven == 30
        assert_clean()

    def test_forgives_what_expired_only_once(self, wallet: int) -> None:
        post(credit(wallet, 50, "own", expires_at=day(1)), debit(wallet, 20, "out"))
        post(credit(wallet, 100, "other"), at=day(2))

        first = post(reversal(wallet, 25, "refund 1", of="own"), at=day(2))[0]
        second = post(reversal(wallet, 25, "refund 2", of="own"), at=day(2))[0]

        assert (first.points, second.points) == (0, -20)
        assert lot_of(wallet, "own").forgiven == 30
        assert Entry.objects.filter(wallet=wallet, kind="reverse").count() == 1
        assert_clean()

    def test_of_what_expired_whole_takes_nothing(self, wallet: int) -> None:
        post(credit(wallet, 50, "own", expires_at=day(1)))
        post(credit(wallet, 100, "other"), at=day(2))

        assert post(reversal(wallet, 50, "refund", of="own"), at=day(2))[0].points == 0
        assert figures(wallet) == {"active": 100, "earned": 150, "expired": 50}

    def test_of_an_earn_that_paid_debt_takes_elsewhere_or_owes_again(self, wallet: int) -> None:
        post(
            credit(wallet, 50, "spent"),
            debit(wallet, 50, "out"),
            reversal(wallet, 50, "refund 1", of="spent"),
            credit(wallet, 60, "own"),
        )
        assert figures(wallet) == {"active": 10, "earned": 60, "spent": 50}

        answer = post(reversal(wallet, 60, "refund 2", of="own"))[0]

        assert answer.debt_added == 50
        assert figures(wallet) == {"debt": 50, "spent": 50}
        assert_clean()

    def test_in_the_batch_of_its_earn_gives_what_it_gives_later(self, wallet: int) -> None:
        post(
            credit(wallet, 10, "first", expires_at=day(1)),
            credit(wallet, 50, "own"),
            reversal(wallet, 20, "refund", of="own"),
            debit(wallet, 35, "out"),
        )

        assert taken_by(wallet, "out") == {"first": -10, "own": -25}
        assert figures(wallet) == {"active": 5, "earned": 40, "spent": 35}
        assert_clean()

    def test_again_takes_nothing_more(self, wallet: int) -> None:
        post(credit(wallet, 50, "own"))
        post(reversal(wallet, 20, "refund", of="own"))

        again = post(reversal(wallet, 20, "refund", of="own"))[0]

        assert (again.points, again.balance, again.is_new) == (-20, 30, False)
        assert figures(wallet) == {"active": 30, "earned": 30}
