"""What became of a redemption, in steps and words for the member it belongs to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from rewards.models import Redemption, Reward, Voucher

State = Redemption.State
SHIPPING = Reward.Delivery.SHIPPING
PICK_UP = Reward.Delivery.PICK_UP


class Progress(StrEnum):
    """How far a step is: `over` where the way ended before the last step."""

    DONE = "done"
    NOW = "now"
    TO_COME = "to_come"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way, as it is shown."""

    title: str
    progress: Progress
    at: datetime | None = None
    note: str = ""


def steps_of(*, redemption: Redemption, vouchers: Sequence[Voucher], state: str) -> list[Step]:
    """The way of a redemption whose state is `state` now: what has happened and what is to come."""
    steps = list(_began(redemption, vouchers, state))
    if state == State.CANCELLED:
        return [*steps, _cancelled(redemption)]
    if state == State.EXPIRED:
        return [*steps, _expired(redemption, vouchers)]
    if redemption.reward.kind == Reward.Kind.DONATION:
        title = pgettext("a donation", "Given to the project")
        return [*steps, Step(title, Progress.DONE, redemption.fulfilled_at)]
    if redemption.delivery == SHIPPING:
        return [*steps, *_sent(redemption, state)]
    return [*steps, *_shown(redemption, vouchers, state)]


def _began(redemption: Redemption, vouchers: Sequence[Voucher], state: str) -> Iterator[Step]:
    is_draft = redemption.reserved_until is not None
    title = (
        pgettext("a draft", "Set aside for you") if is_draft else pgettext("it worked", "Redeemed")
    )
    yield Step(title, Progress.DONE, redemption.redeemed_at)
    if not is_draft or state in {State.CANCELLED, State.EXPIRED}:
        return
    if state == State.RESERVED:
        yield Step(_("Pay at the counter"), Progress.NOW)
    else:
        paid_at = vouchers[0].issued_at if vouchers else None
        yield Step(_("Paid at the counter"), Progress.DONE, paid_at)


def _sent(redemption: Redemption, state: str) -> Iterator[Step]:
    if state == State.RESERVED:
        yield Step(_("Packed and sent to you"), Progress.TO_COME)
    elif redemption.fulfilled_at is None:
        yield Step(_("We are packing it"), Progress.NOW)
        yield Step(_("On its way to you"), Progress.TO_COME)
    else:
        carrier = " · ".join(filter(None, [redemption.carrier, redemption.tracking]))
        yield Step(_("On its way to you"), Progress.DONE, redemption.fulfilled_at, carrier)


def _shown(redemption: Redemption, vouchers: Sequence[Voucher], state: str) -> Iterator[Step]:
    """Of what is proved by vouchers: ready, then used or handed over."""
    is_picked_up = redemption.delivery == PICK_UP
    ready = _("Ready in the store") if is_picked_up else _("Voucher issued")
    # Whether a partner's code was used is the partner's to know.
    is_code = redemption.reward.kind == Reward.Kind.PARTNER_CODE
    last = _("Handed over") if is_picked_up else pgettext("a voucher", "Used")
    if state == State.RESERVED:
        yield Step(ready, Progress.TO_COME)
        if not is_code:
            yield Step(last, Progress.TO_COME)
        return
    used = [each.used_at for each in vouchers if each.used_at is not None]
    is_done = state in {State.USED, State.FULFILLED}
    if is_code and not used:
        yield Step(ready, Progress.DONE, _issued_at(vouchers))
        return
    yield Step(ready, Progress.DONE if is_done else Progress.NOW, _issued_at(vouchers))
    at = max(used, default=redemption.fulfilled_at) if is_done else None
    yield Step(last, Progress.DONE if is_done else Progress.TO_COME, at, _count(used, vouchers))


def _issued_at(vouchers: Sequence[Voucher]) -> datetime | None:
    return vouchers[0].issued_at if vouchers else None


def _count(used: Sequence[datetime], vouchers: Sequence[Voucher]) -> str:
    if len(vouchers) < 2 or not used:
        return ""
    return ngettext("%(used)d of %(all)d used", "%(used)d of %(all)d used", len(used)) % {
        "used": len(used),
        "all": len(vouchers),
    }


def _cancelled(redemption: Redemption) -> Step:
    note = _("The points are back in your account with their original expiry date.")
    if not redemption.points:
        note = ""
    elif redemption.cancel_reason:
        note = f"{redemption.cancel_reason} {note}"
    return Step(
        pgettext("a redemption", "Cancelled"), Progress.OVER, redemption.cancelled_at, note
    )


def _expired(redemption: Redemption, vouchers: Sequence[Voucher]) -> Step:
    if not vouchers:
        note = _("It was not paid in time. The points are yours to use again.")
        return Step(_("Time ran out"), Progress.OVER, redemption.reserved_until, note)
    ends = [each.expires_at for each in vouchers if each.expires_at is not None]
    note = _("What had not been used by then can no longer be used.")
    return Step(pgettext("a voucher", "Expired"), Progress.OVER, max(ends, default=None), note)
