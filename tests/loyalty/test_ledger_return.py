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
    """60 points: 10 until tomorrow, 20 for nine days, 30 that never expire."""
    wallet = wallet_of(bob)
    post(
        credit(wallet, 10, "tomorrow", expires_at=day(1)),
        credit(wallet, 20, "nine days", expires_at=day(9)),
        credit(wallet, 30, "never"),
    )
    return wallet


class TestReturn:
    def test_gives_back_to_the_very_lots_with_their_old_expiry(self, wallet: int) -> None:
        post(debit(wallet, 45, "out"))

        answer = post(give_back(wallet, 45, "back", of="out"))[0]

        assert (answer.points, answer.balance, answer.is_new) == (45, 60, True)
        assert taken_by(wallet, "back") == {"tomorrow": 10, "nine days": 20, "never": 15}
        assert open_lots(wallet) == {"tomorrow": 10, "nine days": 20, "never": 30}
        assert lot_of(wallet, "nine days").expires_at == day(9)
        assert figures(wallet) == {"active": 60, "earned": 60}
        assert Wallet.objects.get(pk=wallet).next_due_at == day(1)
        assert_clean()

    def test_lets_a_lot_that_has_lapsed_meanwhile_lapse_again_at_once(self, wallet: int) -> None:
        post(debit(wallet, 25, "out"))

        post(give_back(wallet, 25, "back", of="out"), at=day(2))

        assert entries(wallet)[-2:] == [("return", 25, 60), ("expire", -10, 50)]
        assert figures(wallet) == {"active": 50, "earned": 60, "expired": 10}
        assert Entry.objects.get(wallet=wallet, kind="expire").at == day(1)
        assert open_lots(wallet) == {"nine days": 20, "never": 30}
        assert_clean()

    def test_tells_the_expiries_of_one_lot_apart(self, wallet: int) -> None:
        post(debit(wallet, 4, "out"))
        settle(wallet, day(2))

        post(give_back(wallet, 4, "back", of="out"), at=day(3))

        lot = lot_of(wallet, "tomorrow")
        assert (lot.remaining, lot.lapsed) == (0, 10)
        expiries = Entry.objects.filter(wallet=wallet, kind="expire").order_by("sequence")
        assert [(each.points, each.reference, each.at) for each in expiries] == [
            (-6, f"lot/{lot.pk}", day(1)),
            (-4, f"lot/{lot.pk}/6", day(1)),
        ]
        assert_clean()

    def test_tells_them_apart_in_one_batch_too(self, wallet: int) -> None:
        post(debit(wallet, 3, "out 1"), debit(wallet, 3, "out 2"))
        settle(wallet, day(2))

        post(
            give_back(wallet, 3, "back 1", of="out 1"),
            give_back(wallet, 3, "back 2", of="out 2"),
            at=day(3),
        )

        lot = lot_of(wallet, "tomorrow")
        expiries = Entry.objects.filter(wallet=wallet, kind="expire").order_by("sequence")
        assert [(each.points, each.reference) for each in expiries] == [
            (-4, f"lot/{lot.pk}"),
            (-3, f"lot/{lot.pk}/4"),
            (-3, f"lot/{lot.pk}/7"),
        ]
        assert_clean()

    def test_lets_a_lapsed_lot_live_through_its_grace(self, wallet: int) -> None:
        post(debit(wallet, 25, "out"))

        post(give_back(wallet, 25, "back", of="out", grace_until=day(5)), at=day(2))

        assert figures(wallet) == {"active": 60, "earned": 60}
        assert lot_of(wallet, "tomorrow").expires_at == day(5)
        assert lot_of(wallet, "nine days").expires_at == day(9)
        assert lot_of(wallet, "never").expires_at is None
        assert Wallet.objects.get(pk=wallet).next_due_at == day(5)
        settle(wallet, day(5))
        assert figures(wallet) == {"active": 50, "earned": 60, "expired": 10}
        assert_clean()

    def test_spends_a_lot_in_its_grace_by_its_new_expiry(self, wallet: int) -> None:
        post(debit(wallet, 10, "out"))
        post(give_back(wallet, 10, "back", of="out", grace_until=day(12)), at=day(2))

        post(debit(wallet, 25, "next"), at=day(3))

        assert taken_by(wallet, "next") == {"nine days": -20, "tomorrow": -5}
        assert_clean()

    def test_pays_debt_first(self, wallet: int) -> None:
        post(debit(wallet, 60, "out"), reversal(wallet, 30, "refund", of="never"))
        assert figures(wallet) == {"debt": 30, "earned": 30, "spent": 60}

        post(give_back(wallet, 60, "back", of="out"))

        assert figures(wallet) == {"active": 30, "earned": 30}
        # What is returned pays in spending order; the rest stays with the lots.
        assert taken_by(wallet, "back") == {"tomorrow": 0, "nine days": 0, "never": 30}
        assert open_lots(wallet) == {"never": 30}
        assert_clean()

    def test_in_the_batch_of_its_redemption_leaves_all_as_it_was(self, wallet: int) -> None:
        post(
            debit(wallet, 45, "out"),
            give_back(wallet, 45, "back", of="out"),
            debit(wallet, 5, "next"),
        )

        assert taken_by(wallet, "next") == {"tomorrow": -5}
        assert figures(wallet) == {"active": 55, "earned": 60, "spent": 5}
        assert_clean()

    def test_again_gives_nothing_more(self, wallet: int) -> None:
        post(debit(wallet, 45, "out"))
        post(give_back(wallet, 45, "back", of="out"))

        again = post(give_back(wallet, 45, "back", of="out"))[0]

        assert (again.points, again.balance, again.is_new) == (45, 60, False)
        assert figures(wallet) == {"active": 60, "earned": 60}

    def test_twice_in_a_batch_gives_back_once(self, wallet: int) -> None:
        post(debit(wallet, 45, "out"))

        answers = post(*[give_back(wallet, 45, "back", of="out")] * 2)

        assert [(each.points, each.is_new) for each in answers] == [(45, True), (45, False)]
        assert figures(wallet) == {"active": 60, "earned": 60}
        assert_clean()

    def test_of_points_that_were_lost_to_a_refund_meanwhile_keeps_the_books_right(
        self, wallet: int
    ) -> None:
        post(debit(wallet, 45, "out"), reversal(wallet, 10, "refund", of="tomorrow"))
        assert figures(wallet) == {"active": 5, "earned": 50, "spent": 45}

        post(give_back(wallet, 45, "back", of="out"))

        assert figures(wallet) == {"active": 50, "earned": 50}
        assert open_lots(wallet) == {"tomorrow": 10, "nine days": 20, "never": 20}
        assert_clean()
