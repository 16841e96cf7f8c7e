"""What belongs to a reward, for its page in the console."""

from dataclasses import dataclass

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import ngettext

from rewards import queries, reward_hints
from rewards.models import Offer, Reward, Variant

register = template.Library()

OFFERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfRow:
    """A variant or an offer in a list."""

    address: str
    name: str
    about: str
    stock: int | None


@register.simple_tag(name="reward_hints")
def hints_of(reward: Reward) -> list[str]:
    """What about it is most likely not meant."""
    return reward_hints.hints(reward)


@register.simple_tag
def reward_shelves(reward: Reward) -> list[ShelfRow]:
    """The variants and sessions, then the latest offers."""
    variants = [
        ShelfRow(
            address=reverse("admin:rewards_variant_change", args=[each.pk]),
            name=each.name,
            about=_about_variant(each),
            stock=each.stock,
        )
        for each in queries.variants_of(reward)
    ]
    latest = Offer.objects.filter(reward=reward).order_by("-starts_at", "-id")[:OFFERS]
    offers = [
        ShelfRow(
            address=reverse("admin:rewards_offer_change", args=[each.pk]),
            name=each.name,
            about=_about_offer(each),
            stock=each.stock,
        )
        for each in latest
    ]
    return [*variants, *offers]


def _about_variant(variant: Variant) -> str:
    parts = [variant.code]
    if variant.begins_at is not None:
        parts.append(date_format(timezone.localtime(variant.begins_at), "DATETIME_FORMAT"))
    if variant.place:
        parts.append(variant.place)
    if variant.extra_points:
        parts.append(_points(variant.extra_points, "+"))
    return " · ".join(parts)


def _about_offer(offer: Offer) -> str:
    begins, ends = timezone.localtime(offer.starts_at), timezone.localtime(offer.ends_at)
    window = " – ".join(date_format(moment, "DATETIME_FORMAT") for moment in (begins, ends))
    return " · ".join([str(offer.get_kind_display()), _points(offer.points), window])


def _points(points: int, sign: str = "") -> str:
    return ngettext("%(points)s point", "%(points)s points", points) % {
        "points": f"{sign}{points:,}"
    }
