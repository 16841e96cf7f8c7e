"""A day that is signed late may join two runs: what the days after it reach by that is given, and nothing twice."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from campaigns import judging, outlooks
from campaigns.acts import Occurrence
from campaigns.models import Act, CampaignAward
from campaigns.occasions import CHECK_IN
from campaigns.rules import Rule
from campaigns.streaks import SignedDays
from members.models import Member

# (campaign, program day) of what was given for signing in.
Given = set[tuple[int, date]]


def occurrences(
    *,
    member: Member,
    family: Collection[int],
    before: SignedDays,
    day: date,
    moments: Mapping[date, datetime],
) -> Sequence[Occurrence]:
    """The acts of later days that a late one has brought further, each for the campaigns that it now reaches alone.

    All together they bring a campaign no further than it would be had every day been signed in time: a milestone that
    an earlier count has given already stands for one that the new count asks for.
    """
    later = before.after(day)
    if not later:
        return []
    rules = _watching([moments[each] for each in later])
    if not rules:
        return []
    signed = before.also(day)
    given = _given(family, rules, later)
    owed: dict[date, list[str]] = {}
    for rule in rules:
        for each in _owed(rule, later, signed, given):
            owed.setdefault(each, []).append(rule.code)
    return [
        Occurrence(
            member=member,
            type=CHECK_IN,
            reference=f"check-in/{each.isoformat()}/{day.isoformat()}",
            at=moments[each],
            data=signed.facts(each),
            only=frozenset(codes),
        )
        for each, codes in sorted(owed.items())
    ]


def _watching(moments: Sequence[datetime]) -> list[Rule]:
    """The rules in force on these days that count signed days."""
    found = judging.running(triggers=[CHECK_IN], since=min(moments), until=max(moments))
    return [rule for rule in found if outlooks.progress_of(rule)]


def _given(family: Collection[int], rules: Sequence[Rule], days: Sequence[date]) -> Given:
    found = CampaignAward.objects.filter(
        campaign__in=[rule.id for rule in rules],
        member__in=family,
        day__range=(days[0], days[-1]),
        act__type=CHECK_IN,
        act__source=Act.Source.SYSTEM,
    )
    return set(found.order_by().values_list("campaign_id", "day"))


def _owed(rule: Rule, later: Sequence[date], signed: SignedDays, given: Given) -> Sequence[date]:
    reached = {day: outlooks.looks_right(rule, signed.facts(day)) for day in later}
    wanted = [day for day in later if reached[day] and (rule.id, day) not in given]
    ahead = sum(not reached[day] and (rule.id, day) in given for day in later)
    return wanted[ahead:]
