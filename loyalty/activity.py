"""What members do themselves: own orders, redemptions and captures keep points alive under the policy `inactivity`."""

from datetime import datetime
from functools import partial

from loyalty import expiry, ledger
from loyalty.ledger import Held
from loyalty.models import Order, Program


def note_order(*, held: Held, order: Order) -> None:
    """Note an own order at the moment it was placed; `keep_alive` follows once everything is posted.

    Redemptions and captures are noted by the ledger itself.
    """
    if order.member_id is None or order.status == Order.Status.CANCELLED:
        return
    for type_code in ("points", "status"):
        held.of(order.member_id, type_code).note_activity(min(order.placed_at, held.at))


def keep_alive(*, held: Held, program: Program) -> None:
    """After the postings of a call: write what was noted, and under `inactivity` move the lots.

    Every open lot that has not lapsed yet lives at least to the end of the day N months after the activity; for status
    points only own orders count. No statement is needed where there is nothing to do.
    """
    ledger.write_activity(held=held)
    wallets = [wallet for wallet in held.wallets.values() if wallet.activity is not None]
    for type_code in ("points", "status"):
        rules = expiry.rules(program, type_code)
        until = {
            wallet.id: _end(rules, wallet.activity)
            for wallet in wallets
            if wallet.activity and wallet.type_code == type_code
            if rules.policy == Program.ExpiryPolicy.INACTIVITY
        }
        if until:
            ledger.extend(held=held, until=until, of_pending=partial(_end, rules))
    for wallet in wallets:
        wallet.activity = None


def _end(rules: expiry.Rules, moment: datetime) -> datetime:
    end = rules.lapse_at(moment)
    assert end is not None
    return end
