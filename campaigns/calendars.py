"""A member's sign-in calendar (积分日历): a month of days, the days around today, cards for missed ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from campaigns import sign_in_settings, streaks
from campaigns.models import CampaignAward, CheckIn, SignInSettings
from campaigns.occasions import CHECK_IN
from campaigns.outlooks import Coming, Outlook
from campaigns.sign_in_settings import Allowance
from campaigns.streaks import A_DAY, SignedDays
from loyalty import queries as loyalty_queries
from loyalty.models import Program
from members.models import Member

SIGNED, MADE_UP, MISSED, TODAY, AHEAD, BEFORE = (
    "signed",
    "made_up",
    "missed",
    "today",
    "ahead",
    "before",
)
STRIP = 7
MILESTONES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A day of the calendar: how it stands, what it brought, whether it is a milestone (or is one if all goes on)."""

    day: date
    state: str
    points: int
    is_prize: bool
    is_today: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A day of the row around today: its place in the run, what it brings (0: it is signed)."""

    day: date
    number: int
    is_done: bool
    is_today: bool
    is_prize: bool
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month in weeks that begin on Monday, None outside it; `earlier` and `later` are the months beside it, if any."""

    first: date
    weeks: Sequence[Sequence[Cell | None]]
    signed: int
    earlier: date | None
    later: date | None


class Calendar:
    """Everything that is said about a member's signing in: read once, in a fixed number of queries."""

    def __init__(self, *, member: Member, at: datetime, program: Program) -> None:
        self.member = member
        self.zone = program.zone
        self.today = at.astimezone(program.zone).date()
        merged = loyalty_queries.wallet_of(member=member).merged_from
        self.family = loyalty_queries.family_of(member=member, merged_wallets=merged)
        self.rows = list(CheckIn.objects.filter(member__in=self.family).order_by("day"))
        self.signed = SignedDays(row.day for row in self.rows)
        self.outlook = Outlook(
            member=member,
            signed=self.signed,
            at=at,
            program=program,
            days=STRIP,
            milestones=MILESTONES,
        )

    # ---- today ----------------------------------------------------------------------------------
    @property
    def is_signed_today(self) -> bool:
        """Whether today is signed."""
        return self.today in self.signed

    @property
    def streak(self) -> int:
        """Days in a row as of today."""
        return self.signed.standing(self.today)

    @property
    def points_today(self) -> int:
        """What today brought; before it is signed what it will bring."""
        if self.is_signed_today:
            return next(row.points for row in self.rows if row.day == self.today)
        return self.outlook.days[0].points if self.outlook.days else 0

    @property
    def tomorrow(self) -> Coming | None:
        """The day after today, once today is signed."""
        days = self.outlook.days
        return days[0] if self.is_signed_today and days else None

    @cached_property
    def strip(self) -> list[Link]:
        """Seven days: as much of the run as leaves room for the next milestone."""
        near = self.outlook.next_milestone
        ahead = min(near.left, STRIP) if near is not None else STRIP - 3
        past = min(self.streak, STRIP - ahead)
        last = self.today if self.is_signed_today else self.today - A_DAY
        days = [last - place * A_DAY for place in reversed(range(past))]
        done = [self._done(day) for day in days]
        return done + [self._coming(each) for each in self.outlook.days[: STRIP - past]]

    def _done(self, day: date) -> Link:
        return Link(
            day=day,
            number=self.signed.streak(day),
            is_done=True,
            is_today=day == self.today,
            is_prize=False,
            points=0,
        )

    def _coming(self, coming: Coming) -> Link:
        return Link(
            day=coming.day,
            number=self.streak + coming.left,
            is_done=False,
            is_today=coming.day == self.today,
            is_prize=coming.is_milestone,
            points=coming.points,
        )

    # ---- missed days ----------------------------------------------------------------------------
    @cached_property
    def allowance(self) -> Allowance:
        """Make-up cards that are left, and what they are good for."""
        return sign_in_settings.allowance(
            settings=self.settings,
            made_up=self.rows,
            member=self.member,
            today=self.today,
            zone=self.zone,
        )

    @cached_property
    def settings(self) -> SignInSettings:
        """The shop's rules for making up."""
        return sign_in_settings.current()

    @property
    def missed(self) -> list[date]:
        """The days that can be made up, the latest first."""
        back = (self.today - self.allowance.earliest).days
        days = [self.today - place * A_DAY for place in range(1, back + 1)]
        return [day for day in days if day not in self.signed]

    # ---- a month --------------------------------------------------------------------------------
    @property
    def first_month(self) -> date:
        """The month in which the member joined, or signed for the first time."""
        joined = self.member.enrolled_at.astimezone(self.zone).date()
        return min([joined, *self.signed.days[:1]]).replace(day=1)

    def month(self, first: date) -> Month:
        """A month from its first day. One query."""
        after = _next_month(first)
        prizes = self._prizes(first, after)
        points = {row.day: row for row in self.rows if first <= row.day < after}
        cells: list[Cell | None] = [None] * first.weekday()
        day = first
        while day < after:
            cells.append(self._cell(day, points.get(day), is_prize=day in prizes))
            day += A_DAY
        cells += [None] * (-len(cells) % 7)
        this_month = self.today.replace(day=1)
        return Month(
            first=first,
            weeks=[cells[place : place + 7] for place in range(0, len(cells), 7)],
            signed=len(points),
            earlier=(first - A_DAY).replace(day=1) if first > self.first_month else None,
            later=after if first < this_month else None,
        )

    def _cell(self, day: date, row: CheckIn | None, *, is_prize: bool) -> Cell:
        return Cell(
            day=day,
            state=self._state(day, row),
            points=row.points if row is not None else 0,
            is_prize=is_prize,
            is_today=day == self.today,
        )

    def _state(self, day: date, row: CheckIn | None) -> str:
        if row is not None:
            return MADE_UP if row.is_made_up else SIGNED
        if day >= self.today:
            return TODAY if day == self.today else AHEAD
        joined = self.member.enrolled_at.astimezone(self.zone).date()
        return BEFORE if day < joined else MISSED

    def _prizes(self, first: date, after: date) -> set[date]:
        """The days on which a count of signed days was, or would be, rewarded."""
        given = CampaignAward.objects.filter(
            member__in=self.family,
            campaign__conditions__event_data__has_any_keys=streaks.FACTS,
            act__type=CHECK_IN,
            day__gte=first,
            day__lt=after,
        )
        found = set(given.order_by().values_list("day", flat=True))
        return found | {each.day for each in self.outlook.milestones}


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)
