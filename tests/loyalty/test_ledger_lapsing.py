"""The usual night writes what SETTLE writes, and leaves to SETTLE what is not usual."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import expiry, ledger, queries
from loyalty.ledger import lapsing, statements, writing
from loyalty.models import Allocation, Entry, Lot, Wallet
from members.models import Member
from tests.loyalty.builders import (
    assert_clean,
    credit,
    day,
    debit,
    entries,
    examples,
    figures,
    give_back,
    hold,
    post,
    reversal,
    sandbox,
    settle,
    wallet_of,
)

LOTS = st.lists(
    st.tuples(
        st.integers(1, 60),
        st.integers(-4, 3),  # the day on which it becomes active
        st.sampled_from([None, 1, 2, 3, 6]),  # days until it lapses
    ),
    min_size=1,
    max_size=6,
)


def everything() -> list[Any]:
    """What is in the ledger's tables, but for ids drawn from a sequence."""
    return [
        list(
            Wallet.objects.order_by("id").values_list(
                "active", "pending", "reserved", "debt", "expired", "sequence", "next_due_at"
            )
        ),
        list(
            Entry.objects.order_by("wallet", "sequence").values_list(
                "wallet",
                "kind",
                "points",
                "balance",
                "sequence",
                "reference",
                "at",
                "details",
                "explanation",
            )
        ),
        list(
            Lot.objects.order_by("id").values_list(
                "remaining", "reserved", "lapsed", "forgiven", "is_pending", "expires_at"
            )
        ),
        list(
            Allocation.objects.order_by("lot", "entry__sequence").values_list(
                "lot", "points", "entry__sequence", "entry__reference"
            )
        ),
    ]


class TestLapse:
    @given(
        lots=LOTS,
        spent=st.integers(0, 90),
        owed=st.integers(0, 60),
        kept=st.integers(0, 30),
        moments=st.lists(st.integers(0, 9), min_size=1, max_size=3),
    )
    @examples(80)
    def test_with_settle_writes_what_settle_alone_writes(
        self,
        bob: Member,
        mallory: Member,
        lots: list[Any],
        spent: int,
        owed: int,
        kept: int,
        moments: list[int],
    ) -> None:
        with sandbox():
            wallet, plain = wallet_of(bob), wallet_of(mallory)
            for number, (points, start, days) in enumerate(lots):
                ends = None if days is None else day(start + days)
                for each in (wallet, plain):
                    post(
                        credit(each, points, f"{number}", active_from=day(start), expires_at=ends)
                    )
            active = Wallet.objects.get(pk=wallet).active
            if min(spent, active):
                post(debit(wallet, min(spent, active), "out"))
            if min(owed, lots[0][0]):
                post(reversal(wallet, min(owed, lots[0][0]), "back", of="0"))
            active = Wallet.objects.get(pk=wallet).active
            if min(kept, active):
                hold(wallet, min(kept, active), until=day(4))
            with sandbox():
                usual = self.nights(moments)
                assert_clean()
            with sandbox(), pytest.MonkeyPatch.context() as patched:
                patched.setattr(writing, "lapse", lambda *_: set())
                general = self.nights(moments)
            assert usual == general

    def nights(self, moments: list[int]) -> list[Any]:
        for moment in sorted(moments):
            while expiry.expire_due(at=day(moment), limit=2):
                pass
        return everything()

    def test_settles_the_usual_wallets_and_leaves_the_others(
        self, bob: Member, mallory: Member
    ) -> None:
        plain, kept = wallet_of(bob), wallet_of(mallory)
        for each in (plain, kept):
            post(credit(each, 40, "in", expires_at=day(1)))
        hold(kept, 10, until=day(4))

        assert lapsing.lapse([plain, kept], day(1)) == {plain}

        assert figures(plain) == {"earned": 40, "expired": 40}
        assert entries(kept) == [("earn", 40, 40)]

    def test_draws_entries_of_a_wallet_in_their_order(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(*(credit(wallet, 5, f"{n}", expires_at=day(9 - n)) for n in range(8)))

        assert lapsing.lapse([wallet], day(9)) == {wallet}

        lapses = Entry.objects.filter(kind="expire").order_by("id")
        assert [each.at for each in lapses] == [day(2 + n) for n in range(8)]
        assert [each.sequence for each in lapses] == list(range(9, 17))
        assert_clean()

    def test_names_what_lapses_of_a_lot_again_by_what_lapsed_before(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(credit(wallet, 40, "in", expires_at=day(1)), debit(wallet, 15, "out"))
        expiry.expire_due(at=day(1))
        lot = Lot.objects.get(wallet=wallet)
        post(give_back(wallet, 15, "back", of="out", grace_until=day(5)), at=day(2))

        assert expiry.expire_due(at=day(5)) == 1

        references = Entry.objects.filter(kind="expire").order_by("id")
        assert [each.reference for each in references] == [f"lot/{lot.pk}", f"lot/{lot.pk}/25"]
        assert_clean()

    def test_looks_at_nothing_that_is_not_due(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(credit(wallet, 40, "in", expires_at=day(3)))

        assert lapsing.lapse([wallet], day(2)) == set()
        assert ledger.settle(wallets=[], at=day(2)) == 0

        settle(wallet, day(3))
        assert queries.due_wallets_locked(at=day(3), limit=5) == []

    def test_is_the_way_the_usual_night_takes(
        self, bob: Member, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wallet = wallet_of(bob)
        post(
            credit(wallet, 40, "in", expires_at=day(1)), credit(wallet, 2, "on", expires_at=day(7))
        )
        monkeypatch.setattr(statements, "SETTLE", "never")

        assert expiry.expire_due(at=day(1)) == 1

        assert Wallet.objects.get(pk=wallet).next_due_at == day(7)
        assert figures(wallet) == {"active": 2, "earned": 42, "expired": 40}
        assert_clean()
