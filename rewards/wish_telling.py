"""Telling members when what they wish for can be had: by points, or because it is there again.

A wish is told once. It is told again when it could not be had in between: the points fell below its price, it ran out
or went off sale. One statement decides for a thousand wishes, from the wallets as they are now.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection

from loyalty import queries as loyalty_queries
from members import messages
from members.messages import Notice
from members.transactions import in_transaction
from rewards import message_words, wish_terms
from rewards.wish_terms import Terms

BATCH = 1_000

# `told`: may be had now and nobody said so yet. Parameters: the terms as arrays; the moment; the wish after which to go
# on, how many; the moment.
_DECIDE = f"""
WITH terms AS (
    SELECT * FROM unnest(
        %s::bigint[], %s::bigint[], %s::boolean[], %s::bigint[], %s::bigint[],
        %s::bigint[], %s::int[], %s::int[], %s::timestamptz[]
    ) AS t (reward_id, tier_id, is_there, price, regular, offer_id, offer_limit, piece_limit, since)
),
moment AS (SELECT %s::timestamptz AS at),
batch AS MATERIALIZED (
    SELECT w.id, w.member_id, w.reward_id, w.told_at, w.gone_at, m.tier_id, m.status = 'active' AS is_free
    FROM rewards_wish w JOIN members_member m ON m.id = w.member_id
    WHERE w.id > %s ORDER BY w.id LIMIT %s FOR SHARE OF m SKIP LOCKED FOR UPDATE OF w SKIP LOCKED
),
owned AS MATERIALIZED ({loyalty_queries.owned_points(members="SELECT member_id FROM batch")}),
decided AS (
    SELECT b.id, t.is_there, o.points >= p.price AS suffices, p.price, b.gone_at IS NOT NULL AS was_gone,
        b.told_at IS NULL AND t.is_there AND o.points >= p.price AND b.is_free
            AND coalesce(had.pieces < t.piece_limit, true) AS told
    FROM batch b
    JOIN terms t ON t.reward_id = b.reward_id AND t.tier_id = b.tier_id
    JOIN owned o ON o.member_id = b.member_id
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(r.quantity) FILTER (WHERE t.since IS NULL OR r.redeemed_at >= t.since), 0) AS pieces,
            coalesce(sum(r.quantity) FILTER (WHERE r.offer_id = t.offer_id), 0) AS on_offer
        FROM rewards_redemption r
        WHERE (t.piece_limit IS NOT NULL OR t.offer_id IS NOT NULL)
            AND r.member_id = b.member_id AND r.reward_id = b.reward_id AND r.state <> 'cancelled'
            AND NOT (r.state = 'expired' AND r.reserved_until IS NOT NULL)
    ) had ON true
    CROSS JOIN LATERAL (
        SELECT CASE WHEN t.offer_id IS NOT NULL AND had.on_offer >= t.offer_limit THEN t.regular ELSE t.price END AS price
    ) p
),
changed AS (
    UPDATE rewards_wish w SET
        told_at = CASE WHEN d.told THEN moment.at WHEN d.is_there AND d.suffices THEN w.told_at END,
        gone_at = CASE WHEN NOT d.is_there THEN coalesce(w.gone_at, moment.at)
            WHEN d.suffices AND NOT d.told AND w.told_at IS NULL THEN w.gone_at END
    FROM decided d, moment
    WHERE d.id = w.id AND (d.told OR (w.told_at IS NOT NULL AND NOT (d.is_there AND d.suffices))
        OR (w.gone_at IS NULL) = (NOT d.is_there))
    RETURNING w.member_id, w.reward_id, d.price, d.was_gone, d.told
)
SELECT last.id, c.member_id, c.reward_id, c.price, c.was_gone
FROM (SELECT max(id) AS id FROM batch) last LEFT JOIN changed c ON c.told"""


@dataclass(frozen=True, slots=True)
class _Told:
    """A wish that can be had now."""

    member: int
    reward: int
    points: int
    was_gone: bool


def tell(*, at: datetime, link: Callable[[str], str]) -> int:
    """Tell members of the wishes that can be had now; how many messages it were.

    `link` gives the path to go on to for a reward's code. Safe to run twice, and by two workers: what one has at hand
    the other passes over. So is whoever is being closed, merged or changed at this moment.
    """
    terms = wish_terms.terms(at=at)
    sent, after = 0, 0
    while terms:
        last, number = in_transaction(partial(_tell_part, terms, after, at, link))
        sent += number
        if last is None:
            break
        after = last
    return sent


def _tell_part(
    terms: Sequence[Terms], after: int, at: datetime, link: Callable[[str], str]
) -> tuple[int | None, int]:
    """Decide about the next wishes and tell; returns the last of them (None: there was none) and the messages sent."""
    last, told = _decide(terms, after, at)
    rewards = {each.reward.pk: each.reward for each in terms}
    sent = 0
    for template, was_gone in (
        (message_words.WISH_AFFORDABLE, False),
        (message_words.WISH_BACK, True),
    ):
        notices = [
            Notice(
                member=each.member,
                reference=f"{rewards[each.reward].code} {at.isoformat()}",
                data={"reward": rewards[each.reward].name, "points": each.points},
                link=link(rewards[each.reward].code),
            )
            for each in told
            if each.was_gone == was_gone
        ]
        if notices:
            sent += messages.send_all(template=template, notices=notices, at=at)
    return last, sent


def _decide(terms: Sequence[Terms], after: int, at: datetime) -> tuple[int | None, list[_Told]]:
    columns: list[Any] = [
        [each.reward.pk for each in terms],
        [each.tier.pk for each in terms],
        [each.is_there for each in terms],
        [each.points for each in terms],
        [each.regular for each in terms],
        [each.offer for each in terms],
        [each.offer_limit for each in terms],
        [each.limit for each in terms],
        [each.since for each in terms],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_DECIDE, [*columns, at, after, BATCH, at])
        rows = cursor.fetchall()
    return rows[0][0], [_Told(*row[1:]) for row in rows if row[1] is not None]
