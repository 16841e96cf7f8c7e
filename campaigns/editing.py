"""Campaigns: made and changed; every change is kept as a version, so that awards can name what they followed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import budgets, conditions, effects, limits, triggers
from campaigns.errors import CampaignEnded, NeedsApproval, WrongState
from campaigns.models import Campaign, CampaignVersion
from loyalty import queries as loyalty_queries
from members import transactions, validation
from members.errors import InvalidInput

State = Campaign.State

#: Where a campaign may go from where it stands; what has ended stays ended.
STEPS: Mapping[str, tuple[str, ...]] = {
    State.DRAFT: (State.ACTIVE, State.ENDED),
    State.ACTIVE: (State.PAUSED, State.ENDED),
    State.PAUSED: (State.ACTIVE, State.ENDED),
    State.ENDED: (),
}


# Every program's clock can show it, however far from UTC it is.
EARLIEST, LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


def _moment(value: object, pointer: str) -> datetime:
    moment: datetime = validation.moment(value, pointer)
    if not EARLIEST <= moment <= LATEST:
        raise InvalidInput(pointer, "invalid", _("This moment is outside the calendar."))
    return moment


def _as_it_is(value: object, _pointer: str) -> object:
    """Checked once the trigger is known."""
    return value


CHECKS: dict[str, validation.Check] = {
    "code": validation.code,
    "name": validation.text(longest=100, shortest=1),
    "description": validation.text(longest=300),
    "state": validation.choice(State.values),
    "starts_at": validation.optional(_moment),
    "ends_at": validation.optional(_moment),
    "trigger": triggers.checked,
    "conditions": _as_it_is,
    "effect": _as_it_is,
    "limits": limits.cleaned,
    "combine": limits.combination,
    "partner": validation.optional(validation.text(longest=100, shortest=1)),
    "partner_share": validation.optional(validation.decimal(places=4, most=Decimal(1))),
    "is_public": validation.flag,
}


# ---- what a campaign says -------------------------------------------------------------------------
def content(campaign: Campaign) -> dict[str, Any]:
    """What a campaign says, as the API shows it and as versions keep it; every limit is there, null for none."""
    share = campaign.partner_share
    return {
        "code": campaign.code,
        "name": campaign.name,
        "description": campaign.description,
        "state": str(campaign.state),
        "starts_at": _shown(campaign.starts_at),
        "ends_at": _shown(campaign.ends_at),
        "trigger": campaign.trigger,
        "conditions": dict(campaign.conditions),
        "effect": dict(campaign.effect),
        "limits": {**limits.NO_LIMITS, **campaign.limits},
        "combine": {**limits.ALONE, **campaign.combine},
        "partner": campaign.partner,
        "partner_share": None if share is None else effects.plain(Decimal(share)),
        "is_public": campaign.is_public,
        "version": campaign.version,
    }


def _shown(moment: datetime | None) -> str | None:
    """RFC 3339 in the program's time zone; in UTC where its offset has odd seconds (before 1901)."""
    if moment is None:
        return None
    local = timezone.localtime(moment)
    offset = local.utcoffset() or timedelta(0)
    return (local if offset.seconds % 60 == 0 else moment.astimezone(UTC)).isoformat()


# ---- making and changing --------------------------------------------------------------------------
def create(*, changes: Mapping[str, object], by: str, at: datetime) -> Campaign:
    """Make a campaign: code, name, effect and what else differs from the defaults; a draft unless a state is named.

    Raises InvalidInput, also when the code is taken, NotFound (a reward), and NeedsApproval when it should run at once
    but a second person has to approve campaigns.
    """
    validation.require(changes, ["code", "name", "effect"])

    def work() -> Campaign:
        campaign = Campaign(created_by=by[:150])
        _set(campaign, {"conditions": {}, "limits": {}, "combine": {}, **changes})
        if Campaign.objects.filter(code=campaign.code).exists():
            raise _taken()
        if campaign.state == State.ACTIVE:
            refuse_unapproved(campaign)
        try:
            with transaction.atomic():
                campaign.save(force_insert=True)
        except IntegrityError:  # made by somebody else in this very moment
            raise _taken() from None
        budgets.keep(campaign=campaign, at=at)
        _keep_version(campaign, by, at)
        return campaign

    return transactions.in_transaction(work)


def checked(*, changes: Mapping[str, object]) -> Campaign:
    """What `create` would make, checked but not saved: for a look at what it would do. Raises InvalidInput and NotFound."""
    validation.require(changes, ["code", "name", "effect"])
    campaign = Campaign()
    _set(campaign, {"conditions": {}, "limits": {}, "combine": {}, **changes})
    return campaign


def change(
    *, campaign: Campaign, changes: Mapping[str, object], by: str, at: datetime
) -> Campaign:
    """Change a campaign, its state included; conditions, effect, limits and combination are replaced whole.

    Returns the campaign as it is now, with one version more unless everything stayed as it was. Findings of the lint do
    not matter here. Raises InvalidInput, NotFound (a reward), CampaignEnded, WrongState and NeedsApproval.
    """

    def work() -> Campaign:
        fresh = locked(campaign)
        before = content(fresh)
        values = _set(fresh, changes)
        validation.refuse_other_code(values, before["code"])
        write(campaign=fresh, before=before, by=by, at=at)
        return fresh

    return transactions.in_transaction(work)


def locked(campaign: Campaign) -> Campaign:
    """The campaign as it is now, locked, so that two who change it come one after the other."""
    return Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)


def write(*, campaign: Campaign, before: Mapping[str, Any], by: str, at: datetime) -> None:
    """Write down a locked campaign that said `before` (its content) until now, as a new version if it says otherwise.

    Raises CampaignEnded, WrongState, NeedsApproval and InvalidInput (the budget).
    """
    after = content(campaign)
    if after == before:
        return
    _refuse_step(campaign, before["state"])
    if after != {**before, "state": after["state"]}:
        # What was approved or accepted was what it said before.
        campaign.requested_by, campaign.requested_at, campaign.approved_by = "", None, ""
        campaign.accepted_findings = []
    if campaign.state == State.ACTIVE:
        refuse_unapproved(campaign)
    campaign.version += 1
    campaign.save()
    if after["limits"] != before["limits"]:
        budgets.keep(campaign=campaign, at=at)
    _keep_version(campaign, by, at)


def refuse_unapproved(campaign: Campaign) -> None:
    """Refuse that a campaign runs as it is before a second person has approved it, where the program asks for one."""
    if not campaign.approved_by and loyalty_queries.program().campaigns_need_approval:
        raise NeedsApproval(campaign=campaign.code)


def _refuse_step(campaign: Campaign, before: str) -> None:
    if before == State.ENDED:
        raise CampaignEnded(campaign=campaign.code)
    if campaign.state != before and campaign.state not in STEPS[before]:
        raise WrongState(state=before, wanted=str(campaign.state))


def _keep_version(campaign: Campaign, by: str, at: datetime) -> None:
    CampaignVersion.objects.create(
        campaign=campaign,
        number=campaign.version,
        content=content(campaign),
        by=by[:150],
        at=at,
    )


# ---- checking -------------------------------------------------------------------------------------
def _set(campaign: Campaign, changes: Mapping[str, object]) -> dict[str, Any]:
    """Put checked values on the campaign, in memory; what depends on the trigger is checked with the new one."""
    values = validation.cleaned(changes, CHECKS)
    trigger = values.get("trigger", campaign.trigger)
    is_other = trigger != campaign.trigger
    if "conditions" in values or is_other:
        said = values.get("conditions", campaign.conditions)
        values["conditions"] = conditions.cleaned(said, trigger=trigger)
    if "effect" in values or is_other:
        said = values.get("effect", campaign.effect)
        values["effect"] = effects.cleaned(said, trigger=trigger)
    for name, value in values.items():
        setattr(campaign, name, value)
    _refuse_disorder(campaign, values)
    return values


def _refuse_disorder(campaign: Campaign, values: Mapping[str, Any]) -> None:
    starts_at, ends_at = campaign.starts_at, campaign.ends_at
    if starts_at and ends_at and ends_at <= starts_at:
        raise InvalidInput(
            "/ends_at" if "ends_at" in values else "/starts_at",
            "invalid",
            _("A campaign must end after it has started."),
        )
    if campaign.partner_share is not None and campaign.partner is None:
        raise InvalidInput(
            "/partner_share" if "partner_share" in values else "/partner",
            "no_partner",
            _("Name the partner who bears this share."),
        )


def _taken() -> InvalidInput:
    return InvalidInput("/code", "taken", _("There is already a campaign with this code."))
