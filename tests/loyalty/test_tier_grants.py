from datetime import datetime, timedelta
from typing import Any

import pytest

from loyalty import ordering, tier_grants, tiers
from loyalty.models import Wallet
from members.errors import InvalidInput, MemberClosed
from members.models import Member, Tier, TierChange
from tests.conftest import NOON, RealDatabase
from tests.loyalty.builders import day, order

TICK = timedelta(microseconds=1)


def tier(code: str) -> Tier:
    return Tier.objects.get(code=code)


def give(
    member: Member, code: str, *, until: datetime | None = None, at: datetime = NOON
) -> Member:
    return tier_grants.give(
        member=member, tier=tier(code), until=until, reason="VIP", by="owner", at=at
    )


def place(member: Member, number: str, amount: str, at: datetime) -> Any:
    facts = order(number, amount, member=member, placed_at=at)
    return ordering.place(order=facts, at=max(NOON, at)).order


def held(member: Member, at: datetime) -> str:
    found = Member.objects.select_related("tier").get(pk=member.pk)
    tiers.show(members=[found], at=at)
    return found.tier.code


def history(member: Member) -> list[tuple[datetime, str, str, str]]:
    rows = member.tier_changes.exclude(reason="enrolled").order_by("at", "id")
    return list(rows.values_list("at", "tier__code", "reason", "by"))


class TestGive:
    def test_lifts_at_once_and_is_told_with_who_and_why(self, bob: Member) -> None:
        member = give(bob, "gold")

        assert (member.tier.code, member.tier_floor) == ("gold", tier("gold"))
        change = bob.tier_changes.get(reason="given")
        assert (change.before, change.tier, change.at, change.by) == (
            tier("base"),
            tier("gold"),
            NOON,
            "owner",
        )
        assert change.details == {
            "status_points": 0,
            "note": "VIP",
            "floor": "gold",
            "until": None,
        }

    def test_multiplies_orders_from_its_moment_on(self, bob: Member) -> None:
        give(bob, "gold", until=day(10))

        assert place(bob, "1", "100.00", day(-1)).points == 100
        assert place(bob, "2", "100.00", day(1)).points == 150
        assert place(bob, "3", "100.00", day(10) - TICK).points == 150
        assert place(bob, "4", "100.00", day(10)).points == 100

    @pytest.mark.parametrize(
        ("at", "code"), [(day(10) - TICK, "gold"), (day(10), "silver"), (day(10) + TICK, "silver")]
    )
    def test_ends_at_its_moment_with_what_was_reached_meanwhile(
        self, bob: Member, at: datetime, code: str
    ) -> None:
        give(bob, "gold", until=day(10))
        place(bob, "1", "5000.00", day(5))

        assert held(bob, at) == code

    def test_is_cleared_away_by_the_review(self, bob: Member) -> None:
        give(bob, "gold", until=day(10))

        assert tiers.review_due(at=day(11)) == 1
        assert tiers.review_due(at=day(11)) == 0

        member = Member.objects.get(pk=bob.pk)
        assert (member.tier.code, member.tier_floor, member.tier_floor_until) == (
            "base",
            None,
            None,
        )
        assert history(bob)[-1] == (day(10), "base", "given", "")

    def test_is_a_floor_and_not_a_ceiling(self, bob: Member) -> None:
        give(bob, "silver")
        place(bob, "1", "20000.00", day(1))

        assert held(bob, day(2)) == "gold"

    def test_keeps_from_falling_below_it(self, bob: Member) -> None:
        Tier.objects.exclude(code="base").update(downgrade="to_eligible")
        place(bob, "1", "20000.00", day(-3))
        give(bob, "silver")

        assert held(bob, day(500)) == "silver"
        assert tiers.review_due(at=day(500)) == 1
        assert tiers.review_due(at=day(900)) == 0
        assert history(bob)[-1][1:3] == ("silver", "not_kept")

    def test_replaces_the_one_before(self, bob: Member) -> None:
        give(bob, "gold")
        give(bob, "silver", at=day(1))

        assert held(bob, day(1)) == "silver"

    @pytest.mark.parametrize("until", [NOON, NOON - TICK])
    def test_refuses_an_end_that_is_past(self, bob: Member, until: datetime) -> None:
        with pytest.raises(InvalidInput) as refused:
            give(bob, "gold", until=until)

        assert (refused.value.pointer, refused.value.code) == ("/until", "past")
        assert Member.objects.get(pk=bob.pk).tier_floor is None
        assert TierChange.objects.filter(member=bob).count() == 1

    def test_refuses_a_closed_member(self, bob: Member) -> None:
        Member.objects.filter(pk=bob.pk).update(status="closed")

        with pytest.raises(MemberClosed):
            give(bob, "gold")

        assert Member.objects.get(pk=bob.pk).tier_floor is None
        assert TierChange.objects.filter(member=bob).count() == 1


class TestWithdraw:
    def test_falls_at_once_to_what_was_reached(self, bob: Member) -> None:
        give(bob, "diamond")
        place(bob, "1", "5000.00", day(1))

        tier_grants.withdraw(member=bob, reason="a mistake", by="owner", at=day(2))

        member = Member.objects.get(pk=bob.pk)
        assert (member.tier.code, member.tier_floor) == ("silver", None)
        assert history(bob)[-1] == (day(2), "silver", "given", "owner")

    def test_refuses_where_nothing_was_given(self, bob: Member) -> None:
        with pytest.raises(InvalidInput) as refused:
            tier_grants.withdraw(member=bob, reason="", by="owner", at=NOON)

        assert refused.value.code == "no_tier_given"
        assert TierChange.objects.filter(member=bob).count() == 1


class TestRaces:
    def test_giving_and_orders_agree(self, committed_db: RealDatabase) -> None:
        from members import enrolment

        newcomers = [enrolment.Newcomer(phone=f"+86137{number:08d}") for number in range(6)]
        people = [each.member for each in enrolment.enrol_all(newcomers=newcomers, at=NOON)]
        members = [person for person in people if person]

        def work(number: int) -> Any:
            member = members[number % 6]
            if number < 6:
                return give(member, "silver", at=day(1))
            return place(member, f"order-{number}", "20000.00", day(1))

        answers = committed_db.run_parallel(work, 12, 12)

        assert not [answer for answer in answers if isinstance(answer, Exception)]
        assert {held(member, day(2)) for member in members} == {"gold"}
        assert Wallet.objects.filter(point_type__code="status", active=20000).count() == 6
