"""The tier of a member who takes another one over."""

from datetime import datetime
from typing import Any

from django.db import transaction

from loyalty import ledger, tiers
from loyalty.models import Wallet
from members import queries as member_queries
from members.models import Member, Tier
from tests.conftest import NOON
from tests.loyalty.builders import day, wallet_of
from tests.loyalty.tier_builders import fresh, history, place, refund


def merge(source: Member, target: Member, at: datetime) -> None:
    """What a merge does to status wallets and tiers."""
    with transaction.atomic():
        held = ledger.lock(members=[source.pk, target.pk], at=at, types=["status"])
        tiers.settle(members=[source.pk, target.pk], at=at)
        giver, taker = held.of(source.pk, "status").id, held.of(target.pk, "status").id
        ledger.merge(source=giver, target=taker, reference="merge", at=at, held=held)
        tiers.merged(source_member=source, target_member=target, at=at)


class TestMerged:
    def test_gives_what_both_reach_together(self, bob: Member, mallory: Member) -> None:
        place(bob, "1", "3000.00", day(-9))
        place(mallory, "2", "2000.00", day(-5))

        merge(bob, mallory, NOON)

        assert history(mallory) == [(NOON, "silver", "merged")]
        assert fresh(mallory).tier.code == "silver"
        assert Wallet.objects.get(pk=wallet_of(mallory, "status")).active == 5000
        # The next order counts with what came over.
        place(mallory, "3", "15000.00", day(1))
        assert fresh(mallory).tier.code == "gold"

    def test_never_takes_a_tier(self, bob: Member, mallory: Member) -> None:
        place(mallory, "1", "5000.00", day(-900))
        Tier.objects.filter(code="silver").update(threshold=9000)

        merge(bob, mallory, NOON)

        assert fresh(mallory).tier.code == "silver"
        place(mallory, "2", "10.00", day(1))
        assert fresh(mallory).tier.code == "silver"

    def test_moves_the_higher_tier_given_by_hand(self, bob: Member, mallory: Member) -> None:
        from loyalty import tier_grants

        codes = {tier.code: tier for tier in member_queries.tiers()}
        until = day(30)
        words: dict[str, Any] = {"reason": "", "by": "owner", "at": day(-1)}
        tier_grants.give(member=bob, tier=codes["gold"], until=until, **words)
        tier_grants.give(member=mallory, tier=codes["silver"], until=None, **words)

        merge(bob, mallory, NOON)

        member = fresh(mallory)
        assert (member.tier.code, member.tier_floor, member.tier_floor_until) == (
            "gold",
            codes["gold"],
            until,
        )

    def test_a_refund_after_it_takes_what_was_reached(self, bob: Member, mallory: Member) -> None:
        place(bob, "1", "3000.00", day(-9))
        place(mallory, "2", "2000.00", day(-5))
        merge(bob, mallory, NOON)

        refund("2", day(1))

        assert fresh(mallory).tier.code == "base"
