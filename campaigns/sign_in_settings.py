"""How missed days may be made up (补签), and what a member has left of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from campaigns.models import CheckIn, SignInSettings
from members import validation
from members.models import Member

MOST_CARDS = 31
MOST_DAYS = 366
MOST_POINTS = 1_000_000

CHECKS: Mapping[str, validation.Check] = {
    "make_up_cards": validation.whole_number(least=0, most=MOST_CARDS),
    "make_up_days": validation.whole_number(least=1, most=MOST_DAYS),
    "make_up_points": validation.whole_number(least=0, most=MOST_POINTS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The cards that are left this month, the first day they are good for, and what a make-up costs in points."""

    cards: int
    earliest: date
    points: int


def current() -> SignInSettings:
    """The settings; the defaults until somebody changes them."""
    return SignInSettings.objects.filter(pk=1).first() or SignInSettings(pk=1)


@transaction.atomic
def change(*, changes: Mapping[str, object]) -> SignInSettings:
    """Change cards a month (0 to 31), days back (1 to 366) or the price in points. Raises InvalidInput."""
    values = validation.cleaned(changes, CHECKS)
    SignInSettings.objects.get_or_create(pk=1)
    settings = SignInSettings.objects.select_for_update(no_key=True).get(pk=1)
    for name, value in values.items():
        setattr(settings, name, value)
    settings.save()
    return settings


def allowance(
    *,
    settings: SignInSettings,
    made_up: Iterable[CheckIn],
    member: Member,
    today: date,
    zone: ZoneInfo,
) -> Allowance:
    """What is left to a member who has signed these days; cards belong to the month in which they are used."""
    used = [row.at.astimezone(zone).date() for row in made_up if row.is_made_up]
    taken = sum((day.year, day.month) == (today.year, today.month) for day in used)
    first = today - timedelta(days=settings.make_up_days)
    return Allowance(
        cards=max(0, settings.make_up_cards - taken),
        earliest=max(first, member.enrolled_at.astimezone(zone).date()),
        points=settings.make_up_points,
    )
