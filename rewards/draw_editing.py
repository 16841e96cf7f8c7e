"""Draws that the merchant makes and changes, with their prizes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from members import queries as member_queries
from members import transactions, validation
from members.errors import InvalidInput
from rewards import draw_queries, draw_rounds, queries
from rewards.models import Draw, DrawPrize, Reward

LEAST_POINTS = 10
MOST_GOES = 2**31 - 1
MOST_PRIZES = 50
# Donations cost points; a partner's codes can lapse before they are won.
NOT_WON = (Reward.Kind.DONATION, Reward.Kind.PARTNER_CODE)
# Far from where the sum of all of them could not be stored or shown.
MOST_WEIGHT = 1_000_000_000
MOST_PIECES = 10**12
MOST_POINTS = 10**12


def _tiers(value: object, pointer: str) -> list[str]:
    if not isinstance(value, list | tuple):
        raise InvalidInput(pointer, "invalid", _("This must be a list of tier codes."))
    known = [tier.code for tier in member_queries.tiers()]
    for place, code in enumerate(value):
        if code not in known:
            raise validation.unknown(str(code), f"{pointer}/{place}")
    return list(dict.fromkeys(value))


def _reward(value: object, pointer: str) -> Reward:
    code = validation.code(value, pointer)
    found = queries.reward(code, pointer)
    if found.kind in NOT_WON or found.variants.filter(active=True).exists():
        raise InvalidInput(
            pointer,
            "invalid",
            _("Donations, partners' codes and rewards with variants cannot be prizes."),
        )
    return found


PRIZE_CHECKS: dict[str, validation.Check] = {
    "name": validation.text(longest=100, shortest=1),
    "kind": validation.choice(DrawPrize.Kind.values),
    "reward": validation.optional(_reward),
    "points": validation.optional(validation.whole_number(least=1, most=MOST_POINTS)),
    "weight": validation.whole_number(least=1, most=MOST_WEIGHT),
    "stock": validation.optional(validation.whole_number(least=0, most=MOST_PIECES)),
}


def prizes(value: object, pointer: str = "/prizes") -> list[dict[str, Any]]:
    """Prizes in their order, each {"name", "kind", "reward"?, "points"?, "weight", "stock"?}, checked.

    Raises InvalidInput naming the place, and NotFound for a reward that is not in the catalogue.
    """
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise InvalidInput(pointer, "invalid", _("This must be a list of prizes."))
    if len(value) > MOST_PRIZES:
        raise InvalidInput(
            pointer, "max_length", _("At most %(most)d prizes.") % {"most": MOST_PRIZES}
        )
    return [_prize(each, f"{pointer}/{place}") for place, each in enumerate(value)]


def _prize(value: object, pointer: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInput(pointer, "invalid", _("This must be an object."))
    validation.require(value, ["name", "kind", "weight"], pointer)
    said = validation.cleaned(value, PRIZE_CHECKS, pointer)
    made = {"reward": None, "points": None, "stock": None, **said}
    for name, kind in (("reward", DrawPrize.Kind.REWARD), ("points", DrawPrize.Kind.POINTS)):
        if made["kind"] == kind and made[name] is None:
            raise InvalidInput(f"{pointer}/{name}", "required", _("This field is required."))
        if made["kind"] != kind and made[name] is not None:
            raise InvalidInput(
                f"{pointer}/{name}", "invalid", _("Leave this empty for a prize of this kind.")
            )
    _refuse_uncovered(made, pointer)
    return made


def _refuse_uncovered(made: Mapping[str, Any], pointer: str) -> None:
    """A prize that never runs out cannot be a reward that does."""
    reward = made["reward"]
    if reward is not None and reward.stock is not None and made["stock"] is None:
        raise InvalidInput(
            f"{pointer}/stock",
            "required",
            _("The reward has limited stock: say how many can be won."),
        )


CHECKS: dict[str, validation.Check] = {
    "code": validation.code,
    "name": validation.text(longest=100, shortest=1),
    "terms": validation.text(longest=2_000),
    "points": validation.optional(validation.whole_number(least=LEAST_POINTS)),
    "per_member": validation.optional(validation.whole_number(least=1, most=MOST_GOES)),
    "per_member_period": validation.choice(Reward.Period.values),
    "tiers": _tiers,
    "round_period": validation.choice(Draw.RoundPeriod.values),
    "starts_at": validation.optional(validation.moment),
    "ends_at": validation.optional(validation.moment),
    "active": validation.flag,
    "prizes": prizes,
}


def create(*, changes: Mapping[str, object], at: datetime) -> Draw:
    """Make a draw: code, name and what else differs from the defaults. If it runs and has prizes, its round opens.

    Raises InvalidInput, NotFound for a reward, PrizeNotCovered or DrawOver; then nothing is stored.
    """
    validation.require(changes, ["code", "name"])
    values = validation.cleaned(changes, CHECKS)
    said = values.pop("prizes", [])
    draw = Draw(**values)
    _refuse_disorder(draw)
    if Draw.objects.filter(code=draw.code).exists():
        raise _taken()

    def work() -> Draw:
        try:
            with transaction.atomic():
                draw.pk = None
                draw.save(force_insert=True)
        except IntegrityError:  # made by somebody else in this very moment
            raise _taken() from None
        _store(draw, said)
        if said and draw_queries.is_running(draw, at):
            draw_rounds.open_next(draw, at)
        return draw

    return transactions.in_transaction(work)


def change(*, draw: Draw, changes: Mapping[str, object], at: datetime) -> Draw:
    """Change a draw. Other prizes close the open round and open the next; what was won before stays as it was.

    Returns the draw as it is now; its code stays. Raises InvalidInput, NotFound for a reward, and where a round has to
    open PrizeNotCovered, DrawOver or DrawWithoutPrizes; then nothing is changed.
    """
    values = validation.cleaned(changes, CHECKS)
    validation.refuse_other_code(values, draw.code)
    said = values.pop("prizes", None)

    def work() -> Draw:
        fresh = draw_rounds.lock_draw(draw.pk)
        for name, value in values.items():
            setattr(fresh, name, value)
        _refuse_disorder(fresh)
        if values:
            fresh.save(update_fields=list(values))
        has_others = said is not None and said != _stored(fresh)
        if has_others:
            draw_rounds.close_open(fresh, at)
            _store(fresh, said)
        draw_rounds.reschedule(fresh)
        if (said or values.get("active")) and draw_queries.is_running(fresh, at):
            draw_rounds.open_of(fresh) or draw_rounds.open_next(fresh, at)
        else:
            draw_rounds.turn(draw=fresh.pk, at=at)
        return fresh

    return transactions.in_transaction(work)


def _refuse_disorder(draw: Draw) -> None:
    if draw.starts_at and draw.ends_at and draw.ends_at <= draw.starts_at:
        raise InvalidInput("/ends_at", "invalid", _("A draw must end after it begins."))


def _taken() -> InvalidInput:
    return InvalidInput("/code", "taken", _("There is already a draw with this code."))


# ---- prizes, under the lock of the draw -----------------------------------------------------------
def _stored(draw: Draw) -> list[dict[str, Any]]:
    """The prizes that can be won now, in the form in which they are told."""
    return [
        {name: getattr(prize, name) for name in PRIZE_CHECKS}
        for prize in draw_queries.prizes_of(draw)
    ]


def _store(draw: Draw, said: Sequence[Mapping[str, Any]]) -> None:
    """Put other prizes in the place of the old ones, which stay for the rounds that they stood in."""
    old = DrawPrize.objects.filter(draw=draw)
    last = old.aggregate(last=Max("position"))["last"] or 0
    old.filter(active=True).update(active=False)
    DrawPrize.objects.bulk_create(
        DrawPrize(draw=draw, position=position, **prize)
        for position, prize in enumerate(said, last + 1)
    )
