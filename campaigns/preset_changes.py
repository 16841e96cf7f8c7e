"""What a preset would make of tiers, rewards, offers, draws and projects that are there already."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from campaigns import preset_rewards
from campaigns.preset_files import Preset
from campaigns.wording.names import in_a_row
from campaigns.wording.windows import moment_words
from members import queries as member_queries
from members import tiering, validation
from members.models import Tier
from rewards import draw_editing, offers, projects, reward_checks, variants
from rewards.models import DonationProject, Draw, Offer, Reward, Variant

LONGEST = 60
# They name by code what may not be there before the preset is.
_NAMED = ("tiers", "tier_prices", "early_tiers", "draw", "project", "reward")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A field that would say something else, as texts."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Something that is there and would become another one, or go (`is_dropped`)."""

    kind: str
    name: str
    changes: Sequence[Change] = ()
    is_dropped: bool = False


def changed_by(*, preset: Preset, at: datetime) -> list[Changed]:
    """Everything that is there and that the preset, loaded at this moment, would change; stock stays as it is."""
    words = preset.words()
    return [*_tiers(words.get("tiers", [])), *_shelves(words, at)]


def _shelves(words: Mapping[str, Any], at: datetime) -> Iterator[Changed]:
    for name, model, checks in _KINDS:
        said = {each["code"]: each for each in words.get(name, [])}
        rows: Any = model._default_manager.filter(code__in=said).order_by("id")
        for row in rows:
            new = preset_rewards.said_of_known(name, said[row.code], at)
            yield from _changed(row, new, checks)
            yield from _variants(row, said[row.code], at)


def _variants(reward: models.Model, words: Mapping[str, Any], at: datetime) -> Iterator[Changed]:
    said = {each["code"]: each for each in words.get("variants", [])}
    for row in Variant.objects.filter(reward=reward.pk, code__in=said).order_by("id"):
        new = preset_rewards.said_of_known("variants", said[row.code], at)
        yield from _changed(row, new, variants.CHECKS)


def _tiers(ladder: Sequence[Mapping[str, Any]]) -> Iterator[Changed]:
    """The lowest becomes the lowest of the ladder, and so on; what it leaves out is as in a new tier."""
    held = list(member_queries.tiers()) if ladder else []
    for rank, (tier, words) in enumerate(zip(held, ladder, strict=False)):
        made = Tier(**tiering.checked({**words, "rank": rank}))
        new = {name: getattr(made, name) for name in tiering.CHECKS if name != "rank"}
        yield from _changed(tier, new, {})
    for tier in held[len(ladder) :]:
        yield Changed(kind=_kind(tier), name=tier.name, is_dropped=True)


def _changed(
    row: Any, said: Mapping[str, Any], checks: Mapping[str, validation.Check]
) -> Iterator[Changed]:
    """The row with what would be different, if anything is."""
    found = [
        Change(
            label=_label(row, name), before=_text(row, name, before), after=_text(row, name, after)
        )
        for name, before, after in _pairs(row, said, checks)
        if before != after
    ]
    if found:
        yield Changed(kind=_kind(row), name=row.name, changes=found)


def _pairs(
    row: Any, said: Mapping[str, Any], checks: Mapping[str, validation.Check]
) -> Iterator[tuple[str, Any, Any]]:
    for name, value in said.items():
        before = getattr(row, name)
        if isinstance(before, models.Model):
            before = getattr(before, "code", before.pk)
        is_raw = name in _NAMED or name not in checks
        yield name, before, value if is_raw else checks[name](value, f"/{name}")


# ---- as texts -------------------------------------------------------------------------------------
def in_one_line(changed: Changed) -> str:
    """For a terminal: "reward 10 元抵用金: name 10 元抵用金 → 10 元券; points 900 → 1,000"."""
    if changed.is_dropped:
        said = pgettext("what is there already", "goes")
    else:
        said = _("; ").join(
            f"{each.label} {each.before} → {each.after}" for each in changed.changes
        )
    return _("%(kind)s %(name)s: %(changes)s") % {
        "kind": changed.kind,
        "name": changed.name,
        "changes": said,
    }


def _kind(row: models.Model) -> str:
    return str(row._meta.verbose_name)


def _label(row: models.Model, name: str) -> str:
    return str(row._meta.get_field(name).verbose_name)  # type: ignore[union-attr]


def _text(row: models.Model, name: str, value: Any) -> str:
    """A value as people read it, cut short."""
    choices = dict(getattr(row._meta.get_field(name), "flatchoices", ()))
    if isinstance(value, str) and value in choices:
        return str(choices[value])
    said = _plain(value)
    return f"{said[:LONGEST]}…" if len(said) > LONGEST else said or "—"


def _plain(value: Any) -> str:
    if value is None:
        return ""
    for kinds, words in _WORDS:
        if isinstance(value, kinds):
            return words(value)
    return " ".join(str(value).split())


def _pairs_in_a_row(value: Mapping[str, Any]) -> str:
    if "name" in value:  # a benefit of a tier
        return str(value["name"])
    return in_a_row(f"{key} {_plain(each)}" for key, each in value.items())


#: The first that fits: a truth value is a whole number too.
_WORDS: Sequence[tuple[type | tuple[type, ...], Callable[[Any], str]]] = (
    (bool, lambda value: _("yes") if value else _("no")),
    (int, lambda value: f"{value:,}"),
    (Decimal, lambda value: f"{value.normalize():,f}"),
    (datetime, moment_words),
    (dict, _pairs_in_a_row),
    ((list, tuple), lambda value: in_a_row(map(_plain, value))),
)
_KINDS: Sequence[tuple[str, type[models.Model], Mapping[str, validation.Check]]] = (
    ("projects", DonationProject, projects.CHECKS),
    ("rewards", Reward, reward_checks.CHECKS),
    ("offers", Offer, offers.CHECKS),
    ("draws", Draw, draw_editing.CHECKS),
)
