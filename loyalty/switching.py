"""Switching expiry on: what never expired gets a date, at least one full period away."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models.functions import Least

from loyalty import expiry, ledger, programs, queries
from loyalty.expiry import Rules
from loyalty.models import Program
from members.models import Member
from members.transactions import in_transaction

NEVER = Program.ExpiryPolicy.NEVER
TYPES = ("points", "status")
# Up to so many lots are dated while somebody waits; more are left to the task.
AT_ONCE = 20_000
WALLETS_IN_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Changed:
    """The program as it is now, and how many lots got a date (None: many, they get it in the background).

    `is_switched` says whether expiry was switched on at all.
    """

    program: Program
    is_switched: bool = False
    dated: int | None = 0


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done for a point type: the rules at the moment `at` of switching, and the last lot (id) then."""

    rules: Rules
    at: datetime
    last_lot: int

    @property
    def until(self) -> datetime:
        return _dated(self.rules.a_period_from(self.at))

    def of_pending(self, active_from: datetime) -> datetime:
        """The expiry of a lot that becomes active later: its validity starts then."""
        return max(self.until, _dated(self.rules.lapse_at(active_from)))

    def kept(self) -> dict[str, Any]:
        rules = {**asdict(self.rules), "zone": self.rules.zone.key}
        return {"rules": rules, "at": self.at.isoformat(), "last_lot": self.last_lot}

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "_Plan":
        rules = Rules(**{**kept["rules"], "zone": ZoneInfo(kept["rules"]["zone"])})
        return cls(rules, datetime.fromisoformat(kept["at"]), kept["last_lot"])


def change_program(*, changes: Mapping[str, Any], at: datetime) -> Changed:
    """Change settings like `programs.change`, and date the lots where expiry is switched on (from `never`).

    Open lots of that point type that never expire get the end the policy says for `at`, at least one full period
    away; pending ones count from their activation. All other changes leave existing lots as they are. Many lots are
    left to `date_lots`. Raises InvalidInput; then nothing is changed.
    """
    return in_transaction(lambda: _change(changes, at))


def _change(changes: Mapping[str, Any], at: datetime) -> Changed:
    before = Program.objects.select_for_update(no_key=True).get(pk=1)
    program = programs.change(changes=changes)
    switched = [
        code
        for code in TYPES
        if expiry.rules(before, code).policy == NEVER
        and expiry.rules(program, code).policy != NEVER
    ]
    if not switched:
        return Changed(program)
    last_lot = queries.last_lot_id()
    plans = {code: _Plan(expiry.rules(program, code), at, last_lot) for code in switched}
    # Kept until the task has been through once more: it finds what others were just writing, and what a broken run
    # has left.
    program.lots_to_date |= {code: plan.kept() for code, plan in plans.items()}
    program.save(update_fields=["lots_to_date"])
    found = sum(queries.eternal_lots(type_code=code, most=AT_ONCE + 1) for code in switched)
    if found > AT_ONCE:
        return Changed(program, is_switched=True, dated=None)
    return Changed(
        program,
        is_switched=True,
        dated=sum(_date_all(code, plan, at) for code, plan in plans.items()),
    )


def date_lots(*, at: datetime) -> int:
    """Finish what switching expiry on has begun, in batches of a transaction each; returns how many lots got a date.

    Safe to run twice, by two workers at once, or again after it was killed: a lot that has a date keeps it. Lots that
    were made since are left alone.
    """
    dated = 0
    program = programs.current()
    for code, kept in program.lots_to_date.items():
        if expiry.rules(program, code).policy != NEVER:
            dated += _date_all(code, _Plan.read(kept), at)
        in_transaction(lambda code=code, kept=kept: _forget(code, kept))  # type: ignore[misc]
    return dated


def _forget(code: str, kept: Any) -> None:
    """Note that a type is done, unless expiry was switched off and on again meanwhile."""
    program = Program.objects.select_for_update(no_key=True).get(pk=1)
    if program.lots_to_date.get(code) == kept:
        del program.lots_to_date[code]
        program.save(update_fields=["lots_to_date"])


def _date_all(code: str, plan: _Plan, at: datetime) -> int:
    dated = 0
    after = 0
    while True:
        wallets = queries.wallets_with_eternal_lots(
            type_code=code, last_lot=plan.last_lot, after=after, limit=WALLETS_IN_BATCH
        )
        if not wallets:
            return dated
        dated += in_transaction(lambda wallets=wallets: _date(code, wallets, plan, at))  # type: ignore[misc]
        after = wallets[-1]


def _date(code: str, wallets: list[int], plan: _Plan, at: datetime) -> int:
    held = ledger.lock_wallets(wallets=wallets, at=at)
    if code == "status":
        members = [wallet.member_id for wallet in held.wallets.values()]
        Member.objects.filter(pk__in=members).update(
            tier_review_at=Least("tier_review_at", plan.until)
        )
    return ledger.date_eternal(
        wallets=wallets,
        last_lot=plan.last_lot,
        until=plan.until,
        of_pending=plan.of_pending,
        at=plan.at,
    )


def _dated(moment: datetime | None) -> datetime:
    assert moment is not None  # no plan is kept for a policy without an end
    return moment
