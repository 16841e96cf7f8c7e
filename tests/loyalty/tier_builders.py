"""Members with tiers for tests, and what became of them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from loyalty import ordering, refunds, tiers
from loyalty.refunds import RefundFacts
from members.models import Member, Tier
from tests.conftest import NOON
from tests.loyalty.builders import order

SHANGHAI = ZoneInfo("Asia/Shanghai")


TICK = timedelta(microseconds=1)


TOLD: list[tuple[str, str, str, datetime]] = []


def listen(event: str, members: Any, at: datetime) -> None:
    """A handler of MEMBER_EVENTS that remembers the steps of tiers."""
    if event.startswith("tier_"):
        TOLD.extend((event, member.name, member.tier.code, at) for member in members)


def falling(policy: str = "to_eligible", **more: Any) -> None:
    """Every tier falls by this policy."""
    Tier.objects.exclude(code="base").update(downgrade=policy, **more)


def place(member: Member, number: str, amount: str, at: datetime, now: datetime = NOON) -> None:
    facts = order(number, amount, member=member, placed_at=at)
    ordering.place(order=facts, at=max(now, at))


def refund(number: str, at: datetime = NOON, amount: str | None = None) -> None:
    money = amount or str(ordering_of(number).amount)
    facts = RefundFacts(reference=f"refund-{number}-{money}", at=at, amount=Decimal(money))
    refunds.refund(source="default", number=number, facts=facts, now=max(at, NOON))


def ordering_of(number: str) -> Any:
    from loyalty import queries

    return queries.order(source="default", number=number)


def history(member: Member) -> list[tuple[datetime, str, str]]:
    """(moment, tier, reason) in the order of time, without the enrolment."""
    rows = member.tier_changes.exclude(reason="enrolled").order_by("at", "id")
    return list(rows.values_list("at", "tier__code", "reason"))


def fresh(member: Member) -> Member:
    return Member.objects.select_related("tier").get(pk=member.pk)


def shown(member: Member, at: datetime) -> str:
    """The tier that pages show at a moment."""
    found = fresh(member)
    tiers.show(members=[found], at=at)
    return found.tier.code


LAPSE = datetime(2027, 11, 22, tzinfo=SHANGHAI)  # of what is earned on the tests' day
