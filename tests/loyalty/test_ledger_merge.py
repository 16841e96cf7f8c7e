from typing import Any

import pytest
from django.db import transaction

from loyalty import ledger
from loyalty.ledger import Forfeit
from loyalty.models import Hold, Wallet
from members.models import Member
from tests.conftest import NOON
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
    open_lots,
    post,
    reversal,
    settle,
    wallet_of,
)


@pytest.fixture
def source(bob: Member) -> int:
    wallet = wallet_of(bob)
    post(
        credit(wallet, 10, "tomorrow", expires_at=day(1)),
        credit(wallet, 20, "nine days", expires_at=day(9)),
        credit(wallet, 5, "later", active_from=day(3), expires_at=day(20)),
    )
    return wallet


@pytest.fixture
def target(mallory: Member) -> int:
    wallet = wallet_of(mallory)
    post(credit(wallet, 7, "mine", expires_at=day(5)))
    return wallet


def merge(source: int, target: int) -> None:
    with transaction.atomic():
        held = ledger.lock_wallets(wallets=[source, target], at=NOON)
        reference = f"{source}-{target}"
        ledger.merge(source=source, target=target, reference=reference, at=NOON, held=held)


class TestMerge:
    def test_moves_lots_with_their_dates_and_the_totals(self, source: int, target: int) -> None:
        merge(source, target)

        assert figures(source) == {}
        assert figures(target) == {"active": 37, "pending": 5, "earned": 42}
        assert entries(source)[-1] == ("merge", -35, 0)
        assert entries(target)[-1] == ("merge", 35, 42)
        assert open_lots(target) == {"tomorrow": 10, "nine days": 20, "later": 5, "mine": 7}
        assert Wallet.objects.get(pk=target).merged_from == [source]
        assert_clean()

    def test_goes_on_settling_what_came_along(self, source: int, target: int) -> None:
        merge(source, target)

        settle(target, day(6))

        assert figures(target) == {"active": 25, "earned": 42, "expired": 17}
        assert_clean()

    @pytest.mark.parametrize("poor", ["source", "target"])
    def test_nets_debts(self, source: int, target: int, poor: str) -> None:
        wallet = {"source": source, "target": target}[poor]
        points = {"source": 30, "target": 7}[poor]
        post(credit(wallet, 3, "x"), debit(wallet, points + 3, "out"))
        post(reversal(wallet, 3, "back", of="x"))
        assert figures(wallet)["debt"] == 3

        merge(source, target)

        rest = {"source": 4, "target": 27}[poor]
        assert figures(target)["active"] == rest
        assert "debt" not in figures(target)
        assert_clean()

    def test_makes_references_and_earns_its_own(self, source: int, target: int) -> None:
        post(debit(source, 12, "out"))
        merge(source, target)

        assert not post(credit(target, 20, "nine days"))[0].is_new
        post(reversal(target, 20, "refund", of="nine days"))
        post(give_back(target, 12, "back", of="out"))

        assert figures(target) == {"active": 17, "pending": 5, "earned": 22}
        assert_clean()

    def test_takes_holds_along(self, source: int, target: int) -> None:
        hold(target, 3, until=day(1), reference="same")
        row = hold(source, 25, until=day(1), reference="same")
        merge(source, target)

        row = Hold.objects.get(pk=row.pk)
        assert row.wallet_id == target
        assert row.reference.startswith("same/")
        capture(row, 25)

        assert figures(target) == {
            "active": 9,
            "pending": 5,
            "reserved": 3,
            "earned": 42,
            "spent": 25,
        }
        assert_clean()

    def test_of_chains_keeps_the_whole_family(self, source: int, target: int, ada: Member) -> None:
        merge(source, target)
        third = wallet_of(ada)
        merge(target, third)

        assert Wallet.objects.get(pk=third).merged_from == [target, source]
        assert not post(credit(third, 20, "nine days"))[0].is_new
        assert_clean()

    def test_of_empty_wallets_writes_no_entry(self, bob: Member, mallory: Member) -> None:
        merge(wallet_of(bob), wallet_of(mallory))

        assert entries(wallet_of(mallory)) == []
        assert_clean()


class TestForfeit:
    def test_takes_everything_active_and_pending(self, source: int) -> None:
        words: dict[str, Any] = {"details": {}, "explanation": [{"rule": "x", "points": -35}]}

        post(Forfeit(wallet=source, kind="adjust", points=35, reference="bye", at=NOON, **words))

        assert figures(source) == {"earned": 35}
        assert entries(source)[-1] == ("adjust", -35, 0)
        assert_clean()
