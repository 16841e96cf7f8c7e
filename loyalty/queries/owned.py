"""What members own now, as a part of larger statements: who asks about many decides in the database."""

from loyalty.queries.due import DUE_LOTS


def owned_points(*, members: str) -> str:
    """A statement for (member_id, points): the active points of members less their debt, whatever has fallen due.

    `members` is a statement for member ids; the parameters are the moment, then those of `members`.
    """
    due = DUE_LOTS.replace("ANY(%s)", "ANY(ARRAY(SELECT id FROM asked))")
    return f"""
    WITH asked AS MATERIALIZED (
        SELECT w.id, w.member_id, w.active, w.debt, moment.at
        FROM loyalty_wallet w JOIN loyalty_pointtype p ON p.id = w.point_type_id AND p.code = 'points'
        CROSS JOIN (SELECT %s::timestamptz AS at) moment
        WHERE w.member_id IN ({members})
    )
    SELECT w.member_id, (w.active - w.debt + coalesce(m.more, 0))::bigint AS points
    FROM asked w LEFT JOIN (
        SELECT wallet_id, sum(activated + released - lapsing) AS more
        FROM ({due.replace("%s::timestamptz", "(SELECT max(at) FROM asked)")}) due GROUP BY wallet_id
    ) m ON m.wallet_id = w.id"""
