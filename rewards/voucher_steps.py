"""What happened to vouchers, in words that are never changed: the only writer of their steps."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import QuerySet

from members.models import Store
from rewards.models import Voucher, VoucherStep

LONGEST_BY = 150
LONGEST_NOTE = 200


def note(
    *,
    vouchers: Sequence[Voucher],
    kind: str,
    at: datetime,
    by: str = "",
    store: Store | None = None,
    note: str = "",
) -> None:
    """Write that the same happened to each of these vouchers, in the caller's transaction."""
    note_all(
        VoucherStep(voucher=each, kind=kind, at=at, by=by, store=store, note=note)
        for each in vouchers
    )


def note_all(steps: Iterable[VoucherStep]) -> None:
    """Write steps that differ from voucher to voucher, in one statement."""
    VoucherStep.objects.bulk_create(_fitting(step) for step in steps)


def _fitting(step: VoucherStep) -> VoucherStep:
    step.by, step.note = step.by[:LONGEST_BY], step.note[:LONGEST_NOTE]
    return step


def of(voucher: Voucher) -> QuerySet[VoucherStep]:
    """What happened to a voucher, in the order in which it did."""
    return voucher.steps.select_related("store").order_by("id")
