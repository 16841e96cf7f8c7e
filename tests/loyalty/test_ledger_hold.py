from datetime import timedelta

import pytest

from loyalty.errors import InDebt, InsufficientPoints
from loyalty.models import Entry, Hold, Lot, Reservation, Wallet
from members.models import Member
from tests.loyalty.builders import (
    assert_clean,
    capture,
    credit,
    day,
    debit,
    entries,
    figures,
    give_back,
    hold,
    lot_of,
    open_lots,
    post,
    release,
    reversal,
    settle,
    taken_by,
    wallet_of,
)

MICROSECOND = timedelta(microseconds=1)


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


def reserved(wallet: int) -> dict[str, int]:
    lots = Lot.objects.filter(wallet=wallet, reserved__gt=0).select_related("entry")
    return {lot.entry.reference: lot.reserved for lot in lots.order_by("id")}


class TestReserve:
    def test_keeps_the_soonest_expiring_points_and_writes_no_entry(self, wallet: int) -> None:
        hold(wallet, 25, until=day(1))

        assert figures(wallet) == {"active": 35, "reserved": 25, "earned": 60}
        assert reserved(wallet) == {"tomorrow": 10, "nine days": 15}
        assert Wallet.objects.get(pk=wallet).sequence == 3
        assert_clean()

    def test_leaves_held_points_to_nobody_else(self, wallet: int) -> None:
        hold(wallet, 25, until=day(1))

        with pytest.raises(InsufficientPoints) as refused:
            post(debit(wallet, 36, "out"))
        assert refused.value.data == {"needed": 36, "available": 35}
        post(debit(wallet, 35, "out"))

        assert taken_by(wallet, "out") == {"nine days": -5, "never": -30}
        assert figures(wallet) == {"reserved": 25, "earned": 60, "spent": 35}
        assert_clean()

    def test_refuses_more_than_there_is_and_a_wallet_in_debt(self, wallet: int) -> None:
        with pytest.raises(InsufficientPoints):
            hold(wallet, 61, until=day(1))
        post(debit(wallet, 60, "out"), reversal(wallet, 10, "back", of="tomorrow"))
        with pytest.raises(InDebt):
            hold(wallet, 1, until=day(1), reference="second")

        assert not Reservation.objects.exists()


class TestCapture:
    def test_spends_what_it_takes_and_lets_the_rest_go(self, wallet: int) -> None:
        row = hold(wallet, 25, until=day(1))

        answer = capture(row, 12)

        assert (answer.points, answer.balance) == (-12, 48)
        assert entries(wallet)[-1] == ("redeem", -12, 48)
        assert taken_by(wallet, f"hold/{row.pk}") == {"tomorrow": -10, "nine days": -2}
        assert figures(wallet) == {"active": 48, "earned": 60, "spent": 12}
        assert_clean()

    def test_takes_what_lapsed_while_it_was_held(self, wallet: int) -> None:
        row = hold(wallet, 10, until=day(5))
        settle(wallet, day(2))
        assert figures(wallet) == {"active": 50, "reserved": 10, "earned": 60}

        capture(row, 10, at=day(3))

        assert figures(wallet) == {"active": 50, "earned": 60, "spent": 10}
        assert not Entry.objects.filter(kind="expire").exists()
        assert_clean()

    def test_of_a_part_lets_what_lapsed_meanwhile_lapse(self, wallet: int) -> None:
        row = hold(wallet, 10, until=day(5))

        capture(row, 4, at=day(3))

        assert entries(wallet)[-2:] == [("redeem", -4, 56), ("expire", -6, 50)]
        assert Entry.objects.get(kind="expire").at == day(1)
        assert_clean()

    def test_refuses_more_than_is_held(self, wallet: int) -> None:
        row = hold(wallet, 10, until=day(5))

        with pytest.raises(InsufficientPoints) as refused:
            capture(row, 11)

        assert refused.value.data == {"needed": 11, "available": 10}
        assert reserved(wallet) == {"tomorrow": 10}

    def test_goes_on_in_debt(self, wallet: int) -> None:
        row = hold(wallet, 50, until=day(5))
        post(reversal(wallet, 30, "back", of="never"))
        assert figures(wallet) == {"reserved": 50, "debt": 20, "earned": 30}

        capture(row, 40)

        assert figures(wallet) == {"debt": 10, "earned": 30, "spent": 40}
        assert_clean()


class TestReturnOfACapture:
    def test_of_a_part_gives_back_to_the_latest_expiring_lot(self, wallet: int) -> None:
        row = hold(wallet, 45, until=day(1))
        capture(row, 45)

        post(give_back(wallet, 20, "first", of=f"hold/{row.pk}"))
        post(give_back(wallet, 20, "second", of=f"hold/{row.pk}"))

        assert taken_by(wallet, "first") == {"never": 15, "nine days": 5}
        assert taken_by(wallet, "second") == {"nine days": 15, "tomorrow": 5}
        assert figures(wallet) == {"active": 55, "earned": 60, "spent": 5}
        assert_clean()


class TestRelease:
    def test_gives_the_points_free(self, wallet: int) -> None:
        release(hold(wallet, 25, until=day(1)))

        assert figures(wallet) == {"active": 60, "earned": 60}
        assert open_lots(wallet) == {"tomorrow": 10, "nine days": 20, "never": 30}
        assert_clean()

    def test_pays_debt_that_came_meanwhile(self, wallet: int) -> None:
        row = hold(wallet, 50, until=day(5))
        post(reversal(wallet, 30, "back", of="never"))

        release(row)

        assert figures(wallet) == {"active": 30, "earned": 30}
        assert open_lots(wallet) == {"nine days": 10, "never": 20}
        assert_clean()

    def test_lets_what_lapsed_lapse_and_pays_nothing_with_it(self, wallet: int) -> None:
        row = hold(wallet, 50, until=day(12))
        post(reversal(wallet, 30, "back", of="never"))

        release(row, at=day(10))

        assert figures(wallet) == {"earned": 30, "expired": 30}
        assert lot_of(wallet, "never").remaining == 0
        assert_clean()


class TestTimeOut:
    def test_comes_exactly_at_its_moment(self, wallet: int) -> None:
        row = hold(wallet, 25, until=day(0.5))

        settle(wallet, day(0.5) - MICROSECOND)
        assert figures(wallet) == {"active": 35, "reserved": 25, "earned": 60}
        settle(wallet, day(0.5))

        assert figures(wallet) == {"active": 60, "earned": 60}
        row.refresh_from_db()
        assert (row.state, row.closed_at) == (Hold.State.EXPIRED, day(0.5))
        assert_clean()

    def test_after_the_lots_expiry_lapses_it_with_its_own_moment(self, wallet: int) -> None:
        hold(wallet, 15, until=day(2))

        settle(wallet, day(20))

        assert figures(wallet) == {"active": 30, "earned": 60, "expired": 30}
        assert list(
            Entry.objects.filter(kind="expire").order_by("sequence").values_list("points", "at")
        ) == [(-10, day(1)), (-20, day(9))]
        assert_clean()

    def test_splits_a_lot_between_what_was_free_and_what_was_held(self, wallet: int) -> None:
        hold(wallet, 5, until=day(3))

        settle(wallet, day(2))
        assert figures(wallet) == {"active": 50, "reserved": 5, "earned": 60, "expired": 5}
        settle(wallet, day(4))

        assert figures(wallet) == {"active": 50, "earned": 60, "expired": 10}
        assert [row[:2] for row in entries(wallet)[-2:]] == [("expire", -5), ("expire", -5)]
        assert_clean()

    def test_pays_debt_in_the_order_of_time(self, wallet: int) -> None:
        hold(wallet, 60, until=day(0.5))
        post(reversal(wallet, 30, "back", of="never"))
        post(credit(wallet, 40, "later", active_from=day(0.25)))

        settle(wallet, day(0.75))

        assert figures(wallet) == {"active": 70, "earned": 70}
        assert open_lots(wallet)["later"] == 10
        assert_clean()

    def test_of_several_holds_of_one_lot_each_at_its_moment(self, wallet: int) -> None:
        hold(wallet, 4, until=day(0.25), reference="a")
        hold(wallet, 5, until=day(0.5), reference="b")

        settle(wallet, day(0.3))
        assert reserved(wallet) == {"tomorrow": 5}
        settle(wallet, day(0.6))

        assert figures(wallet) == {"active": 60, "earned": 60}
        assert_clean()
