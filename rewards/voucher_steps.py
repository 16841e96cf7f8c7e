"""What happened to vouchers, in words that are never changed: the only writer of their steps."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from members import queries as member_queries
from members.models import Store
from rewards.models import Redemption, Voucher, VoucherStep

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


def told(voucher: Voucher) -> list[tuple[VoucherStep, str]]:
    """What happened to a voucher, each step with the name of whoever did it, empty where nobody did."""
    steps = list(of(voucher))
    names = member_queries.staff_names(each.by for each in steps)
    return [(each, names.get(each.by, each.by) or _member(each, voucher)) for each in steps]


def voided_by(voucher: Voucher) -> str:
    """The name of whoever voided it; empty where it came about by itself."""
    by = voucher.voided_by
    if by:
        return member_queries.staff_names([by]).get(by, by)
    return _("the member") if _is_cancelled_by_member(voucher) else ""


def _member(step: VoucherStep, voucher: Voucher) -> str:
    is_by_member = step.kind == VoucherStep.Kind.VOIDED and _is_cancelled_by_member(voucher)
    return _("the member") if is_by_member else ""


def _is_cancelled_by_member(voucher: Voucher) -> bool:
    """Whether the member cancelled what was paid; a present without points goes back with the order that brought it."""
    redemption = voucher.redemption
    is_cancelled = redemption.state == Redemption.State.CANCELLED
    return is_cancelled and redemption.points > 0 and not voucher.voided_by
