"""Tiers: the merchant's levels, with thresholds that rise from one to the next."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from members import benefits, transactions, validation
from members.errors import InvalidInput
from members.models import Member, Tier

# How many members are looked at together when their reviews are due.
AT_ONCE = 2_000

PERIODS = validation.choice(benefits.PERIODS)
BENEFIT_CHECKS: dict[str, validation.Check] = {
    "code": validation.code,
    "kind": validation.text(longest=50, shortest=1),
    "name": validation.text(longest=100, shortest=1),
    "reward": validation.optional(validation.code),
    "points": validation.optional(validation.whole_number(least=1)),
    "period": validation.optional(PERIODS),
}


def _benefits(value: object, pointer: str) -> list[dict[str, object]]:
    if not isinstance(value, list):
        raise InvalidInput(pointer, "invalid", _("This must be a list of benefits."))
    found = [_benefit(item, f"{pointer}/{place}") for place, item in enumerate(value)]
    codes = [benefit["code"] for benefit in found]
    for place, code in enumerate(codes):
        if code in codes[:place]:
            raise InvalidInput(
                f"{pointer}/{place}/code",
                "taken",
                _("The tier already has a benefit with this code."),
            )
    return found


def _benefit(value: object, pointer: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InvalidInput(
            pointer, "invalid", _("A benefit is an object with code, kind and name.")
        )
    validation.require(value, ["code", "kind", "name"], pointer)
    found = validation.cleaned(value, BENEFIT_CHECKS, pointer)
    if found.get("reward") and found.get("points"):
        raise InvalidInput(
            f"{pointer}/points",
            "exclusive",
            _("A benefit gives a reward or points, not both: make two of it."),
        )
    return found


CHECKS: dict[str, validation.Check] = {
    "code": validation.code,
    "name": validation.text(longest=50, shortest=1),
    "rank": validation.whole_number(least=0, most=32_767),
    "threshold": validation.whole_number(least=0),
    "retain_threshold": validation.optional(validation.whole_number(least=0)),
    "multiplier": validation.decimal(places=4, most=Decimal("9999.9999")),
    "downgrade": validation.choice(Tier.Downgrade.values),
    "grace_days": validation.whole_number(least=0, most=36_500),
    "benefits": _benefits,
}


def show(*, members: Sequence[Member], at: datetime) -> None:
    """Put on members, in memory, the tier they hold at a moment; asks nothing where nothing has fallen due."""
    if any(each.tier_review_at is not None and each.tier_review_at <= at for each in members):
        import_string(settings.TIERS_NOW)(members=members, at=at)


def holding(*, members: QuerySet[Member], tier: Tier, at: datetime) -> QuerySet[Member]:
    """Those of the members who hold a tier at a moment, also where a fall has not been written down yet."""
    due = Member.objects.filter(tier_review_at__lte=at).order_by("id")
    holders: list[int] = []
    last = 0
    while batch := list(due.filter(pk__gt=last)[:AT_ONCE]):
        show(members=batch, at=at)
        holders += [each.pk for each in batch if each.tier_id == tier.pk]
        last = batch[-1].pk
    is_quiet = Q(tier_review_at__isnull=True) | Q(tier_review_at__gt=at)
    return members.filter((Q(tier=tier) & is_quiet) | Q(pk__in=holders))


def checked(changes: Mapping[str, object]) -> dict[str, Any]:
    """What describes a whole tier, checked on its own. Raises InvalidInput."""
    validation.require(changes, ["code", "name", "rank", "threshold"])
    return validation.cleaned(changes, CHECKS)


def create(*, changes: Mapping[str, object]) -> Tier:
    """Make a tier: code, name, rank, threshold and what else differs from the defaults.

    Raises InvalidInput, also when code or rank are taken or thresholds would not rise with rank.
    """
    validation.require(changes, ["code", "name", "rank", "threshold"])
    values = validation.cleaned(changes, CHECKS)
    tier = Tier(**values)

    def work() -> Tier:
        lock_all()
        _refuse_conflicts(tier, values)
        tier.save(force_insert=True)
        return tier

    return transactions.in_transaction(work)


def change(*, tier: Tier, changes: Mapping[str, object]) -> Tier:
    """Change a tier; its code stays. Members keep the tier they have until they are judged next. Raises InvalidInput."""
    values = validation.cleaned(changes, CHECKS)
    validation.refuse_other_code(values, tier.code)

    def work() -> Tier:
        fresh = next(each for each in lock_all() if each.pk == tier.pk)
        for name, value in values.items():
            setattr(fresh, name, value)
        _refuse_conflicts(fresh, values)
        if values:
            fresh.save(update_fields=list(values))
        return fresh

    return transactions.in_transaction(work)


def lock_all() -> list[Tier]:
    """Lock every tier before any is read to decide, so that two changes at once cannot cross."""
    return list(Tier.objects.select_for_update(no_key=True).order_by("id"))


def _refuse_conflicts(tier: Tier, values: Mapping[str, object]) -> None:
    others = list(Tier.objects.exclude(pk=tier.pk).order_by("rank"))
    _refuse_taken(tier, others)
    _refuse_dearer_keeping(
        tier, "/retain_threshold" if "retain_threshold" in values else "/threshold"
    )
    _refuse_disorder(tier, others, "/threshold" if "threshold" in values else "/rank")


def _refuse_taken(tier: Tier, others: list[Tier]) -> None:
    if any(other.code == tier.code for other in others):
        raise InvalidInput("/code", "taken", _("There is already a tier with this code."))
    for other in others:
        if other.rank == tier.rank:
            raise InvalidInput(
                "/rank",
                "taken",
                _("The tier “%(name)s” already has this rank.") % {"name": other.name},
            )


def _refuse_dearer_keeping(tier: Tier, pointer: str) -> None:
    if tier.retain_threshold is not None and tier.retain_threshold > tier.threshold:
        raise InvalidInput(
            pointer,
            "above_threshold",
            _("Keeping a tier cannot need more than reaching it: %(keep)d is more than %(reach)d.")
            % {"keep": tier.retain_threshold, "reach": tier.threshold},
        )


def _refuse_disorder(tier: Tier, others: list[Tier], pointer: str) -> None:
    in_order = sorted([*others, tier], key=lambda item: item.rank)
    if in_order[0].threshold != 0:
        raise InvalidInput(
            pointer,
            "not_zero",
            _("Everybody begins in the lowest tier, “%(name)s”, so its threshold must be 0.")
            % {"name": in_order[0].name},
        )
    for lower, higher in pairwise(in_order):
        if lower.threshold >= higher.threshold:
            raise InvalidInput(
                pointer,
                "not_rising",
                _(
                    "Thresholds must rise with the rank: “%(higher)s” (rank %(higher_rank)d, "
                    "threshold %(higher_threshold)d) must need more than “%(lower)s” "
                    "(rank %(lower_rank)d, threshold %(lower_threshold)d)."
                )
                % {
                    "higher": higher.name,
                    "higher_rank": higher.rank,
                    "higher_threshold": higher.threshold,
                    "lower": lower.name,
                    "lower_rank": lower.rank,
                    "lower_threshold": lower.threshold,
                },
            )
