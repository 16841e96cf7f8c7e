"""A campaign's life: asked for, approved by a second person, started, paused, ended."""

from collections.abc import Collection
from datetime import datetime

from campaigns import editing, linting
from campaigns.errors import CampaignEnded, FindingsOpen, NothingAsked, SelfApproval, WrongState
from campaigns.models import Campaign
from members.transactions import in_transaction

State = Campaign.State


def start(
    *, campaign: Campaign, by: str, at: datetime, accepted: Collection[str] = ()
) -> Campaign:
    """Let a draft run, or a paused campaign go on; before its window it is scheduled. A running one comes back as it is.

    `accepted` are the codes of blocking findings that the caller has read and accepts. Raises FindingsOpen,
    NeedsApproval, CampaignEnded.
    """

    def work() -> Campaign:
        fresh = editing.locked(campaign)
        if fresh.state != State.ACTIVE:
            _refuse_findings(fresh, accepted, at)
            _go(fresh, State.ACTIVE, by, at)
        return fresh

    return in_transaction(work)


def pause(*, campaign: Campaign, by: str, at: datetime) -> Campaign:
    """Let a running campaign rest until it is started again. Raises CampaignEnded and WrongState (a draft)."""
    return _moved(campaign, State.PAUSED, by, at)


def end(*, campaign: Campaign, by: str, at: datetime) -> Campaign:
    """End a campaign at once and for good; one that has ended comes back as it is."""
    return _moved(campaign, State.ENDED, by, at)


def _moved(campaign: Campaign, state: State, by: str, at: datetime) -> Campaign:
    def work() -> Campaign:
        fresh = editing.locked(campaign)
        _go(fresh, state, by, at)
        return fresh

    return in_transaction(work)


def _go(fresh: Campaign, state: State, by: str, at: datetime) -> None:
    before = editing.content(fresh)
    fresh.state = state
    editing.write(campaign=fresh, before=before, by=by, at=at)


# ---- a second person ------------------------------------------------------------------------------
def ask_approval(
    *, campaign: Campaign, by: str, at: datetime, accepted: Collection[str] = ()
) -> Campaign:
    """Ask a second person to let a draft or a paused campaign run; who asked first stays the one who asked.

    Raises FindingsOpen, CampaignEnded and WrongState (it runs already).
    """

    def work() -> Campaign:
        fresh = _waiting(campaign)
        if not fresh.requested_by:
            _refuse_findings(fresh, accepted, at)
            fresh.requested_by, fresh.requested_at, fresh.approved_by = by[:150], at, ""
            fresh.save(
                update_fields=["requested_by", "requested_at", "approved_by", "accepted_findings"]
            )
        return fresh

    return in_transaction(work)


def approve(
    *, campaign: Campaign, by: str, at: datetime, accepted: Collection[str] = ()
) -> Campaign:
    """Let a campaign run that somebody else asked for.

    Raises SelfApproval, NothingAsked (also when it was changed since), FindingsOpen, CampaignEnded and WrongState.
    """

    def work() -> Campaign:
        fresh = _asked(campaign)
        if by[:150] == fresh.requested_by:
            raise SelfApproval
        _refuse_findings(fresh, accepted, at)
        fresh.approved_by = by[:150]
        _go(fresh, State.ACTIVE, by, at)
        return fresh

    return in_transaction(work)


def refuse(*, campaign: Campaign, by: str, at: datetime) -> Campaign:
    """Turn the request down, or take it back: the campaign stays where it is and may be asked for again.

    Raises NothingAsked, CampaignEnded and WrongState.
    """

    def work() -> Campaign:
        fresh = _asked(campaign)
        fresh.requested_by, fresh.requested_at, fresh.approved_by = "", None, ""
        fresh.save(update_fields=["requested_by", "requested_at", "approved_by"])
        return fresh

    return in_transaction(work)


def _waiting(campaign: Campaign) -> Campaign:
    """The campaign, locked; it does not run yet."""
    fresh = editing.locked(campaign)
    if fresh.state == State.ENDED:
        raise CampaignEnded(campaign=fresh.code)
    if fresh.state == State.ACTIVE:
        raise WrongState(state=fresh.state, wanted=State.ACTIVE.value)
    return fresh


def _asked(campaign: Campaign) -> Campaign:
    fresh = _waiting(campaign)
    if not fresh.requested_by or fresh.approved_by:
        raise NothingAsked(campaign=fresh.code)
    return fresh


# ---- findings -------------------------------------------------------------------------------------
def open_findings(*, campaign: Campaign, at: datetime) -> list[linting.Finding]:
    """What the lint finds that blocks a start and that nobody has accepted yet."""
    return [
        each
        for each in linting.findings(campaign, at)
        if each["severity"] == linting.BLOCKING and each["code"] not in campaign.accepted_findings
    ]


def _refuse_findings(fresh: Campaign, accepted: Collection[str], at: datetime) -> None:
    """Note what is accepted, in memory; refuse what is left open."""
    left = open_findings(campaign=fresh, at=at)
    if refused := [each for each in left if each["code"] not in accepted]:
        raise FindingsOpen(findings=refused)
    fresh.accepted_findings = sorted({*fresh.accepted_findings, *(each["code"] for each in left)})
