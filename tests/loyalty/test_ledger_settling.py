from datetime import timedelta

import pytest

from loyalty import expiry, ledger, queries
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

A_MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def wallet(bob: Member) -> int:
    """An empty wallet."""
    return wallet_of(bob)


class TestSettle:
    def test_expires_a_lot_at_its_moment_and_not_before(self, wallet: int) -> None:
        post(credit(wallet, 40, "in", expires_at=day(1)))

        settle(wallet, day(1) - A_MICROSECOND)
        assert figures(wallet) == {"active": 40, "earned": 40}

        settle(wallet, day(1))
        assert figures(wallet) == {"earned": 40, "expired": 40}
        assert entries(wallet) == [("earn", 40, 40), ("expire", -40, 0)]

    def test_writes_one_entry_for_each_lot_in_order_of_expiry_at_its_own_moment(
        self, wallet: int
    ) -> None:
        post(
            credit(wallet, 30, "third", expires_at=day(3)),
            credit(wallet, 10, "first", expires_at=day(1)),
            credit(wallet, 20, "second", expires_at=day(2)),
            credit(wallet, 40, "stays", expires_at=day(9)),
        )

        settle(wallet, day(5))

        expiries = Entry.objects.filter(wallet=wallet, kind="expire").order_by("sequence")
        assert [(e.points, e.balance, e.at, e.sequence) for e in expiries] == [
            (-10, 90, day(1), 5),
            (-20, 70, day(2), 6),
            (-30, 40, day(3), 7),
        ]
        assert [e.reference for e in expiries] == [
            f"lot/{lot_of(wallet, name).pk}" for name in ("first", "second", "third")
        ]
        assert Wallet.objects.get(pk=wallet).next_due_at == day(9)
        assert_clean()

    def test_twice_does_nothing_more(self, wallet: int) -> None:
        post(credit(wallet, 40, "in", expires_at=day(1)))

        settle(wallet, day(2))
        settle(wallet, day(3))

        assert len(entries(wallet)) == 2

    def test_expires_only_what_is_left(self, wallet: int) -> None:
        post(credit(wallet, 40, "in", expires_at=day(1)), debit(wallet, 15, "out"))

        settle(wallet, day(1))

        assert figures(wallet) == {"earned": 40, "spent": 15, "expired": 25}
        assert lot_of(wallet, "in").lapsed == 25

    def test_forgets_a_due_moment_whose_lot_was_spent(self, wallet: int) -> None:
        post(credit(wallet, 40, "in", expires_at=day(1)), debit(wallet, 40, "out"))
        assert Wallet.objects.get(pk=wallet).next_due_at == day(1)

        post(credit(wallet, 5, "more"), at=day(2))

        assert Wallet.objects.get(pk=wallet).next_due_at is None
        assert_clean()

    def test_activates_pending_lots_in_order_and_lets_them_pay_debt(self, wallet: int) -> None:
        post(
            credit(wallet, 50, "owed"),
            debit(wallet, 50, "out"),
            reversal(wallet, 50, "refund", of="owed"),
            credit(wallet, 30, "second", active_from=day(2)),
            credit(wallet, 30, "first", active_from=day(1), expires_at=day(20)),
            credit(wallet, 30, "third", active_from=day(3)),
        )

        settle(wallet, day(2))

        assert figures(wallet) == {"active": 10, "pending": 30, "earned": 90, "spent": 50}
        assert open_lots(wallet) == {"second": 10, "third": 30}
        assert (taken_by(wallet, "first"), taken_by(wallet, "second")) == (
            {"first": -30},
            {"second": -20},
        )
        assert Wallet.objects.get(pk=wallet).next_due_at == day(3)
        assert_clean()

    def test_of_a_lot_that_was_active_and_lapsed_unseen_pays_debt_then_lapses(
        self, wallet: int
    ) -> None:
        post(
            credit(wallet, 50, "owed"),
            debit(wallet, 50, "out"),
            reversal(wallet, 50, "refund", of="owed"),
            credit(wallet, 70, "brief", active_from=day(1), expires_at=day(2)),
        )

        settle(wallet, day(3))

        assert figures(wallet) == {"earned": 70, "spent": 50, "expired": 20}
        assert entries(wallet)[-1] == ("expire", -20, 0)
        assert_clean()

    def test_gives_step_by_step_what_it_gives_at_once(self, wallet: int, mallory: Member) -> None:
        other = wallet_of(mallory)
        for each in (wallet, other):
            post(
                credit(each, 50, "owed"),
                debit(each, 50, "out"),
                reversal(each, 50, "refund", of="owed"),
                credit(each, 20, "a", active_from=day(1), expires_at=day(4)),
                credit(each, 60, "b", active_from=day(2), expires_at=day(3)),
                credit(each, 70, "c", active_from=day(2)),
            )

        for number in range(1, 6):
            settle(wallet, day(number))
        settle(other, day(5))

        assert figures(wallet) == figures(other)
        assert entries(wallet) == entries(other)
        assert open_lots(wallet) == open_lots(other) == {"c": 70}
        assert_clean()

    def test_happens_before_a_posting_decides(self, wallet: int) -> None:
        post(
            credit(wallet, 40, "lapses", expires_at=day(1)),
            credit(wallet, 50, "starts", active_from=day(1)),
        )

        post(debit(wallet, 50, "out"), at=day(1))

        assert taken_by(wallet, "out") == {"starts": -50}
        assert_clean()

    def test_leaves_other_wallets_alone(self, wallet: int, mallory: Member) -> None:
        other = wallet_of(mallory)
        post(
            credit(wallet, 40, "in", expires_at=day(1)), credit(other, 40, "in", expires_at=day(1))
        )

        settle(wallet, day(2))

        assert figures(other) == {"active": 40, "earned": 40}


class TestExpireDue:
    def test_settles_wallet_by_wallet_until_nothing_is_due(
        self, wallet: int, mallory: Member
    ) -> None:
        other = wallet_of(mallory)
        post(
            credit(wallet, 40, "in", expires_at=day(1)), credit(other, 40, "in", expires_at=day(2))
        )

        assert expiry.expire_due(at=day(1) - A_MICROSECOND) == 0
        assert expiry.expire_due(at=day(2), limit=1) == 1
        assert (figures(wallet), figures(other)) == (
            {"earned": 40, "expired": 40},
            {"active": 40, "earned": 40},
        )
        assert [expiry.expire_due(at=day(2), limit=1) for _ in range(2)] == [1, 0]
        assert_clean()

    def test_comes_to_an_end_with_wallets_whose_due_lots_were_spent(self, wallet: int) -> None:
        post(credit(wallet, 40, "in", expires_at=day(1)), debit(wallet, 40, "out"))

        assert [expiry.expire_due(at=day(2)) for _ in range(2)] == [1, 0]


class TestFigures:
    def test_leave_out_what_lapsed_and_count_what_started_though_nothing_was_settled(
        self, bob: Member, wallet: int
    ) -> None:
        post(
            credit(wallet, 40, "lapses", expires_at=day(1)),
            credit(wallet, 50, "starts", active_from=day(1), expires_at=day(7)),
            credit(wallet, 9, "waits", active_from=day(9)),
        )
        before = entries(wallet)

        said = queries.figures(member=bob, at=day(1))

        assert (said.active, said.pending, said.expired) == (50, 9, 40)
        assert said.next_expiry == queries.NextExpiry(50, day(7))
        assert [each.source for each in queries.lots_of(member=bob, at=day(1))] == [
            "starts",
            "waits",
        ]
        assert entries(wallet) == before

    def test_change_at_the_very_moment(self, bob: Member, wallet: int) -> None:
        post(credit(wallet, 40, "in", expires_at=day(1)))

        active = [
            queries.figures(member=bob, at=at).active
            for at in (day(1) - A_MICROSECOND, day(1), day(1) + A_MICROSECOND)
        ]

        assert active == [40, 0, 0]

    def test_are_those_of_one_moment_though_somebody_settles_in_between(
        self, bob: Member, wallet: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post(credit(wallet, 40, "in", expires_at=day(1)))
        as_it_is = queries.ledger._settle_in_memory

        def settled_meanwhile(wallets: list[Wallet], at: object) -> None:
            settle(wallet, day(1))
            as_it_is(wallets, at)  # type: ignore[arg-type]

        monkeypatch.setattr(queries.ledger, "_settle_in_memory", settled_meanwhile)

        said = queries.figures(member=bob, at=day(1))

        assert (said.active, said.expired) == (0, 40)

    def test_value_is_rounded_down_to_cents(self, bob: Member, wallet: int) -> None:
        post(credit(wallet, 1999, "in"))

        assert str(queries.figures(member=bob, at=day(0)).value) == "19.99"

    def test_expiring_counts_what_lapses_within_the_span(self, bob: Member, wallet: int) -> None:
        post(
            credit(wallet, 10, "gone", active_from=day(-5), expires_at=day(-1)),
            credit(wallet, 20, "last day", expires_at=day(30)),
            credit(wallet, 40, "too late", expires_at=day(30) + A_MICROSECOND),
            credit(wallet, 80, "soon", expires_at=day(3)),
            credit(wallet, 160, "pending", active_from=day(2), expires_at=day(4)),
        )

        assert queries.expiring(member=bob, at=day(0)) == queries.Expiring(100, day(3))
        assert ledger.MAX_POINTS == 9_223_372_036_854_775_807
