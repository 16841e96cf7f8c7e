"""What a rule may look at: one order or act of one member, with everything known about it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from loyalty.order_facts import Line, OrderFacts
from members.models import Member, Tier

ORDER = "order.paid"
REFERRAL = "referral.converted"
CHECK_IN = "check_in"
ENROLLED = "member.enrolled"
PROFILE_COMPLETED = "member.profile_completed"
BIRTHDAY = "birthday"
ANNIVERSARY = "anniversary"
TIER_UPGRADED = "tier.upgraded"

#: Happen by themselves; nobody reports them. Any other trigger is an event's own type.
SYSTEM_TRIGGERS = (
    CHECK_IN,
    ENROLLED,
    PROFILE_COMPLETED,
    BIRTHDAY,
    ANNIVERSARY,
    TIER_UPGRADED,
)
TRIGGERS = (ORDER, REFERRAL, *SYSTEM_TRIGGERS)

NO_SEGMENTS: frozenset[str] = frozenset()
_NO_DATA: Mapping[str, Any] = MappingProxyType({})


def _no_data() -> Mapping[str, Any]:
    return _NO_DATA


class History(Protocol):
    """What a member did before, as the conditions ask for it; every answer comes from memory."""

    def orders(self, member: int, channels: Sequence[str] = ()) -> int:
        """Awarded orders before this one: all, or those of these channels."""

    def previous(self, member: int, before: datetime) -> tuple[datetime, Decimal] | None:
        """Moment and net amount of the order placed last before a moment."""

    def in_period(self, member: int, period: str, start: datetime) -> tuple[int, Decimal]:
        """Number and sum of the awarded orders (or number of acts of the type) in the period that began at `start`."""


@dataclass(slots=True, kw_only=True)
class Occasion:
    """One order or act; `local` is its moment on the program's clock, `minute` that of the day (0 to 1439)."""

    trigger: str
    at: datetime
    local: datetime
    day: date
    minute: int
    zone: ZoneInfo
    member: Member
    tier: str
    history: History
    segments: frozenset[str] = NO_SEGMENTS
    store: str | None = None
    channel: str = ""
    amount: Decimal = Decimal(0)
    lines: Sequence[Line] = ()
    methods: frozenset[str] = NO_SEGMENTS
    coupon: str = ""
    data: Mapping[str, Any] = field(default_factory=_no_data)
    # Which lines match which check, as far as somebody asked.
    masks: dict[int, int] | None = None

    @property
    def is_order(self) -> bool:
        """Whether it is a purchase."""
        return self.trigger in {ORDER, REFERRAL}


def of_order(
    *, facts: OrderFacts, member: Member, tier: Tier, zone: ZoneInfo, history: History
) -> Occasion:
    """An order as rules look at it."""
    local = facts.placed_at.astimezone(zone)
    return Occasion(
        trigger=ORDER,
        at=facts.placed_at,
        local=local,
        day=local.date(),
        minute=local.hour * 60 + local.minute,
        zone=zone,
        member=member,
        tier=tier.code,
        history=history,
        store=facts.store,
        channel=facts.channel,
        amount=facts.amount,
        lines=facts.lines,
        methods=frozenset(method for method, _amount in facts.payments),
        coupon=facts.coupon,
    )


def of_act(
    *,
    trigger: str,
    at: datetime,
    member: Member,
    zone: ZoneInfo,
    history: History,
    data: Mapping[str, Any],
) -> Occasion:
    """Something a member (with its tier) did or had happen, as rules look at it."""
    local = at.astimezone(zone)
    store, channel = data.get("store"), data.get("channel")
    return Occasion(
        trigger=trigger,
        at=at,
        local=local,
        day=local.date(),
        minute=local.hour * 60 + local.minute,
        zone=zone,
        member=member,
        tier=member.tier.code,
        history=history,
        channel=channel if isinstance(channel, str) else "",
        store=store if isinstance(store, str) else None,
        data=data,
    )
