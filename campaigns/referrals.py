"""Friends who were brought in: both sides are paid with the friend's first order that meets the campaign's conditions."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Coalesce

from campaigns import running
from campaigns.judging import Judge, award_of
from campaigns.models import CampaignAward, Conversion
from campaigns.occasions import REFERRAL, Occasion
from campaigns.rules import Rule
from loyalty import expiry, ledger
from loyalty.effects import Bonus, Given
from loyalty.ledger import Credit, Held
from loyalty.models import Entry, Order, Program
from members.models import Member

REFERRER, REFEREE = "referrer", "referee"
SIDES = {"referrer": (REFERRER,), "referee": (REFEREE,), "both": (REFERRER, REFEREE)}


@dataclass(slots=True, kw_only=True)
class Found:
    """A friend won by an order: the campaign, both sides, what each gets."""

    rule: Rule
    order: Order
    occasion: Occasion
    referrer: int
    points: dict[str, int]
    cut: dict[str, int]


def referrers_of(member: int) -> Collection[int]:
    """Who brought a member, as long as that one is a member: points may come or go there with the member's orders."""
    found = Member.objects.filter(pk=member, referrer__isnull=False)
    open_now = found.exclude(referrer__status=Member.Status.CLOSED)
    # Who was merged away lives on in the heir.
    paid = Conversion.objects.filter(
        Q(referee=member) | Q(referee__merged_into=member), reversed_at=None
    )
    heirs = paid.annotate(heir=Coalesce(F("referrer__merged_into"), F("referrer")))
    return {
        *open_now.values_list("referrer_id", flat=True),
        *heirs.values_list("heir", flat=True),
    }


def reference(conversion: Conversion, side: str) -> str:
    """The reference of what a referral pays to one side: once for ever, whoever is merged into whom."""
    return f"referral/{conversion.pk}/{side}"


class Referrals:
    """The referral campaigns of a batch and whom they have paid for already."""

    def __init__(self, rules: Iterable[Rule], members: Iterable[Member]) -> None:
        self.rules = list(rules)
        self.referees = {
            member.pk: member.referrer_id
            for member in members
            if self.rules and member.referrer_id is not None
        }
        self.paid = running.converted(referees=self.referees) if self.referees else set()
        self.open = {
            referee: referrer
            for referee, referrer in self.referees.items()
            if any((rule.id, referee) not in self.paid for rule in self.rules)
        }
        self.closed: set[int] | None = None

    def referrers(self) -> set[int]:
        """Whose wallets may get points."""
        return set(self.open.values())

    def won(self, *, occasion: Occasion, order: Order, judge: Judge) -> Iterable[Found]:
        """The campaigns that pay for this order's member now; from memory once the referrers' standing was read."""
        referrer = self.open.get(occasion.member.pk)
        if referrer is None:
            return
        if self.closed is None:
            closed = Member.objects.filter(pk__in=self.referrers(), status=Member.Status.CLOSED)
            self.closed = set(closed.values_list("pk", flat=True))
            # Once more, now that the wallets are locked: another order may have been the first.
            self.paid |= running.converted(referees=self.referees)
        for rule in judge.matching(occasion, REFERRAL):
            key = (rule.id, occasion.member.pk)
            if key not in self.paid:
                self.paid.add(key)
                yield self._found(rule, occasion, order, referrer, judge)

    def _found(
        self, rule: Rule, occasion: Occasion, order: Order, referrer: int, judge: Judge
    ) -> Found:
        found = Found(
            rule=rule, order=order, occasion=occasion, referrer=referrer, points={}, cut={}
        )
        for side in SIDES[rule.effect.get("to") or "both"]:
            member = referrer if side == REFERRER else occasion.member.pk
            if side == REFERRER and referrer in (self.closed or ()):
                continue
            wanted = int(rule.effect["points"])
            room = judge.room(rule, member, occasion)
            fits = wanted
            if room is not None:
                left = max(0, room.tightest()[1])
                fits = wanted if wanted <= left else 0 if room.is_whole else left
            judge.usage.note(rule, member, occasion.day, fits)
            found.points[side], found.cut[side] = fits, wanted - fits
        return found


def pay(*, found: Iterable[Found], held: Held, program: Program | None) -> None:
    """Write the conversions and credit both sides; the wallets are locked, the orders stored."""
    made = list(found)
    if not made:
        return
    assert program is not None
    members = Member.objects.in_bulk({each.referrer for each in made})
    conversions = [_conversion(each, _active_from(each, program, held.at)) for each in made]
    Conversion.objects.bulk_create(conversions)
    postings, awards = [], []
    for each, conversion in zip(made, conversions, strict=True):
        for side, points in each.points.items():
            member = members[each.referrer] if side == REFERRER else each.occasion.member
            other = each.occasion.member if side == REFERRER else members[each.referrer]
            awards.append(_award(each, member.pk, side))
            if points:
                postings.append(_credit(each, conversion, side, other, program, held))
    CampaignAward.objects.bulk_create(awards)
    ledger.post(postings=postings, at=held.at, held=held)


def _active_from(found: Found, program: Program, now: datetime) -> datetime:
    """The order has to stand for a while: as many days as the campaign says, else the program's."""
    assert found.order.awarded_at is not None
    days = found.rule.effect.get("pending_days")
    days = program.pending_days if days is None else int(days)
    return min(found.order.awarded_at, now) + timedelta(days=days)


def _conversion(found: Found, start: datetime) -> Conversion:
    return Conversion(
        campaign_id=found.rule.id,
        version=found.rule.version,
        referrer_id=found.referrer,
        referee_id=found.occasion.member.pk,
        order_id=found.order.pk,
        at=found.occasion.at,
        day=found.occasion.day,
        active_from=start,
        referrer_points=found.points.get(REFERRER, 0),
        referee_points=found.points.get(REFEREE, 0),
    )


def _award(found: Found, member: int, side: str) -> CampaignAward:
    effect = Bonus(rule=found.rule.code, points=0)
    given = Given(effect=effect, points=found.points[side], cut=found.cut[side])
    award = award_of(found.rule, member, found.occasion, given)
    award.order_id = found.order.pk
    return award


def _credit(
    found: Found,
    conversion: Conversion,
    side: str,
    other: Member,
    program: Program,
    held: Held,
) -> Credit:
    wallet = held.of(found.referrer if side == REFERRER else found.occasion.member.pk)
    points, start = found.points[side], conversion.active_from
    part: dict[str, Any] = {
        "rule": found.rule.code,
        "kind": "bonus",
        "points": points,
        "title": found.rule.name,
        "version": found.rule.version,
    }
    return Credit(
        wallet=wallet.id,
        kind=Entry.Kind.EARN,
        points=points,
        reference=reference(conversion, side),
        at=found.order.awarded_at or found.occasion.at,
        details={
            "title": found.rule.name,
            "campaign": found.rule.code,
            "friend": other.masked_name,
        },
        explanation=[part],
        store=found.order.store_id,
        active_from=start,
        expires_at=expiry.points_lapse_at(program, start, wallet.last_activity_at),
    )
