"""Wallets of members who were closed: from then on the database lets nothing in."""

from collections.abc import Sequence

from loyalty.ledger.database import run

_CLOSE = "UPDATE loyalty_wallet SET is_closed = true WHERE id = ANY(%s)"


def close(*, wallets: Sequence[int]) -> None:
    """Close wallets (ids) that are locked and empty, for ever: a posting that brings points raises MemberClosed."""
    run(_CLOSE, [list(wallets)])
