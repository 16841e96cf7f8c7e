"""Tickets for draws: vouchers of rewards of the kind `draw_ticket`, good for one draw or for any."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from rewards import draw_queries, redemption, voucher_rules, voucher_steps, vouchers
from rewards.models import Draw, Redemption, Reward, Voucher, VoucherStep

ANY_DRAW = "draw-ticket"
VALID_DAYS = 90


def reward_for(draw: str | None) -> str:
    """The code of the reward whose vouchers are tickets for a draw (its code), or for any; made when first needed.

    It is not on offer: nobody buys it with points, it is given. Raises NotFound for an unknown draw.
    """
    found = draw_queries.draw(draw, "/draw") if draw else None
    code = f"{ANY_DRAW}-{found.pk}" if found else ANY_DRAW
    if not Reward.objects.filter(code=code).exists():
        try:
            with transaction.atomic():
                _new(code, found).save(force_insert=True)
        except IntegrityError:  # made by somebody else in this very moment
            pass
    return code


def _new(code: str, draw: Draw | None) -> Reward:
    name = _("Ticket for %(draw)s") % {"draw": draw.name} if draw else _("Draw ticket")
    return Reward(
        code=code,
        name=name[:100],
        kind=Reward.Kind.DRAW_TICKET,
        art=Reward.Art.MOVIE,
        points=1,
        draw=draw,
        valid_days=VALID_DAYS,
        active=False,
    )


def use_up(*, ticket: Voucher, draw: Draw, reference: str, at: datetime) -> bool:
    """Use a ticket for a go at a draw; False when it was used meanwhile. Its owner's wallet is locked."""
    vouchers.lock_redemption(ticket.redemption_id)
    still_open = Voucher.objects.filter(pk=ticket.pk, state__in=voucher_rules.OPEN)
    changed = still_open.update(
        state=Voucher.State.USED, used_at=at, used_by="draw", used_reference=f"draw/{reference}"
    )
    if changed:
        _note_use(ticket, draw, at)
    return changed == 1


def take_back(*, member: int, reference: str, at: datetime) -> int:
    """Void the tickets that were given under a reference and neither used nor given on; how many there were.

    The member's wallet is locked.
    """
    found = Redemption.objects.filter(member=member, reference=reference, points=0)
    given = found.exclude(state=Redemption.State.CANCELLED).select_for_update(no_key=True).first()
    if given is None:
        return 0
    own = given.vouchers.filter(member=given.member_id)
    voided = vouchers.void_all(own, at=at, by="", reason=_("Came back with an order"))
    if not given.vouchers.exclude(state=Voucher.State.VOID).exists():
        redemption.put_back(given, at)
    return voided


def _note_use(ticket: Voucher, draw: Draw, at: datetime) -> None:
    used = VoucherStep(
        voucher=ticket,
        kind=VoucherStep.Kind.USED,
        at=at,
        by="draw",
        note=draw.name,
        data={"draw": draw.code},
    )
    voucher_steps.note_all([used])
    left = Voucher.objects.filter(redemption=ticket.redemption_id)
    if not left.exclude(state=Voucher.State.USED).exists():
        Redemption.objects.filter(pk=ticket.redemption_id).update(state=Redemption.State.USED)
