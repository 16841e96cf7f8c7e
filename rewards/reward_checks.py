"""What a merchant may say about a reward, field by field, and what does not go together."""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _

from members import queries as member_queries
from members import validation
from members.errors import InvalidInput
from rewards import floating
from rewards.models import DonationProject, Draw, Reward

MONEY = validation.decimal(places=2, most=Decimal("999999999999999999.99"))
POINTS = validation.whole_number(least=1)
MOST_PIECES_EACH = 2**31 - 1
MOST_DAYS = 36_500
MOST_MINUTES = 43_200  # 30 days
LONGEST_CONTENT = 20_000

_IS_WEB_ADDRESS = URLValidator(schemes=["http", "https"])


def _codes(known: Callable[[], Collection[str]], message: Callable[[], str]) -> validation.Check:
    """A list of codes of things that exist, each once, in the order given."""

    def check(value: object, pointer: str) -> list[str]:
        if not isinstance(value, list | tuple):
            raise InvalidInput(pointer, "invalid", message())
        existing = known() if value else ()
        for place, code in enumerate(value):
            if code not in existing:
                raise validation.unknown(str(code), f"{pointer}/{place}")
        return list(dict.fromkeys(value))

    return check


def _tier_codes() -> list[str]:
    return [tier.code for tier in member_queries.tiers()]


def _store_codes() -> list[str]:
    return [store.code for store in member_queries.stores()]


def _tier_prices(value: object, pointer: str) -> dict[str, int]:
    """A price in points for some tiers, by tier code."""
    said: dict[str, Any] = validation.json_object(longest=10_000)(value, pointer)
    known = _tier_codes() if said else []
    for code in said:
        if code not in known:
            raise validation.unknown(code, f"{pointer}/{code}")
    return {code: POINTS(points, f"{pointer}/{code}") for code, points in said.items()}


def _weekdays(value: object, pointer: str) -> list[int]:
    """ISO weekdays in order, 1 is Monday."""
    if not isinstance(value, list | tuple):
        raise InvalidInput(
            pointer, "invalid", _("This must be a list of weekdays, from 1 for Monday to 7.")
        )
    day = validation.whole_number(least=1, most=7)
    return sorted({day(each, f"{pointer}/{place}") for place, each in enumerate(value)})


def _share(value: object, pointer: str) -> Decimal:
    share: Decimal = validation.decimal(places=4, most=Decimal(1))(value, pointer)
    return share


def _percent(value: object, pointer: str) -> Decimal:
    return _above_zero(validation.decimal(places=2, most=Decimal(100))(value, pointer), pointer)


def _amount(value: object, pointer: str) -> Decimal:
    return _above_zero(MONEY(value, pointer), pointer)


def _above_zero(value: Decimal, pointer: str) -> Decimal:
    if not value:
        raise InvalidInput(pointer, "min_value", _("This must be more than 0."))
    return value


def _web_address(value: object, pointer: str) -> str:
    address: str = validation.text(longest=500)(value, pointer)
    if address:
        try:
            _IS_WEB_ADDRESS(address)
        except ValidationError:
            raise InvalidInput(
                pointer, "invalid", _("This must be a web address, such as https://example.com/a.")
            ) from None
    return address


def _draw(value: object, pointer: str) -> Draw:
    code = validation.code(value, pointer)
    found = Draw.objects.filter(code=code).first()
    if found is None:
        raise validation.unknown(code, pointer)
    return found


def _project(value: object, pointer: str) -> DonationProject:
    code = validation.code(value, pointer)
    found = DonationProject.objects.filter(code=code).first()
    if found is None:
        raise validation.unknown(code, pointer)
    return found


_TIERS = _codes(_tier_codes, lambda: _("This must be a list of tier codes."))

CHECKS: dict[str, validation.Check] = {
    "code": validation.code,
    "name": validation.text(longest=100, shortest=1),
    "kind": validation.choice(Reward.Kind.values),
    "summary": validation.text(longest=100),
    "terms": validation.text(longest=2_000),
    "category": validation.text(longest=50),
    "art": validation.choice(Reward.Art.values),
    "points": POINTS,
    "cash": MONEY,
    "cost": validation.optional(MONEY),
    "tier_prices": _tier_prices,
    "pricing": floating.check,
    "partner": validation.text(longest=100),
    "partner_share": _share,
    "stock": validation.optional(validation.whole_number(least=0)),
    "per_member": validation.optional(validation.whole_number(least=1, most=MOST_PIECES_EACH)),
    "per_member_period": validation.choice(Reward.Period.values),
    "tiers": _TIERS,
    "starts_at": validation.optional(validation.moment),
    "ends_at": validation.optional(validation.moment),
    "early_tiers": _TIERS,
    "early_from": validation.optional(validation.moment),
    "valid_from_days": validation.whole_number(least=0, most=MOST_DAYS),
    "valid_until": validation.optional(validation.moment),
    "valid_days": validation.optional(validation.whole_number(least=0, most=MOST_DAYS)),
    "discount_amount": validation.optional(_amount),
    "discount_percent": validation.optional(_percent),
    "min_spend": validation.optional(MONEY),
    "stores": _codes(_store_codes, lambda: _("This must be a list of store codes.")),
    "weekdays": _weekdays,
    "delivery": validation.choice(Reward.Delivery.values),
    "content": validation.text(longest=LONGEST_CONTENT),
    "content_url": _web_address,
    "draw": validation.optional(_draw),
    "project": validation.optional(_project),
    "is_giftable": validation.flag,
    "draft_minutes": validation.whole_number(least=1, most=MOST_MINUTES),
    "active": validation.flag,
}


# ---- what goes together -----------------------------------------------------------------------------

_KINDS = Reward.Kind
_MONEY_OFF = {_KINDS.COUPON, _KINDS.CASH, _KINDS.SHIPPING}
_WITH_CONTENT = {_KINDS.CONTENT, _KINDS.EXPERIENCE, _KINDS.PRIVILEGE}
_WITH_VOUCHER = set(_KINDS) - {_KINDS.DONATION}

#: Fields that are for some kinds only; the others are for all.
KINDS_WITH: Mapping[str, Collection[str]] = {
    "discount_amount": _MONEY_OFF,
    "discount_percent": {_KINDS.COUPON},
    "min_spend": _MONEY_OFF,
    "stores": _WITH_VOUCHER,
    "weekdays": _WITH_VOUCHER,
    "delivery": {_KINDS.GIFT, _KINDS.EXPERIENCE},
    "content": _WITH_CONTENT,
    "content_url": _WITH_CONTENT,
    "draw": {_KINDS.DRAW_TICKET},
    "project": {_KINDS.DONATION},
}

#: What is drawn of a reward without a picture, unless the merchant says.
ART_OF: Mapping[str, str] = {
    _KINDS.COUPON: Reward.Art.CUP,
    _KINDS.GIFT: Reward.Art.TOTE,
    _KINDS.PRIVILEGE: Reward.Art.CAKE,
    _KINDS.EXPERIENCE: Reward.Art.COFFEE,
    _KINDS.CONTENT: Reward.Art.COFFEE,
    _KINDS.SHIPPING: Reward.Art.UMBRELLA,
    _KINDS.DRAW_TICKET: Reward.Art.MOVIE,
    _KINDS.DONATION: Reward.Art.TREE,
    _KINDS.PARTNER_CODE: Reward.Art.MOVIE,
    _KINDS.CASH: Reward.Art.CUP,
}


def refuse_disorder(reward: Reward) -> None:
    """Refuse what does not go together, or does not fit the kind; names the field. Raises InvalidInput."""
    _refuse_other_kinds(reward)
    _refuse_two_discounts(reward)
    _refuse_windows(reward)
    if reward.valid_days is not None and reward.valid_from_days > reward.valid_days:
        raise InvalidInput(
            "/valid_from_days",
            "invalid",
            _("The voucher would expire before it can be used."),
        )


def _refuse_other_kinds(reward: Reward) -> None:
    for field, kinds in KINDS_WITH.items():
        value = getattr(reward, f"{field}_id" if field in ("draw", "project") else field)
        if value not in (None, "", []) and reward.kind not in kinds:
            raise InvalidInput(
                f"/{field}",
                "not_for_kind",
                _("A reward of the kind “%(kind)s” does not have this.")
                % {"kind": reward.get_kind_display()},
            )


def _refuse_two_discounts(reward: Reward) -> None:
    if reward.discount_amount is not None and reward.discount_percent is not None:
        raise InvalidInput(
            "/discount_percent", "invalid", _("Give an amount off or percent off, not both.")
        )


def _refuse_windows(reward: Reward) -> None:
    if reward.starts_at and reward.ends_at and reward.ends_at <= reward.starts_at:
        raise InvalidInput(
            "/ends_at", "invalid", _("A reward must go off sale after it goes on sale.")
        )
    if reward.early_from and not (reward.starts_at and reward.early_from < reward.starts_at):
        raise InvalidInput(
            "/early_from", "invalid", _("Early access must begin before the reward goes on sale.")
        )
    if reward.early_from and not reward.early_tiers:
        raise InvalidInput("/early_tiers", "required", _("Say which tiers may have it early."))
    if reward.early_tiers and not reward.early_from:
        raise InvalidInput("/early_from", "required", _("Say from when they may have it early."))


def refuse_counted_pool(reward: Reward) -> None:
    """Refuse a stock that is typed where the free codes are the stock. Raises InvalidInput."""
    if reward.kind == Reward.Kind.PARTNER_CODE:
        raise InvalidInput(
            "/stock",
            "not_for_kind",
            _("The partner's free codes are the stock: add codes instead."),
        )
