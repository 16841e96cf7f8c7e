"""When points lapse, and the work that settles what has lapsed."""

from calendar import monthrange
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from loyalty import ledger, queries
from loyalty.models import Program

Policy = Program.ExpiryPolicy


def end_of_local_day(day: date, zone: ZoneInfo) -> datetime:
    """The first moment after a program day: what is valid through `day` expires then.

    In UTC: where a zone skips midnight or has it twice, moments of its own compare by the clock on the wall.
    """
    return datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)


def add_months(day: date, months: int) -> date:
    """The same day N months later, clipped to the month's end (31 January + 1 month = 28 or 29 February)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@dataclass(frozen=True, slots=True)
class Rules:
    """How points of one type lapse: the policy, its `months` or `month_day` (MM-DD), and whose days are meant."""

    policy: str
    months: int
    month_day: str
    zone: ZoneInfo

    def lapse_at(
        self, active_from: datetime, last_activity: datetime | None = None
    ) -> datetime | None:
        """When points that become active at `active_from` lapse; None: never.

        Where inactivity counts, a later activity of the member (`last_activity`) counts instead.
        """
        if self.policy == Policy.NEVER:
            return None
        if self.policy == Policy.INACTIVITY and last_activity is not None:
            active_from = max(active_from, last_activity)
        day = active_from.astimezone(self.zone).date()
        return end_of_local_day(self._last_day(day), self.zone)

    def a_period_from(self, moment: datetime) -> datetime | None:
        """What the policy says for `moment`, but never before one full period has passed; None: never."""
        if self.policy != Policy.FIXED_DATE:
            return self.lapse_at(moment)
        day = add_months(moment.astimezone(self.zone).date(), 12)
        return end_of_local_day(self._last_day(day), self.zone)

    def _last_day(self, day: date) -> date:
        """The last day on which what becomes active on `day` can be used."""
        if self.policy == Policy.FIXED_DATE:
            return _next_fixed_day(day, self.month_day)
        if self.policy == Policy.MONTH_END:
            return add_months(day.replace(day=1), self.months + 1) - timedelta(days=1)
        return add_months(day, self.months)


def rules(program: Program, type_code: str = "points") -> Rules:
    """How points of a type (`points`, `status`) lapse in the program."""
    if type_code == "status":
        return Rules(
            program.status_expiry_policy,
            program.status_expiry_months,
            program.status_expiry_date,
            program.zone,
        )
    return Rules(program.expiry_policy, program.expiry_months, program.expiry_date, program.zone)


def points_lapse_at(
    program: Program, active_from: datetime, last_activity: datetime | None = None
) -> datetime | None:
    """When redeemable points that become active at `active_from` lapse; None: never.

    `last_activity` is the member's, from the wallet; it counts under the policy `inactivity` alone.
    """
    return rules(program).lapse_at(active_from, last_activity)


def status_lapses_at(
    program: Program, active_from: datetime, last_activity: datetime | None = None
) -> datetime | None:
    """When status points that become active at `active_from` lapse; None: never."""
    return rules(program, "status").lapse_at(active_from, last_activity)


def active_from(program: Program, earned_at: datetime) -> datetime:
    """When points earned at a moment become active (`pending_days` later, to the moment)."""
    # In UTC, so that equal moments give equal answers whatever zone they were written in.
    return earned_at.astimezone(UTC) + timedelta(days=program.pending_days)


def _next_fixed_day(day: date, month_day: str) -> date:
    """The first such day of the year on or after `day`; 02-29 is 28 February in common years."""
    month, of_month = (int(part) for part in month_day.split("-"))
    for year in (day.year, day.year + 1):
        candidate = date(year, month, min(of_month, monthrange(year, month)[1]))
        if candidate >= day:
            return candidate
    raise AssertionError("a day of the year comes round every year")


def expire_due(*, at: datetime, limit: int = 5_000) -> int:
    """Settle one batch of wallets on which something fell due by `at`; returns how many wallets.

    Call until it returns 0. Wallets that another worker holds are left to it, so two workers may run at once, and a
    run that was killed is simply run again.
    """
    with transaction.atomic():
        wallets = queries.due_wallets_locked(at=at, limit=limit)
        if wallets:
            ledger.settle(wallets=wallets, at=at)
    return len(wallets)


def expire_all(*, at: datetime, connections: int) -> int:
    """Settle everything that fell due by `at`, over so many connections at once; returns how many wallets.

    The work is the database's: each connection keeps one of its processes busy, and all of them share the batches.
    """
    if connections == 1:
        return _expire_all(at)
    with ThreadPoolExecutor(connections) as pool:
        return sum(pool.map(_expire_apart, [at] * connections))


def _expire_all(at: datetime) -> int:
    settled = 0
    while count := expire_due(at=at):
        settled += count
    return settled


def _expire_apart(at: datetime) -> int:
    """The same in a thread, whose connection nobody else would close."""
    try:
        return _expire_all(at)
    finally:
        connection.close()
