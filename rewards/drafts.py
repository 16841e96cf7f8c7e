"""Drafts: points, stock and limit are kept for a while, until the redemption is paid and issued or times out."""

from datetime import datetime, timedelta

from loyalty import asides
from loyalty.asides import Aside, Spent
from members import transactions
from rewards import queries, redemption, timeouts, vouchers
from rewards.models import Redemption
from rewards.redemption import Redeemed, RedemptionRequest
from rewards.redemption_errors import RedemptionClosed
from rewards.redemption_requests import Wish

PURPOSE = "redemption"
State = Redemption.State


def reserve(*, request: RedemptionRequest, at: datetime) -> Redeemed:
    """Set the points aside and keep stock and limit for the reward's `draft_minutes`; nothing is issued yet.

    Raises as `redemption.redeem`.
    """
    return redemption.make(request=request, kind="draft", pay=_set_aside, at=at)


def _set_aside(made: Redemption, wish: Wish, at: datetime) -> None:
    until = at + timedelta(minutes=made.reward.draft_minutes)
    aside = Aside(points=made.points, purpose=PURPOSE, reference=made.number, until=until)
    made.hold = asides.set_aside(member=wish.member, aside=aside, at=at)
    made.state = State.RESERVED
    made.reserved_until = until
    made.save(update_fields=["hold", "state", "reserved_until"])


def issue(*, number: str, at: datetime) -> Redemption:
    """Spend what a draft keeps and issue what was redeemed, all or nothing; an issued one comes back as it is.

    Raises NotFound, RedemptionClosed (cancelled or timed out), MemberClosed or WalletFrozen.
    """
    found = queries.redemption(number)

    def work() -> Redemption:
        member = vouchers.lock_owner(found.pk, at)
        draft = redemption.lock(found.pk)
        if timeouts.is_over(draft, at) or draft.state in {State.CANCELLED, State.EXPIRED}:
            raise RedemptionClosed(state=redemption.state_of(draft, at))
        if draft.state == State.RESERVED:
            assert draft.hold is not None
            spent = Spent(
                details=redemption.entry_details(draft),
                explanation=redemption.explanation(draft),
                store=draft.store_id,
            )
            asides.spend(hold=draft.hold, member=member, spent=spent, at=at)
            redemption.settle(draft, at=at)
        return queries.redemptions().get(pk=found.pk)

    return transactions.in_transaction(work)
