"""Vouchers for everybody in a segment, in the background: begun, given in parts, and voided in parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from loyalty import ledger, programs
from members import jobs, messages, transactions, validation
from members import queries as member_queries
from members.errors import InvalidInput
from members.jobs import Report
from members.messages import Notice
from members.models import Job, Member
from rewards import giving, issuing, message_words, queries, voucher_rules, vouchers
from rewards.giving import Gift
from rewards.models import Redemption, Reward, Voucher, VoucherBatch

#: The kinds of the background jobs.
GIVE, VOID = "voucher_batch", "voucher_batch_void"
PART = 1_000
MOST_PIECES = 100

_REASON = validation.text(longest=200, shortest=1)


def _reward(value: object, pointer: str) -> Reward:
    found = value if isinstance(value, Reward) else queries.reward(str(value), pointer)
    if not issuing.is_proved_by_vouchers(Redemption(reward=found)):
        raise InvalidInput(pointer, "invalid", _("This reward has no vouchers to give out."))
    return found


def _segment(value: object, pointer: str) -> str:
    code = validation.code(value, pointer)
    if code not in member_queries.segment_names():
        raise validation.unknown(code, pointer)
    return code


CHECKS: dict[str, validation.Check] = {
    "name": validation.text(longest=100, shortest=1),
    "reward": _reward,
    "segment": _segment,
    "pieces": validation.whole_number(least=1, most=MOST_PIECES),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """How many vouchers of a batch there are, and what became of them."""

    issued: int
    open: int
    used: int
    expired: int
    void: int


# ---- give -------------------------------------------------------------------------------------------
def start(*, changes: Mapping[str, object], by: str, at: datetime) -> VoucherBatch:
    """Begin a batch: name, reward (its code), segment (its code), pieces for each; a worker gives it.

    Raises InvalidInput or NotFound (/reward).
    """
    validation.require(changes, ["name", "reward", "segment"])
    values = validation.cleaned(changes, CHECKS)

    def work() -> VoucherBatch:
        made = VoucherBatch(**values, reference=uuid4().hex, made_by=by[:150], made_at=at)
        made.save(force_insert=True)
        jobs.start(kind=GIVE, parameters={"batch": made.pk}, by=by, at=at)
        return made

    return transactions.in_transaction(work)


def give(parameters: Mapping[str, Any], report: Report, at: datetime) -> dict[str, Any]:
    """The background job: whoever is in the segment now gets the vouchers, once, whatever happens on the way.

    Frozen members get them too, closed ones do not; nor does who comes when the stock is gone. Safe to run twice.
    """
    batch = VoucherBatch.objects.select_related("reward").get(pk=parameters["batch"])
    if batch.finished_at is None:
        refused = _give_all(batch, report, at)
        VoucherBatch.objects.filter(pk=batch.pk, finished_at=None).update(
            refused=refused, finished_at=at
        )
    batch.refresh_from_db()
    return {"members": batch.given, "left_out": batch.refused}


def _give_all(batch: VoucherBatch, report: Report, at: datetime) -> int:
    """Go through the segment; how many got nothing."""
    everybody = Member.objects.exclude(status=Member.Status.CLOSED)
    members = member_queries.in_segment(members=everybody, code=batch.segment, at=at)
    # Asked once: a segment may be costly to find, and 1,000,000 numbers are not.
    found = list(members.order_by("pk").values_list("pk", flat=True))
    got = 0
    for begin in range(0, len(found), PART):
        part = found[begin : begin + PART]
        got += transactions.in_transaction(partial(_give, batch, part, at))
        report(min(99, 100 * (begin + len(part)) // len(found)))
    return len(found) - got


def _give(batch: VoucherBatch, members: list[int], at: datetime) -> int:
    """Give a part and count whom it was new to, in one transaction; how many of them have it now."""
    ledger.lock(members=members, at=at, types=["points"])
    gone = Member.objects.filter(pk__in=members, status=Member.Status.CLOSED)
    left = sorted(set(members) - set(gone.values_list("pk", flat=True)))
    gifts = [
        Gift(
            member=member,
            reward=batch.reward.code,
            pieces=batch.pieces,
            reference=f"batch/{batch.reference}",
            title=batch.name,
        )
        for member in left
    ]
    made = [each for each in giving.give_all(gifts=gifts, at=at) if each is not None]
    new = Voucher.objects.filter(redemption__in=made, batch=None)
    owners = sorted(set(new.values_list("member", flat=True)))
    new.update(batch=batch)
    VoucherBatch.objects.filter(pk=batch.pk).update(given=F("given") + len(owners))
    messages.send_all(
        template=message_words.VOUCHER_BATCH,
        notices=[_notice(batch, member) for member in owners],
        at=at,
    )
    return len(made)


def _notice(batch: VoucherBatch, member: int) -> Notice:
    return Notice(
        member=member,
        reference=f"batch/{batch.pk}",
        data={"reward": batch.reward.name, "title": batch.name},
        link="/vouchers",
    )


def jobs_of(batch: VoucherBatch) -> QuerySet[Job]:
    """The background work on a batch, the latest first."""
    return Job.objects.filter(kind__in=[GIVE, VOID], parameters__batch=batch.pk).order_by("-id")


# ---- void -------------------------------------------------------------------------------------------
def start_voiding(*, batch: VoucherBatch, reason: str, by: str, at: datetime) -> Job:
    """Begin to void what of a batch is not used, with a reason; a worker does it. Raises InvalidInput."""
    said = _REASON(reason, "/reason")
    parameters = {"batch": batch.pk, "reason": said, "by": by}
    return transactions.in_transaction(
        lambda: jobs.start(kind=VOID, parameters=parameters, by=by, at=at)
    )


def void(parameters: Mapping[str, Any], report: Report, at: datetime) -> dict[str, Any]:
    """The background job: void every open voucher of a batch, those that lapsed too. Safe to run twice."""
    open_ones = Voucher.objects.filter(
        batch=parameters["batch"], state__in=voucher_rules.OPEN
    ).order_by("pk")
    total, done, last, voided = max(1, open_ones.count()), 0, 0, 0
    while part := list(open_ones.filter(pk__gt=last)[:PART]):
        work = partial(_void, part, parameters["reason"], parameters["by"], at)
        voided += transactions.in_transaction(work)
        done, last = done + len(part), part[-1].pk
        report(min(99, 100 * done // total))
    return {"vouchers": voided}


def _void(part: list[Voucher], reason: str, by: str, at: datetime) -> int:
    ledger.lock(members={each.member_id for each in part}, at=at, types=["points"])
    return vouchers.void_all(part, at=at, by=by, reason=reason)


# ---- figures ----------------------------------------------------------------------------------------
def figures(*, batch: VoucherBatch, at: datetime) -> Figures:
    """What became of the vouchers of a batch, those included that came back for parts of orders."""
    is_open = Q(state__in=voucher_rules.OPEN)
    is_over = is_open & Q(expires_at__lte=at)
    counted = Voucher.objects.filter(batch=batch).aggregate(
        issued=Count("pk"),
        expired=Count("pk", filter=is_over),
        open_or_expired=Count("pk", filter=is_open),
        used=Count("pk", filter=Q(state=Voucher.State.USED)),
        void=Count("pk", filter=Q(state=Voucher.State.VOID)),
    )
    left = counted.pop("open_or_expired") - counted["expired"]
    return Figures(open=left, **counted)


def uses(*, batch: VoucherBatch) -> list[tuple[str, str, int]]:
    """The used vouchers of a batch by the program's day and store (code), earliest first."""
    zone = programs.current().zone
    used = Voucher.objects.filter(batch=batch, state=Voucher.State.USED).annotate(
        day=TruncDate("used_at", tzinfo=zone)
    )
    found = used.values_list("day", "used_store__code").annotate(Count("pk"))
    ordered = found.order_by("day", "used_store__code")
    return [(day.isoformat(), store or "", number) for day, store, number in ordered]
