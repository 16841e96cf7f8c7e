"""A program set up from a preset: settings, tiers, rewards, offers, draws and campaigns in one step, all or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from campaigns import editing, lifecycle, phases, preset_changes, preset_rewards
from campaigns.errors import NeedsApproval
from campaigns.models import Campaign
from campaigns.preset_changes import Changed
from campaigns.preset_files import Preset
from campaigns.preset_rewards import Shelves
from loyalty import switching
from loyalty.models import Program
from members import ladders, transactions
from members.models import Tier

#: What a preset leaves out is as it is in a new program.
USUAL: Mapping[str, Any] = {
    "earn_rate": "1",
    "status_rate": "1",
    "award_on": "paid",
    "rounding": "floor",
    "stacking": "multiply",
    "point_value": "0.01",
    "pending_days": 0,
    "earn_on_points_paid": False,
    "pay_with_points": {"max_share": "1", "min": None, "step": None},
}
#: Campaigns say here which preset made them.
MADE_BY = "preset:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a preset made: the program, its tiers, what is on its shelves, campaigns; and which of others now rest.

    `changed` is what was there before and says something else now, `waiting` are those of its campaigns that a second
    person has to approve before they run.
    """

    program: Program
    tiers: Sequence[Tier]
    shelves: Shelves
    campaigns: Sequence[Campaign]
    paused: Sequence[Campaign]
    changed: Sequence[Changed]

    @property
    def waiting(self) -> list[Campaign]:
        return [campaign for campaign in self.campaigns if phases.is_waiting(campaign)]


def load(*, preset: Preset, by: str, at: datetime) -> Loaded:
    """Set the program up as the preset says; again, it comes to the same.

    Rewards, offers, draws and campaigns of the same codes are changed; running campaigns of other presets are paused,
    the merchant's own go on; what else was on the shelves stays there. Where a second person approves campaigns, `by`
    asks for it and the campaigns wait. Raises TiersInUse where members hold more tiers
    than there would be, and what the single verbs raise; then nothing changes.
    """
    words = preset.words()

    def work() -> Loaded:
        changed = preset_changes.changed_by(preset=preset, at=at)
        settings = {**USUAL, **words.get("program", {})}
        program = switching.change_program(changes=settings, at=at).program
        tiers = ladders.replace(ladder=words["tiers"]) if words.get("tiers") else []
        shelves = preset_rewards.fill(words=words, by=by, at=at)
        paused = _pause_others(preset, by, at)
        campaign = _asked if program.campaigns_need_approval else _running
        campaigns = [campaign(each, preset, by, at) for each in words["campaigns"]]
        return Loaded(
            program=program,
            tiers=tiers,
            shelves=shelves,
            campaigns=campaigns,
            paused=paused,
            changed=changed,
        )

    return transactions.in_transaction(work)


def others(*, preset: Preset) -> list[Campaign]:
    """The running campaigns that other presets made."""
    own = {each["code"] for each in preset.data["campaigns"]}
    found = Campaign.objects.filter(
        state=Campaign.State.ACTIVE, created_by__startswith=MADE_BY
    ).exclude(code__in=own)
    return list(found.order_by("id"))


def beside(*, preset: Preset) -> list[Campaign]:
    """The merchant's own running campaigns that tell of the same things as the preset's: both will give."""
    triggers = {each["trigger"] for each in preset.data["campaigns"]}
    running = Campaign.objects.filter(state=Campaign.State.ACTIVE, trigger__in=triggers)
    return list(running.exclude(created_by__startswith=MADE_BY).order_by("id"))


def _pause_others(preset: Preset, by: str, at: datetime) -> list[Campaign]:
    """Let the running campaigns of other presets rest: what they give would come on top."""
    return [lifecycle.pause(campaign=campaign, by=by, at=at) for campaign in others(preset=preset)]


def _running(words: Mapping[str, Any], preset: Preset, by: str, at: datetime) -> Campaign:
    """A campaign as the preset says it, running."""
    changes = {**_changes(words, at), "state": Campaign.State.ACTIVE}
    known = _own(words["code"], preset)
    if known is None:
        return _new(changes, preset, at)
    return editing.change(campaign=known, changes=changes, by=by, at=at)


def _asked(words: Mapping[str, Any], preset: Preset, by: str, at: datetime) -> Campaign:
    """A campaign as the preset says it, waiting for a second person; one that runs like that already goes on."""
    changes = _changes(words, at)
    known = _own(words["code"], preset)
    if known is None:
        return _ask(_new(changes, preset, at), by, at)
    active = {**changes, "state": Campaign.State.ACTIVE}
    try:
        return editing.change(campaign=known, changes=active, by=by, at=at)
    except NeedsApproval:
        if known.state == Campaign.State.ACTIVE:
            known = lifecycle.pause(campaign=known, by=by, at=at)
        changed = editing.change(campaign=known, changes=changes, by=by, at=at)
        return _ask(changed, by, at)


def _ask(campaign: Campaign, by: str, at: datetime) -> Campaign:
    """Ask for approval; what the lint finds is meant so by the preset."""
    found = lifecycle.open_findings(campaign=campaign, at=at)
    accepted = [each["code"] for each in found]
    return lifecycle.ask_approval(campaign=campaign, by=by, at=at, accepted=accepted)


def _changes(words: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    said = {name: value for name, value in words.items() if name != "runs_for_days"}
    if "runs_for_days" in words:
        said |= {"starts_at": at, "ends_at": at + timedelta(days=words["runs_for_days"])}
    return {"conditions": {}, "limits": {}, **said}


def _new(changes: Mapping[str, Any], preset: Preset, at: datetime) -> Campaign:
    named = {**changes, "code": _free_code(changes["code"])}
    return editing.create(changes=named, by=f"{MADE_BY}{preset.name}", at=at)


def _own(code: str, preset: Preset) -> Campaign | None:
    """The preset's campaign of this code that may be changed."""
    known = Campaign.objects.filter(code=code).first()
    return known if known is not None and _may_change(known, preset) else None


def _may_change(campaign: Campaign, preset: Preset) -> bool:
    """Whether it was made by the preset and has not ended: what the merchant made stays as it is."""
    is_own = campaign.created_by == f"{MADE_BY}{preset.name}"
    return is_own and campaign.state != Campaign.State.ENDED


def _free_code(code: str) -> str:
    """The code, or the first of code-2, code-3 … that no campaign has."""
    taken = set(Campaign.objects.filter(code__startswith=code).values_list("code", flat=True))
    names = (f"{code}-{number}" if number > 1 else code for number in count(1))
    return next(name for name in names if name not in taken)
