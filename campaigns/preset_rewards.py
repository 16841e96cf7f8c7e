"""What members get in a preset: donation projects, rewards with their variants, offers and draws, by the verbs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from loyalty import programs
from rewards import catalogue, draw_editing, offers, projects, variants
from rewards.models import DonationProject, Draw, Offer, Reward, Variant

MORNING = time(9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelves:
    """What was made or changed."""

    projects: Sequence[DonationProject]
    rewards: Sequence[Reward]
    offers: Sequence[Offer]
    draws: Sequence[Draw]


def fill(*, words: Mapping[str, Any], by: str, at: datetime) -> Shelves:
    """Make what the preset's words name, or change what has its code; windows begin at `at`. Raises what the verbs raise.

    Of what is there already the stock stays as it is, and a draw's prizes, which may be in an open round. Draws come before the tickets for them, after the rewards that can be won.
    """
    said = words.get("rewards", [])
    made_projects = [_project(each, by, at) for each in words.get("projects", [])]
    prizes = [_reward(each, by, at) for each in said if "draw" not in each]
    draws = [_draw(each, at) for each in words.get("draws", [])]
    tickets = [_reward(each, by, at) for each in said if "draw" in each]
    return Shelves(
        projects=made_projects,
        rewards=[*prizes, *tickets],
        offers=[_offer(each, by, at) for each in words.get("offers", [])],
        draws=draws,
    )


def said_of_known(kind: str, words: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """What a preset says of something that is there: the stock stays, and a draw's prizes; windows begin at `at`.

    `kind` is its place among the words: projects, rewards, variants, offers or draws.
    """
    said = _SAID[kind](words, at)
    return {name: value for name, value in said.items() if name not in ("stock", "prizes")}


def _reward_said(words: Mapping[str, Any], _at: datetime) -> dict[str, Any]:
    return {name: value for name, value in words.items() if name != "variants"}


def _variant_said(words: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    said = {
        name: value
        for name, value in words.items()
        if name not in ("begins_in_days", "lasts_hours")
    }
    if "begins_in_days" in words:
        begins_at = _morning(at, words["begins_in_days"])
        ends_at = begins_at + timedelta(hours=words["lasts_hours"])
        said |= {"begins_at": begins_at, "ends_at": ends_at}
    return said


def _offer_said(words: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    said = {name: value for name, value in words.items() if name != "runs_for_days"}
    return said | {"starts_at": at, "ends_at": at + timedelta(days=words["runs_for_days"])}


_SAID: Mapping[str, Callable[[Mapping[str, Any], datetime], dict[str, Any]]] = {
    "projects": lambda words, _at: dict(words),
    "rewards": _reward_said,
    "variants": _variant_said,
    "offers": _offer_said,
    "draws": lambda words, _at: dict(words),
}


def _project(words: Mapping[str, Any], by: str, at: datetime) -> DonationProject:
    known = DonationProject.objects.filter(code=words["code"]).first()
    if known is None:
        return projects.create(changes=words)
    return projects.change(project=known, changes=words)


def _reward(words: Mapping[str, Any], by: str, at: datetime) -> Reward:
    known = Reward.objects.filter(code=words["code"]).first()
    if known is None:
        reward = catalogue.create(changes=_reward_said(words, at), by=by, at=at)
    else:
        said = said_of_known("rewards", words, at)
        reward = catalogue.change(reward=known, changes=said, by=by, at=at)
    for each in words.get("variants", []):
        _variant(reward, each, by, at)
    return reward


def _variant(reward: Reward, words: Mapping[str, Any], by: str, at: datetime) -> Variant:
    known = Variant.objects.filter(reward=reward, code=words["code"]).first()
    if known is None:
        return variants.create(reward=reward, changes=_variant_said(words, at), by=by, at=at)
    said = said_of_known("variants", words, at)
    return variants.change(variant=known, changes=said, by=by, at=at)


def _morning(at: datetime, days: int) -> datetime:
    """The morning of the program's day so many days later."""
    zone = programs.current().zone
    day = at.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, MORNING, zone)


def _offer(words: Mapping[str, Any], by: str, at: datetime) -> Offer:
    known = Offer.objects.filter(code=words["code"]).first()
    if known is None:
        return offers.create(changes=_offer_said(words, at), by=by, at=at)
    return offers.change(offer=known, changes=said_of_known("offers", words, at), by=by, at=at)


def _draw(words: Mapping[str, Any], at: datetime) -> Draw:
    known = Draw.objects.filter(code=words["code"]).first()
    if known is None:
        return draw_editing.create(changes=words, at=at)
    return draw_editing.change(draw=known, changes=said_of_known("draws", words, at), at=at)
