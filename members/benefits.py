"""What a tier gives by itself: the benefits that are kept on it as JSON, read with their defaults. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from members.models import Tier

BIRTHDAY_GIFT = "birthday_gift"

#: Kinds that most programs have, in words; any other text is fine as well.
KINDS: Mapping[str, object] = {
    BIRTHDAY_GIFT: _("Birthday gift"),
    "yearly_gift": _("Yearly gift"),
    "monthly_coupon": _("Monthly coupon"),
    "free_shipping": _("Free shipping"),
    "member_discount": _("Member discount"),
    "early_access": _("Early access"),
    "personal_manager": _("Personal manager"),
}

#: How often something is given, as people write it → the period that is meant.
PERIODS: Mapping[str, str] = {
    "week": "week",
    "weekly": "week",
    "month": "month",
    "monthly": "month",
    "quarter": "quarter",
    "quarterly": "quarter",
    "year": "year",
    "yearly": "year",
    "ever": "ever",
    "once": "ever",
}
_USUAL_PERIODS = {BIRTHDAY_GIFT: "year", "yearly_gift": "year", "monthly_coupon": "month"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit:
    """One benefit: what gives neither a reward nor points is a promise that people keep (free shipping)."""

    code: str
    kind: str
    name: str
    reward: str | None = None
    points: int | None = None
    period: str = "ever"

    @property
    def is_given(self) -> bool:
        """Whether the program itself has something to give."""
        return bool(self.reward or self.points)


def of_tier(tier: Tier) -> list[Benefit]:
    """The benefits of a tier, each with the period it is given for."""
    return [
        Benefit(
            code=said["code"],
            kind=said["kind"],
            name=said["name"],
            reward=said.get("reward"),
            points=said.get("points"),
            period=PERIODS.get(said.get("period") or "", _USUAL_PERIODS.get(said["kind"], "ever")),
        )
        for said in tier.benefits
    ]
