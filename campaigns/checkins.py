"""Signing in: once on every program day, also later with a make-up card; a streak is counted from the signed days."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext as _

from campaigns import acts, catching_up, sign_in_settings
from campaigns.acts import Occurrence
from campaigns.errors import DayNotOver, NoCardLeft, SignedAlready, TooLongAgo
from campaigns.models import CheckIn
from campaigns.occasions import CHECK_IN
from campaigns.outlooks import Coming, Outlook
from campaigns.streaks import SignedDays
from loyalty import ledger, programs, queries, spending, tiers
from loyalty.models import Program
from members import queries as member_queries
from members.errors import InvalidInput, MemberClosed
from members.models import Member
from members.transactions import in_transaction

CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A signed day: what signing it gave, the days in a row that end with it, what is near; `is_new` False: known before.

    `standing`: the days in a row as of now.
    """

    member: Member
    day: date
    points: int
    streak: int
    standing: int
    next_milestone: Coming | None
    is_new: bool


@dataclass(slots=True, kw_only=True)
class _Signer:
    """A member under lock, and what it has signed so far (with those merged into it)."""

    member: Member
    family: Collection[int]
    program: Program
    now: datetime
    rows: Sequence[CheckIn]

    @property
    def signed(self) -> SignedDays:
        return SignedDays(row.day for row in self.rows)


def sign_in(*, member: str, at: datetime, now: datetime) -> SignedIn:
    """Sign the program day of `at` for a member (number); once, however often and from how many sides at once.

    A day in the past may join two runs: later days then get what they now reach. Raises NotFound, MemberClosed and
    InvalidInput (`future`: more than five minutes ahead).
    """
    program = programs.current()
    if at > now + CLOCK_TOLERANCE:
        raise InvalidInput(
            "/at", "future", _("This is in the future: check the clock and the offset.")
        )
    day = _day_of(at, program)
    return in_transaction(lambda: _sign(_locked(member, program, now), day, at))


def make_up(*, member: str, day: date, now: datetime) -> SignedIn:
    """Sign a missed day later, with one of the month's cards and for the price in points, if there is one.

    Raises NotFound, SignedAlready, DayNotOver, TooLongAgo, NoCardLeft, MemberClosed, and where it has a price
    WalletFrozen, InDebt and InsufficientPoints; then nothing is changed.
    """
    program = programs.current()
    return in_transaction(lambda: _make_up(_locked(member, program, now), day))


def _day_of(at: datetime, program: Program) -> date:
    try:
        return at.astimezone(program.zone).date()
    except OverflowError:
        raise InvalidInput("/at", "invalid", _("This moment is outside the calendar.")) from None


def _locked(number: str, program: Program, now: datetime) -> _Signer:
    """Lock the member's wallets, then read: who comes second sees what the first one wrote."""
    pk = member_queries.by_number(number).pk
    held = ledger.lock(members=[pk], at=now)
    member = Member.objects.with_names().get(pk=pk)
    tiers.show(members=[member], at=now)
    family = queries.family_of(member=member, merged_wallets=held.of(pk).merged_from)
    rows = CheckIn.objects.filter(member__in=family).order_by("day")
    return _Signer(member=member, family=family, program=program, now=now, rows=list(rows))


# ---- signing --------------------------------------------------------------------------------------
def _sign(signer: _Signer, day: date, at: datetime) -> SignedIn:
    known = next((row for row in signer.rows if row.day == day), None)
    if known is not None:
        return _signed(signer, signer.signed, known, is_new=False)
    if signer.member.status == Member.Status.CLOSED:
        raise MemberClosed
    return _written(signer, CheckIn(member=signer.member, day=day, at=at), at)


def _written(signer: _Signer, row: CheckIn, at: datetime) -> SignedIn:
    """Record the act of a day, and what later days reach by it; then keep the day."""
    before = signer.signed
    signed = before.also(row.day)
    own = Occurrence(
        member=signer.member,
        type=CHECK_IN,
        reference=reference(row.day),
        at=at,
        data=signed.facts(row.day),
    )
    later = catching_up.occurrences(
        member=signer.member,
        family=signer.family,
        before=before,
        day=row.day,
        moments={each.day: moment_of(each, signer.program) for each in signer.rows},
    )
    done = acts.record_all(occurrences=[own, *later], at=signer.now)
    row.points = sum(act.points for act in done)
    row.streak = signed.streak(row.day)
    row.save(force_insert=True)
    return _signed(signer, signed, row, is_new=True)


def reference(day: date) -> str:
    """The reference of the act of signing a day."""
    return f"check-in/{day.isoformat()}"


def moment_of(row: CheckIn, program: Program) -> datetime:
    """The moment that stands for a signed day: when it was signed, noon where that was done later."""
    if row.at.astimezone(program.zone).date() == row.day:
        return row.at
    return datetime.combine(row.day, time(12), program.zone)


def _signed(signer: _Signer, signed: SignedDays, row: CheckIn, *, is_new: bool) -> SignedIn:
    outlook = Outlook(member=signer.member, signed=signed, at=signer.now, program=signer.program)
    return SignedIn(
        member=signer.member,
        day=row.day,
        points=row.points,
        streak=signed.streak(row.day),
        standing=signed.standing(signer.now.astimezone(signer.program.zone).date()),
        next_milestone=outlook.next_milestone,
        is_new=is_new,
    )


# ---- making up ------------------------------------------------------------------------------------
def _make_up(signer: _Signer, day: date) -> SignedIn:
    rules = sign_in_settings.current()
    today = signer.now.astimezone(signer.program.zone).date()
    if signer.member.status == Member.Status.CLOSED:
        raise MemberClosed
    if day >= today:
        raise DayNotOver(day=day.isoformat())
    if day in signer.signed:
        raise SignedAlready(day=day.isoformat())
    allowance = sign_in_settings.allowance(
        settings=rules,
        made_up=signer.rows,
        member=signer.member,
        today=today,
        zone=signer.program.zone,
    )
    if not allowance.cards:
        raise NoCardLeft(cards=rules.make_up_cards)
    if day < allowance.earliest:
        raise TooLongAgo(earliest=allowance.earliest.isoformat())
    if rules.make_up_points:
        _take(signer, rules.make_up_points, day)
    row = CheckIn(member=signer.member, day=day, at=signer.now, is_made_up=True)
    return _written(signer, row, moment_of(row, signer.program))


def _take(signer: _Signer, points: int, day: date) -> None:
    spending.spend(
        member=signer.member,
        points=points,
        reference=f"make-up/{day.isoformat()}",
        details={"make_up": day.isoformat()},
        explanation=[{"rule": "make_up", "kind": "make_up", "points": -points}],
        at=signer.now,
    )
